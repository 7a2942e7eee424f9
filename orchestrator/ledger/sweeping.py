"""Taking back what nobody works on any more: a lease ran out, or whoever held it has died.

What never began is scheduled again, and what had begun is unknown, for it may have left.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from orchestrator.ledger.moves import may_become, one_of
from orchestrator.ledger.reasoned import WRITTEN, columns
from orchestrator.ledger.rows import ENTRY, entry
from orchestrator.ledger.sending import END_OPEN, GROUNDED
from orchestrator.ledger.tables import entries, orders
from orchestrator.ledger.verbs import Verbs, batches
from orchestrator.model import IN_FLIGHT, Entry, Status
from orchestrator.reasons import Reason
from orchestrator.reasons.sending import DIED, LEASE_OVER

_FLYING = one_of(entries.c.status, IN_FLIGHT)
_NAMED = entries.c.worker.in_(bindparam("names", expanding=True))


def _lost(was: Status, becomes: Status) -> Any:
    return (
        update(entries)
        .where(entries.c.id.in_(bindparam("ids", expanding=True)), may_become(becomes, {was}))
        # the next generation, so that the worker who may still wake up is refused
        .values(status=becomes.value, generation=entries.c.generation + 1, **GROUNDED)
        .returning(*ENTRY)
    )


def _which(*conditions: Any) -> tuple[Any, Any]:
    """How to find them where one writes at a time, and where many do: passing by what others work on."""
    found = select(entries.c.id).where(*conditions)
    owned = found.join(orders, orders.c.id == entries.c.order_id)
    return found, owned.with_for_update(of=orders, skip_locked=True)


_LAPSED = _which(_FLYING, entries.c.lease_until <= bindparam("now", type_=entries.c.run_at.type))
_OF_DEAD = _which(_FLYING, _NAMED)
_NOT_BEGUN_OF = _which(_FLYING, one_of(entries.c.status, {Status.DISPATCHED}), _NAMED)
_NEVER_BEGUN = _lost(Status.DISPATCHED, Status.SCHEDULED)
_NOBODY_KNOWS = _lost(Status.SENDING, Status.UNKNOWN).values(**WRITTEN)
_HOLDERS = select(entries.c.worker).where(_FLYING).distinct()


class Sweeping(Verbs):
    """The verbs about what the dead leave behind."""

    def holders(self) -> set[str]:
        """Name the workers that have something in flight, and whoever holds what is handed over."""
        return {row[0] for row in self._rows(_HOLDERS)}

    def showing(self, workers: Collection[str]) -> set[str] | None:
        """Those of these workers that show that they live; ``None`` where nobody can see it."""
        return self._database.showing(self._connection, workers)

    def is_alone(self) -> bool:
        """Is there one daemon at a time, and is that this process now?"""
        return self._database.is_alone

    def sweep(self, now: datetime, dead: Collection[str] = (), silent: Collection[str] = ()) -> list[Entry]:
        """Take back entries whose lease ran out: scheduled if they never began, else unknown.

        Of workers that are *dead* everything comes back at once, and of those that are *silent* what never
        began: they may live, and be sending the rest.
        """
        found = self._swept(_LAPSED, {"now": now}, LEASE_OVER, now)
        if dead:
            found += self._swept(_OF_DEAD, {"names": sorted(dead)}, DIED, now)
        if silent:
            found += self._swept(_NOT_BEGUN_OF, {"names": sorted(silent)}, DIED, now)
        return found

    def _swept(self, which: tuple[Any, Any], values: Any, why: Reason, now: datetime) -> list[Entry]:
        ids = [row[0] for row in self._rows(which[self._is_shared], values)]
        unknown = self._back(_NOBODY_KNOWS, ids, {"now": now, **columns(why)})
        how = {"how": Status.UNKNOWN.value, "receipt": "", "error": "", "why": str(why), "now": now}
        if unknown:
            self._run(END_OPEN, [{"entry": one.id, **how} for one in unknown])
        return unknown + self._back(_NEVER_BEGUN, ids, {"now": now})

    def _back(self, statement: Any, entry_ids: Iterable[int], values: dict[str, Any]) -> list[Entry]:
        return [
            entry(row) for ids in batches(entry_ids) for row in self._rows(statement, {"ids": ids, **values})
        ]
