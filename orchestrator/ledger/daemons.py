"""Who works on the ledger: each process says every few seconds that it lives, and when it last looked."""

from dataclasses import fields
from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.tables import daemons, settings
from orchestrator.ledger.values import Daemon
from orchestrator.ledger.verbs import Verbs

_COLUMNS = tuple(field.name for field in fields(Daemon))
_new = insert(daemons).values(
    {name: bindparam(f"its_{name}", type_=daemons.c[name].type) for name in _COLUMNS}
)
_BEAT = _new.on_conflict_do_update(
    index_elements=["id"], set_={name: _new.excluded[name] for name in ("seen_at", "scanned_at")}
)
_LEFT = delete(daemons).where(daemons.c.id == bindparam("its_id"))
_FORGET = delete(daemons).where(daemons.c.seen_at < bindparam("before", type_=daemons.c.seen_at.type))
_DAEMONS = select(*(daemons.c[name] for name in _COLUMNS)).order_by(daemons.c.role, daemons.c.started_at)
_SCANNED = select(func.max(daemons.c.scanned_at))
_turn = insert(settings)
_TURN = _turn.on_conflict_do_update(
    index_elements=["name"],
    set_={"value": _turn.excluded.value},
    where=settings.c.value <= bindparam("before", type_=settings.c.value.type),
)


class Daemons(Verbs):
    """The verbs about who works on the ledger."""

    def beat(self, daemon: Daemon) -> None:
        """Note that a daemon lives."""
        self._run(_BEAT, {f"its_{name}": getattr(daemon, name) for name in _COLUMNS})

    def left(self, daemon_id: str) -> None:
        """Note that a daemon ended in order."""
        self._run(_LEFT, {"its_id": daemon_id})

    def daemons(self) -> list[Daemon]:
        """List those that work, and those that died, by role and start."""
        return [Daemon(*row) for row in self._rows(_DAEMONS)]

    def forget_daemons(self, before: datetime) -> int:
        """Drop those that were last heard of before then, and say how many it was."""
        return self._run(_FORGET, {"before": before})

    def scanned_at(self) -> datetime | None:
        """Say when any daemon last looked for what is due."""
        moment: datetime | None = self._value(_SCANNED)
        return moment

    def has_turn(self, name: str, now: datetime, since: datetime) -> bool:
        """Take the turn of that name unless somebody took it after *since*; say whether it is ours.

        Of many who ask at once one gets it, on whichever machine.
        """
        row = {"name": f"turn of {name}", "value": _written(now), "before": _written(since)}
        return self._run(_TURN, row) == 1


def _written(moment: datetime) -> str:
    """A moment as text that sorts as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
