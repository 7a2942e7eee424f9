"""Everything that somebody should look at now: who waits in silence, which promises break, what goes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import orjson

from orchestrator.access.roles import Viewer
from orchestrator.ledger import (
    Counted,
    Health,
    OrderRow,
    Pause,
    RuleSet,
    RuleSetState,
    Share,
    Transaction,
)
from orchestrator.ledger.moments import EPOCH
from orchestrator.model import Entry, Promised, Status
from orchestrator.planning.case import FROZEN
from orchestrator.planning.promises import promised_text
from orchestrator.planning.standing import OpenTask
from orchestrator.views.people import customers, named

FEW = 8  # of each list, on the page that has all of them
MANY = 50  # on a page of one list
SOON = timedelta(days=2)  # so long before it ends, a promise is about to break
AHEAD = 24  # hours of the time line
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
    frozen: Counted
    parked: tuple[Entry, ...]
    pauses: tuple[Pause, ...]
    unwell: tuple[Health, ...]

    @property
    def going_out(self) -> Counted:
        """How much goes out in all hours of the time line."""
        counts = [hour.count for hour in self.hours]
        return Counted(sum(count.number for count in counts), any(count.more for count in counts))


def share_of(viewer: Viewer) -> Share:
    """The orders that somebody may see."""
    return Share(viewer.locations, viewer.brands)


def now_view(tx: Transaction, share: Share, now: datetime, zone: str) -> Now:
    """Look at everything, a few of each."""
    today = _midnight(now, zone)
    edges = _edges(now, zone)
    counts = tx.count_coming(pairwise([EPOCH, *edges[1:]]), share=share, most=MOST_AN_HOUR)
    return Now(
        silent=silent(tx, share, limit=FEW),
        broken=broken(tx, share, now, limit=FEW),
        soon=soon(tx, share, now, limit=FEW),
        tasks=tasks(tx, share, limit=FEW),
        problems=problems(tx, share, limit=FEW),
        hours=tuple(Hour(begin, count) for begin, count in zip(edges, counts, strict=False)),
        coming=coming(tx, share, now, zone, limit=FEW),
        sent=sent(tx, share, today, limit=FEW),
        held=tx.ruleset(RuleSetState.HELD),
        frozen=tx.count_held(FROZEN),
        parked=tuple(tx.held_otherwise(FROZEN, FEW)) if not (share.locations or share.brands) else (),
        pauses=tuple(tx.pauses()),
        unwell=tuple(tx.health().values()),
    )


# ── each list by itself ──────────────────────────────────────────────────────


def silent(tx: Transaction, share: Share, after: str = "", limit: int = MANY) -> Listed:
    """Who waits, the longest in silence first."""
    place = _place(after)
    rows = tx.waiting("silent", after=place, share=share, limit=limit + 1)
    return _listed(tx, rows, tx.count_waiting("silent", share=share), limit, "silent_since")


def broken(tx: Transaction, share: Share, now: datetime, after: str = "", limit: int = MANY) -> Listed:
    """Promises the customer counted on that ended before *now*, the longest ago first."""
    rows = tx.waiting("promises", after=_place(after), before=now, share=share, limit=limit + 1)
    return _listed(tx, rows, tx.count_waiting("promises", before=now, share=share), limit, "promise_ends")


def soon(tx: Transaction, share: Share, now: datetime, after: str = "", limit: int = MANY) -> Listed:
    """Promises that end within :data:`SOON`, the next first."""
    place = _place(after) if after else (now, "")
    rows = tx.waiting("promises", after=place, before=now + SOON, share=share, limit=limit + 1)
    count = tx.count_waiting("promises", begin=now, before=now + SOON, share=share)
    return _listed(tx, rows, count, limit, "promise_ends")


def tasks(tx: Transaction, share: Share, after: str = "", limit: int = MANY) -> Listed:
    """Orders with tasks that nobody finished, the oldest first."""
    rows = tx.waiting("tasks", after=_place(after), share=share, limit=limit + 1)
    return _listed(tx, rows, tx.count_waiting("tasks", share=share), limit, "tasks_since")


def problems(tx: Transaction, share: Share, after: str = "", limit: int = MANY) -> Listed:
    """Orders in whose facts something is wrong, by id."""
    rows = tx.with_problems(after=after, share=share, limit=limit + 1)
    return _listed(tx, rows, tx.count_problems(share=share), limit, "")


def coming(
    tx: Transaction, share: Share, now: datetime, zone: str, after: str = "", limit: int = MANY
) -> Flow:
    """What goes out within the hours of the time line, the next first."""
    edges = _edges(now, zone)
    moment, _, number = after.partition(" ")
    place = (datetime.fromisoformat(moment), int(number)) if after else (EPOCH, 0)
    found = tx.coming(EPOCH, edges[-1], after=place, share=share, limit=limit + 1)
    (count,) = tx.count_coming([(EPOCH, edges[-1])], share=share)
    rows = found[:limit]
    more = f"{rows[-1].run_at.isoformat()} {rows[-1].id}" if len(found) > limit else ""
    names = _names(tx, rows)
    going = (
        _going(one, one.run_at, ", ".join(step.channel for step in one.wanted.steps), names) for one in rows
    )
    return Flow(tuple(going), count, more)


def sent(tx: Transaction, share: Share, since: datetime, after: str = "", limit: int = MANY) -> Flow:
    """What left since then, the newest first."""
    found = tx.sent_since(since, before=int(after or 0), share=share, limit=limit + 1)
    rows = found[:limit]
    more = str(rows[-1].number) if len(found) > limit else ""
    names = _names(tx, [one.entry for one in rows])
    going = (_going(one.entry, one.at, one.channel, names, one.outcome) for one in rows)
    return Flow(tuple(going), tx.count_sent(since, share=share), more)


def today(now: datetime, zone: str) -> datetime:
    """When the day began in *zone*."""
    return _midnight(now, zone)


# ── rows ─────────────────────────────────────────────────────────────────────


def _listed(tx: Transaction, found: Sequence[OrderRow], count: Counted, limit: int, column: str) -> Listed:
    rows = list(found[:limit])
    more = _after(rows[-1], column) if len(found) > limit else ""
    people = customers(tx, (row.customer for row in rows))
    waiting = tx.entries_of([row.id for row in rows], statuses={Status.SCHEDULED}) if rows else {}
    return Listed(
        tuple(
            Waiting(
                order=row.id,
                customer=row.customer,
                name=named(people[row.customer]) if row.customer else "",
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
                next=_word(waiting.get(row.id, ())),
            )
            for row in rows
        ),
        count,
        more,
    )


def open_tasks(row: OrderRow) -> tuple[OpenTask, ...]:
    """The tasks that an order's row keeps."""
    return tuple(
        OpenTask(one["task"], one["do"], one["role"], datetime.fromisoformat(one["at"]), one["by"])
        for one in orjson.loads(row.tasks or "[]")
    )


def _word(entries: Sequence[Entry]) -> Word | None:
    """The next message to the customer that is planned."""
    mine = [one for one in entries if one.wanted.role == "customer" and one.wanted.mode == "live"]
    if not mine:
        return None
    first = min(mine, key=lambda one: (one.run_at, one.id))
    return Word(first.run_at, first.wanted.template, tuple(step.channel for step in first.wanted.steps))


def _names(tx: Transaction, rows: Sequence[Entry]) -> dict[str, str]:
    found = customers(tx, (one.wanted.customer for one in rows))
    return {customer: named(one) for customer, one in found.items()}


def _going(one: Entry, at: datetime, channel: str, names: dict[str, str], outcome: str = "") -> Going:
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
    moment, _, order = after.partition(" ")
    return datetime.fromisoformat(moment), order


def _edges(now: datetime, zone: str) -> list[datetime]:
    """When each hour of the time line begins by the clocks of *zone*, and when the last one ends."""
    local = now.astimezone(ZoneInfo(zone))
    first = now - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return [first + number * HOUR for number in range(AHEAD + 1)]


def _midnight(now: datetime, zone: str) -> datetime:
    place = ZoneInfo(zone)
    return datetime.combine(now.astimezone(place).date(), datetime.min.time(), place).astimezone(now.tzinfo)
