"""What Prometheus is told about a dealership, with its ledger in a file and in PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from channels.base import Misconfigured, Unavailable
from channels.memory import MemoryChannel
from orchestrator.ledger import Daemon, Ledger, Stops, measuring
from orchestrator.watching.gauges import Gauges
from orchestrator.watching.meters import Meters
from tests.integration.dealership import Dealership, arrived, customer, many, order

ALSO_ON_POSTGRES = True
SECOND = timedelta(seconds=1)


class House:
    """A dealership, and what Prometheus would read of it now."""

    def __init__(self, folder: Path) -> None:
        self.registry = CollectorRegistry()
        self.email = MemoryChannel("email")
        self.cars = Dealership(folder, {"email": self.email}, watch=Meters(self.registry))

    def asked(self) -> CollectorRegistry:
        """The answers of the ledger, read anew."""
        registry = CollectorRegistry()
        registry.register(Gauges(self.cars.ledger, self.cars.clock.now, ["email", "sms"]))
        return registry

    def says(self, name: str, **labels: str) -> float | None:
        return self.asked().get_sample_value(f"beforehand_{name}", labels)

    def counted(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"beforehand_{name}", labels)


@pytest.fixture
def house(tmp_path: Path, _kept_in: None) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.cars.close()


def test_how_late_a_message_left_and_what_became_of_it_is_counted_by_rule_and_channel(house: House) -> None:
    house.cars.hear(*many(3))
    house.cars.pass_time(20 * SECOND)
    assert house.counted("outcomes_total", rule="arrived", channel="email", outcome="accepted") == 3
    assert house.counted("lag_seconds_bucket", channel="email", le="10.0") == 0
    assert house.counted("lag_seconds_bucket", channel="email", le="30.0") == 3
    for step in ("intake", "plan", "claim", "render", "send", "record"):
        assert (house.counted("step_seconds_count", step=step) or 0) > 0, step


def test_tries_that_failed_are_counted_apart_and_are_part_of_how_late_it_was(house: House) -> None:
    house.email.fail_next(Unavailable("busy"))
    house.cars.hear(customer(), order(), arrived())
    house.cars.drain()
    assert house.counted("outcomes_total", rule="arrived", channel="email", outcome="to be tried again") == 1
    house.cars.pass_time(timedelta(minutes=1))
    assert house.counted("outcomes_total", rule="arrived", channel="email", outcome="accepted") == 1
    assert house.counted("lag_seconds_sum", channel="email") == 60


def test_what_waits_is_counted_with_the_age_of_the_oldest(house: House) -> None:
    assert house.says("ledger_up") == 1
    assert house.says("oldest_seconds", state="due") == 0
    house.cars.hear(*many(2))
    house.cars.clock.advance(90 * SECOND)
    with house.cars.ledger.transaction() as tx:
        tx.mark(["BX-1"], house.cars.clock.now() - 30 * SECOND)
    assert house.says("backlog", state="due") == 2
    assert house.says("backlog", state="scheduled") == 0
    assert house.says("backlog", state="unplanned") == 1
    assert house.says("oldest_seconds", state="due") == 90
    assert house.says("oldest_seconds", state="unplanned") == 30


def test_who_stands_in_line_for_a_channel_is_counted_with_the_age_of_the_oldest(house: House) -> None:
    assert house.says("backlog", state="in line") == house.says("oldest_seconds", state="in line") == 0
    house.email.fail_next(Unavailable("busy"), times=5)
    house.cars.hear(*many(5))
    house.cars.drain()
    house.cars.hear(customer("paul"), order("BX-77", "paul"), arrived("BX-77"))
    house.cars.drain()
    house.cars.clock.advance(20 * SECOND)
    assert house.says("backlog", state="due") == house.says("oldest_seconds", state="due") == 0
    assert house.says("backlog", state="in line") == 1
    assert house.says("oldest_seconds", state="in line") == 20
    house.cars.pass_time(timedelta(minutes=2))
    assert house.says("backlog", state="in line") == house.says("oldest_seconds", state="in line") == 0


def test_a_channel_that_is_paused_and_one_that_fails_can_be_told_apart(house: House) -> None:
    assert house.says("channel_paused", channel="email") == house.says("channel_shut", channel="email") == 0
    house.email.fail_next(Unavailable("busy"), times=9)
    house.cars.hear(*many(9))
    house.cars.drain()
    assert house.says("channel_shut", channel="email") == 1
    assert (house.says("channel_failures", channel="email") or 0) >= 5
    assert house.says("channel_paused", channel="email") == 0
    house.email.fail_next(Misconfigured("who are you"))
    house.cars.hear(customer("paul"), order("BX-77", "paul"), arrived("BX-77"))
    house.cars.pass_time(timedelta(minutes=10))
    with house.cars.ledger.transaction() as tx:
        tx.pause(Stops.CHANNEL, "sms", house.cars.clock.now(), "the contract ends")
    assert house.says("channel_paused", channel="sms") == 1
    assert (house.says("paused", kind="channel") or 0) >= 1
    assert house.says("paused", kind="everything") == 0


def test_who_works_is_counted_by_role_and_how_long_ago_somebody_looked(house: House) -> None:
    now = house.cars.clock.now()
    alive = Daemon("1", "planner", "munich-1", 1, "0.1", "0013", now, now - 5 * SECOND, now - 6 * SECOND)
    dead = Daemon("2", "dispatcher", "munich-2", 2, "0.1", "0013", now, now - timedelta(minutes=3))
    with house.cars.ledger.transaction() as tx:
        tx.beat(alive)
        tx.beat(dead)
    assert house.says("daemons", role="planner") == 1
    assert house.says("daemons", role="dispatcher") == 0
    assert house.says("scan_age_seconds") == 6


def test_nothing_about_a_customer_or_an_order_is_in_what_prometheus_reads(house: House) -> None:
    house.cars.hear(customer(), order(), arrived())
    house.cars.drain()
    said = (generate_latest(house.registry) + generate_latest(house.asked())).decode()
    assert "arrived" in said
    assert [word for word in ("maria", "Keller", "BX-1", "23125101", "munich") if word in said] == []


def test_a_count_ends_at_its_limit(house: House) -> None:
    house.cars.hear(*many(5))
    with house.cars.ledger.read() as tx:
        assert tx.queued(house.cars.clock.now(), most=3)["due"] == 3


def test_a_ledger_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'it.db'}", upgrade=True) as ledger:
        registry = CollectorRegistry()
        registry.register(Gauges(ledger, ledger.time, ["email"]))
        (tmp_path / "it.db").unlink()
        assert registry.get_sample_value("beforehand_ledger_up") == 0
        assert b"beforehand_backlog" not in generate_latest(registry)


def test_every_question_is_answered_from_an_index(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'it.db'}", upgrade=True) as ledger:
        queries = [*measuring._COUNTS.values(), *measuring._OLDEST.values()]
        with ledger.read() as tx:
            connection = tx._connection
            for query in queries:
                form = query.compile(dialect=connection.dialect)
                values = tuple(0 for _ in form.positiontup or ())
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {form}", values)
                steps = [row[3] for row in plan if row[3].split()[-1] != "subquery"]
                looks = [step for step in steps if " entries" in step or " orders" in step]
                assert looks, str(form)
                assert all("INDEX ix_" in step for step in looks), (str(form), looks)
