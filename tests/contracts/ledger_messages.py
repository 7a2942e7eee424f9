"""What people look for in the ledger: messages by what is known of them, a day's tries, versions of rules."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.ledger import Asked, Ledger, OrderRow, RuleSetState, Share
from orchestrator.ledger import messages as looking
from orchestrator.model import Kind, Status
from tests.builders import why

MOMENT = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


class MessagesContract:
    def test_messages_are_found_by_each_thing_that_is_known_of_them(self, ledger: Ledger) -> None:
        from tests.contracts.ledger import create, note

        create(
            ledger,
            note("O-1", rule="arrived"),
            note("O-2", rule="late", kind=Kind.TASK, role="owner"),
            note("O-3", rule="arrived"),
            now=MOMENT,
        )
        with ledger.transaction() as tx:
            tx.store_orders(
                [OrderRow("O-1", "C-1", location="munich"), OrderRow("O-2", "C-2", location="hamburg"),
                 OrderRow("O-3", "C-1", location="hamburg")]
            )  # fmt: skip
            (second,) = tx.entries_of(["O-2"])["O-2"]
            tx.withdraw(second.id, Status.CANCELLED, why("nobody needs it"), MOMENT + 2 * HOUR)

        def orders(**asked: object) -> list[str]:
            with ledger.read() as tx:
                return [one.wanted.order for one in tx.messages(Asked(**asked)).entries]  # type: ignore[arg-type]

        assert orders() == ["O-3", "O-2", "O-1"], "the newest first"
        assert orders(order="O-2") == ["O-2"]
        assert orders(customer="C-1") == ["O-3", "O-1"]
        assert orders(rule="arrived") == ["O-3", "O-1"]
        assert orders(kind="task") == ["O-2"]
        assert orders(channel="sms") == []
        assert orders(statuses=frozenset({Status.CANCELLED})) == ["O-2"]
        assert orders(share=Share(frozenset({"hamburg"}))) == ["O-3", "O-2"]
        assert orders(since=MOMENT + HOUR) == ["O-2"]
        assert orders(until=MOMENT + HOUR) == ["O-3", "O-1"]
        assert orders(since=MOMENT + HOUR, until=MOMENT + 3 * HOUR, rule="late") == ["O-2"]

    def test_a_long_list_comes_in_parts_and_says_where_it_goes_on(self, ledger: Ledger) -> None:
        from tests.contracts.ledger import create, note

        create(ledger, *(note(f"O-{number}") for number in range(7)))
        seen: list[str] = []
        before = None
        while True:
            with ledger.read() as tx:
                found = tx.messages(Asked(), before=before, limit=3)
            seen += [one.wanted.order for one in found.entries]
            before = found.before
            if before is None:
                break
        assert seen == [f"O-{number}" for number in reversed(range(7))]

    def test_what_is_rare_is_looked_for_among_so_many_and_then_further_back(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.contracts.ledger import create, note

        monkeypatch.setattr(looking, "WINDOW", 4)
        create(ledger, note("O-0", rule="rare"), *(note(f"O-{number}") for number in range(1, 10)))
        with ledger.read() as tx:
            found, parts = tx.messages(Asked(rule="rare")), 1
            while not found.entries:
                assert found.further
                assert found.before is not None
                found, parts = tx.messages(Asked(rule="rare"), before=found.before), parts + 1
            assert [one.wanted.order for one in found.entries] == ["O-0"]
            assert parts > 1
            assert [one.wanted.order for one in tx.messages(Asked(order="O-0")).entries] == ["O-0"]

    def test_tries_and_reports_of_a_time_are_counted_and_orders_heard_of_are_named(
        self, ledger: Ledger
    ) -> None:
        from tests.contracts.ledger import NOW, Item, fact, note, sending

        sending(ledger, note("O-1"), note("O-2"))
        with ledger.transaction() as tx:
            tx.append([Item(fact("e1", "O-1", heard=MOMENT))])
            report = {"channel": "sms", "message": "x"}
            tx.append([Item(fact("e2", "O-2", "message.delivered", heard=MOMENT + HOUR, data=report))])
        with ledger.read() as tx:
            assert tx.tries_since(NOW - HOUR) == [("sms", "", 2)]
            assert tx.tries_since(NOW + HOUR) == []
            assert tx.reports_since(MOMENT) == [("message.delivered", report)]
            assert tx.reports_since(MOMENT + 2 * HOUR) == []
            assert tx.heard_of_since(MOMENT, 10) == ["O-2", "O-1"]
            assert tx.heard_of_since(MOMENT + HOUR, 10) == ["O-2"]
            assert tx.heard_of_since(MOMENT, 1) == ["O-2"]
            assert tx.some_heard_of_since(MOMENT, 10) == (["O-1", "O-2"], 2)
            assert tx.some_heard_of_since(MOMENT + HOUR, 10) == (["O-2"], 1)
            some, of = tx.some_heard_of_since(MOMENT, 1)
            assert (len(some), of) == (1, 2)

    def test_orders_are_drawn_by_chance_whether_much_or_little_was_heard_of_them(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(looking, "WINDOW", 200)  # facts that are drawn
        from tests.contracts.ledger import Item, fact

        talkative = [fact(f"{n}-{m}", f"T-{n}") for n in range(20) for m in range(10)]
        with ledger.transaction() as tx:
            tx.append([Item(one) for one in (*talkative, *(fact(f"s-{n}", f"S-{n}") for n in range(100)))])
            some, of = tx.some_heard_of_since(MOMENT, 1000)
            few, _ = tx.some_heard_of_since(MOMENT, 7)
        assert len(some) == len(set(some))
        assert set(few) < set(some)
        assert 60 <= of <= 180  # there are 120
        assert sum(name.startswith("S") for name in some) > sum(name.startswith("T") for name in some)

    def test_every_set_of_rules_is_kept_with_who_proposed_and_who_decided(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            first = tx.store_ruleset("d1", {"a.yaml": "one"}, at=MOMENT)
            tx.activate_ruleset(first, MOMENT)
            second = tx.store_ruleset(
                "d2", {"a.yaml": "two"}, edits="[]", at=MOMENT, by="Nora Brandt", why="later", person=7
            )
            tx.reject_ruleset("Paul Lindner")
            tx.keep_edits(first, "[1]")
            newest, oldest = tx.rulesets()
            assert (newest.id, newest.state, newest.by, newest.why, newest.person, newest.decided_by) == (
                second, RuleSetState.REJECTED, "Nora Brandt", "later", 7, "Paul Lindner",
            )  # fmt: skip
            assert (oldest.id, oldest.state, oldest.edits) == (first, RuleSetState.ACTIVE, "[1]")
            assert tx.rulesets(before=second) == [oldest]
            assert tx.ruleset_of(second) == newest
            assert tx.ruleset_of(second + 1) is None
