"""wanted(order, customer, rules, now) → what should be said, to whom, when, because of what, unless what.

Pure: the dry run, the console, the simulation, the explanation and production all ask this. One rule
that fails says so in the decision's errors and silences no other.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from orchestrator.findings import did_you_mean
from orchestrator.journey import Journey, Mode, Rule, RuleBook, Rung, TaskSpec
from orchestrator.model import (
    STAFF,
    Customer,
    Decision,
    Kind,
    Notification,
    Order,
    OrderStatus,
    Silence,
    first_occasion,
)
from orchestrator.planning import answering
from orchestrator.planning.applying import conditions_of, known_at
from orchestrator.planning.by_hand import taken_over
from orchestrator.planning.case import UNSAID, Case, Firing, spoken
from orchestrator.planning.climbing import Climb, climb
from orchestrator.planning.combining import joins
from orchestrator.planning.crowding import spread
from orchestrator.planning.pending import asks_others, news_first
from orchestrator.planning.rungs import spent
from orchestrator.planning.superseding import superseded
from orchestrator.planning.tasks import a_person_must, person, task, tasked, unwelcome
from orchestrator.planning.triggers import CANCELLED, firings
from orchestrator.planning.wishing import asked_by, told_of
from orchestrator.reasons import NOTHING, Code, Reason
from orchestrator.reasons import unsaid as not_said
from orchestrator.timing import calendar
from orchestrator.timing.caps import Limit
from orchestrator.timing.send_time import Asked, asked, order_zone, timed, timed_beside

ROLES = STAFF | {"customer"}  # any other is a party, if the order names one


class Wanted(NamedTuple):
    """What a rule says or tasks.

    ``asked`` is how a message's time was found: beside others it may have to be found anew. What is ``kept``
    is from before the rule was edited, and goes on only where it was planned then.
    """

    note: Notification
    asked: Asked | None = None
    kept: bool = False


Answer = Iterator[Wanted | Silence]


def wanted(
    order: Order,
    customer: Customer,
    book: RuleBook,
    now: datetime,
    only: Container[str] | None = None,
    hours: dict[Any, Any] | None = None,
) -> Decision:
    """Decide, for one order, every notification that should exist at *now*, and why the others should not.

    *only* names the rules that are asked about; what the others want may be left open. Orders planned under
    one *book* may share *hours*, an empty mapping at first: what was found of when messages may leave.
    """
    journey = journey_of(order, book)
    if isinstance(journey, Reason):
        problems = (str(journey),) if order.known else ()
        return Decision(order.id, errors=problems, silences=(Silence("", journey),), at=now)
    stopped = _stopped(order, book)
    case = case_of(order, customer, journey, book, now, hours)
    if only is not None and asks_others(journey, only):
        only = None
    want: dict[str, Notification] = {}
    times: dict[str, Asked] = {}
    kept: dict[str, Notification] = {}
    silences: list[Silence] = []
    errors: list[str] = []
    for rule in journey.rules:
        if only is not None and rule.id not in only:
            continue
        if stopped and not _outlives(rule, order):
            silences.append(Silence(rule.id, stopped))
            continue
        try:
            for to_one in (rule, *rule.for_others):
                if to_one is not rule and not _names(order, to_one.to):
                    continue
                for answer in _decide(to_one, case):
                    if isinstance(answer, Silence):
                        if to_one is rule or answer.key:
                            silences.append(answer)
                        continue
                    note, asks, is_kept = answer
                    if order.taken:
                        by_hand = taken_over(note, case)
                        if isinstance(by_hand, Silence):
                            silences.append(by_hand)
                            continue
                        note = by_hand
                    key = note.key
                    (kept if is_kept else want)[key] = note
                    if asks is not None:
                        times[key] = asks
        except (ValueError, OverflowError) as error:  # the calendar's, in words
            errors.append(f"{rule.id}: {error}")
        except Exception as error:  # noqa: BLE001  one rule that fails silences no other, and no other order
            name = type(error).__name__  # its text may quote the customer's data
            errors.append(f"{rule.id}: it failed on this order ({name})")

    def again(note: Notification, limit: Limit) -> Notification:
        when = timed_beside(times[note.key], limit)
        return note if when is None else note.at(when.due_at, when.steps)

    notes = spread(want, case, again) if book.capped else want.values()
    said: list[Notification] = []
    for one in news_first(notes, case):
        if isinstance(one, Silence):
            silences.append(one)
        else:
            said.append(one)
    return Decision(order.id, tuple(said), tuple(silences), tuple(errors), now, tuple(kept.values()))


def journey_of(order: Order, book: RuleBook) -> Journey | Reason:
    """The journey an order follows, or why none can be told. A lone journey needs no name.

    Whoever answered is answered, whether a rule says so or not.
    """
    if not order.known:
        return not_said.order_unknown(order.id)
    if not order.journey and len(book.journeys) == 1:
        return answering.with_answers(next(iter(book.journeys.values())), order)
    if (journey := book.journeys.get(order.journey)) is not None:
        return answering.with_answers(journey, order)
    return not_said.no_journey(order.journey, did_you_mean(order.journey, book.journeys))


def case_of(
    order: Order,
    customer: Customer,
    journey: Journey,
    book: RuleBook,
    now: datetime,
    hours: dict[Any, Any] | None = None,
) -> Case:
    """Gather what the triggers look at; *hours* as :func:`wanted` shares them."""
    return Case(
        order=order,
        customer=customer,
        journey=journey,
        policy=book.policy,
        now=now,
        zone=order_zone(order.location, book.policy.time_zone),
        business=book.policy.calendar(order.location.calendar),
        activated=book.activated,
        hours={} if hours is None else hours,
    )


def _stopped(order: Order, book: RuleBook) -> Reason:
    if order.status is OrderStatus.OPEN:
        return NOTHING
    zone = order_zone(order.location, book.policy.time_zone)
    if order.status is OrderStatus.CANCELLED and order.cancelled is not None:
        return not_said.order_cancelled(calendar.show(order.cancelled, zone), order.cancel_reason)
    if order.status is OrderStatus.HELD:
        hold = order.holds[-1]
        return not_said.order_held(calendar.show(hold.since, zone), hold.reason)
    return NOTHING


def _names(order: Order, role: str) -> bool:
    """Is there anybody in that role?"""
    return role in ROLES or role in order.parties


def _outlives(rule: Rule, order: Order) -> bool:
    """Is the rule about the end of the order, and has that come, or about what somebody answered?"""
    return answering.is_ours(rule) or (
        order.status is OrderStatus.CANCELLED and rule.trigger.event == CANCELLED
    )


# ── one rule ─────────────────────────────────────────────────────────────────


def _decide(rule: Rule, case: Case) -> Answer:
    if rule.mode is Mode.OFF:
        yield Silence(rule.id, not_said.OFF)
        return
    if not _names(case.order, rule.to):
        yield Silence(rule.id, not_said.nobody(rule.to))
        return
    answer = firings(rule, case)
    if isinstance(answer, Reason):
        yield Silence(rule.id, answer)
        return
    standing: list[tuple[Firing, Mapping[str, Any]]] = []
    before: list[tuple[Firing, Mapping[str, Any]]] = []
    for firing in answer:
        if answering.is_ours(rule) and not answering.is_news(firing, case):
            continue
        against, values = _against(rule, firing, case)
        if firing.planned:
            if not against:
                before.append((firing, values))
        elif early := _early(rule, firing, case):
            if firing.says:
                yield Silence(rule.id, early, case.key(rule, firing))
            if not against:
                before.append((firing, values))
        elif against:
            yield Silence(rule.id, against, case.key(rule, firing) if firing.says else "", values)
        else:
            standing.append((firing, values))
    since = [firing for firing, _ in standing]
    for (firing, values), said in zip(standing, superseded(rule, since, case), strict=True):
        yield from _said(rule, firing, said, case, values)
    for firing, values in before:
        said = superseded(rule, [firing, *since], case)[0]
        tried = case.key(rule, firing) in case.order.outcomes
        for what in _said(rule, firing, said, case, values):
            if not isinstance(what, Silence):
                yield what if tried and _follows(what.note) else what._replace(kept=True)


def _follows(note: Notification) -> bool:
    """Does it go on with a message that did not arrive: by the next channel, or by a person?"""
    return note.occasion.endswith(UNSAID) or first_occasion(note.occasion) != note.occasion


def _said(rule: Rule, firing: Firing, said: Firing, case: Case, values: Mapping[str, Any]) -> Answer:
    """What one firing says and tasks; *said* is the same as far as its message counts."""
    rung = rule.rung(firing.rung)
    if rung is not None and rung.say and firing.says:
        worded = rule.rung(firing.text) if firing.text else None
        text = rung if worded is None else replace(rung, say=worded.say)
        yield from _message(rule, text, said, case, values)
    if firing.instead:
        spec, occasion = TaskSpec("owner", firing.instead), f"{firing.occasion}.held"
        yield Wanted(tasked(rule, firing, case, spec, "owner", firing.news, occasion, firing.because))
    elif rung is not None and rung.task is not None and firing.tasks:
        for one in task(rule, rung.task, firing, case, values):
            yield one if isinstance(one, Silence) else Wanted(one)


def _early(rule: Rule, firing: Firing, case: Case) -> Reason:
    """That this fell due before the rule was written or edited, or ""."""
    activated = case.since(rule)
    if activated is None or firing.at >= activated:
        return NOTHING
    return not_said.newer(firing.because, case.show(activated))


def _against(rule: Rule, firing: Firing, case: Case) -> tuple[Reason, Mapping[str, Any]]:
    """Why this firing does not count, or "", and what the condition saw.

    A condition is asked about the moment the firing is due, or about now if that is later: whatever is
    planned ahead must not depend on the day it was planned.
    """
    rung = None if firing.instead or firing.hushed.code is Code.EXHAUSTED else rule.rung(firing.rung)
    whens = conditions_of(rule, rung)
    if not whens:
        return NOTHING, {}
    known = known_at(max(case.now, firing.at), firing, case)
    seen: dict[str, Any] = {}
    for when in whens:
        verdict = when.evaluate(known)
        seen |= verdict.values
        if verdict.value is None:
            return not_said.condition_unknown(when.text, verdict.why), seen
        if not verdict.value:
            return not_said.condition_false(when.text), seen
    return NOTHING, seen


def _message(rule: Rule, rung: Rung, firing: Firing, case: Case, values: Mapping[str, Any]) -> Answer:
    climbed = climb(rule, firing, case)
    step = climbed.steps[-1]
    key = case.key(rule, step)
    said = spoken(case.said(rule, firing), rule.mode)
    if firing.hushed:
        if not said or step is not firing:
            yield Silence(rule.id, firing.hushed, key, values)
        if firing.hushed.code is Code.EXHAUSTED and rung.task is None:
            yield from map(Wanted, person(rule, firing, case, firing.news, firing.hushed))
        return
    if rule.to == "customer" and case.customer.erased and not said:
        yield Silence(rule.id, not_said.ERASED, key, values)
        return
    if said and (why := spent(rule, firing)):
        yield Silence(rule.id, why, case.key(rule, firing), values)
    if climbed.arrived:
        yield Silence(rule.id, climbed.arrived, climbed.key, values)
    for answer in _last_message(rule, rung, firing, climbed, case, values):
        yield answer if isinstance(answer, Silence) or not climbed.old else answer._replace(kept=True)


def _last_message(
    rule: Rule, rung: Rung, firing: Firing, climbed: Climb, case: Case, values: Mapping[str, Any]
) -> Answer:
    """The last message of a firing, sent or to come, and the person who must where it is not enough."""
    step = climbed.steps[-1]
    key = case.key(rule, step)
    outcome = case.order.outcomes.get(key)
    wish = case.order.wishes.get(key)
    asks = asked(rule, step, case) if wish is None else asked_by(wish, rule, step, case)
    when = timed(asks) if wish is None else told_of(wish, timed(asks))
    nothing = when.passed_over and not when.steps and outcome is None
    if nothing:
        why = not_said.no_channel(when.passed_over)
        yield Silence(rule.id, why, key, values)
        if not unwelcome(rule, case):
            yield from map(Wanted, person(rule, firing, case, when.due_at, why))
    note = Notification(
        order=case.order.id,
        rule=rule.id,
        occasion=step.occasion,
        role=rule.to,
        customer=case.order.customer,
        kind=Kind.MESSAGE,
        template=f"{case.journey.id}/{rung.say}",
        purpose=rule.purpose,
        due_at=max(when.due_at, when.expires_at) if nothing else when.due_at,  # until then that may change
        expires_at=when.expires_at,
        steps=when.steps,
        tells=firing.tells,
        because=step.because,
        unless=step.unless,
        values=values,
        milestone=firing.milestone,
        journey=case.journey.id,
        trigger_at=step.step_at or firing.at,
        mode=str(rule.mode),
        joins=joins(rule, case),
    )
    yield Wanted(note, asks)
    if climbed.end is not None:
        end = climbed.end
        if when.expires_at > firing.news:
            yield from map(Wanted, person(rule, firing, case, end.at, end.why, end.unless))
        return
    unsaid = outcome is not None and a_person_must(outcome)
    if outcome is not None and outcome.reason.code is Code.NO_CHANNEL:
        unsaid = not unwelcome(rule, case)
    if outcome is not None and unsaid and when.expires_at > firing.news:  # old news tasks nobody
        yield from map(Wanted, person(rule, firing, case, when.due_at, outcome.reason))
