"""What every ledger promises to whoever looks at everything that is under way."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.ledger import (
    Begin,
    Counted,
    Finish,
    Health,
    Ledger,
    OrderList,
    OrderRow,
    Share,
    Stops,
    Transaction,
)  # fmt: skip
from orchestrator.model import Kind, Notification, Purpose, Status
from orchestrator.reasons.sending import FROZEN

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MUNICH = Share(locations=frozenset({"munich"}))
LINDNER = Share(brands=frozenset({"lindner"}))
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def silent(order: str, hours: int, **more: str) -> OrderRow:
    return OrderRow(order, "C-1", status="open", silent_since=NOW - hours * HOUR, **more)


def one(tx: Transaction, queue: OrderList, **asked: Any) -> tuple[list[str], Counted]:
    """The orders of one queue, and how many there are."""
    ((rows, count),) = tx.order_lists([queue], **asked)
    return [row.id for row in rows], count


def due(order: str, at: datetime, mode: str = "live") -> Notification:
    return Notification(
        order, "arrived", "arrived#1", "customer", "C-1", Kind.MESSAGE, "new-car/arrived", Purpose.SERVICE,
        at, None, mode=mode,
    )  # fmt: skip


def sent(ledger: Ledger, orders: Iterable[str], status: Status = Status.ACCEPTED) -> None:
    """Send one message of each of *orders*, one after the other."""
    for order in orders:
        with ledger.transaction() as tx:
            tx.create([due(order, NOW)], NOW)
            (entry,) = tx.claim(NOW, 1, "w", HOUR)
            tx.begin_many([Begin(entry.id, entry.generation, "sms", "")], NOW)
            tx.finish_many([Finish(entry.id, entry.generation, status, "sms")], NOW)


class OverviewContract:
    def test_whoever_waits_longest_comes_first_and_pages_miss_nobody(self, ledger: Ledger) -> None:
        rows = [silent("O-1", 1), silent("O-3", 9), silent("O-2", 9), silent("O-4", 4), OrderRow("O-5")]
        with ledger.transaction() as tx:
            tx.store_orders(rows)
            ((first, _),) = tx.order_lists([OrderList("silent")], limit=2)
            last = first[-1]
            assert last.silent_since is not None
            second, _ = one(tx, OrderList("silent", after=(last.silent_since, last.id)), limit=2)
        assert [*(row.id for row in first), *second] == ["O-2", "O-3", "O-4", "O-1"]
        assert first[0] == rows[2]

    def test_only_orders_of_the_locations_and_brands_that_are_named_are_listed_and_counted(
        self, ledger: Ledger
    ) -> None:
        rows = [silent("O-1", 1, location="munich", brand="lindner"), silent("O-2", 2, location="munich")]
        with ledger.transaction() as tx:
            tx.store_orders([*rows, silent("O-3", 3, location="berlin", brand="other")])
            assert one(tx, OrderList("silent"), share=MUNICH) == (["O-2", "O-1"], Counted(2))
            assert one(tx, OrderList("silent"), share=LINDNER) == (["O-1"], Counted(1))
            both = tx.order_lists([OrderList("silent")] * 2, share=MUNICH)
            assert [count for _, count in both] == [Counted(2)] * 2
            assert one(tx, OrderList("silent"))[1] == Counted(3)

    def test_nobody_counts_beyond_the_limit(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.store_orders([silent(f"O-{n}", n) for n in range(6)])
            assert one(tx, OrderList("silent"), most=5)[1] == Counted(5, more=True)
            assert one(tx, OrderList("silent"), most=6)[1] == Counted(6)
            assert one(tx, OrderList("silent", before=NOW - 3 * HOUR), most=6)[1] == Counted(2)

    def test_promises_are_listed_by_when_they_end_and_tasks_by_when_they_were_given(
        self, ledger: Ledger
    ) -> None:
        rows = [
            OrderRow(
                f"O-{n}",
                promise="arrived",
                promised="2026-03-12",
                promise_ends=NOW + (n - 2) * HOUR,
                owner="N",
            )
            for n in range(4)
        ]
        with ledger.transaction() as tx:
            tx.store_orders([*rows, OrderRow("O-9", tasks="[]", tasks_since=NOW)])
            assert one(tx, OrderList("promises", before=NOW)) == (["O-0", "O-1"], Counted(2))
            assert one(tx, OrderList("promises", begin=NOW, before=NOW + HOUR)) == (["O-2"], Counted(1))
            assert one(tx, OrderList("tasks")) == (["O-9"], Counted(1))
            assert [row.id for row in tx.owned("promises", {"N", "P"}, limit=3)] == ["O-0", "O-1", "O-2"]
            assert tx.owned("tasks", {"N"}) == []

    def test_orders_with_a_problem_are_listed_by_id(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.store_orders([OrderRow("O-2", problem="odd"), OrderRow("O-1", problem="odd"), OrderRow("O-3")])
            assert one(tx, OrderList("problems")) == (["O-1", "O-2"], Counted(2))
            assert one(tx, OrderList("problems", after=(NOW, "O-1"))) == (["O-2"], Counted(2))
            assert one(tx, OrderList("problems"), share=MUNICH) == ([], Counted(0))

    def test_several_lists_are_asked_for_at_once_and_none_gets_the_orders_of_another(
        self, ledger: Ledger
    ) -> None:
        broken = OrderRow(
            "O-2", promise="arrived", promised="2026-03-01", promise_ends=NOW - HOUR, problem="odd"
        )
        with ledger.transaction() as tx:
            tx.store_orders([silent("O-1", 3), broken, OrderRow("O-3", tasks="[]", tasks_since=NOW)])
            asked = [
                OrderList("tasks"),
                OrderList("problems"),
                OrderList("silent"),
                OrderList("promises", before=NOW),
            ]
            found = [([row.id for row in rows], count.number) for rows, count in tx.order_lists(asked)]
        assert found == [(["O-3"], 1), (["O-2"], 1), (["O-1"], 1), (["O-2"], 1)]

    def test_what_goes_out_is_listed_by_its_moment_without_what_is_on_trial(self, ledger: Ledger) -> None:
        notes = [due(f"O-{n}", NOW + n * HOUR) for n in range(4)]
        with ledger.transaction() as tx:
            tx.create([*notes, due("O-8", NOW + HOUR, mode="shadow")], NOW)
            found = tx.coming(NOW, NOW + 3 * HOUR)
            assert [entry.wanted.order for entry in found] == ["O-0", "O-1", "O-2"]
            rest = tx.coming(NOW, NEVER, after=(found[1].run_at, found[1].id))
            assert [entry.wanted.order for entry in rest] == ["O-2", "O-3"]

    def test_what_goes_out_is_counted_hour_by_hour_up_to_a_limit(self, ledger: Ledger) -> None:
        notes = [due(f"O-{n}", NOW + (n // 3) * HOUR) for n in range(5)]
        hours = [(NOW + n * HOUR, NOW + (n + 1) * HOUR) for n in range(3)]
        with ledger.transaction() as tx:
            tx.create([*notes, due("O-8", NOW, mode="shadow")], NOW)
            tx.store_orders([OrderRow("O-0", location="munich"), OrderRow("O-8", location="munich")])
            assert tx.count_coming(hours) == [Counted(3), Counted(2), Counted(0)]
            assert tx.count_coming(hours, most=2) == [Counted(2, more=True), Counted(2), Counted(0)]
            assert tx.count_coming(hours, share=MUNICH) == [Counted(1), Counted(0), Counted(0)]

    def test_what_left_is_listed_with_the_newest_first(self, ledger: Ledger) -> None:
        sent(ledger, ["O-1", "O-2"])
        sent(ledger, ["O-3"], Status.FAILED)
        sent(ledger, ["O-4"], Status.UNKNOWN)
        with ledger.transaction() as tx:
            tx.store_orders([OrderRow("O-2", location="munich")])
            found = tx.sent_since(NOW)
            assert [one.entry.wanted.order for one in found] == ["O-4", "O-2", "O-1"]
            assert (found[1].channel, found[1].outcome, found[1].at) == ("sms", "accepted", NOW)
            older = tx.sent_since(NOW, before=found[0].number)
            assert [one.entry.wanted.order for one in older] == ["O-2", "O-1"]
            assert [one.entry.wanted.order for one in tx.sent_since(NOW, share=MUNICH)] == ["O-2"]
            assert tx.sent_since(NOW + HOUR) == []
            assert (tx.count_sent(NOW), tx.count_sent(NOW, share=MUNICH)) == (Counted(3), Counted(1))

    def test_what_is_held_is_listed_by_id(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.create([due(f"O-{n}", NOW) for n in range(3)], NOW)
            tx.hold([2, 3], FROZEN, NOW)
            assert [(entry.id, entry.reason) for entry in tx.held()] == [(2, FROZEN), (3, FROZEN)]
            assert [entry.id for entry in tx.held(after=2)] == [3]

    def test_a_quiet_house_has_nothing_unusual_and_anything_else_is_named(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert not any(tx.unusual())
            tx.pause(Stops.RULE, "arrived", NOW, "wrong text")
            assert tx.unusual() == (False, False, True, False)
            tx.keep_health(Health("sms", 5, 1, NOW))
            tx.create([due("O-1", NOW)], NOW)
            tx.hold([1], FROZEN, NOW)
            tx.store_ruleset("d1", {"a.yaml": "one"}, at=NOW)
            assert tx.unusual() == (True, True, True, True)

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            (["kel"], ["C-1", "C-2"]),
            (["keller", "mar"], ["C-1"]),
            (["muller"], ["C-3"]),
            (["weber", "maria"], []),
            (["zz"], []),
        ],
    )
    def test_a_customer_is_found_by_how_the_words_of_their_name_begin(
        self, ledger: Ledger, asked: list[str], found: list[str]
    ) -> None:
        from tests.builders import event, incoming

        people = {"C-1": "Maria Keller", "C-2": "Jörg Kelm", "C-3": "Ana Müller", "C-4": "Jonas Weber"}
        with ledger.transaction() as tx:
            for customer, name in people.items():
                tx.append([incoming(event("customer.upserted", customer, NOW, name=name))])
            assert tx.people_called(asked) == found

    def test_a_customer_is_found_by_a_number_or_a_mailbox(self, ledger: Ledger) -> None:
        from tests.builders import incoming, maria

        with ledger.transaction() as tx:
            tx.append([incoming(maria())])
            assert tx.people_at(["Maria.Keller@example.com"]) == ["C-1"]
            assert tx.people_at(["+493023125101", "+493023125102"]) == ["C-1"]
            assert tx.people_at([]) == []
