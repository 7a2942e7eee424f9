"""A daemon that is watched: metrics and readiness at a port of its own, traces at a collector."""

import json
import signal
import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

from orchestrator.ledger import Ledger
from orchestrator.model import Status
from tests.contracts.collector import about, collector
from tests.contracts.smtp_server import SLOW, SmtpServer
from tests.installation import CAR, NORA, Home, event, home
from tests.integration.test_daemon import (
    PATIENCE,
    at_any_hour,
    by_smtp,
    daemon,
    ended,
    said,
    stopped,
    until,
)
from tests.integration.test_private_logs import SECRETS

__all__ = ["home"]

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def two(now: datetime) -> str:
    """Another order, whose car arrives now."""
    about = {"customer": "C-1", "journey": "new-car", "attributes": CAR, "owner": NORA}
    lines = [
        event("order.upserted", "A-2", now, **about),
        event("milestone.reached", "A-2", now, milestone="arrived"),
    ]
    return "\n".join(lines)


def test_a_daemon_without_http_is_watched_at_a_port_of_its_own_and_traced(home: Home) -> None:
    at_any_hour(home)
    port = free_port()
    with SmtpServer() as server, collector() as traces:
        settings = by_smtp(server) | {
            "BEFOREHAND_METRICS__PORT": str(port),
            "BEFOREHAND_TELEMETRY__ENDPOINT": traces.url,
        }
        with daemon(home, **settings) as process:
            until(lambda: get(port, "/ready") == (200, '{"status":"ready"}'))
            assert get(port, "/health")[0] == 200
            home.run("ingest", home.story(datetime.now(UTC), timedelta()))
            until(lambda: ended(home, Status.ACCEPTED))
            until(lambda: 'beforehand_lag_seconds_count{channel="email"} 1.0' in get(port, "/metrics")[1])
            metrics = get(port, "/metrics")[1]
            assert 'beforehand_daemons{role="all"} 1.0' in metrics
            assert "beforehand_scan_age_seconds" in metrics
            with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
                (seen,) = tx.daemons()
            assert seen.pid == process.pid
            server.answering(SLOW, at="DATA", times=1)
            home.run("ingest", home.write("two.jsonl", two(datetime.now(UTC))))
            assert server.stalled.wait(PATIENCE)
            process.send_signal(signal.SIGTERM)
            until(lambda: get(port, "/ready")[0] == 503)
            assert "it is stopping" in get(port, "/ready")[1]
            server.going_on()
            process.communicate(timeout=PATIENCE)
            assert process.returncode == 0
        with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
            assert tx.daemons() == []
        sent = traces.named("send")[0]
        entry = about(sent)["entry"]
        assert about(sent)["order"] == "A-1"
        assert about(sent)["channel"] == "email"
        same = [span for span in traces.spans if span.trace_id == sent.trace_id]
        assert {span.name.partition(".")[2] for span in same} >= {
            "dispatch", "claim", "render", "send", "record",
        }  # fmt: skip
        assert [about(span)["entry"] for span in same if span.name == "beforehand.claim"] == [[entry]]
        sendings = b"".join(traces.bodies)
    said_of = sendings.decode("utf-8", "replace") + metrics + said(home)
    assert [secret for secret in (*SECRETS, "maria@example.com") if secret in said_of] == []


def test_an_event_that_says_what_caused_it_goes_on_in_that_trace_whatever_the_collector_answers(
    home: Home,
) -> None:
    port = free_port()
    with collector() as traces:
        settings = {"BEFOREHAND_TELEMETRY__ENDPOINT": traces.url}
        with daemon(home, "serve", "--port", str(port), **settings) as process:
            until(lambda: get(port, "/ready")[0] == 200)
            assert "beforehand_ledger_up 1.0" in get(port, "/metrics")[1]
            traced = {
                "specversion": "1.0", "id": "e-1", "source": "/dealer", "type": "order.upserted",
                "subject": "A-7", "time": datetime.now(UTC).isoformat(), "traceparent": TRACEPARENT,
                "data": {"customer": "C-7", "journey": "new-car"},
            }  # fmt: skip
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/events",
                json.dumps(traced).encode(),
                {"Content-Type": "application/cloudevents+json"},
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 202
            stopped(process)
    (intake,) = traces.named("intake")
    assert intake.trace_id.hex() == TRACEPARENT[3:35]
    assert intake.parent_span_id.hex() == TRACEPARENT[36:52]
    plans = [span for span in traces.named("plan") if span.trace_id == intake.trace_id]
    assert [about(span)["order"] for span in plans] == [["A-7"]]
