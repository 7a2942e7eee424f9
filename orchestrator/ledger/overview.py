"""What is asked over all orders and entries at once: by an index, a page at a time, counted up to a limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    null,
    select,
    text,
    tuple_,
    union_all,
)

from orchestrator.ledger.moments import EPOCH
from orchestrator.ledger.orders import ORDER
from orchestrator.ledger.reasoned import ALIKE, columns
from orchestrator.ledger.rows import ENTRY, entry
from orchestrator.ledger.tables import (
    HELD,
    ON_TRIAL,
    SCHEDULED,
    attempts,
    entries,
    health,
    names,
    orders,
    pauses,
    places,
    rulesets,
)
from orchestrator.ledger.values import EVERYTHING, Counted, Departure, OrderRow, RuleSetState, Share
from orchestrator.ledger.verbs import Verbs
from orchestrator.model import Entry, Status
from orchestrator.reasons import Reason

MOST = 1000  # more are not counted
HOUR = timedelta(hours=1)
LEFT = (Status.ACCEPTED.value, Status.UNKNOWN.value)

FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OrderList:
    """Orders by one of their moments: ``silent`` (the last contact), ``promises`` (when the next one ends) or
    ``tasks`` (when the oldest was given), from *begin* until before *before*; or ``problems``, by id.

    It is listed from above the place *after* on: a moment and an id.
    """

    by: str
    after: tuple[datetime, str] = (EPOCH, "")
    begin: datetime = EPOCH
    before: datetime = FAR


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
def _listed(bys: tuple[str, ...], share: tuple[bool, bool]) -> CompoundSelect[Any]:
    """The orders of several lists in one answer: which list, the moment, the row."""
    parts = []
    for number, by in enumerate(bys):
        moment, conditions = _in_list(by, number)
        after: ColumnElement[str] = bindparam(f"after{number}")
        further: ColumnElement[bool] = orders.c.id > after
        order: list[ColumnElement[Any]] = [orders.c.id]
        if by != "problems":
            at = bindparam(f"at{number}", type_=_run.type)
            further, order = tuple_(moment, orders.c.id) > tuple_(at, after), [moment, orders.c.id]
        mark: ColumnElement[int] = literal_column(str(number))
        query = select(mark.label("list"), moment.label("moment"), *ORDER).where(*conditions, further)
        part = _shared(query, share).order_by(*order).limit(bindparam("most")).subquery()
        parts.append(select(*part.c))
    return union_all(*parts).order_by(literal_column("1"), literal_column("2"), literal_column("3"))


@cache
def _lengths(bys: tuple[str, ...], share: tuple[bool, bool]) -> Select[Any]:
    """How many orders are in each of several lists, up to a limit: one row."""
    counts = []
    for number, by in enumerate(bys):
        _, conditions = _in_list(by, number)
        one: Select[Any] = select(literal_column("1")).select_from(orders).where(*conditions)
        counts.append(_up_to(_shared(one, share)).scalar_subquery())
    return select(*counts)


def _in_list(by: str, number: int) -> tuple[ColumnElement[Any], tuple[Any, ...]]:
    """The moment by which a list is sorted, and what says that an order is in it."""
    if by == "problems":
        return cast(null(), _run.type), (text("problem <> ''"),)
    moment = _SINCE[by]
    begin, before = (bindparam(f"{name}{number}", type_=_run.type) for name in ("begin", "before"))
    return moment, (text(f"{moment.name} IS NOT NULL"), moment >= begin, moment < before)


@cache
def _owned(by: str, share: tuple[bool, bool]) -> Select[Any]:
    column = _SINCE[by]
    query = select(*ORDER).where(
        text(f"{column.name} IS NOT NULL"), orders.c.owner.in_(bindparam("owners", expanding=True))
    )
    return _shared(query.order_by(column, orders.c.id).limit(bindparam("most")), share)


def _up_to(query: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(query.limit(bindparam("most")).subquery())


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
    """How many wait in each of so many spans, and of these how many on trial: one plan for all of them."""
    span = union_all(
        *(
            select(
                literal_column(str(number)).label("number"),
                bindparam(f"begin{number}", type_=_run.type).label("begin"),
                bindparam(f"end{number}", type_=_run.type).label("end"),
            )
            for number in range(spans)
        )
    ).subquery("span")

    def counted(condition: str) -> Any:
        found: Select[Any] = select(literal_column("1")).select_from(entries)
        found = found.where(text(condition), _run >= span.c.begin, _run < span.c.end)
        return _up_to(found.correlate(span)).correlate(span).scalar_subquery()

    return select(span.c.number, counted(SCHEDULED), counted(ON_TRIAL))


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
_NUMBER_HELD = _up_to(select(literal_column("1")).select_from(entries).where(text(HELD), ALIKE))
_CALLED = (
    select(names.c.customer)
    .where(names.c.word >= bindparam("word"), names.c.word < bindparam("beyond"))
    .limit(bindparam("most"))
)
_AT = select(places.c.customer).where(places.c.place.in_(bindparam("ids", expanding=True)))


_UNUSUAL = select(
    exists().where(rulesets.c.state == RuleSetState.HELD.value),
    select(literal_column("1")).select_from(entries).where(text(HELD)).exists(),
    exists().where(pauses.c.kind != ""),
    exists().where(health.c.channel != ""),
)


class Unusual(NamedTuple):
    """What there is of what a quiet house has not: changed rules that wait, held entries, pauses, channels
    that do not work.
    """

    rules: bool
    held: bool
    paused: bool
    unwell: bool


class Overview(Verbs):
    """The verbs of whoever looks at everything that is under way."""

    def order_lists(
        self, asked: Sequence[OrderList], *, share: Share = EVERYTHING, limit: int = 25, most: int = MOST
    ) -> list[tuple[list[OrderRow], Counted]]:
        """List the first orders of each list from its place on, and count it up to *most*."""
        bys = tuple(one.by for one in asked)
        spans: dict[str, Any] = {"most": most + 1}
        places_in: dict[str, Any] = {"most": limit}
        for number, one in enumerate(asked):
            places_in[f"after{number}"] = one.after[1]
            if one.by != "problems":
                places_in[f"at{number}"], places_in[f"after{number}"] = max(one.after, (one.begin, ""))
                spans |= {f"begin{number}": one.begin, f"before{number}": one.before}
        rows: list[list[OrderRow]] = [[] for _ in asked]
        for number, _, *row in self._rows(*_of(_listed, share, {**spans, **places_in}, bys)):
            rows[number].append(OrderRow(*row))
        (lengths,) = self._rows(*_of(_lengths, share, spans, bys))
        return [(found, _counted(length, most)) for found, length in zip(rows, lengths, strict=True)]

    def owned(
        self, by: str, owners: Iterable[str], *, share: Share = EVERYTHING, limit: int = 25
    ) -> list[OrderRow]:
        """List the first orders of these owners by that moment of :class:`OrderList`."""
        values: dict[str, Any] = {"owners": sorted(owners), "most": limit}
        return [OrderRow(*row) for row in self._rows(*_of(_owned, share, values, by))]

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
        counted = sorted(self._rows(_due(len(asked)), values), key=itemgetter(0))
        found = []
        for span, (_, number, trial) in zip(asked, counted, strict=True):
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

    def unusual(self) -> Unusual:
        """Say what is out of the ordinary, in one question, so that most looks need no other."""
        (found,) = self._rows(_UNUSUAL)
        return Unusual(*map(bool, found))

    def held(self, *, after: int = 0, limit: int = 25) -> list[Entry]:
        """List what is held until a person lets it go on, by id from above *after* on."""
        return [entry(row) for row in self._rows(_HELD, {"after": after, "most": limit})]

    def count_held(self, reason: Reason, most: int = MOST) -> Counted:
        """Count what is held for such a reason, up to *most*."""
        return _counted(self._value(_NUMBER_HELD, {"most": most + 1, **columns(reason)}), most)

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


def _of(query: Any, share: Share, values: dict[str, Any], *named: Any) -> tuple[Select[Any], dict[str, Any]]:
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
