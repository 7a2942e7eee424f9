"""Taking what is due: the one statement that databases word differently.

SQLite has one writer at a time, so what the inner query found is still so when it is taken. In PostgreSQL
the orders of what is due are owned first, passing by those that somebody else works on, and what is still
due then is taken. In an order only the head goes (the earliest ``due_at`` among
what may go now), and only when nothing of it is in flight; the unique index ``ix_entries_one_in_flight``
would refuse anything else.
"""

from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, literal_column, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from orchestrator.ledger.moves import one_of
from orchestrator.ledger.rows import ENTRY
from orchestrator.ledger.tables import entries, orders
from orchestrator.model import IN_FLIGHT, WAITING, Status

_waiting, _earlier, _flying = entries.alias("waiting"), entries.alias("earlier"), entries.alias("flying")
_now = bindparam("now", type_=entries.c.run_at.type)

ORDER_IS_FREE = ~exists().where(
    _flying.c.order_id == _waiting.c.order_id, one_of(_flying.c.status, IN_FLIGHT)
)

IS_HEAD = ~exists().where(
    _earlier.c.order_id == _waiting.c.order_id,
    one_of(_earlier.c.status, {Status.SCHEDULED}),
    _earlier.c.run_at <= _now,
    or_(
        _earlier.c.due_at < _waiting.c.due_at,
        and_(_earlier.c.due_at == _waiting.c.due_at, _earlier.c.id < _waiting.c.id),
    ),
)

_may_go = select(_waiting.c.id).where(
    one_of(_waiting.c.status, {Status.SCHEDULED}), _waiting.c.run_at <= _now, ORDER_IS_FREE, IS_HEAD
)
_due = _may_go.order_by(_waiting.c.run_at, _waiting.c.id).limit(bindparam("most"))
_together = select(_waiting.c.id).where(  # somebody due takes them along, whenever they are due themselves
    _waiting.c.id.in_(bindparam("ids", expanding=True)),
    one_of(_waiting.c.status, {Status.SCHEDULED}),
    or_(_waiting.c.not_before.is_(None), _waiting.c.not_before <= _now),
    ORDER_IS_FREE,
    IS_HEAD,
)
_these = _may_go.where(_waiting.c.id.in_(bindparam("ids", expanding=True)))


def _take(found: Select[tuple[int | None]]) -> ReturningUpdate[Any]:
    return (
        update(entries)
        .where(entries.c.id.in_(found.scalar_subquery()))
        .values(
            status=Status.DISPATCHED.value,
            generation=entries.c.generation + 1,
            lease_until=bindparam("until"),
            worker=bindparam("by"),
            waits_for=literal_column("''"),
            updated_at=_now,
        )
        .returning(*ENTRY)
    )


def _owned(found: Select[tuple[int | None]]) -> Select[tuple[int | None]]:
    """The same, owning their orders, and without those whose order somebody else works on."""
    return found.join(orders, orders.c.id == _waiting.c.order_id).with_for_update(of=orders, skip_locked=True)


CLAIM = _take(_due)
CLAIM_THESE = _take(_these)
CLAIM_ALONG = _take(_together)
OWN_DUE, OWN_THESE, OWN_ALONG = _owned(_due), _owned(_these), _owned(_together)
JOINING = (
    select(*ENTRY)
    .where(
        entries.c.joins.in_(bindparam("names", expanding=True)),
        entries.c.joins != literal_column("''"),
        one_of(entries.c.status, IN_FLIGHT | WAITING),
    )
    .order_by(entries.c.id)
)
DUE_OF = select(_waiting.c.id, _waiting.c.order_id, _waiting.c.run_at).where(
    one_of(_waiting.c.status, {Status.SCHEDULED}),
    _waiting.c.order_id.in_(bindparam("ids", expanding=True)),
    _waiting.c.run_at <= _now,
)

NEXT_DUE = (
    select(_waiting.c.run_at)
    .where(one_of(_waiting.c.status, {Status.SCHEDULED}), ORDER_IS_FREE)
    .order_by(_waiting.c.run_at, _waiting.c.id)
    .limit(1)
)
