"""Taking what is due: the one statement that databases word differently.

SQLite has one writer at a time, so what the inner query found is still so when it is taken. In an order
only the head goes (the earliest ``due_at`` among what may go now), and only when nothing of it is in
flight; the unique index ``ix_entries_one_in_flight`` would refuse anything else.
"""

from sqlalchemy import and_, bindparam, exists, or_, select, update

from orchestrator.ledger.moves import one_of
from orchestrator.ledger.rows import ENTRY
from orchestrator.ledger.tables import entries
from orchestrator.model import IN_FLIGHT, Status

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

_due = (
    select(_waiting.c.id)
    .where(one_of(_waiting.c.status, {Status.SCHEDULED}), _waiting.c.run_at <= _now, ORDER_IS_FREE, IS_HEAD)
    .order_by(_waiting.c.run_at, _waiting.c.id)
    .limit(bindparam("most"))
)

CLAIM = (
    update(entries)
    .where(entries.c.id.in_(_due.scalar_subquery()))
    .values(
        status=Status.DISPATCHED.value,
        generation=entries.c.generation + 1,
        lease_until=bindparam("until"),
        worker=bindparam("by"),
        updated_at=_now,
    )
    .returning(*ENTRY)
)

NEXT_DUE = (
    select(_waiting.c.run_at)
    .where(one_of(_waiting.c.status, {Status.SCHEDULED}), ORDER_IS_FREE)
    .order_by(_waiting.c.run_at, _waiting.c.id)
    .limit(1)
)
