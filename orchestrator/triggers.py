"""One function per trigger: given an order, when is this rule due, for which occasion, and because of what?

Pure. A function returns its firings, or one sentence that says why there is none. Instants are exact
(docs/reference/triggers.md); windows, quiet hours and channels come later, in :mod:`orchestrator.timing`.

An *occasion* makes two firings of one rule different: ``arrived#1`` (the first episode of a milestone),
``arrived#1.2026-03-12.r2`` (rung 2 for the promise of that day), ``arrived#1.v3`` (promise version 3).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator import calendar
from orchestrator.journey import BusinessCalendar, Duration, Journey, On, Policy, Rule, Rung
from orchestrator.model import Customer, Fact, Milestone, Order, Outcome, Promised, Status, Telling, Tells

SAID = frozenset({Status.ACCEPTED, Status.UNKNOWN})  # the customer knows, or may know


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a decision about one order may look at."""

    order: Order
    customer: Customer
    journey: Journey
    policy: Policy
    now: datetime
    zone: str  # the order's: its location's, else the company's
    business: BusinessCalendar  # the location's

    def milestone(self, name: str) -> Milestone:
        """The milestone's state; untouched ones are as new."""
        return self.order.milestones.get(name) or Milestone(name)

    def add(self, moment: datetime, duration: Duration) -> datetime:
        """*moment* plus *duration* on the location's calendar."""
        return calendar.add(moment, duration, self.zone, self.business)

    def promise(self, name: str) -> Promised | None:
        """What stands now, told or not: the newest version, else the journey's relative promise."""
        state = self.order.milestones.get(name)
        if state is not None and state.promises:
            return state.promises[-1].value
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
        """What the customer was last told about this milestone."""
        state = self.order.milestones.get(name)
        return state.tellings[-1] if state is not None and state.tellings else None

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
        last = self.order.milestones.get(self.journey.last)
        return last is not None and last.reached is not None

    def held_between(self, start: datetime, end: datetime | None = None) -> timedelta:
        """How long the order was held after *start* (elapsed clocks stop meanwhile)."""
        total = timedelta()
        for hold in self.order.holds:
            until = hold.until if hold.until is not None else self.now
            if end is not None:
                until = min(until, end)
            total += max(until - max(hold.since, start), timedelta())
        return total

    def in_hold(self, moment: datetime) -> bool:
        """Was the order held at *moment*?"""
        return any(h.since <= moment and (h.until is None or moment < h.until) for h in self.order.holds)


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule is due: at an instant, for an occasion, because of something, unless something else.

    ``news`` is the later of happened and heard. ``speaks`` is false when only the rung's task may act
    (the customer was never told the promise, or a newer rung speaks).
    """

    occasion: str
    at: datetime
    news: datetime
    because: str
    unless: str = ""
    rung: int = 1
    milestone: str = ""
    tells: tuple[Tells, ...] = ()
    speaks: bool = True
    until: datetime | None = None  # useless from then on, whatever `within` says
    never_stale: bool = False
    late_by: timedelta | None = None
    event: Fact | None = None


Answer = list[Firing] | str


def firings(rule: Rule, case: Case) -> Answer:
    """Return what *rule* is due for, or why it is not."""
    answer = _TRIGGERS[rule.trigger.on](rule, case)
    if rule.tells and not isinstance(answer, str):
        named = tuple(_telling(case, rule.tells))
        if named:
            answer = [replace(firing, tells=firing.tells + named) for firing in answer]
    return answer


def _telling(case: Case, names: tuple[str, ...]) -> Iterator[Tells]:
    """What a message that mentions these milestones tells: promises that stand and were not told yet."""
    for name in names:
        value, told = case.promise(name), case.told(name)
        if value is not None and (told is None or told.value != value):
            yield Tells(name, value)


# ── the triggers ─────────────────────────────────────────────────────────────


def reached(rule: Rule, case: Case) -> Answer:
    """Due when M happened; a later milestone takes an unsent one back."""
    name = rule.trigger.milestone
    state = case.milestone(name)
    if state.reached is None or state.heard is None:
        return f"{name} has not happened"
    overtaken = case.overtaken(name)
    if overtaken is not None:
        return f"{overtaken[0]} has happened since, on {_when(overtaken[1], case)}"
    return [
        Firing(
            occasion=f"{name}#{state.episode}",
            at=state.reached,
            news=max(state.reached, state.heard),
            because=f"{name} happened on {_when(state.reached, case)}",
            unless=f"{name} is taken back or a later milestone happens",
            milestone=name,
            never_stale=apology_open(case.order, case.journey, name),
        )
    ]


def missed(rule: Rule, case: Case) -> Answer:
    """Due at the deadline, the end of the told promise plus D, if M did not happen before it."""
    name, by = rule.trigger.milestone, rule.trigger.by
    state, told, current = case.milestone(name), case.told(name), case.promise(name)
    speaks = any(rung.say for rung in rule.rungs)
    value = told.value if told is not None and speaks else current
    if value is None:
        return f"no promise for {name} stands"
    deadline = case.add(calendar.ends(value, case.zone, rule.trigger.closes), by)
    if case.in_hold(deadline):
        return f"the deadline {_when(deadline, case)} fell into a hold"
    done = case.happened(name)
    if done is not None and done[0] < deadline:
        return f"kept: {done[1]} happened on {_when(done[0], case)}, before the deadline {_when(deadline, case)}"
    known = _heard(state, value, told)
    found = _ladder(
        rule,
        case,
        Firing(
            occasion=f"{name}#{state.episode}.{value}",
            at=deadline,
            news=deadline if known is None else max(deadline, known),
            because=f"{name} was promised for {value} and the deadline {_when(deadline, case)} passes without it",
            unless=f"{name} happens before, or the promise moves",
            milestone=name,
            speaks=told is not None,
        ),
    )
    if done is None:
        return [replace(f, late_by=max(case.now - deadline, timedelta())) for f in found]
    # An exact tie stands: what happens at the deadline has not kept it.
    stands = [f for f in found if f.at == done[0] and case.now <= f.at]
    return stands or f"{done[1]} happened on {_when(done[0], case)}, late, and nothing more is missing"


def upcoming(rule: Rule, case: Case) -> Answer:
    """Due D before the promise begins; with `at`, at that local time on that day."""
    name, before, at = rule.trigger.milestone, rule.trigger.before, rule.trigger.at
    state, told, current = case.milestone(name), case.told(name), case.promise(name)
    if current is None:
        return f"no promise for {name} stands"
    done = case.happened(name)
    if done is not None:
        return f"{done[1]} happened on {_when(done[0], case)}"
    begins = calendar.begins(current, case.zone)
    moment = calendar.subtract(begins, before, case.zone, case.business)
    if at is not None:
        moment = calendar.local(calendar.day_of(moment, case.zone), at, case.zone)
    known = _heard(state, current, told)
    return [
        Firing(
            occasion=f"{name}#{state.episode}.{current}",
            at=moment,
            news=moment if known is None else max(moment, known),
            because=f"{name} is promised for {current}",
            unless=f"{name} happens before, or the promise moves",
            milestone=name,
            tells=(Tells(name, current),) if told is None or told.value != current else (),
            until=calendar.ends(current, case.zone, None),
        )
    ]


def after(rule: Rule, case: Case) -> Answer:
    """Due D after M happened; time on hold does not count."""
    name = rule.trigger.milestone
    state = case.milestone(name)
    if state.reached is None or state.heard is None:
        return f"{name} has not happened"
    moment = case.add(state.reached, rule.trigger.by) + case.held_between(state.reached)
    return [
        Firing(
            occasion=f"{name}#{state.episode}",
            at=moment,
            news=max(moment, state.heard),
            because=f"{rule.trigger.by} have passed since {name} on {_when(state.reached, case)}",
            unless=f"{name} is taken back",
            milestone=name,
        )
    ]


def moved(rule: Rule, case: Case) -> Answer:
    """Due when the promise differs from what was last told by at least D and stood still for `settle`."""
    trigger = rule.trigger
    name = trigger.milestone
    state, told = case.milestone(name), case.told(name)
    promise = state.promise
    if promise is None:
        return f"no promise for {name} was made"
    if told is None:
        return f"no promise for {name} was ever told"
    if promise.value == told.value:
        return f"the customer knows: {name} on {told.value}"
    done = case.happened(name)
    if done is not None:
        return f"{done[1]} happened on {_when(done[0], case)}"
    was, will = calendar.begins(told.value, case.zone), calendar.begins(promise.value, case.zone)
    direction = "later" if will >= was else "sooner"
    if trigger.direction not in ("either", direction):
        return f"{name} moved {direction}, and this rule speaks of {trigger.direction}"
    if case.add(min(was, will), trigger.by) > max(was, will):
        return f"{name} moved from {told.value} to {promise.value}, by less than {trigger.by}"
    news = max(promise.made, promise.heard)
    settled = max(news, min(case.add(news, trigger.settle), calendar.ends(told.value, case.zone, None)))
    return [
        Firing(
            occasion=f"{name}#{state.episode}.v{promise.version}",
            at=settled,
            news=settled,
            because=f"{name} moved from {told.value}, which the customer was told, to {promise.value}",
            unless=f"the promise moves again or {name} happens",
            milestone=name,
            tells=(Tells(name, promise.value),),
        )
    ]


def stuck(rule: Rule, case: Case) -> Answer:
    """Due D after M (or after the last milestone) if no later one happened and the order is open."""
    name = rule.trigger.milestone
    if case.complete:
        return "the order is complete"
    if name == "any":
        done = [(m.reached, case.journey.position.get(m.name, -1), m.name) for m in _reached(case.order)]
        if not done:
            return "no milestone has happened"
        name = max(done)[2]
    state = case.milestone(name)
    if state.reached is None or state.heard is None:
        return f"{name} has not happened"
    overtaken = case.overtaken(name)
    if overtaken is not None:
        return f"{overtaken[0]} has happened since, on {_when(overtaken[1], case)}"
    moment = case.add(state.reached, rule.trigger.for_) + case.held_between(state.reached)
    return _ladder(
        rule,
        case,
        Firing(
            occasion=f"{name}#{state.episode}",
            at=moment,
            news=max(moment, state.heard),
            because=f"nothing happened for {rule.trigger.for_} after {name} on {_when(state.reached, case)}",
            unless="a later milestone happens",
            milestone=name,
        ),
    )


def silent(rule: Rule, case: Case) -> Answer:
    """Due D after the last useful contact, while the order is open.

    What a rule with several rungs says itself does not end the silence it counts.
    """
    if case.complete:
        return "the order is complete"
    mine = f"{case.order.id}/{rule.id}/" if rule.rung(2) is not None else None
    heard = [at for at, what in case.order.contacts if mine is None or not what.startswith(mine)]
    base = max(heard) if heard else case.order.since
    if base is None:
        return "the order is not known yet"
    moment = case.add(base, rule.trigger.for_) + case.held_between(base)
    return _ladder(
        rule,
        case,
        Firing(
            occasion=f"since-{base.isoformat(timespec='seconds')}",
            at=moment,
            news=moment,
            because=f"{rule.trigger.for_} have passed since the last contact on {_when(base, case)}",
            unless="the customer hears from us before",
        ),
    )


def retracted(rule: Rule, case: Case) -> Answer:
    """Due when M was taken back after somebody was told that it happened."""
    name = rule.trigger.milestone
    state = case.milestone(name)
    if state.retracted is None or state.retracted_heard is None:
        return f"{name} was not taken back"
    if state.reached is not None:
        return f"{name} has happened again, on {_when(state.reached, case)}"
    episode = f"{name}#{state.episode - 1}"
    said = (o for o in _said(case, On.REACHED) if o.occasion == episode and o.role == "customer")
    if not any(o.status in SAID for o in said):
        return f"{name} was taken back before anybody was told"
    return [
        Firing(
            occasion=episode,
            at=state.retracted,
            news=max(state.retracted, state.retracted_heard),
            because=f"{name} was taken back on {_when(state.retracted, case)} after the customer was told",
            unless=f"{name} happens after all",
            milestone=name,
        )
    ]


def event(rule: Rule, case: Case) -> Answer:
    """Due when an event of that type happened, once for each."""
    wanted = rule.trigger.event
    found = [fact for fact in case.order.events if fact.type == wanted]
    if not found:
        return f"no {wanted} was heard"
    return [
        Firing(
            occasion=f"{fact.source}#{fact.id}",
            at=fact.happened,
            news=max(fact.happened, fact.heard),
            because=f"{wanted} happened on {_when(fact.happened, case)}",
            event=fact,
        )
        for fact in found
    ]


_TRIGGERS: Mapping[On, Callable[[Rule, Case], Answer]] = {
    On.REACHED: reached,
    On.MISSED: missed,
    On.UPCOMING: upcoming,
    On.AFTER: after,
    On.MOVED: moved,
    On.STUCK: stuck,
    On.SILENT: silent,
    On.RETRACTED: retracted,
    On.EVENT: event,
}


# ── rungs ────────────────────────────────────────────────────────────────────


def _ladder(rule: Rule, case: Case, first: Firing) -> list[Firing]:
    """The rungs that count now: the newest due one speaks, older ones only task, and the next to come.

    A second promise of the same episode, missed again, goes on with the rung after the last one said.
    """
    start = _next_rung(rule, case, first)
    found: list[Firing] = []
    number = start
    while rule.rung(number) is not None:
        shift = _offset(rule, case, first.at, number) - _offset(rule, case, first.at, start)
        at = first.at + shift
        firing = replace(
            first, occasion=f"{first.occasion}.r{number}", rung=number, at=at, news=max(at, first.news)
        )
        if at <= case.now:
            found = [replace(older, speaks=False) for older in found if _tasks(rule, older)]
        found.append(firing)
        if at > case.now:
            break
        number += 1
    return found


def _tasks(rule: Rule, firing: Firing) -> bool:
    rung = rule.rung(firing.rung)
    return rung is not None and rung.task is not None


def _next_rung(rule: Rule, case: Case, first: Firing) -> int:
    """1, or the rung after the last one said for another promise of this episode."""
    if rule.trigger.on is not On.MISSED:
        return 1
    episode = first.occasion.partition(".")[0] + "."
    highest = 0
    for outcome in case.order.outcomes.values():
        occasion = outcome.occasion
        if (
            outcome.rule == rule.id
            and outcome.kind == "message"
            and outcome.status in SAID
            and occasion.startswith(episode)
            and not occasion.startswith(first.occasion + ".r")
        ):
            highest = max(highest, rung_of(occasion))
    return highest + 1


def rung_of(occasion: str) -> int:
    """The rung an occasion ends in (``….r3`` → 3), or 0."""
    tail = occasion.rpartition(".r")[2]
    return int(tail) if tail.isdigit() else 0


def _offset(rule: Rule, case: Case, base: datetime, number: int) -> timedelta:
    """How long after rung 1 this rung is due, on the location's calendar from *base*."""
    moment, seen = base, 0
    for rung in rule.rungs:
        take = min(rung.at_most, number - seen)
        if take <= 0:
            break
        moment = _rung_moment(case, rung, base, moment, take)
        seen += rung.at_most
    return moment - base


def _rung_moment(case: Case, rung: Rung, base: datetime, before: datetime, times: int) -> datetime:
    if rung.after is not None:
        return case.add(base, rung.after)
    if rung.every is not None:
        for _ in range(times):
            before = case.add(before, rung.every)
    return before


# ── small readings ───────────────────────────────────────────────────────────


def apologies(order: Order, journey: Journey, milestone: str) -> int:
    """How many times the customer was told that this milestone is late, in its present episode."""
    state = order.milestones.get(milestone)
    prefix = f"{milestone}#{state.episode if state else 1}."
    rules = {r.id for r in journey.rules if r.trigger.on is On.MISSED and r.trigger.milestone == milestone}
    return sum(
        1
        for o in order.outcomes.values()
        if o.rule in rules and o.role == "customer" and o.status in SAID and o.occasion.startswith(prefix)
    )


def apology_open(order: Order, journey: Journey, milestone: str) -> bool:
    """Was the customer told it is late, so that they must hear the end of it however old the news?"""
    return bool(order.outcomes) and apologies(order, journey, milestone) > 0


def _reached(order: Order) -> Iterator[Milestone]:
    return (m for m in order.milestones.values() if m.reached is not None)


def _said(case: Case, on: On) -> Iterator[Outcome]:
    rules = {rule.id for rule in case.journey.rules if rule.trigger.on is on}
    return (outcome for outcome in case.order.outcomes.values() if outcome.rule in rules)


def _heard(state: Milestone, value: Promised, told: Telling | None) -> datetime | None:
    """When we heard of this promise, if that was after it was made."""
    for promise in reversed(state.promises):
        if promise.value == value:
            return promise.heard
    return told.at if told is not None else None


def _when(moment: datetime, case: Case) -> str:
    return calendar.show(moment, case.zone)
