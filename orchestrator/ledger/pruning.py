"""What is over for long, taken out of the ledger in small parts; what keeps from saying twice stays.

Of an order that is pruned one fact stays, ``order.pruned``: nothing is ever planned for it again, and what is
heard about it again that had happened before is known. What was withdrawn, suppressed or erased is about
customers and addresses, and is never pruned.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    delete,
    exists,
    insert,
    not_,
    or_,
    select,
    text,
    update,
)

from orchestrator.ledger.moves import one_of
from orchestrator.ledger.orders import NOTHING_KNOWN
from orchestrator.ledger.owning import Owning
from orchestrator.ledger.rows import to_json
from orchestrator.ledger.tables import attempts, entries, facts, orders
from orchestrator.ledger.verbs import batches
from orchestrator.model import ENGINE, PRUNED, Scope, Status

_OPEN = {Status.HELD, Status.SCHEDULED, Status.DISPATCHED, Status.SENDING}
_ENDED = set(Status) - _OPEN - {Status.UNKNOWN}  # of which nobody asks any more how it went

_ids: Any = bindparam("ids", expanding=True)
_before = bindparam("before", type_=orders.c.quiet_since.type)
_after = bindparam("after", type_=orders.c.quiet_since.type)

_QUIET = (
    select(orders.c.quiet_since, orders.c.id)
    .where(
        orders.c.quiet_since.is_not(None),
        orders.c.quiet_since < _before,
        or_(
            orders.c.quiet_since > _after,
            and_(orders.c.quiet_since == _after, orders.c.id > bindparam("name")),
        ),
    )
    .order_by(orders.c.quiet_since, orders.c.id)
    .limit(bindparam("most"))
)
_OVER = select(orders.c.id).where(
    orders.c.id.in_(_ids),
    text("orders.status IN ('cancelled', 'complete')"),
    orders.c.quiet_since < _before,
    orders.c.changed <= orders.c.planned,
    not_(exists().where(entries.c.order_id == orders.c.id, one_of(entries.c.status, _OPEN))),
    not_(exists().where(entries.c.order_id == orders.c.id, entries.c.updated_at >= _before)),
    not_(exists().where(facts.c.scope == "order", facts.c.subject == orders.c.id, facts.c.heard >= _before)),
)
_THEIR_ENTRIES = select(entries.c.id).where(entries.c.order_id.in_(_ids))
_DROP_ATTEMPTS = delete(attempts).where(attempts.c.entry_id.in_(_THEIR_ENTRIES.scalar_subquery()))
_DROP_ENTRIES = delete(entries).where(entries.c.order_id.in_(_ids))
_DROP_FACTS = delete(facts).where(facts.c.scope == "order", facts.c.subject.in_(_ids))
_EMPTY = (
    update(orders)
    .where(orders.c.id.in_(_ids))
    .values(
        **{name: value for name, value in NOTHING_KNOWN.items() if name != "status"},
        status=PRUNED.rpartition(".")[2],
    )
)
_NOTE = insert(facts)
_PRUNED = select(facts.c.subject, facts.c.happened).where(
    text(f"type = '{PRUNED}'"), facts.c.source == ENGINE, facts.c.subject.in_(_ids)
)

_TRIES = (
    select(attempts.c.id, attempts.c.started_at, attempts.c.entry_id)
    .where(attempts.c.id > bindparam("number"))
    .order_by(attempts.c.id)
    .limit(bindparam("most"))
)
_ENDED_OF = select(entries.c.id).where(entries.c.id.in_(_ids), one_of(entries.c.status, _ENDED))
_DROP_TRIES = delete(attempts).where(attempts.c.id.in_(_ids))

_LOOKS = (
    select(facts.c.seq)
    .where(text("type = 'customer.active'"), facts.c.heard < bindparam("before", type_=facts.c.heard.type))
    .order_by(facts.c.heard, facts.c.seq)
    .limit(bindparam("most"))
)
_DROP_LOOKS = delete(facts).where(facts.c.seq.in_(_ids))

Place = tuple[datetime, str]  # where among the quiet orders one stands


class Pruning(Owning):
    """The verbs about what is over."""

    def quiet_orders(self, before: datetime, after: Place, limit: int) -> list[Place]:
        """List at most *limit* closed orders without news since *before*, from *after* on."""
        values = {"before": before, "after": after[0], "name": after[1], "most": limit}
        return [(row[0], row[1]) for row in self._rows(_QUIET, values)]

    def over(self, order_ids: Sequence[str], before: datetime) -> list[str]:
        """Name those of these orders of which nothing is open and nothing happened since *before*."""
        values = {"before": before}
        return [row[0] for ids in batches(order_ids) for row in self._rows(_OVER, values | {"ids": ids})]

    def prune_orders(self, order_ids: Sequence[str], before: datetime, now: datetime) -> int:
        """Drop facts, entries and attempts of those of these that are :meth:`over`; say how many orders."""
        self.own(order_ids)
        found = self.over(order_ids, before)
        for ids in batches(found):
            for statement in (_DROP_ATTEMPTS, _DROP_ENTRIES, _DROP_FACTS, _EMPTY):
                self._run(statement, {"ids": ids})
            self._run(_NOTE, [_note(order_id, now) for order_id in ids])
        return len(found)

    def pruned(self, order_ids: Sequence[str]) -> dict[str, datetime]:
        """Say which of these orders were pruned, and when."""
        return {row[0]: row[1] for ids in batches(order_ids) for row in self._rows(_PRUNED, {"ids": ids})}

    def old_attempts(self, before: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
        """Name attempts begun before then whose entries have ended, of *limit* looked at above *after*.

        With the number to go on after, or nothing if all those that are so old were looked at.
        """
        rows = self._rows(_TRIES, {"number": after, "most": limit})
        old = [row for row in rows if row[1] < before]
        ended = {
            row[0] for ids in batches({row[2] for row in old}) for row in self._rows(_ENDED_OF, {"ids": ids})
        }
        further = rows[-1][0] if len(old) == limit else None
        return [row[0] for row in old if row[2] in ended], further

    def prune_attempts(self, numbers: Sequence[int]) -> int:
        """Drop these attempts, and say how many it was."""
        return sum(self._run(_DROP_TRIES, {"ids": ids}) for ids in batches(numbers))

    def old_activity(self, before: datetime, limit: int) -> list[int]:
        """Name at most *limit* facts that a customer was active, heard before then."""
        return [row[0] for row in self._rows(_LOOKS, {"before": before, "most": limit})]

    def prune_activity(self, numbers: Sequence[int]) -> int:
        """Drop these facts, and say how many it was."""
        return sum(self._run(_DROP_LOOKS, {"ids": ids}) for ids in batches(numbers))


def _note(order_id: str, now: datetime) -> dict[str, Any]:
    return {
        "source": ENGINE,
        "event_id": f"{PRUNED}:{order_id}",
        "type": PRUNED,
        "scope": Scope.ORDER.value,
        "subject": order_id,
        "happened": now,
        "heard": now,
        "data": to_json({}),
        "extensions": None,
        "digest": b"",
    }
