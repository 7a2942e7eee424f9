"""Everything that somebody should look at now: who waits in silence, which promises break, what goes out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import orjson

from orchestrator.access.roles import Viewer
from orchestrator.ledger import (
    Counted,
    Departure,
    Health,
    OrderList,
    OrderRow,
    Pause,
    RuleSet,
    RuleSetState,
    Share,
    Transaction,
)
from orchestrator.ledger.moments import EPOCH, NAIVE
from orchestrator.model import Entry, Promised, Status
from orchestrator.planning.promises import promised_text
from orchestrator.planning.standing import OpenTask
from orchestrator.reasons.sending import FROZEN
from orchestrator.views.people import customers, named

FEW = 8  # of each list, on the page that has all of them
MANY = 50  # on a page of one list
SOON = timedelta(days=2)  # so long before it ends, a promise is about to break
AHEAD = 24  # hours of the time line
LISTS = {  # of orders, each with the moment by which it is read on
    "silent": "silent_since",
    "broken": "promise_ends",
    "soon": "promise_ends",
    "tasks": "tasks_since",
    "problems": "",
}
MOST_AN_HOUR = 500  # entries; more are not counted
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Word:
    """What the customer hears next: when, what, and by which channels."""

    at: datetime
    template: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order in a list: whose, since when nobody spoke, what was promised, who owns it, what comes next."""

    order: str
    customer: str
    name: str
    owner: str
    location: str
    phase: str
    milestone: str
    problem: str
    silent_since: datetime | None
    promise: str
    promised: Promised | None
    promise_ends: datetime | None
    tasks: tuple[OpenTask, ...]
    next: Word | None


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the time line and how much goes out in it; the first has what is overdue too."""

    begin: datetime
    count: Counted


@dataclass(frozen=True, slots=True)
class Going:
    """An entry that goes out, or went: when, what, to whom, by which channel."""

    at: datetime
    order: str
    customer: str
    name: str
    role: str
    kind: str
    template: str
    channel: str
    because: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """Orders of one list; ``next`` is where it goes on, "" at its end."""

    rows: tuple[Waiting, ...]
    count: Counted
    next: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """Entries of one list; ``next`` is where it goes on, "" at its end."""

    rows: tuple[Going, ...]
    count: Counted
    next: str = ""


@dataclass(frozen=True, slots=True)
class Now:
    """The page. What concerns the whole house is told to everybody: it explains why something waits."""

    silent: Listed
    broken: Listed
    soon: Listed
    tasks: Listed
    problems: Listed
    hours: tuple[Hour, ...]
    coming: Flow
    sent: Flow
    held: RuleSet | None
    proposed_by: str
    frozen: Counted
    parked: tuple[Entry, ...]
    pauses: tuple[Pause, ...]
    unwell: tuple[Health, ...]


def share_of(viewer: Viewer) -> Share:
    """The orders that somebody may see."""
    return Share(viewer.locations, viewer.brands)


def now_view(tx: Transaction, share: Share, now: datetime, zone: str) -> Now:
    """Look at everything, a few of each, in few questions: each is a way to the database and back."""
    midnight, edges = _midnight(now, zone), _edges(now, zone)
    lists = tx.order_lists([_list(what, now) for what in LISTS], share=share, limit=FEW + 1)
    counts = tx.count_coming(pairwise([EPOCH, *edges[1:]]), share=share, most=MOST_AN_HOUR)
    due = tx.coming(EPOCH, edges[-1], share=share, limit=FEW + 1)
    left = tx.sent_since(midnight, share=share, limit=FEW + 1)
    names = _names(tx, (row for rows, _ in lists for row in rows), [*due, *(one.entry for one in left)])
    words = _words(tx, (row.id for rows, _ in lists for row in rows))
    silent, broken, soon, tasks, problems = (
        _listed(what, rows, count, FEW, names, words)
        for what, (rows, count) in zip(LISTS, lists, strict=True)
    )
    unusual = tx.unusual()
    held = tx.ruleset(RuleSetState.HELD) if unusual.rules else None
    is_limited = bool(share.locations or share.brands)
    number = tx.count_sent(midnight, share=share) if len(left) > FEW else Counted(len(left))
    return Now(
        silent=silent,
        broken=broken,
        soon=soon,
        tasks=tasks,
        problems=problems,
        hours=tuple(Hour(begin, count) for begin, count in zip(edges, counts, strict=False)),
        coming=_coming(due, _together(counts), FEW, names),
        sent=_sent(left, number, FEW, names),
        held=held,
        proposed_by=proposed_by(tx, held) if held is not None else "",
        frozen=tx.count_held(FROZEN) if held is not None else Counted(0),
        parked=tuple(tx.held_otherwise(FROZEN, FEW)) if unusual.held and not is_limited else (),
        pauses=tuple(tx.pauses()) if unusual.paused else (),
        unwell=tuple(tx.health().values()) if unusual.unwell else (),
    )


def proposed_by(tx: Transaction, held: RuleSet) -> str:
    """Who proposed what is held, in the console or by the command line; "" where a daemon read the files."""
    if held.by:
        return held.by
    for change in tx.changes(about="rules", limit=20):
        if change.what == "propose rules" and change.after.get("version") == held.digest[:12]:
            return change.who
    return ""


# ── each list by itself ──────────────────────────────────────────────────────


def listed(
    tx: Transaction, share: Share, what: str, now: datetime, after: str = "", limit: int = MANY
) -> Listed:
    """One of :data:`LISTS` from *after* on; raises ``ValueError`` for a place that no list said."""
    ((rows, count),) = tx.order_lists([_list(what, now, after)], share=share, limit=limit + 1)
    return _listed(what, rows, count, limit, _names(tx, rows), _words(tx, (row.id for row in rows)))


def _list(what: str, now: datetime, after: str = "") -> OrderList:
    if what == "problems":
        return OrderList(what, (EPOCH, after))
    place = _place(after)
    if what == "broken":
        return OrderList("promises", place, before=now)
    if what == "soon":
        return OrderList("promises", place, begin=now, before=now + SOON)
    return OrderList(what, place)


def coming(
    tx: Transaction, share: Share, now: datetime, zone: str, after: str = "", limit: int = MANY
) -> Flow:
    """What goes out within the hours of the time line, the next first."""
    end = _edges(now, zone)[-1]
    moment, _, number = after.partition(" ")
    place = (datetime.fromisoformat(moment), int(number)) if after else (EPOCH, 0)
    found = tx.coming(EPOCH, end, after=place, share=share, limit=limit + 1)
    (count,) = tx.count_coming([(EPOCH, end)], share=share)
    return _coming(found, count, limit, _names(tx, (), found))


def sent(tx: Transaction, share: Share, since: datetime, after: str = "", limit: int = MANY) -> Flow:
    """What left since then, the newest first."""
    found = tx.sent_since(since, before=int(after or 0), share=share, limit=limit + 1)
    count = tx.count_sent(since, share=share)
    return _sent(found, count, limit, _names(tx, (), [one.entry for one in found]))


def today(now: datetime, zone: str) -> datetime:
    """When the day began in *zone*."""
    return _midnight(now, zone)


# ── rows ─────────────────────────────────────────────────────────────────────


def _listed(
    what: str,
    found: Sequence[OrderRow],
    count: Counted,
    limit: int,
    names: Mapping[str, str],
    words: Mapping[str, Word],
) -> Listed:
    rows = found[:limit]
    more = _after(rows[-1], LISTS[what]) if len(found) > limit else ""
    return Listed(
        tuple(
            Waiting(
                order=row.id,
                customer=row.customer,
                name=names.get(row.customer, ""),
                owner=row.owner,
                location=row.location,
                phase=row.phase,
                milestone=row.milestone,
                problem=row.problem,
                silent_since=row.silent_since,
                promise=row.promise,
                promised=promised_text(row.promised) if row.promised else None,
                promise_ends=row.promise_ends,
                tasks=open_tasks(row),
                next=words.get(row.id),
            )
            for row in rows
        ),
        count,
        more,
    )


def _coming(found: Sequence[Entry], count: Counted, limit: int, names: Mapping[str, str]) -> Flow:
    rows = found[:limit]
    more = f"{rows[-1].run_at.isoformat()} {rows[-1].id}" if len(found) > limit else ""
    going = (
        _going(one, one.run_at, ", ".join(step.channel for step in one.wanted.steps), names) for one in rows
    )
    return Flow(tuple(going), count, more)


def _sent(found: Sequence[Departure], count: Counted, limit: int, names: Mapping[str, str]) -> Flow:
    rows = found[:limit]
    more = str(rows[-1].number) if len(found) > limit else ""
    going = (_going(one.entry, one.at, one.channel, names, one.outcome) for one in rows)
    return Flow(tuple(going), count, more)


def _together(counts: Iterable[Counted]) -> Counted:
    counted = list(counts)
    return Counted(sum(one.number for one in counted), any(one.more for one in counted))


def open_tasks(row: OrderRow) -> tuple[OpenTask, ...]:
    """The tasks that an order's row keeps."""
    return tuple(
        OpenTask(one["task"], one["do"], one["role"], datetime.fromisoformat(one["at"]), one["by"])
        for one in orjson.loads(row.tasks or "[]")
    )


def _words(tx: Transaction, orders: Iterable[str]) -> dict[str, Word]:
    """The next message to the customer of each order for which one is planned."""
    asked = list(orders)
    found = tx.entries_of(asked, statuses={Status.SCHEDULED}) if asked else {}
    words = {}
    for order, entries in found.items():
        mine = [one for one in entries if one.wanted.role == "customer" and one.wanted.mode == "live"]
        if mine:
            first = min(mine, key=lambda one: (one.run_at, one.id))
            channels = tuple(step.channel for step in first.wanted.steps)
            words[order] = Word(first.run_at, first.wanted.template, channels)
    return words


def _names(tx: Transaction, rows: Iterable[OrderRow], entries: Iterable[Entry] = ()) -> dict[str, str]:
    """How the customers of these orders and entries are called."""
    asked = {*(row.customer for row in rows), *(one.wanted.customer for one in entries)} - {""}
    return {customer: named(one) for customer, one in customers(tx, asked).items()} if asked else {}


def _going(one: Entry, at: datetime, channel: str, names: Mapping[str, str], outcome: str = "") -> Going:
    wanted = one.wanted
    return Going(
        at, wanted.order, wanted.customer, names.get(wanted.customer, ""), wanted.role, wanted.kind.value,
        wanted.template, channel, wanted.because, outcome,
    )  # fmt: skip


# ── places in lists, and hours ───────────────────────────────────────────────


def _after(row: OrderRow, column: str) -> str:
    if not column:
        return row.id
    moment: datetime = getattr(row, column)
    return f"{moment.isoformat()} {row.id}"


def _place(after: str) -> tuple[datetime, str]:
    """Where a list goes on; raises ``ValueError`` for what no list said."""
    if not after:
        return EPOCH, ""
    written, _, order = after.partition(" ")
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(NAIVE)
    return moment, order


def _edges(now: datetime, zone: str) -> list[datetime]:
    """When each hour of the time line begins by the clocks of *zone*, and its end: *now*, a day later."""
    local = now.astimezone(ZoneInfo(zone))
    first = now - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    hours = [first + number * HOUR for number in range(AHEAD + 1)]
    end = now + AHEAD * HOUR
    return hours if hours[-1] == end else [*hours, end]


def _midnight(now: datetime, zone: str) -> datetime:
    place = ZoneInfo(zone)
    return datetime.combine(now.astimezone(place).date(), datetime.min.time(), place).astimezone(now.tzinfo)
