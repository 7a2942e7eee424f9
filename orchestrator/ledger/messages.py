"""Entries as people look for them: the newest first, by order, customer, rule, channel, state and day."""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Executable, bindparam, exists, func, literal, literal_column, select

from orchestrator.ledger.facts import Facts
from orchestrator.ledger.rows import ENTRY, entry, from_json
from orchestrator.ledger.tables import attempts, entries, facts, orders
from orchestrator.ledger.values import Asked
from orchestrator.ledger.verbs import batches
from orchestrator.model import Entry, Scope

WINDOW = 20_000  # entries that one look goes through: an index for each question would slow every message
MOST = 200_000  # tries that are counted
MOST_FACTS = 20_000  # facts among which reports are looked for


def _from(number: ColumnElement[int], moment: ColumnElement[datetime]) -> Executable:
    """The first row from a number on, with its moment."""
    return select(number, moment).where(number >= bindparam("number")).order_by(number).limit(1)


_NEWEST = select(func.max(entries.c.id))
_CREATED_FROM = _from(entries.c.id, entries.c.created_at)
_NEWEST_TRY = select(func.max(attempts.c.id))
_TRY_FROM = _from(attempts.c.id, attempts.c.started_at)
_TRIES = (
    select(attempts.c.channel, attempts.c.outcome, func.count())
    .where(attempts.c.id >= bindparam("number"), attempts.c.channel != "")
    .group_by(attempts.c.channel, attempts.c.outcome)
    .order_by(attempts.c.channel, attempts.c.outcome)
)
_FACT_FROM = _from(facts.c.seq, facts.c.heard)
_REPORTS = (
    select(facts.c.type, facts.c.data)
    .where(facts.c.seq >= bindparam("number"), facts.c.type.startswith("message."))
    .order_by(facts.c.seq.desc())
)
_HEARD_OF = (
    select(facts.c.subject, func.max(facts.c.seq).label("latest"))
    .where(facts.c.seq >= bindparam("number"), facts.c.scope == bindparam("scope"))
    .group_by(facts.c.subject)
    .order_by(literal_column("latest").desc())
    .limit(bindparam("most"))
)
_EARLIER = facts.alias("earlier")
_BEGINS = select(facts.c.seq, facts.c.subject).where(
    facts.c.seq.in_(bindparam("ids", expanding=True)),
    facts.c.scope == bindparam("scope"),
    ~exists().where(
        _EARLIER.c.scope == facts.c.scope,
        _EARLIER.c.subject == facts.c.subject,
        _EARLIER.c.seq >= bindparam("number"),
        _EARLIER.c.seq < facts.c.seq,
    ),
)
"""Of some facts those that are the first of their order from a number on."""


class Found(NamedTuple):
    """Some entries, the newest first, and the number below which to look on; nothing after the last.

    With ``further`` the look ended before the entries did, however few it found.
    """

    entries: list[Entry]
    before: int | None
    further: bool


class Messages(Facts):
    """The verbs about entries as people look for them."""

    def messages(self, asked: Asked, *, before: int | None = None, limit: int = 50) -> Found:
        """Find entries, the newest first, from below the number *before* on.

        Those of an order or a customer are found wherever they are. For anything else at most
        :data:`WINDOW` entries are looked through.
        """
        top = before if before is not None else self.newest_entry() + 1
        if asked.until is not None and before is None:
            top = self._first(_CREATED_FROM, asked.until, 0, top)
        named = asked.order or asked.customer
        floor = 0 if named else max(0, top - WINDOW)
        query = select(*ENTRY).where(entries.c.id < top, entries.c.id >= floor, *_conditions(asked))
        rows = self._rows(query.order_by(entries.c.id.desc()).limit(limit + 1))
        found = [entry(row) for row in rows[:limit]]
        if len(rows) > limit:
            return Found(found, found[-1].id, further=False)
        return Found(found, floor, further=True) if floor > 1 else Found(found, None, further=False)

    def tries_since(self, since: datetime) -> list[tuple[str, str, int]]:
        """Count the tries of each channel since then by how they ended; "" has not ended.

        Of more than :data:`MOST` the newest are counted.
        """
        top = int(self._value(_NEWEST_TRY) or 0) + 1
        number = self._first(_TRY_FROM, since, max(0, top - MOST), top)
        return [
            (channel, outcome, count) for channel, outcome, count in self._rows(_TRIES, {"number": number})
        ]

    def reports_since(self, since: datetime) -> list[tuple[str, Mapping[str, Any]]]:
        """Give what was reported of messages since then, each with its type, the newest first.

        Among more than :data:`MOST_FACTS` facts the newest are looked through.
        """
        number = self._fact_of(since, MOST_FACTS)
        return [(kind, from_json(data)) for kind, data in self._rows(_REPORTS, {"number": number})]

    def heard_of_since(self, since: datetime, most: int) -> list[str]:
        """Name at most so many orders that were heard of since then, the latest news first.

        Among more than :data:`MOST` facts the newest are looked through.
        """
        values = {"number": self._fact_of(since, MOST), "scope": Scope.ORDER.value, "most": most}
        return [subject for subject, _ in self._rows(_HEARD_OF, values)]

    def some_heard_of_since(self, since: datetime, most: int) -> tuple[list[str], int]:
        """Name all orders that were heard of since then, or *most* of them by chance, and how many there are.

        Every order is as likely as any other: of facts drawn by chance those count that are the first of
        their order since then. Among more than :data:`WINDOW` facts the number is an estimate.
        """
        first, newest = self._fact_of(since, self.newest_fact()), self.newest_fact()
        chance = Random(first)  # noqa: S311  the same orders while nothing changes
        facts_there = newest - first + 1
        if facts_there <= WINDOW:
            names = sorted(self.heard_of_since(since, WINDOW))
            return chance.sample(names, most) if len(names) > most else names, len(names)
        found: list[str] = []
        drawn = 0
        for batch in batches(chance.sample(range(first, newest + 1), min(WINDOW, facts_there))):
            values = {"ids": batch, "scope": Scope.ORDER.value, "number": first}
            found += [subject for _, subject in sorted(self._rows(_BEGINS, values), key=itemgetter(0))]
            drawn += len(batch)
            if len(found) >= most:
                break
        return found[:most], round(len(found) / drawn * facts_there)

    def newest_entry(self) -> int:
        """Give the number of the newest entry; 0 before the first."""
        return int(self._value(_NEWEST) or 0)

    def _fact_of(self, since: datetime, most: int) -> int:
        """The number of the first fact heard since then, among at most so many of the newest."""
        newest = self.newest_fact()
        return self._first(_FACT_FROM, since, max(0, newest - most), newest + 1)

    def _first(self, statement: Executable, moment: datetime, low: int, high: int) -> int:
        """The first number whose row is of *moment* or later: rows are numbered as they come."""
        while low < high:
            middle = (low + high) // 2
            rows = self._rows(statement, {"number": middle})
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
    if asked.reason:
        found.append(entries.c.reason_code == asked.reason.value)
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
