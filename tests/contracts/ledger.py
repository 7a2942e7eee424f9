"""What every ledger promises, whatever database it stands on.

A database's test subclasses :class:`LedgerContract` and gives the fixture ``ledger``: an open, empty
:class:`~orchestrator.ledger.Ledger`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from orchestrator.errors import Stale
from orchestrator.ledger import (
    HANDED_OVER,
    Appended,
    Begin,
    Finish,
    Ledger,
    OrderRow,
    Pause,
    RuleSetState,
    Stops,
    Suppression,
    Transaction,
    Writer,
)
from orchestrator.model import (
    Entry,
    Fact,
    Kind,
    Notification,
    Promised,
    Purpose,
    Scope,
    Status,
    Step,
    Tells,
)
from orchestrator.reasons import Code
from orchestrator.reasons import due as due_because
from orchestrator.reasons.sending import paused
from tests.builders import why
from tests.contracts.ledger_access import AccessContract
from tests.contracts.ledger_daemons import DaemonsContract
from tests.contracts.ledger_inbox import InboxContract
from tests.contracts.ledger_messages import MessagesContract
from tests.contracts.ledger_overview import OverviewContract
from tests.contracts.ledger_returning import ReturningContract

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Item:
    """An event on its way in."""

    fact: Fact
    digest: bytes = b"body"
    extensions: Mapping[str, Any] = field(default_factory=dict)


def fact(event_id: str, subject: str = "O-1", kind: str = "milestone.reached", **more: Any) -> Fact:
    values = {"happened": NOW - HOUR, "heard": NOW, "data": {"milestone": "arrived"}, "source": "dealer"}
    return Fact(id=event_id, type=kind, subject=subject, **{**values, **more})


def note(order: str = "O-1", occasion: str = "arrived#1", due: datetime = NOW, **more: Any) -> Notification:
    plain = Notification(
        order=order,
        rule="arrived",
        occasion=occasion,
        role="customer",
        customer="C-1",
        kind=Kind.MESSAGE,
        template="arrived",
        purpose=Purpose.SERVICE,
        due_at=due,
        expires_at=due + 6 * HOUR,
        steps=(Step("sms", due, "preferred", due, ("app", "web")), Step("email", due + HOUR)),
        tells=(Tells("arrived", Promised(day=date(2026, 3, 2))),),
        because=due_because.reached("arrived", "Mon 2026-03-02 10:00"),
        unless="the order is cancelled",
        values={"model": "Corsa", "late_by": None, "count": 3},
        milestone="arrived",
        journey="new-car",
        trigger_at=due,
    )
    return replace(plain, **more)


def create(ledger: Ledger, *notes: Notification, now: datetime = NOW) -> list[Entry]:
    with ledger.transaction() as tx:
        tx.create(notes, now)
        return [found for one in notes if (found := tx.entry(one.key))]


def claim(ledger: Ledger, now: datetime = NOW, limit: int = 100, worker: str = "w") -> list[Entry]:
    with ledger.transaction() as tx:
        return tx.claim(now, limit, worker, LEASE)


def get(ledger: Ledger, entry_id: int) -> Entry:
    with ledger.read() as tx:
        found = tx.entry(entry_id)
    assert found is not None
    return found


def sending(ledger: Ledger, *notes: Notification) -> list[Entry]:
    """Create these, claim them and begin to send them by SMS."""
    create(ledger, *notes)
    claimed = claim(ledger)
    with ledger.transaction() as tx:
        assert not tx.begin_many([Begin(e.id, e.generation, "sms", f"<{e.id}@x>") for e in claimed], NOW)
    return claimed


def appending(event_id: str) -> Callable[[Transaction], list[Appended]]:
    return lambda tx: tx.append([Item(fact(event_id))])


def remembering(name: str, value: str) -> Callable[[Transaction], None]:
    return lambda tx: tx.remember(name, value)


class FactsContract:
    def test_a_fact_comes_back_as_it_went_in(self, ledger: Ledger) -> None:
        said = fact("e1", data={"text": "Grüße, 李", "nested": {"list": [1, 2.5, None, True]}})
        with ledger.transaction() as tx:
            assert tx.append([Item(said, extensions={"traceparent": "00-ab"})]) == [Appended.NEW]
        with ledger.read() as tx:
            assert tx.order_facts(["O-1"]) == {"O-1": [said]}

    def test_the_same_event_is_kept_once_and_another_body_is_a_conflict(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.append([Item(fact("e1"))])
        with ledger.transaction() as tx:
            answers = tx.append([Item(fact("e1")), Item(fact("e1"), b"another"), Item(fact("e2"))])
        assert answers == [Appended.DUPLICATE, Appended.CONFLICT, Appended.NEW]
        with ledger.read() as tx:
            assert [one.id for one in tx.order_facts(["O-1"])["O-1"]] == ["e1", "e2"]

    def test_within_one_batch_the_first_of_an_id_counts(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            answers = tx.append([Item(fact("e1")), Item(fact("e1")), Item(fact("e1"), b"another")])
        assert answers == [Appended.NEW, Appended.DUPLICATE, Appended.CONFLICT]

    def test_the_same_id_from_another_source_is_another_event(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            answers = tx.append([Item(fact("e1")), Item(fact("e1", source="carrier"), b"another")])
        assert answers == [Appended.NEW, Appended.NEW]

    def test_an_order_and_a_customer_of_one_id_are_kept_apart(self, ledger: Ledger) -> None:
        about_order = fact("e1", "X-1")
        about_customer = fact("e2", "X-1", "customer.upserted")
        with ledger.transaction() as tx:
            tx.append([Item(about_order), Item(about_customer)])
        with ledger.read() as tx:
            assert tx.order_facts(["X-1"]) == {"X-1": [about_order]}
            assert tx.customer_facts(["X-1"]) == {"X-1": [about_customer]}

    def test_more_facts_than_fit_into_one_statement_are_asked_for_and_found(self, ledger: Ledger) -> None:
        items = [Item(fact(f"e{n}", f"O-{n:04}")) for n in range(1200)]
        with ledger.transaction() as tx:
            assert set(tx.append(items)) == {Appended.NEW}
            assert set(tx.append(items)) == {Appended.DUPLICATE}
        with ledger.read() as tx:
            found = tx.order_facts([item.fact.subject for item in items] + ["nobody"])
            assert found.pop("nobody") == []
            assert found == {item.fact.subject: [item.fact] for item in items}
            assert list(tx.order_ids()) == sorted(found)
            assert list(tx.customer_ids()) == []

    def test_facts_are_read_on_from_a_number(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.newest_fact() == 0
            tx.append([Item(fact(f"e{n}")) for n in range(5)])
            first = tx.facts_after(0, 2)
            rest = tx.facts_after(first[-1][0], 100)
            assert tx.newest_fact() == rest[-1][0]
        assert [one.id for _, one in first + rest] == ["e0", "e1", "e2", "e3", "e4"]

    def test_news_says_whom_it_is_about(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.append([Item(fact("e0"))])
        with ledger.transaction() as tx:
            seen = tx.so_far()
            assert tx.news(seen, 9) == []
        with ledger.transaction() as tx:
            tx.append(
                [Item(fact("e1", "C-1", "customer.upserted")), Item(fact("e2", "C-1", "points.earned"))]
            )
            tx.append([Item(fact("e3", "O-2")), Item(fact("e4", "O-3"))])
        with ledger.transaction() as tx:
            assert sorted(tx.news(seen, 9)) == [
                (Scope.CUSTOMER, "C-1"), (Scope.CUSTOMER, "C-1"), (Scope.ORDER, "O-2"), (Scope.ORDER, "O-3"),
            ]  # fmt: skip
            assert len(tx.news(seen, 3)) == 3
            assert tx.news(tx.so_far(), 9) == []

    def test_moments_keep_their_microseconds_and_come_back_in_utc(self, ledger: Ledger) -> None:
        far = datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
        old = datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC)
        berlin = datetime(2026, 7, 1, 8, 0, tzinfo=timezone(2 * HOUR))
        moments = [far, old, berlin, NOW]
        with ledger.transaction() as tx:
            tx.append([Item(fact(f"e{n}", happened=moment)) for n, moment in enumerate(moments)])
            found = [one.happened for one in tx.order_facts(["O-1"])["O-1"]]
        assert found == moments
        assert {moment.tzinfo for moment in found} == {UTC}

    def test_a_moment_without_a_zone_is_refused_and_nothing_kept(self, ledger: Ledger) -> None:
        naive = fact("e2", happened=datetime(2026, 3, 1, 9, 0))  # noqa: DTZ001
        with pytest.raises(Exception, match="needs a time zone"), ledger.transaction() as tx:
            tx.append([Item(fact("e1")), Item(naive)])
        with ledger.read() as tx:
            assert tx.newest_fact() == 0


class OrdersContract:
    def test_a_mark_stands_until_the_plan_that_saw_it(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.mark(["O-1"], NOW)
            (seen,) = tx.changed(10)
            tx.mark(["O-1"], NOW + MINUTE)  # something was heard while it was being planned
            tx.planned({seen.order: seen.mark})
            (again,) = tx.changed(10)
            assert (again.order, again.heard) == ("O-1", NOW + MINUTE)
            tx.planned({again.order: again.mark})
            assert tx.changed(10) == []

    def test_a_mark_never_comes_twice(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.mark(["O-1"])
            (first,) = tx.changed(10)
            tx.planned({first.order: first.mark})
            tx.mark(["O-1"])
            tx.planned({first.order: first.mark})  # a planner that was asleep
            assert [change.order for change in tx.changed(10)] == ["O-1"]

    def test_an_order_is_planned_as_of_the_latest_hearing_since_its_plan(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.mark_each({"O-1": NOW, "O-2": None})
            tx.mark_each({"O-1": NOW - HOUR, "O-2": NOW})
            tx.mark(["O-1"])
            assert {change.order: change.heard for change in tx.changed(10)} == {"O-1": NOW, "O-2": NOW}
            tx.planned({change.order: change.mark for change in tx.changed(10)})
            tx.mark(["O-1"], NOW - HOUR)
            assert [change.heard for change in tx.changed(10)] == [NOW - HOUR]

    def test_the_longest_waiting_come_first_and_no_more_than_asked_for(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.mark_each({f"O-{n}": NOW + (9 - n) * MINUTE for n in range(10)})
            assert [change.order for change in tx.changed(3)] == ["O-9", "O-8", "O-7"]

    def test_a_customers_news_marks_all_of_their_orders_and_nobody_elses(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.store_orders([OrderRow("O-1", "C-1"), OrderRow("O-2", "C-2"), OrderRow("O-3", "C-1")])
            assert tx.changed(10) == []
            tx.mark_customers(["C-1"], NOW)
            assert {change.order for change in tx.changed(10)} == {"O-1", "O-3"}
            tx.mark_all()
            assert {change.order for change in tx.changed(10)} == {"O-1", "O-2", "O-3"}
            assert tx.orders_of(["C-1", "C-9"]) == {"C-1": ["O-1", "O-3"], "C-9": []}

    def test_storing_an_order_leaves_its_mark(self, ledger: Ledger) -> None:
        row = OrderRow("O-1", "C-1", "new-car", "munich", "open", "waiting", "built", '{"a":1}', "")
        with ledger.transaction() as tx:
            tx.mark(["O-1"], NOW)
            tx.store_orders([row])
            assert [change.order for change in tx.changed(10)] == ["O-1"]
            assert tx.order("O-1") == row
            assert tx.order("O-2") is None

    def test_orders_are_listed_by_status_and_by_problem(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.store_orders([OrderRow("O-1", status="open"), OrderRow("O-2", status="held")])
            tx.store_orders([OrderRow("O-3", status="open")])
            tx.order_problem("O-3", "a condition failed")
            assert [row.id for row in tx.list_orders()] == ["O-1", "O-2", "O-3"]
            assert [row.id for row in tx.list_orders(status="open")] == ["O-1", "O-3"]
            assert [row.id for row in tx.list_orders(after="O-1", limit=1)] == ["O-2"]
            assert [(row.id, row.problem) for row in tx.list_orders(problems=True)] == [
                ("O-3", "a condition failed")
            ]


class PlanningContract:
    def test_a_notification_comes_back_as_it_was_wanted(self, ledger: Ledger) -> None:
        window = Promised(start=NOW, end=NOW + HOUR)
        wanted = note(
            tells=(Tells("arrived", window), Tells("prepared", Promised(start=NOW))),
            kind=Kind.TASK,
            purpose=Purpose.RELATIONSHIP,
            expires_at=None,
            steps=(),
            ack_by=NOW + HOUR,
            mode="shadow",
        )
        (entry,) = create(ledger, wanted)
        assert entry.wanted == wanted
        assert (entry.key, entry.status, entry.due_at) == (wanted.key, Status.SCHEDULED, wanted.due_at)
        assert (entry.created_at, entry.updated_at, entry.expires_at) == (NOW, NOW, None)
        with ledger.read() as tx:
            assert tx.entries_of(["O-1", "O-2"]) == {"O-1": [entry], "O-2": []}
            assert tx.entries_of(["O-1"], statuses={Status.HELD}) == {"O-1": []}
            assert tx.entries_of(["O-1"], statuses={Status.HELD, Status.SCHEDULED}) == {"O-1": [entry]}
            assert tx.entries_in({Status.SCHEDULED}) == [entry]
            assert tx.entries_in({Status.SCHEDULED}, after=entry.id) == []

    def test_values_of_any_type_are_kept_as_json(self, ledger: Ledger) -> None:
        odd = {"late_by": timedelta(hours=2), "day": date(2026, 3, 1), "tags": frozenset({"b", "a"})}
        (entry,) = create(ledger, note(values=odd))
        assert entry.wanted.values == {"late_by": "2:00:00", "day": "2026-03-01", "tags": ["a", "b"]}

    def test_a_key_is_created_once(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.create([note(), note("O-2")], NOW) == 2
            assert tx.create([note(due=NOW + HOUR), note("O-3")], NOW) == 1
        with ledger.read() as tx:
            assert [entry.due_at for entry in tx.entries_of(["O-1"])["O-1"]] == [NOW]

    def test_a_cancelled_key_is_revived_unless_a_person_cancelled_it(self, ledger: Ledger) -> None:
        mine, theirs = create(ledger, note("O-1"), note("O-2"))
        with ledger.transaction() as tx:
            tx.withdraw(mine.id, Status.CANCELLED, why("arrived after all"), NOW)
            tx.withdraw(theirs.id, Status.CANCELLED, why("Nora Brandt called"), NOW, by_person=True)
            again = [
                note("O-1", due=NOW + HOUR, because=why("retracted", Code.RETRACTED)),
                note("O-2", due=NOW + HOUR),
            ]
            assert tx.create(again, NOW + MINUTE) == 1
        revived, dead = get(ledger, mine.id), get(ledger, theirs.id)
        assert (revived.status, revived.wanted, revived.reason) == (Status.SCHEDULED, again[0], "")
        assert revived.generation > mine.generation
        assert (revived.created_at, revived.updated_at) == (NOW, NOW + MINUTE)
        assert (dead.status, dead.by_person, dead.reason) == (Status.CANCELLED, True, "Nora Brandt called")

    def test_what_ended_otherwise_is_not_revived(self, ledger: Ledger) -> None:
        ended = create(ledger, note("O-1"), note("O-2"))
        with ledger.transaction() as tx:
            tx.withdraw(ended[0].id, Status.EXPIRED, why("too late"), NOW)
            tx.withdraw(ended[1].id, Status.SUPPRESSED, why("no consent"), NOW)
            assert tx.create([note("O-1"), note("O-2")], NOW) == 0

    def test_rescheduling_replaces_all_that_is_wanted(self, ledger: Ledger) -> None:
        (entry,) = create(ledger, note())
        moved = note(due=NOW + HOUR, template="other", because=why("the promise moved", Code.MOVED))
        with ledger.transaction() as tx:
            tx.reschedule(entry.id, moved, NOW + MINUTE)
            assert tx.next_due() == tx.last_due() == NOW + HOUR
        after = get(ledger, entry.id)
        assert (after.wanted, after.due_at, after.expires_at) == (moved, moved.due_at, moved.expires_at)
        assert (after.status, after.updated_at) == (Status.SCHEDULED, NOW + MINUTE)

    def test_rescheduling_another_key_is_refused(self, ledger: Ledger) -> None:
        (entry,) = create(ledger, note())
        with pytest.raises(Stale), ledger.transaction() as tx:
            tx.reschedule(entry.id, note(occasion="arrived#2"), NOW)
        assert get(ledger, entry.id) == entry

    def test_planning_never_shortens_a_back_off(self, ledger: Ledger) -> None:
        (entry,) = create(ledger, note())
        (claimed,) = claim(ledger)
        later = NOW + 3 * HOUR
        with ledger.transaction() as tx:
            tx.back_to_schedule(
                entry.id, claimed.generation, step=0, not_before=later, reason=why("busy"), now=NOW
            )
            tx.reschedule(entry.id, note(due=NOW - HOUR), NOW)
            assert (tx.next_due(), tx.claim(NOW + HOUR, 10, "w", LEASE)) == (later, [])
            tx.withdraw(entry.id, Status.CANCELLED, why("not wanted"), NOW)
            tx.create([note(due=NOW)], NOW)
            assert (tx.next_due(), tx.claim(NOW + HOUR, 10, "w", LEASE)) == (later, [])
            tx.reschedule(entry.id, note(due=NOW + 5 * HOUR), NOW)
            assert tx.next_due() == NOW + 5 * HOUR
        assert get(ledger, entry.id).not_before == later

    def test_what_is_held_does_not_go(self, ledger: Ledger) -> None:
        first, second = create(ledger, note("O-1"), note("O-2"))
        with ledger.transaction() as tx:
            assert tx.hold([first.id, second.id], why("too big a change"), NOW) == 2
            assert tx.claim(NOW, 10, "w", LEASE) == []
            assert tx.next_due() is None
            assert tx.unhold([second.id, 999], why("released by Paul Lindner"), NOW) == 1
            assert [entry.id for entry in tx.claim(NOW, 10, "w", LEASE)] == [second.id]
            assert tx.hold([second.id], why("too late"), NOW) == 0

    def test_what_some_orders_have_due_can_be_asked_for_and_claimed_by_id(self, ledger: Ledger) -> None:
        head, behind, other, _ = create(
            ledger,
            note(occasion="a", due=NOW - HOUR),
            note(occasion="b", due=NOW),
            note("O-2", due=NOW),
            note("O-3", due=NOW + HOUR),
        )
        with ledger.transaction() as tx:
            due = {(head.id, "O-1", head.due_at), (behind.id, "O-1", NOW), (other.id, "O-2", NOW)}
            assert set(tx.due_of(["O-1", "O-2", "O-3"], NOW)) == due
            claimed = tx.claim_these([behind.id, other.id, head.id], NOW, "w", LEASE)
            assert [entry.id for entry in claimed] == [head.id, other.id]
            assert tx.claim_these([behind.id], NOW, "w", LEASE) == []

    def test_a_replay_says_when_each_was_sent(self, ledger: Ledger) -> None:
        create(ledger, note())
        (claimed,) = claim(ledger)
        with ledger.transaction() as tx:
            tx.begin_many([Begin(claimed.id, claimed.generation, "sms", "<m@x>", at=NOW - HOUR)], NOW)
            tx.finish_many([Finish(claimed.id, claimed.generation, Status.ACCEPTED, at=NOW - MINUTE)], NOW)
            (attempt,) = tx.attempts(claimed.id)
        assert (attempt.started_at, attempt.finished_at) == (NOW - HOUR, NOW - MINUTE)
        assert get(ledger, claimed.id).updated_at == NOW - MINUTE

    def test_a_withdrawn_claim_cannot_be_sent(self, ledger: Ledger) -> None:
        create(ledger, note())
        (claimed,) = claim(ledger)
        with ledger.transaction() as tx:
            tx.withdraw(claimed.id, Status.CANCELLED, why("collected meanwhile"), NOW)
        with pytest.raises(Stale, match="cancelled"), ledger.transaction() as tx:
            tx.begin_sending(claimed.id, claimed.generation, "sms", "<1@x>", NOW)
        assert get(ledger, claimed.id).status is Status.CANCELLED

    def test_an_old_claim_cannot_withdraw(self, ledger: Ledger) -> None:
        create(ledger, note())
        (old,) = claim(ledger)
        with ledger.transaction() as tx:
            tx.release(old.id, old.generation, NOW)
        (new,) = claim(ledger)
        with pytest.raises(Stale), ledger.transaction() as tx:
            tx.withdraw(old.id, Status.SUPPRESSED, why("no consent"), NOW, generation=old.generation)
        with ledger.transaction() as tx:
            tx.withdraw(new.id, Status.SUPPRESSED, why("no consent"), NOW, generation=new.generation)
        assert get(ledger, new.id).reason == "no consent"


class SendingContract:
    def test_only_what_is_due_is_claimed(self, ledger: Ledger) -> None:
        create(ledger, note("O-1", due=NOW), note("O-2", due=NOW + timedelta(microseconds=1)))
        with ledger.read() as tx:
            assert tx.next_due() == NOW
        (claimed,) = claim(ledger)
        assert (claimed.wanted.order, claimed.status, claimed.generation) == ("O-1", Status.DISPATCHED, 1)
        assert claimed == get(ledger, claimed.id)
        with ledger.read() as tx:
            assert tx.next_due() == NOW + timedelta(microseconds=1)
            assert tx.next_lease() == NOW + LEASE
        assert claim(ledger) == []

    def test_no_more_are_claimed_than_asked_for_and_the_longest_due_go_first(self, ledger: Ledger) -> None:
        create(ledger, *(note(f"O-{n}", due=NOW - n * MINUTE) for n in range(10)))
        assert [entry.wanted.order for entry in claim(ledger, limit=3)] == ["O-9", "O-8", "O-7"]

    def test_of_an_order_one_goes_at_a_time_and_the_head_goes_first(self, ledger: Ledger) -> None:
        later, first, second = create(
            ledger,
            note(occasion="c", due=NOW),
            note(occasion="a", due=NOW - HOUR),
            note(occasion="b", due=NOW),
        )
        order = []
        while claimed := claim(ledger):
            (one,) = claimed
            assert claim(ledger) == []
            with ledger.transaction() as tx:
                tx.begin_sending(one.id, one.generation, "sms", "<1@x>", NOW)
                assert tx.claim(NOW, 10, "other", LEASE) == []
                assert tx.next_due() is None  # nothing to wake up for before this one ends
                tx.finish(one.id, one.generation, Status.ACCEPTED, now=NOW)
            order.append(one.id)
        assert order == [first.id, later.id, second.id]

    def test_one_that_waits_for_a_retry_blocks_nobody(self, ledger: Ledger) -> None:
        first, second = create(ledger, note(occasion="a", due=NOW - HOUR), note(occasion="b", due=NOW))
        (claimed,) = claim(ledger)
        assert claimed.id == first.id
        with ledger.transaction() as tx:
            tx.back_to_schedule(
                first.id, claimed.generation, step=1, not_before=NOW + HOUR, reason=why("busy"), now=NOW
            )
        (other,) = claim(ledger)
        assert other.id == second.id

    def test_unknown_and_held_block_nobody(self, ledger: Ledger) -> None:
        create(ledger, note(occasion="b", due=NOW), note(occasion="c", due=NOW))
        (unknown,) = claim(ledger)
        with ledger.transaction() as tx:
            tx.begin_sending(unknown.id, unknown.generation, "sms", "<1@x>", NOW)
            tx.finish(unknown.id, unknown.generation, Status.UNKNOWN, reason=why("cut off"), now=NOW)
        (held,) = create(ledger, note(occasion="a", due=NOW - HOUR))
        with ledger.transaction() as tx:
            tx.hold([held.id], why("frozen"), NOW)
        assert [entry.wanted.occasion for entry in claim(ledger)] == ["c"]

    def test_two_workers_never_get_the_same(self, ledger: Ledger) -> None:
        create(ledger, *(note(f"O-{n}") for n in range(50)))
        one, other = claim(ledger, limit=25, worker="a"), claim(ledger, worker="b")
        assert len({entry.id for entry in one + other}) == len(one) + len(other) == 50

    def test_the_message_id_and_the_attempt_are_stored_before_sending(self, ledger: Ledger) -> None:
        (claimed,) = sending(ledger, note())
        entry = get(ledger, claimed.id)
        assert (entry.status, entry.attempts, entry.channel) == (Status.SENDING, 1, "sms")
        assert entry.message_id == f"<{claimed.id}@x>"
        with ledger.read() as tx:
            (attempt,) = tx.attempts(entry.id)
        assert (attempt.n, attempt.channel, attempt.started_at) == (1, "sms", NOW)
        assert (attempt.finished_at, attempt.outcome) == (None, "")

    def test_how_sending_ended_is_on_the_entry_and_on_its_attempt(self, ledger: Ledger) -> None:
        (claimed,) = sending(ledger, note())
        with ledger.transaction() as tx:
            tx.finish(
                claimed.id,
                claimed.generation,
                Status.FAILED,
                now=NOW + MINUTE,
                provider_id="SM1",
                reason=why("no such number"),
                code="21211",
            )
            (attempt,) = tx.attempts(claimed.id)
        entry = get(ledger, claimed.id)
        assert (entry.status, entry.reason, entry.channel) == (Status.FAILED, "no such number", "sms")
        assert (attempt.outcome, attempt.provider_id, attempt.code) == ("failed", "SM1", "21211")
        assert (attempt.finished_at, attempt.detail) == (NOW + MINUTE, "no such number")

    def test_every_try_has_its_own_attempt(self, ledger: Ledger) -> None:
        (claimed,) = sending(ledger, note())
        with ledger.transaction() as tx:
            tx.back_to_schedule(
                claimed.id, claimed.generation, step=1, not_before=NOW, reason=why("421"), now=NOW, code="421"
            )
            entry = tx.entry(claimed.id)
            assert entry is not None
            assert (entry.status, entry.step, entry.reason) == (Status.SCHEDULED, 1, "421")
            (again,) = tx.claim(NOW, 10, "w", LEASE)
            assert (again.message_id, again.generation) == (f"<{claimed.id}@x>", claimed.generation + 1)
            tx.begin_sending(again.id, again.generation, "email", again.message_id, NOW)
            tx.finish(again.id, again.generation, Status.ACCEPTED, now=NOW, provider_id="250 ok")
            tried = [(a.n, a.channel, a.outcome, a.code) for a in tx.attempts(claimed.id)]
        assert tried == [(1, "sms", "unavailable", "421"), (2, "email", "accepted", "")]

    def test_a_claim_given_back_leaves_earlier_attempts_alone(self, ledger: Ledger) -> None:
        (claimed,) = sending(ledger, note())
        with ledger.transaction() as tx:
            tx.finish(claimed.id, claimed.generation, Status.UNKNOWN, reason=why("cut off"), now=NOW)
            tx.back_to_schedule(
                claimed.id, claimed.generation, step=0, not_before=None, reason=why("repeat"), now=NOW
            )
            (again,) = tx.claim(NOW, 10, "w", LEASE)
            tx.back_to_schedule(
                again.id, again.generation, step=0, not_before=None, reason=why("paused"), now=NOW
            )
            (once_more,) = tx.claim(NOW, 10, "w", LEASE)
            tx.release(once_more.id, once_more.generation, NOW)
            assert [(a.n, a.outcome, a.detail) for a in tx.attempts(claimed.id)] == [
                (1, "unknown", "cut off")
            ]

    def test_unknown_may_become_known_later(self, ledger: Ledger) -> None:
        (claimed,) = sending(ledger, note())
        with ledger.transaction() as tx:
            tx.finish(claimed.id, claimed.generation, Status.UNKNOWN, reason=why("cut off"), now=NOW)
            tx.finish(claimed.id, claimed.generation, Status.ACCEPTED, provider_id="SM1", now=NOW + HOUR)
            (attempt,) = tx.attempts(claimed.id)
        assert get(ledger, claimed.id).status is Status.ACCEPTED
        assert (attempt.outcome, attempt.provider_id) == ("accepted", "SM1")

    def test_a_late_worker_is_refused_and_changes_nothing(self, ledger: Ledger) -> None:
        create(ledger, note())
        (old,) = claim(ledger, worker="frozen")
        with ledger.transaction() as tx:
            (swept,) = tx.sweep(NOW + LEASE)
            assert swept.status is Status.SCHEDULED
        (new,) = claim(ledger, NOW + LEASE, worker="other")
        before = get(ledger, new.id)
        writes: tuple[Callable[[Transaction], object], ...] = (
            lambda tx: tx.begin_sending(old.id, old.generation, "sms", "<1@x>", NOW),
            lambda tx: tx.release(old.id, old.generation, NOW),
            lambda tx: tx.back_to_schedule(
                old.id, old.generation, step=0, not_before=None, reason=why(""), now=NOW
            ),
            lambda tx: tx.finish(old.id, old.generation, Status.ACCEPTED, now=NOW),
            lambda tx: tx.withdraw(old.id, Status.EXPIRED, why(""), NOW, generation=old.generation),
        )
        for write in writes:
            with pytest.raises(Stale, match="generation"), ledger.transaction() as tx:
                write(tx)
        assert get(ledger, new.id) == before

    def test_a_lease_that_ran_out_while_sending_leaves_it_unknown(self, ledger: Ledger) -> None:
        (claimed,) = sending(ledger, note())
        with ledger.transaction() as tx:
            assert tx.sweep(NOW + LEASE - timedelta(microseconds=1)) == []
            (swept,) = tx.sweep(NOW + LEASE)
            (attempt,) = tx.attempts(claimed.id)
        assert (swept.id, swept.status) == (claimed.id, Status.UNKNOWN)
        assert swept == get(ledger, claimed.id)
        assert (attempt.outcome, attempt.finished_at) == ("unknown", NOW + LEASE)
        with pytest.raises(Stale), ledger.transaction() as tx:  # the worker wakes up
            tx.finish(claimed.id, claimed.generation, Status.ACCEPTED, now=NOW + HOUR)

    def test_a_lease_can_be_made_longer_by_its_worker(self, ledger: Ledger) -> None:
        create(ledger, note("O-1"))
        (claimed,) = claim(ledger, worker="mine")
        with ledger.transaction() as tx:
            assert tx.extend_lease([claimed.id], "another", NOW + HOUR) == 0
            assert tx.extend_lease([claimed.id], "mine", NOW + HOUR) == 1
            assert tx.sweep(NOW + LEASE) == []
            assert tx.next_lease() == NOW + HOUR
            tx.release(claimed.id, claimed.generation, NOW)
            assert tx.extend_lease([claimed.id], "mine", NOW + HOUR) == 0

    def test_in_a_batch_one_that_is_refused_stops_no_other(self, ledger: Ledger) -> None:
        create(ledger, *(note(f"O-{n}") for n in range(4)))
        claimed = claim(ledger)
        late, *rest = claimed
        with ledger.transaction() as tx:
            tx.release(late.id, late.generation, NOW)
            begun = [Begin(e.id, e.generation, "sms", "<m@x>") for e in claimed]
            assert tx.begin_many(begun, NOW) == {late.id}
            assert tx.attempts(late.id) == []
            endings = [Finish(e.id, e.generation, Status.ACCEPTED) for e in rest[:-1]]
            endings += [Finish(rest[-1].id, rest[-1].generation, Status.FAILED), replace(endings[0])]
            endings += [Finish(late.id, late.generation, Status.ACCEPTED)]
            assert tx.finish_many(endings, NOW) == {late.id, rest[0].id}
            counts = tx.status_counts()
        assert (counts[Status.ACCEPTED], counts[Status.FAILED], counts[Status.SCHEDULED]) == (2, 1, 1)
        assert [get(ledger, e.id).attempts for e in rest] == [1, 1, 1]

    def test_the_backlog_says_how_far_behind_we_are(self, ledger: Ledger) -> None:
        sending(ledger, note("O-1"))
        create(ledger, note("O-2", due=NOW - HOUR), note("O-3", due=NOW), note("O-4", due=NOW + HOUR))
        with ledger.transaction() as tx:
            tx.mark(["O-9"])
            late = tx.backlog(NOW + LEASE)
            assert (late.due, late.oldest, late.leases_over, late.orders_to_plan) == (2, NOW - HOUR, 1, 1)
            early = tx.backlog(NOW - 2 * HOUR)
            assert (early.due, early.oldest, early.leases_over) == (0, None, 0)


class HandingContract:
    def handed(self, ledger: Ledger, *notes: Notification) -> list[Entry]:
        create(ledger, *notes)
        return claim(ledger, worker=HANDED_OVER)

    def take(self, ledger: Ledger, *found: Entry, worker: str = "w") -> list[Entry]:
        with ledger.transaction() as tx:
            return tx.take_over([(one.id, one.generation) for one in found], NOW, worker, LEASE)

    def test_what_is_handed_over_is_taken_over_once_under_the_next_generation(self, ledger: Ledger) -> None:
        late, early = note("O-1"), note("O-2", due=NOW - HOUR)
        found = self.handed(ledger, late, early)
        taken = self.take(ledger, *reversed(found))
        assert [one.wanted.order for one in taken] == ["O-2", "O-1"]
        assert [one.generation for one in taken] == [one.generation + 1 for one in found]
        assert taken == [get(ledger, one.id) for one in taken]
        assert self.take(ledger, *found, worker="another") == []
        with ledger.transaction() as tx:
            assert tx.extend_lease([one.id for one in taken], "w", NOW + HOUR) == 2
            with pytest.raises(Stale):  # whoever handed it over has it no more
                tx.release(found[0].id, found[0].generation, NOW)

    def test_what_was_swept_withdrawn_or_claimed_meanwhile_is_not_taken_over(self, ledger: Ledger) -> None:
        (swept,) = self.handed(ledger, note("O-1"))
        with ledger.transaction() as tx:
            assert [one.id for one in tx.sweep(NOW + LEASE)] == [swept.id]
        assert self.take(ledger, swept) == []
        (again,) = claim(ledger, NOW + LEASE, worker=HANDED_OVER)
        assert self.take(ledger, swept) == []

        (withdrawn,) = self.handed(ledger, note("O-2"))
        with ledger.transaction() as tx:
            tx.withdraw(withdrawn.id, Status.CANCELLED, why("the order is cancelled"), NOW)
        create(ledger, note("O-3"))
        (claimed,) = claim(ledger, worker="somebody")
        assert [one.id for one in self.take(ledger, withdrawn, claimed, again)] == [again.id]

    def test_it_is_known_how_many_wait_to_be_taken_over_and_how_many_in_vain(self, ledger: Ledger) -> None:
        first, _ = self.handed(ledger, note("O-1"), note("O-2"))
        create(ledger, note("O-3"))
        claim(ledger)
        with ledger.read() as tx:
            assert (tx.handed(), tx.handed_in_vain(NOW), tx.handed_in_vain(NOW + LEASE)) == (2, 0, 2)
        self.take(ledger, first)
        with ledger.read() as tx:
            assert (tx.handed(), tx.handed_in_vain(NOW + LEASE)) == (1, 1)


class CompanyContract:
    def test_an_address_is_suppressed_on_its_channel_and_the_first_reason_stays(self, ledger: Ledger) -> None:
        first = Suppression("sms", "hash-1", "STOP", "message 7", NOW)
        with ledger.transaction() as tx:
            tx.suppress(first)
            tx.suppress(replace(first, reason="bounced", at=NOW + HOUR))
            tx.suppress(replace(first, channel="email", address_hash="hash-2"))
            asked = [("sms", "hash-1"), ("email", "hash-1"), ("sms", "hash-3")]
            assert tx.suppressed(asked) == {("sms", "hash-1"): first}
            assert [s.channel for s in tx.suppressions()] == ["email", "sms"]
            assert [s.channel for s in tx.suppressions(after=("email", "hash-2"))] == ["sms"]
            assert tx.unsuppressed("sms", "hash-1") is None
            assert tx.unsuppress("sms", "hash-1", "she asked for it", NOW + HOUR)
            assert not tx.unsuppress("sms", "hash-1", "again", NOW + HOUR)
            assert tx.suppressed(asked) == {}
            assert tx.unsuppressed("sms", "hash-1") == NOW + HOUR
            assert tx.suppress(first)  # a bounce after that counts

    def test_a_channel_is_paused_until_it_is_resumed(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.pause(Stops.CHANNEL, "email", NOW, "535 authentication failed")
            assert not tx.pause(Stops.CHANNEL, "email", NOW + HOUR, "again"), "it keeps its first reason"
            assert tx.pause(Stops.RULE, "email", NOW, "a rule of that name is another thing")
            assert tx.pauses()[0] == Pause(Stops.CHANNEL, "email", NOW, "535 authentication failed")
            assert tx.resume(Stops.CHANNEL, "email")
            assert not tx.resume(Stops.CHANNEL, "email"), "it works already"
            assert [str(pause) for pause in tx.pauses()] == ["rule email"]

    def test_what_waited_for_a_pause_may_go_at_once_and_what_waits_for_a_retry_may_not(
        self, ledger: Ledger
    ) -> None:
        create(ledger, note("A-1"), note("A-2"))
        for one, reason in zip(
            claim(ledger), (paused("rule", "arrived", "rain"), why("451 slow down")), strict=True
        ):
            with ledger.transaction() as tx:
                later = NOW + HOUR
                tx.back_to_schedule(one.id, one.generation, step=0, not_before=later, reason=reason, now=NOW)
        with ledger.transaction() as tx:
            assert tx.wake(paused("rule", "arrived", ""), NOW) == 1
            assert [row[1] for row in tx.due_of(["A-1", "A-2"], NOW)] == ["A-1"]

    def test_what_waits_and_was_never_tried_can_be_let_go_and_a_back_off_stays(self, ledger: Ledger) -> None:
        create(ledger, note("A-1"), note("A-2"))
        with ledger.transaction() as tx:
            tried, untried = tx.claim(NOW, 2, "w", LEASE)
            tx.begin_sending(tried.id, tried.generation, "email", "<1@example.com>", NOW)
            for entry in (tried, untried):
                tx.back_to_schedule(
                    entry.id, entry.generation, step=0, not_before=NOW + HOUR, reason=why("later"), now=NOW
                )
            assert tx.wake_untried(NOW) == 1
            assert [row[0] for row in tx.due_of(["A-1", "A-2"], NOW)] == [untried.id]

    def test_what_leaves_together_is_found_by_its_name_and_taken_before_it_is_due(
        self, ledger: Ledger
    ) -> None:
        later = [note(f"A-{n}", due=NOW + HOUR, joins="arrived/customer/c") for n in (1, 2)]
        create(ledger, *later, note("A-3", due=NOW + HOUR, joins="arrived/customer/d"), note("A-4"))
        with ledger.transaction() as tx:
            found = tx.joining(["arrived/customer/c", ""])
            assert [one.wanted.order for one in found] == ["A-1", "A-2"]
            assert [one.wanted.order for one in tx.claim(NOW, 10, "w", LEASE)] == ["A-4"]
            taken = tx.claim_along([one.id for one in found], NOW, "w", LEASE)
            assert [(one.status, one.generation) for one in taken] == [(Status.DISPATCHED, 1)] * 2
            assert tx.claim_along([one.id for one in found], NOW, "w", LEASE) == []
            assert [one.status for one in tx.joining(["arrived/customer/c"])] == [Status.DISPATCHED] * 2

    def test_nothing_is_taken_along_from_an_order_that_is_busy_or_has_something_due(
        self, ledger: Ledger
    ) -> None:
        for order in ("A-1", "A-2"):
            create(ledger, note(order), note(order, "arrived#2", NOW + HOUR, joins="j"))
        create(ledger, note("A-3", "arrived#2", NOW + HOUR, joins="j"))
        with ledger.transaction() as tx:
            found = {one.wanted.order: one for one in tx.joining(["j"])}
            tx.claim_these([tx.due_of(["A-1"], NOW)[0][0]], NOW, "w", LEASE)
            (third,) = tx.claim_along([one.id for one in found.values()], NOW, "w", LEASE)
            tx.back_to_schedule(third.id, 1, step=0, not_before=NOW + MINUTE, reason=why("421"), now=NOW)
            assert third.wanted.order == "A-3"
            assert tx.claim_along([third.id], NOW, "w", LEASE) == [], "it is in a back-off"
            assert len(tx.claim_along([third.id], NOW + MINUTE, "w", LEASE)) == 1

    def test_a_rescheduled_entry_joins_what_it_belongs_to_now(self, ledger: Ledger) -> None:
        create(ledger, note(joins="old"))
        with ledger.transaction() as tx:
            (entry,) = tx.joining(["old"])
            tx.reschedule(entry.id, note(joins="new"), NOW)
            assert tx.joining(["old"]) == []
            assert [one.id for one in tx.joining(["new"])] == [entry.id]

    def test_at_most_one_set_of_rules_is_active_and_one_is_held(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.ruleset(RuleSetState.ACTIVE) is None
            assert tx.in_force() is None
            tx.activate_ruleset(tx.store_ruleset("d1", {"a.yaml": "one"}), NOW)
            tx.store_ruleset("d2", {"a.yaml": "two"})
            held = tx.store_ruleset("d3", {"a.yaml": "three"})
            active = tx.ruleset(RuleSetState.ACTIVE)
            assert active is not None
            assert (active.digest, active.sources, active.activated_at) == ("d1", {"a.yaml": "one"}, NOW)
            assert tx.ruleset(RuleSetState.HELD) is not None
            tx.activate_ruleset(held, NOW + HOUR)
            active = tx.ruleset(RuleSetState.ACTIVE)
            assert active is not None
            assert (active.id, active.sources) == (held, {"a.yaml": "three"})
            assert tx.in_force() == held
            assert tx.ruleset(RuleSetState.HELD) is None
            tx.store_ruleset("d4", {})
            tx.reject_ruleset()
            assert tx.ruleset(RuleSetState.HELD) is None
            assert tx.in_force() == held

    def test_a_rule_counts_from_its_activation(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.activate_rules({"arrived": "d1", "missed": "d1"}, NOW)
            tx.activate_rules({"arrived": "d2"}, NOW + HOUR)
            tx.deactivate_rules(["missed"])
            (known,) = tx.activations().values()
            assert (known.rule, known.digest, known.at) == ("arrived", "d2", NOW + HOUR)

    def test_a_setting_is_remembered(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.remembered("rules") is None
            tx.remember("rules", "one")
            tx.remember("rules", "two")
            assert tx.remembered("rules") == "two"


class TransactionContract:
    def test_a_transaction_that_fails_leaves_nothing(self, ledger: Ledger) -> None:
        def fail(tx: Transaction) -> None:
            tx.append([Item(fact("e1"))])
            tx.create([note()], NOW)
            raise LookupError

        with pytest.raises(LookupError), ledger.transaction() as tx:
            fail(tx)
        with ledger.read() as tx:
            assert (tx.newest_fact(), tx.entries_of(["O-1"])) == (0, {"O-1": []})

    def test_a_part_that_fails_is_undone_alone(self, ledger: Ledger) -> None:
        def fail(tx: Transaction) -> None:
            tx.append([Item(fact("e2"))])
            raise LookupError

        with ledger.transaction() as tx:
            tx.append([Item(fact("e1"))])
            with pytest.raises(LookupError), tx.apart():
                fail(tx)
            tx.append([Item(fact("e3"))])
        with ledger.read() as tx:
            assert [one.id for one in tx.order_facts(["O-1"])["O-1"]] == ["e1", "e3"]

    def test_what_is_written_in_a_read_is_not_kept(self, ledger: Ledger) -> None:
        with ledger.read() as tx:
            tx.remember("name", "value")
        with ledger.read() as tx:
            assert tx.remembered("name") is None

    def test_a_thread_cannot_be_in_two_transactions(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            with pytest.raises(RuntimeError, match="already"), ledger.transaction():
                pass
            with pytest.raises(RuntimeError, match="already"), ledger.read():
                pass
            tx.remember("still", "works")
        with ledger.read() as tx:
            assert tx.remembered("still") == "works"


class WriterContract:
    def test_many_changes_are_committed_and_each_gets_its_answer(self, ledger: Ledger) -> None:
        with Writer(ledger) as writer:
            futures = [writer.submit(appending(f"e{n}")) for n in range(300)]
            assert [future.result(60) for future in futures] == [[Appended.NEW]] * 300
        with ledger.read() as tx:
            assert len(tx.order_facts(["O-1"])["O-1"]) == 300

    def test_one_that_fails_fails_alone(self, ledger: Ledger) -> None:
        def fails(tx: Any) -> None:
            tx.append([Item(fact("bad"))])
            raise LookupError("of its own")

        with Writer(ledger) as writer:
            good = writer.submit(lambda tx: tx.append([Item(fact("e1"))]))
            bad = writer.submit(fails)
            also = writer.submit(lambda tx: tx.append([Item(fact("e2"))]))
            assert (good.result(10), also.result(10)) == ([Appended.NEW], [Appended.NEW])
            with pytest.raises(LookupError, match="of its own"):
                bad.result(10)
        with ledger.read() as tx:
            assert [one.id for one in tx.order_facts(["O-1"])["O-1"]] == ["e1", "e2"]

    def test_an_answer_is_given_only_after_the_commit(self, ledger: Ledger) -> None:
        with Writer(ledger) as writer:
            for n in range(20):
                writer.submit(remembering("count", str(n))).result(10)
                with ledger.read() as tx:
                    assert tx.remembered("count") == str(n)

    def test_closing_commits_what_waits_and_refuses_more(self, ledger: Ledger) -> None:
        writer = Writer(ledger)
        futures = [writer.submit(remembering(f"n{n}", "x")) for n in range(50)]
        writer.close()
        assert all(future.done() for future in futures)
        with pytest.raises(RuntimeError, match="closed"):
            writer.submit(lambda tx: None)


class LedgerContract(
    FactsContract,
    OrdersContract,
    PlanningContract,
    SendingContract,
    HandingContract,
    CompanyContract,
    TransactionContract,
    WriterContract,
    InboxContract,
    MessagesContract,
    OverviewContract,
    AccessContract,
    ReturningContract,
    DaemonsContract,
):
    """All of it."""
