"""Entries that a planner claimed for somebody else: handed over, and taken over by whoever sends them.

What is handed over has a generation and a lease like everything claimed, and no worker yet.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update

from orchestrator.ledger.moves import one_of
from orchestrator.ledger.rows import ENTRY, entry
from orchestrator.ledger.tables import entries, orders
from orchestrator.ledger.verbs import Verbs, batches
from orchestrator.model import Entry, Status

HANDED_OVER = "handed over"  # the worker of what nobody has taken over yet; those of others are UUIDs
Handed = tuple[int, int]  # an entry's id, and the generation under which it was handed over

_WAITS = (one_of(entries.c.status, {Status.DISPATCHED}), entries.c.worker == HANDED_OVER)
_THESE = entries.c.id.in_(bindparam("ids", expanding=True))
_OWN = (
    select(entries.c.id)
    .join(orders, orders.c.id == entries.c.order_id)
    .where(_THESE, *_WAITS)
    .order_by(orders.c.id)  # so that no two wait for each other
    .with_for_update(of=orders)
)
_FOUND = select(entries.c.id, entries.c.generation).where(_THESE, *_WAITS)
_TAKE = (
    update(entries)
    .where(_THESE, *_WAITS)
    .values(
        generation=entries.c.generation + 1,  # whoever was given the same too is refused
        worker=bindparam("by"),
        lease_until=bindparam("until"),
        updated_at=bindparam("now"),
    )
    .returning(*ENTRY)
)
_COUNT = select(func.count()).where(*_WAITS)
_LAPSED = select(func.count()).where(
    *_WAITS, entries.c.lease_until <= bindparam("now", type_=entries.c.lease_until.type)
)


class Handing(Verbs):
    """The verbs between a planner that claims and workers that send."""

    def take_over(
        self, handed: Sequence[Handed], now: datetime, worker: str, lease: timedelta
    ) -> list[Entry]:
        """Take those of these that still wait under the generation they were handed over with.

        They come under the next generation, by ``due_at``, and are *worker*'s until *now* + *lease*. What was
        swept, taken or withdrawn meanwhile is left alone. Their orders are owned from here on.
        """
        found: list[Entry] = []
        for batch in batches(sorted(handed)):
            ids = [entry_id for entry_id, _ in batch]
            if self._is_shared:
                self._rows(_OWN, {"ids": ids})
            same = {(row[0], row[1]) for row in self._rows(_FOUND, {"ids": ids})}.intersection(batch)
            values = {"ids": sorted(one for one, _ in same), "now": now, "by": worker, "until": now + lease}
            found += map(entry, self._rows(_TAKE, values) if same else ())
        return sorted(found, key=lambda one: (one.due_at, one.id))

    def handed(self) -> int:
        """Say how many were handed over and not taken over yet."""
        return int(self._value(_COUNT))

    def handed_in_vain(self, now: datetime) -> int:
        """Say of how many of them the lease ran out."""
        return int(self._value(_LAPSED, {"now": now}))

    def driver(self) -> Any:
        """The driver's own connection, for what is to be written in this very transaction."""
        return self._driver
