"""Cases 9 and 11 to 13: the database away, the disk full, the clock wrong, six hours of nothing at all."""

import http.client
import resource
import socket
import subprocess
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from channels.base import Message
from channels.rates import Limits, Rate
from orchestrator.clock import VirtualClock
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from tests.builders import event as document
from tests.chaos.clocks import Clock
from tests.chaos.proxy import Proxy
from tests.contracts.smtp_server import SmtpServer
from tests.installation import Home, event, home
from tests.integration.dealership import (
    START,
    Dealership,
    Scripted,
    customer,
    many,
    order,
)
from tests.integration.test_daemon import arrive, at_any_hour, by_smtp, daemon, ended, said, stopped, until
from tests.integration.test_many_machines import machines, url
from tests.postgres import postgres

__all__ = ["home", "postgres", "url"]

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TYPE = {"content-type": "application/cloudevents-batch+json"}


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def answered(port: int, *events: str) -> int:
    """The status with which events are answered, or 0 where nobody listens yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/events", f"[{','.join(events)}]".encode(), TYPE)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def person(number: int, **more: Any) -> str:
    return event("customer.upserted", f"C-{number}", START, name="Maria Keller", **more)


def facts(url: str) -> set[str]:
    with Ledger.open(url) as ledger, ledger.read() as tx:
        return {fact.id for _, fact in tx.facts_after(0, 1000) if fact.source == "/dealer"}


def test_9_while_the_database_is_away_events_get_503_and_none_of_them_is_kept(home: Home, url: str) -> None:
    port = free()
    where = psycopg.conninfo.conninfo_to_dict(url)
    with (
        SmtpServer() as server,
        Proxy(f"{where['host']}/.s.PGSQL.5432") as way,
        machines(home, url, server) as running,
    ):
        there = f"postgresql://postgres@127.0.0.1:{way.port}/{where['dbname']}"
        running.start("web", BEFOREHAND_SERVER__PORT=str(port), BEFOREHAND_LEDGER__URL=there)
        until(lambda: answered(port, person(1)) == 202)
        way.refusing()
        way.breaking()
        assert answered(port, person(2), person(3)) == 503
        assert facts(url) == {"customer.upserted-C-1"}
        way.accepting()
        until(lambda: answered(port, person(2), person(3)) == 202)
    assert len(facts(url)) == 3


def test_11_on_a_full_disk_events_get_503_somebody_is_told_and_nothing_half_is_kept(home: Home) -> None:
    port = free()
    ledger = home.folder / "beforehand.db"
    large = {"attributes": {"note": "x" * 100_000}}
    with daemon(home, "serve", "--port", str(port)) as process:
        until(lambda: answered(port, person(1)) == 202)
        room(process, ledger.stat().st_size)
        assert answered(port, person(2), person(3, **large), person(4)) == 503
        until(lambda: "the ledger does not answer" in said(home))
        assert facts(f"sqlite:///{ledger}") == {"customer.upserted-C-1"}
        room(process, -1)
        until(lambda: answered(port, person(2), person(3, **large), person(4)) == 202)
        stopped(process)
    assert len(facts(f"sqlite:///{ledger}")) == 4


def room(process: "subprocess.Popen[str]", size: int) -> None:
    """Let the files of that process become so large at most, as on a disk that is full; -1: as they like."""
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))


# ── the clock ────────────────────────────────────────────────────────────────


def test_12_a_daemon_whose_clock_is_moved_says_so_and_sends_nothing_again(home: Home) -> None:
    at_any_hour(home)
    clock = Clock(home.folder / "clock")
    clock.say(0, 1, time.time())
    with SmtpServer() as server, daemon(home, **by_smtp(server), clock=str(clock.file)) as process:
        arrive(home)
        until(lambda: ended(home, Status.ACCEPTED))
        for ahead in (3600, 0):
            clock.say(ahead, 1, time.time())
            until(lambda ahead=ahead: f"the clock jumped by {'+' if ahead else '-'}3" in said(home))
        stopped(process)
        assert len(server.mails) == 1


def test_12_an_hour_ahead_a_channel_still_sends_at_its_rate(tmp_path: Path) -> None:
    email = Scripted("email", lambda _: None)
    house = Dealership(tmp_path, {"email": email}, limits={"email": Limits(Rate(2, 60, burst=5))})
    try:
        house.hear(*many(50))
        house.drain()
        assert len(email.sent) == 5
        house.clock.advance(HOUR)
        house.drain()
        assert len(email.sent) == 10
    finally:
        house.close()


class SetBack(VirtualClock):
    """A clock that somebody may put back."""

    def back(self, by: timedelta) -> None:
        self._now -= by


def test_12_an_hour_back_nothing_is_sent_again(tmp_path: Path) -> None:
    clock = SetBack(START)
    email = Scripted("email", lambda _: None)
    house = Dealership(tmp_path, {"email": email}, clock=clock)
    try:
        house.hear(*many(5))
        house.drain()
        clock.back(HOUR)
        house.hear(order("BX-1", "customer-1", attributes={"model": "Corsa"}))
        house.drain()
        house.pass_time(2 * HOUR)
        assert Counter(message.to for message in email.sent) == Counter(
            f"customer-{number}@example.com" for number in range(1, 6)
        )
    finally:
        house.close()


# ── six hours of nothing ─────────────────────────────────────────────────────

OUTAGE = 6 * HOUR
RATE = Rate(500, 1)
NEWS = """\
version: 1
journey: new-car
phases: {waiting: [ordered, built, arrived], handover: [collected]}
rules:
  - id: built
    on: {reached: built}
    say: arrived
    timing: {at: now, within: 12h}
    channels: [email]
  - id: arrived
    on: {reached: arrived}
    say: arrived
    timing: {at: now, within: 12h}
    channels: [email]
  - id: moved
    on: {moved: collected, by: 1d}
    say: moved
    timing: {at: now, within: 12h}
    channels: [email]
  - id: tonight
    on: {upcoming: collected, before: 2h}
    say: arrived
    timing: {at: now, within: 1h}
    channels: [email]
"""
MOVED = {
    "moved/email.txt.en": "Subject: {{ order.id }} {{ promise.day }}\n\nHello {{ customer.name }}.\n",
    "arrived/email.txt.en": "Subject: {{ order.id }} {{ milestone }}\n\nHello {{ customer.name }}.\n",
}


def test_13_after_six_hours_the_rate_is_kept_the_useless_expires_and_only_the_newest_is_told(
    tmp_path: Path,
) -> None:
    behind(tmp_path, 800)


def behind(folder: Path, count: int) -> None:
    """Of *count* customers each has a date that moved three times and a car that got on, all unheard of."""
    times: list[datetime] = []
    subjects: dict[str, list[str]] = defaultdict(list)

    def take(message: Message) -> None:
        times.append(house.clock.now())
        name, _, what = message.subject.partition(" ")
        subjects[name].append(what)

    house = Dealership(
        folder, {"email": Scripted("email", take)}, rules_text=NEWS, words=MOVED,
        limits={"email": Limits(RATE)}, batch=500,
    )  # fmt: skip
    try:
        known: list[dict[str, Any]] = []
        for number in range(count):
            soon = START + (timedelta(days=9) if number % 4 else 3 * HOUR)
            known += [
                customer(f"c{number}", email=f"c{number}@example.com"), order(f"O-{number}", f"c{number}"),
                _promised(number, soon, START - HOUR),
            ]  # fmt: skip
        house.hear(*known)
        for hour, milestone in ((1, "built"), (2, ""), (3, "arrived")):  # the web is up, and nobody sends
            house.clock.advance(HOUR)
            now = house.clock.now()
            moved = [_promised(n, START + timedelta(days=9 + 2 * hour), now) for n in range(count) if n % 4]
            reached = [_reached(n, milestone, now) for n in range(count) if milestone]
            house.hear(*moved, *reached)
        house.clock.set(START + OUTAGE)
        house.drain()
        while (due := _next(house)) is not None and due < START + OUTAGE + HOUR:
            house.clock.set(max(due, house.clock.now()))
            house.drain()
        for number in range(count):
            heard = subjects[f"O-{number}"]
            newest = (START + timedelta(days=15)).date().isoformat()
            assert sorted(heard) == ([newest, "arrived"] if number % 4 else ["arrived"]), (number, heard)
        gone = [e for n in range(0, count, 4) for e in house.entries(f"O-{n}") if e.wanted.rule == "tonight"]
        assert Counter(entry.status for entry in gone) == {Status.EXPIRED: len(gone)}
        assert len(gone) == count // 4
        assert all(entry.reason for entry in gone)
        each = Counter(int((moment - times[0]) / SECOND) for moment in times)
        assert max(each.values()) <= RATE.count + RATE.at_once
    finally:
        house.close()


def _next(house: Dealership) -> datetime | None:
    with house.ledger.read() as tx:
        return house.dispatcher.next_due(tx, house.clock.now())


def _promised(number: int, day: datetime, made: datetime) -> dict[str, Any]:
    first = made < START
    return document(
        "promise.made", f"O-{number}", made, milestone="collected", at=day.isoformat(), told=first
    )


def _reached(number: int, milestone: str, when: datetime) -> dict[str, Any]:
    return document("milestone.reached", f"O-{number}", when, milestone=milestone)
