"""Machines that are killed, frozen and cut off from their database; it takes minutes: `make chaos`."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from orchestrator.model import Status
from tests.contracts.smtp_server import SLOW, SmtpServer
from tests.installation import Home, home
from tests.integration.test_many_machines import (
    PATIENCE,
    arrivals,
    ended,
    machines,
    mails,
    until,
    url,
    workers,
)
from tests.postgres import postgres

__all__ = ["home", "postgres", "url"]

pytestmark = pytest.mark.limit(900)


def identity(content: bytes) -> bytes:
    (line,) = [line for line in content.splitlines() if line.lower().startswith(b"message-id:")]
    return line


def test_two_dispatchers_and_a_planner_send_everything_once(home: Home, url: str) -> None:
    with SmtpServer() as server, machines(home, url, server) as running:
        server.answering(SLOW, at="dot")
        running.start("planner")
        dispatchers = [running.start("dispatcher"), running.start("dispatcher")]
        running.beforehand("ingest", arrivals(home, 300))
        until(lambda: len(workers(url)) == 2)  # one takes not more than it has hands for
        server.accepting()
        server.going_on()
        until(lambda: len(mails(server)) == 300)
        until(lambda: ended(url) == {Status.ACCEPTED: 300})
        said = [dispatcher.stopped() for dispatcher in dispatchers]
    assert set(mails(server).values()) == {1}
    assert all("accepted" in last for last in said), said


def test_what_a_killed_dispatcher_held_is_sent_by_the_other(home: Home, url: str) -> None:
    with SmtpServer() as server, machines(home, url, server) as running:
        running.start("planner")
        slow = running.start("dispatcher")
        server.answering(SLOW, at="dot")
        running.beforehand("ingest", arrivals(home, 300))
        assert server.stalled.wait(PATIENCE)
        until(lambda: ended(url)[Status.DISPATCHED] and ended(url)[Status.SENDING])
        slow.process.kill()
        slow.process.wait()
        server.accepting()
        running.start("dispatcher")
        until(lambda: ended(url) == {Status.ACCEPTED: 300})
    by_address: dict[str, set[bytes]] = {}
    for mail in server.mails:
        by_address.setdefault(mail.to, set()).add(identity(mail.content))
    assert len(mails(server)) == 300
    assert all(len(found) == 1 for to, found in by_address.items() if to.startswith("customer-"))


@contextmanager
def away(postgres: str, url: str) -> Iterator[None]:
    """Let nobody reach the database, and end who has."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_after_an_outage_and_a_freeze_that_end_the_workers_everything_is_sent_once(
    home: Home, url: str, postgres: str
) -> None:
    with SmtpServer() as server, machines(home, url, server) as running:
        planner, frozen, other = (running.start(role) for role in ("planner", "dispatcher", "dispatcher"))
        running.beforehand("ingest", arrivals(home, 20))
        until(lambda: ended(url) == {Status.ACCEPTED: 20})
        frozen.process.send_signal(signal.SIGSTOP)
        with away(postgres, url):
            time.sleep(45)
        running.beforehand("ingest", arrivals(home, 100, first=21))
        until(lambda: ended(url) == {Status.ACCEPTED: 120})
        frozen.process.send_signal(signal.SIGCONT)
        other.stopped()
        running.beforehand("ingest", arrivals(home, 20, first=121))
        until(lambda: ended(url) == {Status.ACCEPTED: 140})
        frozen.stopped()
        planner.stopped()
    for machine in (planner, frozen, other):
        assert "the worker of the jobs ended" in machine.said()
    assert set(mails(server).values()) == {1}
