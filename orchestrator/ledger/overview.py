"""What is asked over all orders and entries at once: by an index, a page at a time, counted up to a limit."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, text, tuple_

from orchestrator.ledger.moments import EPOCH
from orchestrator.ledger.orders import ORDER
from orchestrator.ledger.rows import ENTRY, entry
from orchestrator.ledger.tables import (
    HELD,
    ON_TRIAL,
    SCHEDULED,
    attempts,
    entries,
    names,
    orders,
    places,
)
from orchestrator.ledger.values import EVERYTHING, Counted, Departure, OrderRow, Share
from orchestrator.ledger.verbs import Verbs
from orchestrator.model import Entry, Status

MOST = 1000  # more are not counted
HOUR = timedelta(hours=1)
LEFT = (Status.ACCEPTED.value, Status.UNKNOWN.value)
FAR = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
Place = tuple[datetime, str]
FIRST: Place = (EPOCH, "")

_SINCE: dict[str, ColumnElement[Any]] = {
    "silent": orders.c.silent_since,
    "promises": orders.c.promise_ends,
    "tasks": orders.c.tasks_since,
}
_run = entries.c.run_at
_from, _to = bindparam("begin", type_=_run.type), bindparam("end", type_=_run.type)
_in_it = (text(SCHEDULED), _run >= _from, _run < _to)


def _shared(query: Select[Any], share: tuple[bool, bool]) -> Select[Any]:
    """Only orders of the locations and brands that are named, where any are."""
    if share[0]:
        query = query.where(orders.c.location.in_(bindparam("locations", expanding=True)))
    if share[1]:
        query = query.where(orders.c.brand.in_(bindparam("brands", expanding=True)))
    return query


@cache
def _orders(since: str, share: tuple[bool, bool]) -> Select[Any]:
    column = _SINCE[since]
    query = (
        select(*ORDER)
        .where(
            text(f"{column.name} IS NOT NULL"),
            tuple_(column, orders.c.id) > tuple_(bindparam("at", type_=column.type), bindparam("after")),
            column < bindparam("before", type_=column.type),
        )
        .order_by(column, orders.c.id)
        .limit(bindparam("most"))
    )
    return _shared(query, share)


@cache
def _owned(since: str, share: tuple[bool, bool]) -> Select[Any]:
    return _orders(since, share).where(orders.c.owner.in_(bindparam("owners", expanding=True)))


@cache
def _number_of_orders(since: str, share: tuple[bool, bool]) -> Select[Any]:
    column = _SINCE[since]
    query: Select[Any] = select(literal_column("1")).where(
        text(f"{column.name} IS NOT NULL"),
        column >= bindparam("at", type_=column.type),
        column < bindparam("before", type_=column.type),
    )
    return _up_to(_shared(query, share))


def _up_to(query: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(query.limit(bindparam("most")).subquery())


@cache
def _problems(share: tuple[bool, bool]) -> Select[Any]:
    query = select(*ORDER).where(text("problem <> ''"), orders.c.id > bindparam("after"))
    return _shared(query.order_by(orders.c.id).limit(bindparam("most")), share)


@cache
def _number_of_problems(share: tuple[bool, bool]) -> Select[Any]:
    query: Select[Any] = select(literal_column("1")).select_from(orders).where(text("problem <> ''"))
    return _up_to(_shared(query, share))


@cache
def _coming(share: tuple[bool, bool]) -> Select[Any]:
    query = (
        select(*ENTRY)
        .where(
            *_in_it,
            entries.c.mode == "live",
            tuple_(_run, entries.c.id) > tuple_(bindparam("at", type_=_run.type), bindparam("after")),
        )
        .order_by(_run, entries.c.id)
        .limit(bindparam("most"))
    )
    if any(share):  # joined, an order's status would stand beside an entry's
        theirs = _shared(select(orders.c.id).where(orders.c.id == entries.c.order_id), share)
        query = query.where(theirs.exists())
    return query


@cache
def _due(spans: int) -> Select[Any]:
    """How many wait in each of so many spans, and of these how many on trial: one row, asked for at once."""

    def counted(condition: str, span: int) -> Any:
        begin = bindparam(f"begin{span}", type_=_run.type)
        end = bindparam(f"end{span}", type_=_run.type)
        found: Select[Any] = select(literal_column("1")).select_from(entries)
        return _up_to(found.where(text(condition), _run >= begin, _run < end)).scalar_subquery()

    return select(*(counted(which, span) for which in (SCHEDULED, ON_TRIAL) for span in range(spans)))


@cache
def _due_of(share: tuple[bool, bool]) -> Select[Any]:
    """How many of the first in a while are live and of these orders."""
    first = select(entries.c.order_id, entries.c.mode).where(*_in_it).limit(bindparam("most")).subquery()
    joined = select(func.count()).select_from(first).join(orders, orders.c.id == first.c.order_id)
    return _shared(joined.where(first.c.mode == "live"), share)


_TRIES = (attempts.c.id, attempts.c.started_at, attempts.c.outcome, attempts.c.channel)
_recent = (
    select(*_TRIES, attempts.c.entry_id)
    .where(attempts.c.id < bindparam("before"))
    .order_by(attempts.c.id.desc())
    .limit(bindparam("looked_at"))
    .subquery()
)
_left = (
    _recent.c.started_at >= bindparam("since", type_=attempts.c.started_at.type),
    _recent.c.outcome.in_(bindparam("left", expanding=True)),
)


@cache
def _sent(share: tuple[bool, bool]) -> Select[Any]:
    query = (
        select(_recent.c.id, _recent.c.started_at, _recent.c.outcome, _recent.c.channel, *ENTRY)
        .join(entries, entries.c.id == _recent.c.entry_id)
        .where(*_left)
        .order_by(_recent.c.id.desc())
        .limit(bindparam("most"))
    )
    if any(share):
        query = query.join(orders, orders.c.id == entries.c.order_id)
    return _shared(query, share)


@cache
def _number_sent(share: tuple[bool, bool]) -> Select[Any]:
    query = select(func.count()).select_from(_recent).where(*_left)
    if any(share):
        query = query.join(entries, entries.c.id == _recent.c.entry_id)
        query = query.join(orders, orders.c.id == entries.c.order_id)
    return _shared(query, share)


_HELD = (
    select(*ENTRY)
    .where(text(HELD), entries.c.id > bindparam("after"))
    .order_by(entries.c.id)
    .limit(bindparam("most"))
)
_NUMBER_HELD = _up_to(
    select(literal_column("1")).select_from(entries).where(text(HELD), entries.c.reason == bindparam("why"))
)
_CALLED = (
    select(names.c.customer)
    .where(names.c.word >= bindparam("word"), names.c.word < bindparam("beyond"))
    .limit(bindparam("most"))
)
_AT = select(places.c.customer).where(places.c.place.in_(bindparam("ids", expanding=True)))


class Overview(Verbs):
    """The verbs of whoever looks at everything that is under way."""

    def waiting(
        self,
        since: str,
        *,
        after: Place = FIRST,
        before: datetime = FAR,
        share: Share = EVERYTHING,
        owners: Iterable[str] = (),
        limit: int = 25,
    ) -> list[OrderRow]:
        """List orders by one of their moments and id, from above *after* on.

        *since* is ``silent`` (the last contact), ``promises`` (when the next one ends) or ``tasks`` (when the
        oldest was given); only moments earlier than *before* count. With *owners* only theirs are listed.
        """
        values: dict[str, Any] = {"at": after[0], "after": after[1], "before": before, "most": limit}
        if wanted := sorted(owners):
            values["owners"] = wanted
            return [OrderRow(*row) for row in self._rows(*_of(_owned, share, values, since))]
        return [OrderRow(*row) for row in self._rows(*_of(_orders, share, values, since))]

    def count_waiting(
        self,
        since: str,
        *,
        begin: datetime = EPOCH,
        before: datetime = FAR,
        share: Share = EVERYTHING,
        most: int = MOST,
    ) -> Counted:
        """Count what :meth:`waiting` lists from *begin* on, up to *most*."""
        values = {"at": begin, "before": before, "most": most + 1}
        return _counted(self._value(*_of(_number_of_orders, share, values, since)), most)

    def with_problems(self, *, after: str = "", share: Share = EVERYTHING, limit: int = 25) -> list[OrderRow]:
        """List the orders that somebody should look at, by id from above *after* on."""
        values = {"after": after, "most": limit}
        return [OrderRow(*row) for row in self._rows(*_of(_problems, share, values))]

    def count_problems(self, *, share: Share = EVERYTHING, most: int = MOST) -> Counted:
        """Count the orders that somebody should look at, up to *most*."""
        return _counted(self._value(*_of(_number_of_problems, share, {"most": most + 1})), most)

    def coming(
        self,
        begin: datetime,
        end: datetime,
        *,
        after: tuple[datetime, int] = (EPOCH, 0),
        share: Share = EVERYTHING,
        limit: int = 25,
    ) -> list[Entry]:
        """List what goes out from *begin* until before *end*, by moment; rules on trial send nothing."""
        values = {"begin": begin, "end": end, "at": after[0], "after": after[1], "most": limit}
        return [entry(row) for row in self._rows(*_of(_coming, share, values))]

    def count_coming(
        self, spans: Iterable[tuple[datetime, datetime]], *, share: Share = EVERYTHING, most: int = MOST
    ) -> list[Counted]:
        """Count what goes out in each of *spans*, up to *most*; of a share, among the first *most*."""
        asked = list(spans)
        if not asked:
            return []
        values: dict[str, Any] = {"most": most + 1}
        for number, (begin, end) in enumerate(asked):
            values |= {f"begin{number}": begin, f"end{number}": end}
        (row,) = self._rows(_due(len(asked)), values)
        found = []
        for span, number, trial in zip(asked, row, row[len(asked) :], strict=False):
            if number and (share.locations or share.brands):
                begin, end = span
                query, given = _of(_due_of, share, {"begin": begin, "end": end, "most": most})
                found.append(Counted(int(self._value(query, given)), number > most))
            elif number > most:
                found.append(Counted(most, more=True))
            else:
                found.append(Counted(number - trial))
        return found

    def sent_since(
        self, since: datetime, *, before: int = 0, share: Share = EVERYTHING, limit: int = 25
    ) -> list[Departure]:
        """List what left since then, the newest first, from below try *before* on.

        It looks at the last :data:`MOST` tries, for they are numbered as they begin.
        """
        values = _tried(since, before) | {"most": limit}
        return [
            Departure(number, at, outcome, channel, entry(row))
            for number, at, outcome, channel, *row in self._rows(*_of(_sent, share, values))
        ]

    def count_sent(self, since: datetime, *, share: Share = EVERYTHING) -> Counted:
        """Count what left since then among the last :data:`MOST` tries."""
        number = int(self._value(*_of(_number_sent, share, _tried(since, 0))))
        return Counted(number, number >= MOST)

    def held(self, *, after: int = 0, limit: int = 25) -> list[Entry]:
        """List what is held until a person lets it go on, by id from above *after* on."""
        return [entry(row) for row in self._rows(_HELD, {"after": after, "most": limit})]

    def count_held(self, reason: str, most: int = MOST) -> Counted:
        """Count what is held for just that reason, up to *most*."""
        return _counted(self._value(_NUMBER_HELD, {"why": reason, "most": most + 1}), most)

    def people_called(self, words: Sequence[str], limit: int = 50) -> list[str]:
        """Name customers in whose names a word begins with each of these *words*, plain ones (name_words)."""
        found: set[str] | None = None
        for word in sorted(words, key=len, reverse=True):
            query = _CALLED
            values = {"word": word, "beyond": f"{word}\U0010ffff", "most": MOST}
            if found is not None:
                query = _CALLED_TOO
                values["ids"] = sorted(found)
            found = {customer for (customer,) in self._rows(query, values)}
            if not found:
                break
        return sorted(found or ())[:limit]

    def people_at(self, addresses: Iterable[str]) -> list[str]:
        """Name customers who were ever said to be reached at one of these numbers or mailboxes."""
        ids = sorted({address.lower() for address in addresses})
        return sorted({customer for (customer,) in self._rows(_AT, {"ids": ids})}) if ids else []


_CALLED_TOO = _CALLED.where(names.c.customer.in_(bindparam("ids", expanding=True)))


def _of(query: Any, share: Share, values: dict[str, Any], *named: str) -> tuple[Select[Any], dict[str, Any]]:
    limited = bool(share.locations), bool(share.brands)
    if limited[0]:
        values["locations"] = sorted(share.locations)
    if limited[1]:
        values["brands"] = sorted(share.brands)
    return query(*named, limited), values


def _tried(since: datetime, before: int) -> dict[str, Any]:
    return {"since": since, "before": before or 2**62, "looked_at": MOST, "left": LEFT}


def _counted(number: int, most: int) -> Counted:
    return Counted(most, more=True) if number > most else Counted(number)
