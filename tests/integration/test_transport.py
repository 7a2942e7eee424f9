"""The transports: one contract for all of them, and what only jobs in a database have to promise."""

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.errors import LedgerBehind
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.transport import jobs
from orchestrator.transport.distributed import AHEAD, DistributedTransport, Part
from orchestrator.transport.local import LocalTransport
from tests.builders import event
from tests.contracts.transport import (
    LEASE,
    Provider,
    Start,
    TransportContract,
    cars,
    dead_worker,
    entries,
    looks_of,
    statuses,
    until,
    working,
)
from tests.integration import dealership
from tests.integration.dealership import Dealership, run
from tests.postgres import database

TICK = timedelta(seconds=1)
NEVER = timedelta(hours=1)
BOTH = frozenset({Part.PLANNER, Part.DISPATCHER})


def local(house: Dealership) -> LocalTransport:
    return LocalTransport(house.engine, house.dispatcher, house.clock, TICK)


def distributed(
    house: Dealership, parts: frozenset[Part] = BOTH, sweep: timedelta = TICK
) -> DistributedTransport:
    return DistributedTransport(house.engine, house.dispatcher, house.clock, TICK, parts, sweep=sweep)


@pytest.fixture
def in_postgres(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with database(postgres) as url:
        monkeypatch.setattr(dealership, "KEPT_IN", lambda _folder: url)
        yield url


@pytest.fixture
def with_jobs(in_postgres: str) -> str:
    with Ledger.open(in_postgres) as ledger:
        jobs.make(ledger)
    return in_postgres


class TestLocal(TransportContract):
    @pytest.fixture
    def start(self) -> Start:
        return local

    @pytest.fixture
    def scanning(self, monkeypatch: pytest.MonkeyPatch) -> Start:
        monkeypatch.setattr("orchestrator.transport.local.SWEEP", NEVER)
        return local


@pytest.mark.usefixtures("in_postgres")
class TestLocalOnPostgres(TestLocal):
    pass


@pytest.mark.usefixtures("with_jobs")
class TestDistributed(TransportContract):
    @pytest.fixture
    def start(self) -> Start:
        return distributed

    @pytest.fixture
    def scanning(self) -> Start:
        return partial(distributed, sweep=NEVER)


# ── handing over ─────────────────────────────────────────────────────────────


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def house(with_jobs: str, tmp_path: Path, provider: Provider) -> Iterator[Dealership]:
    yield from _opened(tmp_path, provider)


@pytest.fixture
def elsewhere(house: Dealership, tmp_path: Path, provider: Provider) -> Iterator[Dealership]:
    """Another process on the same ledger, by the same clock."""
    yield from _opened(tmp_path, provider, clock=house.clock)


def _opened(folder: Path, provider: Provider, **more: Any) -> Iterator[Dealership]:
    made = Dealership(folder, {"email": provider}, live=True, lease=LEASE, **more)
    yield made
    made.ledger.close()


def looking(url: str) -> "psycopg.Connection[Any]":
    """A connection to where the tables of the jobs are."""
    return psycopg.connect(url, options="-c search_path=beforehand_jobs")


def waiting(url: str) -> list[list[list[int]]]:
    """What the jobs that nobody does yet are about."""
    with looking(url) as connection:
        found = connection.execute(
            "SELECT args FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = 'send'"
        )
        return [row[0]["handed"] for row in found]


def hand_over(house: Dealership, most: int = AHEAD) -> int:
    return house.dispatcher.hand_over(jobs.defer, most)


def test_jobs_are_put_in_the_transaction_that_claims_or_not_at_all(house: Dealership, with_jobs: str) -> None:
    names = cars(house, 120)

    def defer_and_fail(*what: Any) -> None:
        jobs.defer(*what)
        raise RuntimeError("the machine stops")

    with pytest.raises(RuntimeError):
        house.dispatcher.hand_over(defer_and_fail, AHEAD)
    assert statuses(house, names) == {Status.SCHEDULED: 120}
    assert waiting(with_jobs) == []

    assert hand_over(house) == 120
    handed = waiting(with_jobs)
    assert sorted(map(len, handed)) == [20, 100]
    assert {(e.id, e.generation) for e in entries(house, names)} == {(i, g) for job in handed for i, g in job}


def test_not_more_is_handed_over_than_is_sent_soon(house: Dealership) -> None:
    names = cars(house, 60)
    assert [hand_over(house, 40), hand_over(house, 40)] == [40, 0]
    assert statuses(house, names) == {Status.DISPATCHED: 40, Status.SCHEDULED: 20}


def test_less_is_handed_over_to_dispatchers_that_are_too_slow_for_it_and_more_again_later(
    house: Dealership,
) -> None:
    planner = distributed(house, frozenset({Part.PLANNER}))
    cars(house, 60)
    hand_over(house)
    ahead = []
    for wait in (LEASE + TICK, timedelta(), timedelta()):
        house.clock.advance(wait)
        run(planner._swept())
        ahead.append(planner._ahead)
    assert ahead == [AHEAD // 2, AHEAD, AHEAD]


def test_what_leaves_together_is_in_one_job(with_jobs: str, tmp_path: Path, provider: Provider) -> None:
    together = dealership.RULES.replace("timing:", "combine: 1h\n    timing:")
    house = Dealership(tmp_path, {"email": provider}, live=True, rules_text=together)
    for who in range(3):
        house.hear(dealership.customer(f"c-{who}"))
    for number in range(180):  # a customer's orders lie far apart
        house.hear(dealership.order(f"BX-{number}", f"c-{number % 3}"), dealership.arrived(f"BX-{number}"))
    house.clock.advance(timedelta(hours=1))
    assert hand_over(house) == 180
    with house.ledger.read() as tx:
        whose = {
            e.id: e.wanted.joins
            for found in tx.entries_of([f"BX-{n}" for n in range(180)]).values()
            for e in found
        }
    found = [{whose[entry_id] for entry_id, _ in job} for job in waiting(with_jobs)]
    assert sorted(map(len, found)) == [1, 1, 1]
    house.ledger.close()


def test_a_stop_counts_for_what_was_handed_over_before(
    house: Dealership, elsewhere: Dealership, provider: Provider
) -> None:
    names = cars(house, 10)
    assert hand_over(house) == 10
    for name in names:
        house.hear(event("consent.withdrawn", f"c-{name}", house.clock.now(), event_id=name))
    with working(distributed(elsewhere, frozenset({Part.DISPATCHER}))):
        until(lambda: not statuses(house, names)[Status.DISPATCHED])
    assert provider.taken == []


def test_a_job_that_comes_twice_or_too_late_finds_nothing(
    house: Dealership, elsewhere: Dealership, with_jobs: str, provider: Provider
) -> None:
    names = cars(house, 3)
    hand_over(house)
    ((*handed,),) = waiting(with_jobs)
    pairs = [(entry_id, generation) for entry_id, generation in handed]
    assert dealership.run(elsewhere.dispatcher.take_over(pairs)) == 3
    assert dealership.run(house.dispatcher.take_over(pairs)) == 0
    assert len(provider.taken) == 3

    more = cars(house, 2, first=4)
    hand_over(house)
    late = [(e.id, e.generation) for e in entries(house, more)]
    house.clock.advance(LEASE + TICK)
    dealership.run(house.dispatcher.sweep())
    assert dealership.run(elsewhere.dispatcher.take_over(late)) == 0
    assert statuses(house, more) == {Status.SCHEDULED: 2}
    assert statuses(house, names) == {Status.ACCEPTED: 3}


# ── what may be lost ─────────────────────────────────────────────────────────


def drop(url: str) -> None:
    with looking(url) as connection:
        tables = ", ".join(
            f"procrastinate_{name}" for name in ("jobs", "workers", "events", "periodic_defers")
        )
        connection.execute(f"DROP TABLE {tables} CASCADE")


def test_with_all_tables_of_the_jobs_nothing_is_lost(
    house: Dealership,
    elsewhere: Dealership,
    with_jobs: str,
    provider: Provider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = cars(house, 30)
    hand_over(house)
    drop(with_jobs)
    with pytest.raises(LedgerBehind, match="db upgrade"):
        jobs.demand(house.ledger)
    with working(distributed(elsewhere)):
        until(lambda: "the tables of the jobs are not there: `beforehand db upgrade`" in caplog.text)
        jobs.make(house.ledger)
        more = cars(house, 5, first=31)
        until(lambda: statuses(house, more) == {Status.ACCEPTED: 5})
        assert statuses(house, names) == {Status.DISPATCHED: 30}  # whoever holds them may be alive
        house.clock.advance(LEASE + TICK)
        until(lambda: statuses(house, names) == {Status.ACCEPTED: 30})
    assert provider.often() == {1}
    assert "no dispatcher took them" in caplog.text


def test_tables_that_are_as_they_should_be_are_left_alone(house: Dealership, with_jobs: str) -> None:
    cars(house, 5)
    hand_over(house)
    jobs.make(house.ledger)
    assert len(waiting(with_jobs)) == 1


def test_tables_of_another_release_are_made_anew(house: Dealership, with_jobs: str) -> None:
    with looking(with_jobs) as connection:
        connection.execute("COMMENT ON TABLE procrastinate_jobs IS '01.00.00_01_before.sql'")
    with pytest.raises(LedgerBehind, match="db upgrade"):
        jobs.demand(house.ledger)
    jobs.make(house.ledger)
    jobs.demand(house.ledger)


def test_somebody_elses_procrastinate_in_the_database_is_not_touched(
    house: Dealership, with_jobs: str
) -> None:
    from procrastinate.schema import SchemaManager

    with psycopg.connect(with_jobs) as connection:
        connection.execute(SchemaManager.get_schema())
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('theirs', 'theirs')"
        )
    drop(with_jobs)
    jobs.make(house.ledger)
    cars(house, 5)
    hand_over(house)
    with psycopg.connect(with_jobs) as connection:
        assert connection.execute("SELECT queue_name FROM procrastinate_jobs").fetchall() == [("theirs",)]


def test_what_a_dead_worker_was_about_to_take_over_is_sent_by_others(
    house: Dealership,
    elsewhere: Dealership,
    with_jobs: str,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "FORGET", TICK)
    names = cars(house, 10)
    hand_over(house)
    with looking(with_jobs) as connection:  # as kill -9 leaves it, once others took it for dead
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    with working(distributed(elsewhere)):
        until(lambda: statuses(house, names) == {Status.ACCEPTED: 10})
    assert provider.often() == {1}


def test_the_death_of_one_brings_back_what_it_may_have_been_about_to_take_over(
    house: Dealership, elsewhere: Dealership, with_jobs: str, provider: Provider
) -> None:
    names = cars(house, 10)
    hand_over(house)
    with looking(with_jobs) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")  # nobody will ever do them
    more = cars(house, 1, first=11)
    with house.ledger.transaction() as tx:
        assert len(tx.claim(house.clock.now(), 1, dead_worker(), LEASE)) == 1
    with working(distributed(elsewhere)):
        until(lambda: statuses(house, names + more) == {Status.ACCEPTED: 11})
    assert provider.often() == {1}


def test_a_worker_that_others_took_for_dead_is_started_again_and_goes_on(
    house: Dealership,
    elsewhere: Dealership,
    with_jobs: str,
    provider: Provider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def registered() -> list[int]:
        with looking(with_jobs) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM procrastinate_workers")]

    with working(distributed(elsewhere)):
        until(registered)
        with looking(with_jobs) as connection:  # as whoever starts does with those that gave no sign for long
            connection.execute("DELETE FROM procrastinate_workers")
        names = cars(house, 10)
        until(lambda: statuses(house, names) == {Status.ACCEPTED: 10})
        assert len(registered()) == 1
    assert "the worker of the jobs ended" in caplog.text
    assert provider.often() == {1}


def test_two_planners_look_once_each_tick_and_not_twice(
    house: Dealership, elsewhere: Dealership, provider: Provider
) -> None:
    looks: list[float] = []

    class Counting(DistributedTransport):
        async def _scan(self) -> None:
            looks.append(time.monotonic())
            await super()._scan()

    def planner(of: Dealership) -> DistributedTransport:
        return Counting(of.engine, of.dispatcher, of.clock, TICK, frozenset({Part.PLANNER}))

    names = cars(house, 20)
    with working(planner(house)), working(planner(elsewhere)):
        until(lambda: len(looks) >= 4)
    assert min(after - before for before, after in itertools.pairwise(looks)) > 0.3
    assert statuses(house, names) == {Status.DISPATCHED: 20}


def test_a_planner_that_waits_for_a_far_tick_stops_at_once(
    with_jobs: str, tmp_path: Path, provider: Provider
) -> None:
    soon = dealership.RULES.replace("reached: arrived", "after: arrived, by: 32m")  # two minutes from now
    house = Dealership(tmp_path, {"email": provider}, live=True, lease=LEASE, rules_text=soon)
    names = cars(house, 1)
    slow = DistributedTransport(
        house.engine, house.dispatcher, house.clock, timedelta(minutes=5), frozenset({Part.PLANNER})
    )
    looks = looks_of(house)
    with working(slow) as end:
        until(lambda: looks)
        began = time.monotonic()
        end()
    assert time.monotonic() - began < 10
    assert statuses(house, names) == {Status.SCHEDULED: 1}
    house.ledger.close()


def test_connections_that_break_while_it_works_lose_and_double_nothing(
    house: Dealership, elsewhere: Dealership, postgres: str, provider: Provider
) -> None:
    names = cars(house, 200)
    with working(distributed(elsewhere)):
        for _ in range(5):
            until(lambda: provider.taken or provider.asked.is_set())
            with psycopg.connect(postgres, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'beforehand jobs'"
                )
        until(lambda: statuses(house, names) == {Status.ACCEPTED: 200} or _lapse(house, names))
    assert provider.often() == {1}


def _lapse(house: Dealership, names: list[str]) -> None:
    """Let the leases of what is in nobody's hands run out."""
    if not statuses(house, names)[Status.SENDING]:
        house.clock.advance(LEASE)
