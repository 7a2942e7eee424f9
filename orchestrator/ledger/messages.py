"""Entries as people look for them: the newest first, by order, customer, rule, channel, state and day."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, literal, select

from orchestrator.ledger.rows import ENTRY, entry
from orchestrator.ledger.tables import entries, orders
from orchestrator.ledger.values import Asked
from orchestrator.ledger.verbs import Verbs
from orchestrator.model import Entry

WINDOW = 20_000  # entries that one look goes through: an index for each question would slow every message

_NEWEST = select(func.max(entries.c.id))
_CREATED_FROM = (
    select(entries.c.id, entries.c.created_at)
    .where(entries.c.id >= bindparam("number"))
    .order_by(entries.c.id)
    .limit(1)
)


class Found(NamedTuple):
    """Some entries, the newest first, and the number below which to look on; nothing after the last.

    With ``further`` the look ended before the entries did, however few it found.
    """

    entries: list[Entry]
    before: int | None
    further: bool


class Messages(Verbs):
    """The verbs about entries as people look for them."""

    def messages(self, asked: Asked, *, before: int | None = None, limit: int = 50) -> Found:
        """Find entries, the newest first, from below the number *before* on.

        Those of an order or a customer are found wherever they are. For anything else at most
        :data:`WINDOW` entries are looked through.
        """
        top = before if before is not None else self.newest_entry() + 1
        if asked.until is not None and before is None:
            top = self._created_before(asked.until, top)
        named = asked.order or asked.customer
        floor = 0 if named else max(0, top - WINDOW)
        query = select(*ENTRY).where(entries.c.id < top, entries.c.id >= floor, *_conditions(asked))
        rows = self._rows(query.order_by(entries.c.id.desc()).limit(limit + 1))
        found = [entry(row) for row in rows[:limit]]
        if len(rows) > limit:
            return Found(found, found[-1].id, further=False)
        return Found(found, floor, further=True) if floor > 1 else Found(found, None, further=False)

    def newest_entry(self) -> int:
        """Give the number of the newest entry; 0 before the first."""
        return int(self._value(_NEWEST) or 0)

    def _created_before(self, moment: datetime, top: int) -> int:
        """The number below which every entry was created before *moment*: they are numbered as they come."""
        low, high = 0, top
        while low < high:
            middle = (low + high) // 2
            rows = self._rows(_CREATED_FROM, {"number": middle})
            if not rows or rows[0][1] >= moment:
                high = middle
            else:
                low = int(rows[0][0]) + 1
        return low


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.order:
        found.append(entries.c.order_id == asked.order)
    if asked.customer:
        theirs = select(orders.c.id).where(orders.c.customer == asked.customer)
        found.append(entries.c.order_id.in_(theirs))
    if asked.rule:
        found.append(entries.c.rule == asked.rule)
    if asked.channel:
        found.append(entries.c.channel == asked.channel)
    if asked.kind:
        found.append(entries.c.kind == asked.kind)
    if asked.statuses:
        found.append(entries.c.status.in_([literal(one.value) for one in sorted(asked.statuses)]))
    places = [
        column.in_([literal(name) for name in sorted(names)])
        for column, names in (
            (orders.c.location, asked.share.locations),
            (orders.c.brand, asked.share.brands),
        )
        if names
    ]
    if places:
        found.append(entries.c.order_id.in_(select(orders.c.id).where(*places)))
    if asked.since is not None:
        found.append(entries.c.updated_at >= asked.since)
    if asked.until is not None:
        found.append(entries.c.updated_at < asked.until)
    return found
