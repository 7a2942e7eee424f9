"""What a decision about one order may look at, what makes a rule due, and small readings of both. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from orchestrator.facts import value
from orchestrator.journey import BusinessCalendar, Duration, Journey, Mode, On, Policy, Rule
from orchestrator.model import (
    Customer,
    Fact,
    Hold,
    Milestone,
    Order,
    Outcome,
    Promised,
    Status,
    Telling,
    Tells,
    first_occasion,
    key_of,
    step_occasion,
)
from orchestrator.reasons import NOTHING, Code, Reason
from orchestrator.timing import calendar

STALE_AFTER = Duration(seconds=36 * 3600, text="36h")  # a nightly import of yesterday is still news
SAID = frozenset({Status.ACCEPTED, Status.UNKNOWN})  # the customer knows, or may know
UNSAID = ".unreached"  # ends the occasion of the task in place of a message that could not be said


@value(frozen=True, slots=True)
class Case:
    """Everything a decision about one order may look at."""

    order: Order
    customer: Customer
    journey: Journey
    policy: Policy
    now: datetime
    zone: str  # the order's: its location's, else the company's
    business: BusinessCalendar  # the location's
    activated: Mapping[str, datetime] = field(default_factory=dict)  # since when each rule counts
    made: dict[Any, Any] = field(default_factory=dict, repr=False)  # by timing.send_time, once for all rules
    hours: dict[Any, Any] = field(default_factory=dict, repr=False)  # the same, for orders planned together

    def milestone(self, name: str) -> Milestone:
        """The milestone's state; untouched ones are as new."""
        return self.order.milestones.get(name) or _untouched(name)

    def key(self, rule: Rule, firing: "Firing") -> str:
        """Name what *rule* says of this firing, for ever."""
        return key_of(self.order.id, rule.id, firing.occasion, rule.to, rule.mode)

    def said(self, rule: Rule, firing: "Firing") -> Outcome | None:
        """What became of it: the first of its messages that was said, else the last one."""
        found: Outcome | None = None
        number = 1
        while (one := self.outcome(rule, step_occasion(firing.occasion, number))) is not None:
            found = one
            if spoken(one, rule.mode):
                break
            number += 1
        return found

    def outcome(self, rule: Rule, occasion: str) -> Outcome | None:
        """What became of what *rule* says on that occasion."""
        if not self.order.outcomes:
            return None
        return self.order.outcomes.get(key_of(self.order.id, rule.id, occasion, rule.to, rule.mode))

    def since(self, rule: Rule) -> datetime | None:
        """Since when *rule* counts; ``None`` if what happened before counts as well."""
        return None if rule.catch_up else self.activated.get(rule.id)

    def add(self, moment: datetime, duration: Duration) -> datetime:
        """*moment* plus *duration* on the location's calendar."""
        return calendar.add(moment, duration, self.zone, self.business)

    def after(self, moment: datetime, duration: Duration) -> datetime:
        """*moment* plus *duration*, on a clock that stands still while the order is held."""
        end = self.add(moment, duration)
        return self.awake(moment, end) if self.order.holds else end

    def awake(self, start: datetime, end: datetime) -> datetime:
        """*end* of a clock that runs since *start*, later by the time the order was held meanwhile."""
        for hold in self.order.holds:
            since, until = max(hold.since, start), hold.until or self.now
            if since < end and since < until:
                end += until - since
        return end

    def hold_at(self, moment: datetime) -> Hold | None:
        """The hold the order was in at *moment*."""
        for hold in self.order.holds:
            if hold.since <= moment and (hold.until is None or moment < hold.until):
                return hold
        return None

    def promise(self, name: str) -> Promised | None:
        """What stands now, told or not: the newest version, else the journey's relative promise."""
        state = self.order.milestones.get(name)
        if state is not None and state.promises:
            return state.promises[-1].value
        return self.derived(name)

    def derived(self, name: str) -> Promised | None:
        """What the journey promises relative to another milestone, once that was reached."""
        relative = self.journey.promises.get(name)
        if relative is None:
            return None
        base, offset = relative
        reached = self.milestone(base).reached
        if reached is None:
            return None
        moment = self.add(reached, offset)
        whole_days = not (offset.seconds or offset.business_minutes)
        return Promised(day=calendar.day_of(moment, self.zone)) if whole_days else Promised(start=moment)

    def told(self, name: str) -> Telling | None:
        """What the customer was last told about this milestone, and what still stands of it."""
        state = self.order.milestones.get(name)
        if state is None or not state.tellings:
            return None
        told = state.tellings[-1]
        return told if state.promises or not self._fell(name, told) else None

    def _fell(self, name: str, told: Telling) -> bool:
        """Did that date follow from another milestone, which was taken back since it was told?"""
        relative = self.journey.promises.get(name)
        if relative is None:
            return False
        taken_back = self.milestone(relative[0]).retracted_heard
        return taken_back is not None and told.at < taken_back

    def heard(self, name: str, value: Promised) -> datetime | None:
        """When we heard of that promise: of its newest version, its telling, or what it is relative to."""
        state = self.milestone(name)
        for promise in reversed(state.promises):
            if promise.value == value:
                return promise.heard
        if (told := self.told(name)) is not None:
            return told.at
        relative = self.journey.promises.get(name)
        return self.milestone(relative[0]).heard if relative is not None else None

    def overtaken(self, name: str) -> tuple[str, datetime] | None:
        """The first later milestone on the path that happened, with when."""
        position = self.journey.position
        mine = position.get(name)
        if mine is None:
            return None
        later = [
            (state.reached, other)
            for other, state in self.order.milestones.items()
            if state.reached is not None and position.get(other, -1) > mine
        ]
        if not later:
            return None
        moment, other = min(later)
        return other, moment

    def happened(self, name: str) -> tuple[datetime, str] | None:
        """When M can be taken to have happened, with its name or the later milestone's that implies it."""
        reached = self.milestone(name).reached
        overtaken = self.overtaken(name)
        if reached is not None and (overtaken is None or reached <= overtaken[1]):
            return reached, name
        return (overtaken[1], overtaken[0]) if overtaken else None

    @property
    def complete(self) -> bool:
        """The journey's closing milestone was reached."""
        return complete(self.order, self.journey)

    def show(self, what: datetime | Promised) -> str:
        """A moment or a promise as the clocks of the order's place read it."""
        return calendar.show(what, self.zone) if isinstance(what, datetime) else show(what, self.zone)


@lru_cache(maxsize=1024)  # most milestones of most orders: a third of a plan's small objects
def _untouched(name: str) -> Milestone:
    """A milestone of which no fact speaks; nobody may change it, for all orders share it."""
    return Milestone(name)


class Firing(NamedTuple):
    """A rule is due: at an instant, for an occasion, because of something, unless something else.

    ``news`` is the later of happened and heard. ``hushed`` says why nothing is said and only a task may be
    made; ``instead`` names a task that the owner gets in place of what the rule says and tasks. A tuple,
    for planning makes and changes many, and a frozen dataclass takes four times as long to make.
    """

    occasion: str
    at: datetime
    news: datetime
    because: Reason
    unless: str = ""
    rung: int = 1
    milestone: str = ""
    tells: tuple[Tells, ...] = ()
    hushed: Reason = NOTHING
    instead: str = ""
    until: datetime | None = None  # useless from then on, whatever `within` says
    happened: datetime | None = None  # what `stale_after` counts from, where that is not `at`
    never_stale: bool = False
    deadline: datetime | None = None  # missed: what `late_by` is counted from
    event: Fact | None = None
    since: datetime | None = None  # the news of the first unsaid one that this takes the place of
    says: bool = True  # a ladder that was begun late says and tasks its rungs at different times
    tasks: bool = True
    text: int = 0  # the rung whose text is said, if not its own
    planned: bool = False  # it only goes on where it was planned before its rule was edited
    step_at: datetime | None = None  # a further step: since when the next channel is to be tried …
    tried: frozenset[str] = frozenset()  # … and by which it was said in vain

    @property
    def speaks(self) -> bool:
        """May its message be said?"""
        return self.says and not self.hushed


Answer = list[Firing] | Reason


def show(value: Promised, zone: str) -> str:
    """A promise in the words of the place: a day as ``2026-03-12``, anything else by the clocks of *zone*."""
    if value.day is not None or value.start is None:
        return str(value)
    start = calendar.show(value.start, zone)
    return start if value.end is None else f"{start} to {calendar.show(value.end, zone)}"


def complete(order: Order, journey: Journey) -> bool:
    """Was the journey's closing milestone reached? Then nobody waits any more."""
    last = order.milestones.get(journey.last)
    return last is not None and last.reached is not None


def spoken(outcome: Outcome | None, mode: Mode) -> bool:
    """Was it said, or would a rule on trial have said it?"""
    if outcome is None:
        return False
    return outcome.status in SAID or (mode is Mode.SHADOW and outcome.reason.code is Code.ON_TRIAL)


def reached(order: Order) -> Iterator[Milestone]:
    """The milestones that happened."""
    return (milestone for milestone in order.milestones.values() if milestone.reached is not None)


def apologies(order: Order, journey: Journey, milestone: str) -> int:
    """How many times the customer was told that this milestone is late, in its present episode."""
    if not order.outcomes:  # nobody was told anything
        return 0
    state = order.milestones.get(milestone)
    prefix = f"{milestone}#{state.episode if state else 1}."
    rules = {r.id for r in journey.rules if r.trigger.on is On.MISSED and r.trigger.milestone == milestone}
    said = {
        (o.rule, first_occasion(o.occasion))
        for o in order.outcomes.values()
        if o.rule in rules and o.role == "customer" and o.status in SAID and o.occasion.startswith(prefix)
    }
    return len(said)


def apology_open(order: Order, journey: Journey, milestone: str) -> bool:
    """Was the customer told it is late, so that they must hear the end of it however old the news?"""
    return apologies(order, journey, milestone) > 0
