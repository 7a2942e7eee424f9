"""What is over for long is deleted, and nothing is ever said again because of that."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.retention import Gone, Keeps, Pruner
from orchestrator.tables.news import before as told_before
from tests.builders import event
from tests.integration import dealership
from tests.integration.dealership import Dealership, arrived, customer, order

ALSO_ON_POSTGRES = True
DAY = timedelta(days=1)
KEEP = 60 * DAY


class House:
    """A dealership that has delivered a car, and keeps closed orders for two months."""

    def __init__(self, folder: Path) -> None:
        self.cars = Dealership(folder)
        self.keeps = Keeps(orders=KEEP)

    def sell(self, name: str = "BX-1", who: str = "maria") -> list[dict[str, Any]]:
        """Everything that happens to a car until it is collected; the customer hears that it arrived."""
        now = self.cars.clock.now()
        first = [customer(who, now), order(name, who, now), arrived(name, now)]
        then = [event("milestone.reached", name, now, milestone=one) for one in ("prepared", "collected")]
        for documents in (first, then):
            self.cars.hear(*documents)
            self.cars.drain()
        return [*first, *then]

    def prune(self, **how: Any) -> Gone:
        return Pruner(self.cars.ledger, self.keeps, self.cars.clock.now).run(**how)

    def plan(self) -> None:
        while self.cars.engine.plan_changed(self.cars.clock.now()):
            pass

    def sent(self) -> int:
        return self.cars.channels["email"].sent  # type: ignore[attr-defined,no-any-return]

    def facts(self, name: str = "BX-1") -> list[str]:
        with self.cars.ledger.read() as tx:
            return [fact.type for fact in tx.order_facts([name])[name]]


@pytest.fixture
def house(tmp_path: Path, _kept_in: None) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.cars.close()


def test_a_closed_order_is_deleted_when_its_time_is_over_and_no_day_before(house: House) -> None:
    house.sell()
    assert house.sent() == 1
    house.cars.clock.advance(KEEP - DAY)
    assert house.prune() == Gone()
    house.cars.clock.advance(2 * DAY)
    assert house.prune(dry=True) == Gone(orders=1)
    assert len(house.facts()) > 1
    assert house.prune() == Gone(orders=1)
    assert house.facts() == ["order.pruned"]
    assert house.cars.entries() == []
    assert house.prune() == Gone()


def test_its_events_sent_once_more_are_known_and_send_nothing(house: House) -> None:
    said = house.sell()
    house.cars.clock.advance(KEEP + DAY)
    house.prune()
    heard = house.cars.hear(*said[1:])
    assert (heard.new, heard.duplicates) == (0, len(said) - 1)
    house.cars.pass_time(timedelta(hours=1))
    assert house.sent() == 1
    assert house.facts() == ["order.pruned"]


def test_another_system_that_tells_the_same_late_sends_nothing_either(house: House) -> None:
    house.sell()
    house.cars.clock.advance(KEEP + DAY)
    house.prune()
    other = arrived() | {"id": "another", "source": "/carrier"}
    assert house.cars.hear(other).new == 0
    house.cars.drain()
    assert house.sent() == 1


def test_news_that_happened_after_it_was_deleted_is_kept_and_named_and_nothing_is_said(house: House) -> None:
    house.sell()
    house.cars.clock.advance(KEEP + DAY)
    house.prune()
    now = house.cars.clock.now() + DAY
    house.cars.clock.advance(DAY)
    heard = house.cars.hear(
        order(time=now, attributes={"model": "Aria"}) | {"id": "again"},
        arrived(time=now) | {"id": "again-2"},
    )
    assert heard.new == 2
    assert "its history deleted on" in heard.problems["BX-1"]
    house.cars.pass_time(timedelta(hours=1))
    assert house.sent() == 1
    with house.cars.ledger.read() as tx:
        (row,) = tx.list_orders(problems=True)
    assert row.id == "BX-1"


def test_changed_rules_and_a_rebuild_leave_a_deleted_order_alone_and_nobody_has_to_look(house: House) -> None:
    house.sell()
    house.cars.clock.advance(KEEP + DAY)
    house.prune()
    with house.cars.ledger.transaction() as tx:
        tx.mark_all()
    house.plan()
    house.cars.engine.rebuild(house.cars.clock.now())
    with house.cars.ledger.read() as tx:
        row = tx.order("BX-1")
        assert tx.list_orders(problems=True) == []
    assert row is not None
    assert (row.status, row.customer, row.problem) == ("pruned", "", "")
    assert house.sent() == 1


def test_an_open_order_and_one_that_is_to_be_planned_or_has_something_to_say_stay(house: House) -> None:
    house.cars.hear(customer(), order(), arrived())
    house.cars.drain()
    house.cars.clock.advance(10 * KEEP)
    assert house.prune() == Gone()
    house.sell("BX-2", "jonas")
    house.cars.clock.advance(KEEP + DAY)
    with house.cars.ledger.transaction() as tx:
        tx.mark(["BX-2"])
    assert house.prune() == Gone()
    house.plan()
    with house.cars.ledger.read() as tx:
        assert tx.order("BX-2").quiet_since is not None  # type: ignore[union-attr]
    assert house.prune() == Gone(orders=1)


def test_who_said_no_is_still_heard_when_their_order_is_gone(house: House) -> None:
    house.sell()
    house.cars.hear(event("consent.withdrawn", "maria", "2026-03-12 09:58", channel="email"))
    house.cars.clock.advance(KEEP + DAY)
    house.prune()
    house.cars.hear(order("BX-9"), arrived("BX-9"))
    house.cars.pass_time(timedelta(hours=1))
    assert house.sent() == 1
    assert Status.ACCEPTED not in [entry.status for entry in house.cars.entries("BX-9")]


def test_a_nightly_table_that_still_has_the_order_brings_no_news_of_it(house: House) -> None:
    house.sell()
    house.cars.clock.advance(KEEP + DAY)
    house.prune()
    with house.cars.ledger.read() as tx:
        assert told_before(tx.order_facts(["BX-1"])["BX-1"], "table:cars").pruned


def test_attempts_go_before_their_orders_and_what_nobody_knows_keeps_them(house: House) -> None:
    house.keeps = Keeps(attempts=KEEP)
    house.sell()
    tries = sum(len(house.cars.outcomes(entry)) for entry in house.cars.entries())
    assert tries >= 1
    (entry,) = [one for one in house.cars.entries() if one.wanted.rule == "arrived"]
    with house.cars.ledger.transaction() as tx:
        assert tx._connection.exec_driver_sql(
            f"UPDATE entries SET status = 'unknown' WHERE id = {entry.id}"
        ).rowcount
    house.cars.clock.advance(KEEP + DAY)
    assert house.prune().attempts == tries - 1
    with house.cars.ledger.transaction() as tx:
        tx._connection.exec_driver_sql(f"UPDATE entries SET status = 'accepted' WHERE id = {entry.id}")
    assert house.prune() == Gone(attempts=1)
    assert len(house.facts()) > 1, "the order itself is kept"


def test_when_customers_looked_is_forgotten_and_who_they_are_is_not(house: House) -> None:
    house.keeps = Keeps(activity=KEEP)
    house.cars.hear(customer(), event("customer.active", "maria", "2026-03-12 09:00", surface="app"))
    house.cars.clock.advance(KEEP + DAY)
    assert house.prune(dry=True) == Gone(activity=1)
    assert house.prune() == Gone(activity=1)
    with house.cars.ledger.read() as tx:
        assert [fact.type for fact in tx.customer_facts(["maria"])["maria"]] == ["customer.upserted"]


def test_of_all_processes_one_deletes_at_a_time_and_a_little(house: House, tmp_path: Path) -> None:
    for number in range(3):
        house.sell(f"BX-{number}", f"customer-{number}")
    house.cars.clock.advance(KEEP + DAY)
    with Ledger.open(dealership.KEPT_IN(tmp_path)) as elsewhere:
        here, there = (
            Pruner(ledger, house.keeps, house.cars.clock.now) for ledger in (house.cars.ledger, elsewhere)
        )
        with house.cars.ledger.transaction() as tx:
            assert tx.has_turn("retention", house.cars.clock.now(), house.cars.clock.now() - DAY)
        there()
        assert house.prune(dry=True) == Gone(orders=3), "it was somebody else's turn"
        house.cars.clock.advance(timedelta(minutes=1))
        here()
    assert house.prune(dry=True) == Gone()
