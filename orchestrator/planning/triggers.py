"""One function per trigger: given an order, when is this rule due, for which occasion, and because of what?

Pure. A function returns its firings, or one sentence that says why there is none. Instants are exact
(docs/reference/triggers.md); windows, quiet hours and channels come later.

An *occasion* makes two firings of one rule different: ``arrived#1`` (the first episode of a milestone),
``arrived#1.2026-03-12.r2`` (rung 2 for the promise of that day), ``arrived#1.v3`` (promise version 3).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta

from orchestrator.journey import Duration, On, Rule
from orchestrator.model import STAFF, Tells
from orchestrator.planning.applying import applies
from orchestrator.planning.case import Answer, Case, Firing, apology_open, spoken
from orchestrator.planning.case import reached as reached_ones
from orchestrator.planning.climbing import unheard, unsaid
from orchestrator.planning.correcting import retracted
from orchestrator.planning.missing import missed, told_to
from orchestrator.planning.rungs import ladder
from orchestrator.reasons import NOTHING, Reason, due
from orchestrator.reasons import unsaid as not_said
from orchestrator.timing import calendar
from orchestrator.timing.moves import Move

CANCELLED = "order.cancelled"  # the one event of which something is said when the order is over


def firings(rule: Rule, case: Case) -> Answer:
    """Return what *rule* is due for, or why it is not.

    What it said and nobody has received as the rule wants it is still due: it tells nothing yet.
    """
    answer = _firings(rule, case)
    if rule.fallback_after is None or not (waits := unheard(rule, case)):
        return answer
    before = _firings(rule, unsaid(case, waits))
    if isinstance(before, str):
        return answer
    found = [] if isinstance(answer, str) else answer
    there = {firing.occasion for firing in found}
    more = [one for one in before if one.occasion in waits and one.occasion not in there]
    return [*more, *found] if more else answer


def _firings(rule: Rule, case: Case) -> Answer:
    answer = _TRIGGERS[rule.trigger.on](rule, case)
    if rule.tells and not isinstance(answer, str):
        answer = [
            firing._replace(tells=(*firing.tells, *_telling(case, rule.tells, max(firing.at, firing.news))))
            for firing in answer
        ]
    return answer


def _telling(case: Case, names: tuple[str, ...], moment: datetime) -> Iterator[Tells]:
    """What a message that mentions these milestones tells: promises that stand and were not told yet.

    A day that is over by then is no news, so nobody counts as told.
    """
    for name in names:
        value, told = case.promise(name), case.told(name)
        if value is None or (told is not None and told.value == value):
            continue
        if calendar.ends(value, case.zone) > moment:
            yield Tells(name, value)


# ── the triggers ─────────────────────────────────────────────────────────────


def reached(rule: Rule, case: Case) -> Answer:
    """Due when M happened; a later milestone takes an unsent one back."""
    name = rule.trigger.milestone
    state = case.milestone(name)
    if state.reached is None or state.heard is None:
        return not_said.not_happened(name)
    overtaken = case.overtaken(name)
    if overtaken is not None:
        return not_said.overtaken(overtaken[0], case.show(overtaken[1]))
    return [
        Firing(
            occasion=f"{name}#{state.episode}",
            at=state.reached,
            news=max(state.reached, state.heard),
            because=due.reached(name, case.show(state.reached)),
            unless=f"{name} is taken back or a later milestone happens",
            milestone=name,
            never_stale=apology_open(case.order, case.journey, name),
        )
    ]


JUST = timedelta(hours=2)  # whoever heard a date so short a time ago is not reminded of it


def upcoming(rule: Rule, case: Case) -> Answer:
    """Due D before the promise begins; with `at`, at that local time on that day, or so long before closing.

    A reminder tells the promise as it is now. Who was never told any is not reminded: an internal promise
    is for the staff's tasks only.
    """
    name, before, at = rule.trigger.milestone, rule.trigger.before, rule.trigger.at
    state, told, current = case.milestone(name), case.told(name), case.promise(name)
    if current is None:
        return not_said.no_promise(name)
    done = case.happened(name)
    if done is not None:
        return not_said.happened(done[1], case.show(done[0]))
    begins = calendar.begins(current, case.zone)
    moment = calendar.subtract(begins, before, case.zone, case.business)
    if at is not None:
        moment = _at(at, calendar.day_of(moment, case.zone), rule.trigger.before_closing, case)
    known, ends = case.heard(name, current), calendar.ends(current, case.zone)
    if answered := _just_told(rule, case, name, begins, moment):
        return answered
    if answered := _answered(rule, case, name, moment, ends) or _too_late(rule, case, name, moment, known):
        return answered
    return [
        Firing(
            occasion=f"{name}#{state.episode}.{current}",
            at=moment,
            news=moment if known is None else max(moment, known),
            because=due.upcoming(name, case.show(current)),
            unless=f"{name} happens before, or the promise moves",
            milestone=name,
            tells=(Tells(name, current),) if told is None or told.value != current else (),
            hushed=not_said.UNTOLD if told is None and rule.to not in STAFF else NOTHING,
            until=ends,
        )
    ]


def _just_told(rule: Rule, case: Case, name: str, begins: datetime, moment: datetime) -> Reason:
    """That another message told that date shortly before the reminder's moment, or after it; or nothing."""
    told = case.told(name)
    if told is None or told.value != case.promise(name) or rule.to in STAFF:
        return NOTHING
    key, _, role = (told.key or "").rpartition("/")
    if not key or key.startswith(f"{case.order.id}/{rule.id}/"):
        return NOTHING  # a person said so, or this reminder itself
    if role != rule.to and not spoken(case.order.outcomes.get(f"{key}/{rule.to}"), rule.mode):
        return NOTHING
    before = JUST if rule.trigger.at is not None else min(JUST, (begins - moment) / 2)
    if told.at < moment - before:
        return NOTHING
    return not_said.just_told(rule.to, name, case.show(told.value), case.show(told.at))


def _answered(rule: Rule, case: Case, name: str, moment: datetime, ends: datetime) -> Reason:
    """Why staff need not be asked what that day brings: it was over first, or they said that it is not so."""
    hold, taken_back = case.hold_at(moment), case.milestone(name).retracted_heard
    if hold is not None and hold.until is not None and hold.until >= ends:
        return not_said.passed_on_hold(name)
    if taken_back is None or taken_back < moment or any(rung.say for rung in rule.rungs):
        return NOTHING
    return not_said.retracted_unasked(name, case.show(taken_back))


def _too_late(rule: Rule, case: Case, name: str, moment: datetime, known: datetime | None) -> Reason:
    """That staff has the task of the missed promise, and not the question before it that nobody could ask."""
    if known is None or known <= moment or any(rung.say for rung in rule.rungs):
        return NOTHING
    for other in case.journey.rules:
        if (
            other.trigger.on is not On.MISSED
            or other.trigger.milestone != name
            or other.mode is not rule.mode
        ):
            continue
        found = missed(other, case)
        for firing in () if isinstance(found, str) else found:
            rung, since = other.rung(firing.rung), case.since(other)
            tasked = rung is not None and rung.task is not None and firing.tasks and firing.at <= known
            if tasked and (since is None or firing.at >= since) and applies(other, firing, case, known):
                return not_said.overdue(name, other.id)
    return NOTHING


def _at(at: time, day: date, before_closing: Duration | None, case: Case) -> datetime:
    """That time of day, or so long before the location closes if that is earlier: never before it opens."""
    moment = calendar.local(day, at, case.zone)
    business = case.policy.declared(case.order.location.calendar)
    if before_closing is None or business is None or not calendar.business_day(day, business):
        return moment
    opens, closes = calendar.opening(day, case.zone, business)
    return min(moment, max(opens, calendar.subtract(closes, before_closing, case.zone, business)))


def after(rule: Rule, case: Case) -> Answer:
    """Due D after M happened; time on hold does not count."""
    name = rule.trigger.milestone
    state = case.milestone(name)
    if state.reached is None or state.heard is None:
        return not_said.not_happened(name)
    moment = case.after(state.reached, rule.trigger.by)
    return [
        Firing(
            occasion=f"{name}#{state.episode}",
            at=moment,
            news=max(moment, state.heard),
            because=due.after(str(rule.trigger.by), name, case.show(state.reached)),
            unless=f"{name} is taken back",
            milestone=name,
        )
    ]


def moved(rule: Rule, case: Case) -> Answer:
    """Due when the promise begins or ends at least D from what was told and stood still for `settle`."""
    trigger = rule.trigger
    name = trigger.milestone
    state, told = case.milestone(name), told_to(rule, name, case)
    promise = state.promise
    if promise is None:
        return not_said.no_promise(name)
    if told is None:
        return not_said.never_told(name)
    if promise.value == told.value:
        return not_said.known(name, case.show(told.value))
    done = case.happened(name)
    if done is not None:
        return not_said.happened(done[1], case.show(done[0]))
    move = Move(told.value, promise.value, case.zone)
    if not move.direction:
        return not_said.known(name, case.show(told.value))
    if trigger.direction not in ("either", move.direction):
        return not_said.other_direction(name, move.direction, trigger.direction)
    if not move.at_least(trigger.by, case.add):
        return not_said.moved_little(name, case.show(promise.value), str(trigger.by))
    news = max(promise.made, promise.heard)
    settled = max(news, min(case.add(news, trigger.settle), calendar.ends(told.value, case.zone)))
    return [
        Firing(
            occasion=f"{name}#{state.episode}.v{promise.version}",
            at=settled,
            news=settled,
            because=due.moved(name, case.show(told.value), case.show(promise.value)),
            unless=f"the promise moves again or {name} happens",
            milestone=name,
            tells=(Tells(name, promise.value),),
            until=calendar.ends(promise.value, case.zone),
            happened=promise.made,
        )
    ]


def stuck(rule: Rule, case: Case) -> Answer:
    """Due D after M (or after the last milestone) if no later one happened and the order is open."""
    name = rule.trigger.milestone
    if case.complete:
        return not_said.COMPLETE
    if name == "any":
        done = [(m.reached, case.journey.position.get(m.name, -1), m.name) for m in reached_ones(case.order)]
        if not done:
            return not_said.NO_MILESTONE
        name = max(done)[2]
    elif (overtaken := case.overtaken(name)) is not None:
        return not_said.overtaken(overtaken[0], case.show(overtaken[1]))
    state = case.milestone(name)
    if state.reached is None or state.heard is None:
        return not_said.not_happened(name)
    moment = case.after(state.reached, rule.trigger.for_)
    return ladder(
        rule,
        case,
        Firing(
            occasion=f"{name}#{state.episode}",
            at=moment,
            news=max(moment, state.heard),
            because=due.stuck(str(rule.trigger.for_), name, case.show(state.reached)),
            unless="a later milestone happens",
            milestone=name,
        ),
    )


def silent(rule: Rule, case: Case) -> Answer:
    """Due D after the last useful contact, while the order is open.

    What a rule with several rungs says itself does not end the silence it counts.
    """
    if case.complete:
        return not_said.COMPLETE
    mine = f"{case.order.id}/{rule.id}/" if rule.rung(2) is not None else None
    heard = [contact for contact in case.order.contacts if mine is None or not contact[1].startswith(mine)]
    base, last = max(heard) if heard else (case.order.since, "")
    if base is None:
        return not_said.NOT_KNOWN_YET
    moment = case.after(base, rule.trigger.for_)
    return ladder(
        rule,
        case,
        Firing(
            occasion=f"since-{base.isoformat(timespec='seconds')}",
            at=moment,
            news=moment,
            because=due.silent(_spoke(last), case.show(base), str(rule.trigger.for_)),
            unless="the customer hears from us or we from them before",
        ),
    )


def _spoke(last: str) -> str:
    """Who spoke at a contact: the type of a fact, the key of a message of ours, or "" for none yet."""
    return {
        "": "the order came",
        "contact.logged": "staff and customer spoke",
        "message.replied": "the customer answered",
    }.get(last, "the customer heard from us")


def event(rule: Rule, case: Case) -> Answer:
    """Due when an event of that type happened, once for each."""
    wanted = rule.trigger.event
    found = [fact for fact in case.order.events if fact.type == wanted]
    if wanted == CANCELLED:  # an order ends once, however many systems say so
        del found[1:]
    if not found:
        return not_said.no_event(wanted)
    return [
        Firing(
            occasion=f"{fact.source}#{fact.id}",
            at=fact.happened,
            news=max(fact.happened, fact.heard),
            because=due.event(wanted, case.show(fact.happened)),
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
