"""Every move of :data:`orchestrator.model.MOVES` can be made through the ledger, and no other."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product

import pytest

from orchestrator.errors import Stale
from orchestrator.ledger import Ledger, Transaction
from orchestrator.ledger.moves import may_become
from orchestrator.model import FINAL, IN_FLIGHT, MOVES, WAITING, Entry, Status
from tests.builders import why
from tests.contracts.ledger import LEASE, NOW, note

Verb = Callable[[Transaction, Entry], object]


def claim(tx: Transaction, _: Entry) -> None:
    if not tx.claim(NOW, 1, "worker", LEASE):
        raise Stale("there is nothing to claim")


def hold(tx: Transaction, entry: Entry) -> None:
    if not tx.hold([entry.id], why("frozen"), NOW):
        raise Stale("it is not scheduled")


def schedule(tx: Transaction, entry: Entry) -> None:
    """Every verb that schedules; each refuses what is not its own to schedule."""
    if entry.status is Status.HELD:
        moved = tx.unhold([entry.id], why("released"), NOW) == 1
    elif entry.status is Status.CANCELLED:
        moved = tx.create([entry.wanted], NOW) == 1
    else:
        tx.back_to_schedule(entry.id, entry.generation, step=0, not_before=None, reason=why("again"), now=NOW)
        moved = True
    if not moved:
        raise Stale("it cannot be scheduled")


def begin(tx: Transaction, entry: Entry) -> None:
    tx.begin_sending(entry.id, entry.generation, "sms", "<1@example.org>", NOW)


def withdraw(status: Status) -> Verb:
    return lambda tx, entry: tx.withdraw(entry.id, status, why("a reason"), NOW)


def finish(status: Status) -> Verb:
    return lambda tx, entry: tx.finish(entry.id, entry.generation, status, now=NOW, reason=why("a reason"))


def doubt(tx: Transaction, entry: Entry) -> None:
    """After a try, or before another one is made."""
    verb = withdraw if Status.CANCELLED in MOVES[entry.status] else finish
    verb(Status.UNKNOWN)(tx, entry)


INTO: dict[Status, Verb] = {
    Status.HELD: hold,
    Status.SCHEDULED: schedule,
    Status.DISPATCHED: claim,
    Status.SENDING: begin,
    Status.ACCEPTED: finish(Status.ACCEPTED),
    Status.FAILED: finish(Status.FAILED),
    Status.UNKNOWN: doubt,
    Status.CANCELLED: withdraw(Status.CANCELLED),
    Status.EXPIRED: withdraw(Status.EXPIRED),
    Status.SUPPRESSED: withdraw(Status.SUPPRESSED),
}

WAY_TO: dict[Status, tuple[Status, ...]] = {
    Status.SCHEDULED: (),
    Status.HELD: (Status.HELD,),
    Status.DISPATCHED: (Status.DISPATCHED,),
    Status.SENDING: (Status.DISPATCHED, Status.SENDING),
    Status.ACCEPTED: (Status.DISPATCHED, Status.SENDING, Status.ACCEPTED),
    Status.FAILED: (Status.DISPATCHED, Status.SENDING, Status.FAILED),
    Status.UNKNOWN: (Status.DISPATCHED, Status.SENDING, Status.UNKNOWN),
    Status.CANCELLED: (Status.CANCELLED,),
    Status.EXPIRED: (Status.EXPIRED,),
    Status.SUPPRESSED: (Status.SUPPRESSED,),
}


@pytest.fixture(scope="module")
def memory() -> Iterator[Ledger]:
    with Ledger.open("sqlite://", upgrade=True, scratch=True) as opened:
        yield opened


def entry_in(tx: Transaction, status: Status, key: str) -> Entry:
    tx.create([note(key)], NOW)
    for step in WAY_TO[status]:
        INTO[step](tx, now_is(tx, key))
    reached = now_is(tx, key)
    assert reached.status is status
    return reached


def now_is(tx: Transaction, order: str) -> Entry:
    entry = tx.entry(note(order).key)
    assert entry is not None
    return entry


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_an_entry_moves_as_the_table_says_and_in_no_other_way(
    memory: Ledger, before: Status, after: Status
) -> None:
    with memory.read() as tx:  # undone at the end
        entry = entry_in(tx, before, "O-1")
        if after in MOVES[before]:
            INTO[after](tx, entry)
            assert now_is(tx, "O-1").status is after
        else:
            with pytest.raises(Stale):
                INTO[after](tx, entry)
            assert now_is(tx, "O-1") == entry


@pytest.mark.parametrize("status", list(Status))
def test_only_what_is_in_flight_is_swept(memory: Ledger, status: Status) -> None:
    with memory.read() as tx:
        entry = entry_in(tx, status, "O-1")
        swept = tx.sweep(NOW + timedelta(days=1))
        assert [one.id for one in swept] == ([entry.id] if status in IN_FLIGHT else [])
        assert all(one.status in MOVES[status] for one in swept)


def test_the_groups_of_states_agree_with_the_moves() -> None:
    assert set(MOVES) == set(Status)
    assert {status for status in Status if not MOVES[status]} == FINAL - {Status.CANCELLED}
    assert WAITING.isdisjoint(IN_FLIGHT | FINAL)


def test_a_verb_for_a_move_that_is_not_in_the_table_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="may become"):
        may_become(Status.SENDING, {Status.ACCEPTED})
