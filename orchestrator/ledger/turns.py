"""How channels do, how much of their rates is used, and who waits in a queue for one."""

from dataclasses import astuple, fields
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.moves import one_of
from orchestrator.ledger.tables import entries, health, rates
from orchestrator.ledger.values import Health
from orchestrator.ledger.verbs import Verbs
from orchestrator.model import Status

_NAMES = [one.name for one in fields(Health)]
_HEALTH = select(*(health.c[name] for name in _NAMES)).order_by(health.c.channel)
_keep = upsert(health)
_KEEP = _keep.on_conflict_do_update(
    index_elements=["channel"], set_={name: _keep.excluded[name] for name in _NAMES[1:]}
)
_WELL = delete(health).where(health.c.channel == bindparam("its_name"))
_USED = select(rates.c.used_to).where(rates.c.name == bindparam("its_name"))
_use = upsert(rates)
_USE = _use.on_conflict_do_update(index_elements=["name"], set_={"used_to": _use.excluded.used_to})

IN_LINE = (one_of(entries.c.status, {Status.SCHEDULED}), entries.c.waits_for != literal_column("''"))
_NEXT_QUEUE = (  # by the index: a queue of fifty thousand is not read to find the next one
    select(entries.c.waits_for)
    .where(*IN_LINE, entries.c.waits_for > bindparam("after"))
    .order_by(entries.c.waits_for)
    .limit(1)
)
_LENGTH = select(func.count()).where(*IN_LINE, entries.c.waits_for == bindparam("queue"))
_LINE = select(entries.c.waits_for, entries.c.due_at).where(*IN_LINE, entries.c.id == bindparam("number"))
_AHEAD = select(func.count()).where(
    *IN_LINE,
    entries.c.waits_for == bindparam("queue"),
    or_(
        entries.c.due_at < bindparam("due"),
        and_(entries.c.due_at == bindparam("due"), entries.c.id < bindparam("number")),
    ),
)
_HEAD = (
    select(entries.c.due_at, entries.c.id)
    .where(*IN_LINE, entries.c.waits_for == bindparam("queue"))
    .order_by(entries.c.due_at, entries.c.id)
    .limit(1)
)
_first = (
    select(entries.c.id)
    .where(*IN_LINE, entries.c.waits_for == bindparam("queue"))
    .order_by(entries.c.due_at, entries.c.id)
    .limit(bindparam("most"))
)
_CALL = (
    update(entries)
    .where(entries.c.id.in_(_first.scalar_subquery()))
    .values(waits_for=literal_column("''"), not_before=None, run_at=entries.c.due_at)
)


class Turns(Verbs):
    """The verbs about the health of channels, their rates, and the queues before them."""

    def health(self) -> dict[str, Health]:
        """Give what is known of the channels that do not do well, by their name."""
        return {row[0]: Health(*row) for row in self._rows(_HEALTH)}

    def keep_health(self, known: Health) -> None:
        """Keep what is known of a channel, in place of what was."""
        self._run(_KEEP, dict(zip(_NAMES, astuple(known), strict=True)))

    def is_well(self, channel: str) -> None:
        """Forget what was wrong with a channel."""
        self._run(_WELL, {"its_name": channel})

    def rate_used(self, name: str) -> datetime | None:
        """Say up to when that rate is used; nothing if it never was."""
        moment: datetime | None = self._value(_USED, {"its_name": name})
        return moment

    def use_rate(self, name: str, used_to: datetime) -> None:
        """Keep up to when that rate is used."""
        self._run(_USE, {"name": name, "used_to": used_to})

    def queues(self) -> list[str]:
        """Name the queues in which somebody waits."""
        found: list[str] = []
        while (queue := self._value(_NEXT_QUEUE, {"after": found[-1] if found else ""})) is not None:
            found.append(queue)
        return found

    def in_queue(self, queue: str) -> int:
        """Count who waits in that queue."""
        return int(self._value(_LENGTH, {"queue": queue}))

    def place_in_line(self, number: int) -> tuple[str, int] | None:
        """Say in which queue an entry waits, and how many of that queue are called before it."""
        rows = self._rows(_LINE, {"number": number})
        if not rows:
            return None
        queue, due = rows[0]
        return queue, int(self._value(_AHEAD, {"queue": queue, "due": due, "number": number}))

    def head_of(self, queue: str) -> tuple[datetime, int] | None:
        """Say since when the first of a queue is due, and which entry that is."""
        rows = self._rows(_HEAD, {"queue": queue})
        return (rows[0][0], rows[0][1]) if rows else None

    def in_line_since(self) -> datetime | None:
        """Say since when whoever waits longest in any queue is due."""
        heads = [self.head_of(queue) for queue in self.queues()]
        return min((head[0] for head in heads if head is not None), default=None)

    def call(self, queue: str, count: int) -> int:
        """Let the first *count* of a queue go as soon as they are due; say how many that were."""
        return self._run(_CALL, {"queue": queue, "most": count})
