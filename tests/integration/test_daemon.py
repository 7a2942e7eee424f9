"""The daemon as a process: how it starts, what it follows, how it ends."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.ledger import Ledger
from orchestrator.model import Entry, Status
from tests.contracts.smtp_server import SLOW, SmtpServer
from tests.installation import BEFOREHAND, Home, environment, home

__all__ = ["home"]

PATIENCE = 60  # seconds until a test gives up on a process; it takes a few
A_MOMENT = 0.05


@contextmanager
def daemon(home: Home, *arguments: str, clock: str = "", **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A process that works on the ledger, its log in daemon.log; with *clock* by the clock in that file."""
    program = [sys.executable, "-m", "tests.chaos.clocks", clock] if clock else BEFOREHAND
    with (
        (home.folder / "daemon.log").open("w") as log,
        subprocess.Popen(
            [*program, *(arguments or ("run",))],
            cwd=home.folder,
            env=environment() | settings,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            until(lambda: "working on" in said(home) or process.poll() is not None)
            yield process
        finally:
            process.kill()


def said(home: Home) -> str:
    return (home.folder / "daemon.log").read_text()


def until(true: Callable[[], object]) -> None:
    """Wait for another process, and give up after a while."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(A_MOMENT)


def stopped(process: subprocess.Popen[str]) -> str:
    """Tell it to stop, and return its last sentence."""
    process.send_signal(signal.SIGTERM)
    last, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return last


def entries(home: Home) -> list[Entry]:
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
        return tx.entries_of(["A-1"])["A-1"]


def ended(home: Home, status: Status) -> list[Entry]:
    return [entry for entry in entries(home) if entry.status is status]


def at_any_hour(home: Home) -> None:
    """Let customers hear of an arrival at once, whatever time it is."""
    home.replace("rules/new-car.yaml", "at: preferred", "at: now")


def arrive(home: Home) -> None:
    """Maria's car arrives now."""
    assert home.run("ingest", home.story(datetime.now(UTC), timedelta()))[0] == 0


def by_smtp(server: SmtpServer) -> dict[str, str]:
    """The settings that send mail for real, to a server of this test."""
    return {
        "BEFOREHAND_CHANNELS__EMAIL__LIVE": "true",
        "BEFOREHAND_CHANNELS__EMAIL__HOST": server.host,
        "BEFOREHAND_CHANNELS__EMAIL__PORT": str(server.port),
        "BEFOREHAND_CHANNELS__EMAIL__STARTTLS": "false",
    }


# ── start ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_ends_serve_with_2_before_anything_is_taken_up(home: Home, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taken:
        try:
            taken.bind((host, 0))
        except OSError:
            host = "127.0.0.1"  # a machine without IPv6 says so, and that is refused as well
        taken.listen()
        port = str(taken.getsockname()[1])
        code, out, err = home.run("serve", "--host", host, "--port", port)
    assert (code, out) == (2, "")
    assert "cannot listen on" in err
    assert "--port" in err
    assert not (home.folder / "beforehand.db").exists()


def test_a_second_daemon_on_the_same_ledger_is_refused_and_names_the_first(home: Home) -> None:
    with daemon(home) as first:
        code, _, err = home.run("run")
        assert code == 1
        assert str(first.pid) in err
        assert "nothing was sent" in stopped(first)


# ── end ──────────────────────────────────────────────────────────────────────


def test_told_to_stop_with_a_message_in_flight_it_hears_the_answer_first(home: Home) -> None:
    at_any_hour(home)
    with SmtpServer() as server, daemon(home, **by_smtp(server)) as process:
        server.answering(SLOW, at="DATA", times=1)
        arrive(home)
        assert server.stalled.wait(PATIENCE)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        server.going_on()
        last, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said(home)
    assert "1 accepted" in last
    assert len(ended(home, Status.ACCEPTED)) == 1
    assert not ended(home, Status.SENDING)


def test_a_mail_server_that_fails_is_in_the_log_in_doctor_and_in_the_last_sentence(home: Home) -> None:
    at_any_hour(home)
    with SmtpServer() as server, daemon(home, **by_smtp(server)) as process:
        server.answering("451 4.3.0 try later", at="dot")
        arrive(home)
        until(lambda: "an attempt failed" in said(home) or "attempts failed" in said(home))
        _, out, _ = home.run("doctor")
        last = stopped(process)
    assert "channel email: " in said(home)
    assert "451 4.3.0" in said(home)
    assert "@" not in said(home)
    assert "sending by email" in out
    assert "will be tried again" in out
    assert "to be tried again" in last
