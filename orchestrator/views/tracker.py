"""An order as the person who waits for it sees it: what they were told, what happened, what comes next. Pure.

Nothing stands here that they were not told: a date the company only hopes for is none, and a milestone that
has no name for customers is not shown once any other has one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from orchestrator.journey import On, RuleBook
from orchestrator.model import (
    WAITING,
    Decision,
    Entry,
    Kind,
    Notification,
    OrderStatus,
    Promised,
    Status,
)
from orchestrator.planning.answering import REPLIED
from orchestrator.planning.case import SAID, Case
from orchestrator.planning.planner import case_of
from orchestrator.planning.standing import broken_at, standing
from orchestrator.render.dates import Dates
from orchestrator.render.words import When
from orchestrator.timing import calendar
from orchestrator.views.reader import Seen

FEEDBACK = "feedback.given"
_TALKS = {REPLIED: "wrote", "contact.logged": "spoke"}


class State(StrEnum):
    """How an order stands for whoever waits for it."""

    WAITING = "waiting"
    LATE = "late"
    NO_DATE = "no_date"
    DONE = "done"
    PAUSED = "paused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone of the path; ``state`` is done, late, next or ahead."""

    name: str
    state: str
    when: When


@dataclass(frozen=True, slots=True)
class Told:
    """When they were told which day."""

    at: When
    value: When


@dataclass(frozen=True, slots=True)
class Talk:
    """Something that was said between us: ``about`` is a trigger's name, ``wrote`` or ``spoke``."""

    at: When
    about: str
    name: str = ""
    tells: When | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that is offered; without an ``id`` it can be told, and not taken with one tap."""

    id: str
    when: When


@dataclass(frozen=True, slots=True)
class Tracker:
    """Everything that the page of one order shows.

    ``promise`` is what was told of the milestone called ``awaited``, ``tellings`` how that went;
    ``next_news`` is the day on which they hear from us at the latest, by the rules. ``chosen`` is the offered
    time that they took; ``feedback`` says whether they may say how it was ("ask"), did ("given"), or neither.
    """

    order: str
    title: str
    state: State
    awaited: str
    promise: When
    tellings: tuple[Told, ...]
    steps: tuple[Step, ...]
    talks: tuple[Talk, ...]
    next_news: When
    ended: When
    slots: tuple[Slot, ...]
    chosen: When
    feedback: str


def tracker(
    seen: Seen, decision: Decision, entries: Sequence[Entry], book: RuleBook, now: datetime, locale: str
) -> Tracker:
    """Say how an order stands at *now*, in the language of *locale*."""
    order, journey, role = seen.order, seen.journey, seen.entry.wanted.role
    case = case_of(order, seen.customer, journey, book, now)
    dates = Dates(case.zone, locale, calendar.day_of(now, case.zone), _zone(seen))
    awaited = _awaited(case)
    state = _state(case, awaited)
    open_still = state in (State.WAITING, State.LATE, State.NO_DATE)
    telling = case.told(awaited) if awaited else None
    told = telling.value if telling is not None and open_still else None
    offered, chosen = _slots(case, dates) if open_still else ((), None)
    return Tracker(
        order=order.id,
        title=journey.name_of(journey.id, locale),
        state=state,
        awaited=shown(case, awaited, locale) if awaited else "",
        promise=dates.promised(told),
        tellings=tuple(_tellings(case, awaited, dates)) if open_still and awaited else (),
        steps=tuple(_steps(case, awaited if open_still else "", state, dates, locale)),
        talks=tuple(_talks(case, role, entries, book, dates, locale)),
        next_news=dates.on(_next_news(decision, entries, role, case)) if open_still else dates.on(None),
        ended=dates.moment(_ended(case, state)),
        slots=offered,
        chosen=dates.promised(chosen),
        feedback=_feedback(case, state) if role == "customer" else "",
    )


def shown(case: Case, milestone: str, locale: str) -> str:
    """What customers call a milestone; "" for one that only the company counts."""
    journey = case.journey
    if any(name in journey.names for name in journey.milestones):
        names = journey.names.get(milestone, {})
        return journey.name_of(milestone, locale, "en") or next(iter(names.values()), "")
    return milestone.replace("_", " ").replace("-", " ").capitalize()


def _zone(seen: Seen) -> str:
    zone = seen.customer.time_zone if seen.entry.wanted.role == "customer" else ""
    return zone if zone and calendar.valid_zone(zone) else ""


def _state(case: Case, awaited: str) -> State:
    if case.order.status is OrderStatus.CANCELLED:
        return State.CANCELLED
    if case.complete:
        return State.DONE
    if case.order.status is OrderStatus.HELD:
        return State.PAUSED
    if not awaited:
        return State.NO_DATE
    return State.LATE if _late(case, awaited) else State.WAITING


def _awaited(case: Case) -> str:
    """The milestone whose day they wait for: the first on the path that is late, else the nearest day."""
    told = []
    for name in case.journey.milestones:
        telling = case.told(name)
        if telling is not None and case.happened(name) is None and shown(case, name, "en"):
            told.append((broken_at(case, name, telling.value), name))
    late = [name for _, name in told if _late(case, name)]
    return late[0] if late else min(told, default=(None, ""))[1]


def _late(case: Case, milestone: str) -> bool:
    """Is what they were told broken?"""
    telling = case.told(milestone)
    return telling is not None and broken_at(case, milestone, telling.value) <= case.now


def _tellings(case: Case, milestone: str, dates: Dates) -> Iterator[Told]:
    """What they were told of it, each value once where it did not change."""
    last = None
    for telling in case.milestone(milestone).tellings:
        if telling.value != last:
            yield Told(dates.moment(telling.at), dates.promised(telling.value))
        last = telling.value


def _steps(case: Case, awaited: str, state: State, dates: Dates, locale: str) -> Iterator[Step]:
    for name in case.journey.milestones:
        called = shown(case, name, locale)
        happened, telling = case.happened(name), case.told(name)
        value = dates.promised(telling.value if telling is not None else None)
        if not called:
            continue
        if happened is not None:
            own = case.milestone(name).reached
            yield Step(called, "done", dates.moment(own))
        elif name == awaited:
            yield Step(called, "late" if state is State.LATE else "next", value)
        else:
            yield Step(called, "ahead", value)


def _talks(
    case: Case, role: str, entries: Iterable[Entry], book: RuleBook, dates: Dates, locale: str
) -> Iterator[Talk]:
    """What was said, the newest first."""
    found: list[tuple[datetime, Talk]] = []
    for entry in entries:
        note = entry.wanted
        if not _is_to(note, role) or entry.status not in SAID:
            continue
        outcome, rule = case.order.outcomes.get(entry.key), book.rule(note.rule)
        at = outcome.at if outcome is not None else entry.updated_at or entry.due_at
        tells = next((one.value for one in note.tells if one.milestone == note.milestone), None)
        name = shown(case, note.milestone, locale) if note.milestone else ""
        on = rule.trigger.on if rule is not None and name else On.EVENT
        channel = book.policy.kind(entry.channel)
        found.append((at, Talk(dates.moment(at), str(on), name, dates.promised(tells), channel)))
    contacts = case.order.contacts if role == "customer" else ()
    found += [(at, Talk(dates.moment(at), _TALKS[kind])) for at, kind in contacts if kind in _TALKS]
    yield from (talk for _, talk in sorted(found, key=lambda pair: pair[0], reverse=True))


def _is_to(note: Notification, role: str) -> bool:
    return note.role == role and note.kind is Kind.MESSAGE and note.mode == "live"


def _next_news(decision: Decision, entries: Iterable[Entry], role: str, case: Case) -> date | None:
    """The first day on which the planner has us speak to them, whatever happens until then."""
    over = {one.key for one in entries if one.by_person or one.status not in WAITING | {Status.CANCELLED}}
    due = [
        max(note.due_at, case.now)
        for note in decision.wanted
        if _is_to(note, role) and note.steps and note.key not in over
        and (note.expires_at is None or note.expires_at > case.now)
    ]  # fmt: skip
    return calendar.day_of(min(due), case.zone) if due else None


def _ended(case: Case, state: State) -> datetime | None:
    if state is State.CANCELLED:
        return case.order.cancelled
    return case.milestone(case.journey.last).reached if state is State.DONE else None


def _slots(case: Case, dates: Dates) -> tuple[tuple[Slot, ...], Promised | None]:
    """Times that were offered and are to come, and the one of them that was taken, if any was."""
    offered: dict[str, Promised] = {}
    chosen: Promised | None = None
    for fact in case.order.events:
        if fact.type == "slot.offered":
            offered, chosen = dict(_times(fact.data["slots"])), None
        elif fact.type == "slot.chosen":
            slot = fact.data["slot"]
            chosen = next((time for _, time in _times([slot])), None) or offered.get(slot.get("id", ""))
            offered = {}
    if chosen is not None and chosen.start is not None and chosen.start <= case.now:
        chosen = None
    ahead = ((name, time) for name, time in offered.items() if time.start and time.start > case.now)
    return tuple(Slot("" if "\n" in name else name, dates.promised(time)) for name, time in ahead), chosen


def _times(slots: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, Promised]]:
    """Each of these that says when it is, by its id; by a line of its own where it has none."""
    for number, slot in enumerate(slots):
        if "from" in slot:
            end = datetime.fromisoformat(slot["to"]) if slot.get("to") else None
            time = Promised(start=datetime.fromisoformat(slot["from"]), end=end)
            yield slot.get("id") or f"{number}\n", time


def _feedback(case: Case, state: State) -> str:
    """May they say how it was? Only once it is done, once, and while no task is open."""
    if state is not State.DONE:
        return ""
    if any(fact.type == FEEDBACK for fact in case.order.events):
        return "given"
    return "" if standing(case).tasks else "ask"
