"""What monitoring asks every few seconds: each answer comes from an index, and counts end at a limit."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from orchestrator.ledger.moves import one_of
from orchestrator.ledger.orders import WAITS
from orchestrator.ledger.tables import entries, orders
from orchestrator.ledger.turns import IN_LINE
from orchestrator.ledger.verbs import Verbs
from orchestrator.model import IN_FLIGHT, Status

MOST = 100_000  # rows of an index in a count: some tens of milliseconds

_now = bindparam("now", type_=entries.c.run_at.type)
_SCHEDULED = one_of(entries.c.status, {Status.SCHEDULED})


def _counted(column: Any, *where: Any) -> Select[Any]:
    """Count rows, and stop at so many."""
    found = select(column).where(*where).limit(bindparam("most")).subquery()
    return select(func.count()).select_from(found)


_COUNTS = {
    "due": _counted(entries.c.run_at, _SCHEDULED, entries.c.run_at <= _now),
    "scheduled": _counted(entries.c.run_at, _SCHEDULED, entries.c.run_at > _now),
    "in line": _counted(entries.c.waits_for, *IN_LINE),
    "held": _counted(entries.c.id, one_of(entries.c.status, {Status.HELD})),
    "in flight": _counted(entries.c.lease_until, one_of(entries.c.status, IN_FLIGHT)),
    "lease over": _counted(
        entries.c.lease_until, one_of(entries.c.status, IN_FLIGHT), entries.c.lease_until <= _now
    ),
    "unplanned": _counted(orders.c.heard_to, WAITS),
}
_OLDEST = {
    "due": select(func.min(entries.c.run_at)).where(_SCHEDULED, entries.c.run_at <= _now),
    "unplanned": select(func.min(orders.c.heard_to)).where(WAITS),
    "lease over": select(func.min(entries.c.lease_until)).where(
        one_of(entries.c.status, IN_FLIGHT), entries.c.lease_until <= _now
    ),
}


class Measuring(Verbs):
    """The verbs about how much there is and how old it is."""

    def queued(self, now: datetime, most: int = MOST) -> dict[str, int]:
        """Count what waits for what; *most* means that many or more."""
        values = {"now": now, "most": most}
        return {state: int(self._value(query, values)) for state, query in _COUNTS.items()}

    def queued_since(self, now: datetime) -> dict[str, datetime | None]:
        """Say since when the oldest of it waits."""
        return {state: self._value(query, {"now": now}) for state, query in _OLDEST.items()}
