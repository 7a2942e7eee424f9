"""Sample facts for any template: what ``beforehand preview`` shows when there is no ledger. Pure.

The people are the demo's. A rule that says the template gives the occasion; without one, its name does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from orchestrator.journey import WEEKDAYS_9_TO_17, Journey, On, Rule, Trigger
from orchestrator.model import (
    Customer,
    Fact,
    Kind,
    Location,
    Milestone,
    Notification,
    Order,
    Outcome,
    Person,
    Promise,
    Promised,
    Purpose,
    Status,
    Telling,
    Tells,
)
from orchestrator.planning import answering
from orchestrator.reasons import Code, Reason
from orchestrator.texts import TASK
from orchestrator.timing import calendar

NOW = datetime(2026, 3, 12, 16, 45, tzinfo=UTC)  # a quarter to six on a Thursday evening in Munich
TODAY = date(2026, 3, 12)
ZONE = "Europe/Berlin"
NORA = Person("Nora Brandt", "nora.brandt@lindner.example", "+49 30 23125 110", "", ZONE)
PAUL = Person("Paul Lindner", "paul.lindner@lindner.example", "+49 30 23125 101", "", ZONE)
MARIA = Customer(
    "c-1001",
    known=True,
    name="Maria Keller",
    given_name="Maria",
    time_zone=ZONE,
    country="DE",
    email="maria.keller@example.com",
    phone="+49 30 23125 201",
)
_BY_TYPE: Mapping[str, Any] = {"number": 3, "money": "1234.50 EUR", "flag": True, "date": TODAY.isoformat()}
_BY_NAME = {
    "model": "Lumen 4",
    "colour": "sea green",
    "number_plate": "M-MK 2026",
    "contents": "a roof box and two keys",
    "carrier": "Kurier Nord",
    "tracking_number": "KN 2026 4711",
    "pickup_point": "Kiosk am Markt, Musterstraße 3",
    "left_with": "Jonas Weber",
}
_OF_EVENTS: Mapping[str, Any] = MappingProxyType(  # what an event that a rule waits for may carry
    {
        "reason": "nobody opened the door",
        "name": "Jonas Weber",
        "text": "Please call me after six.",
        "channel": "sms",
        "place": _BY_NAME["pickup_point"],
        "until": (TODAY + timedelta(days=5)).isoformat(),
    }
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything :func:`orchestrator.render.wording.context` asks for, apart from the journey and policy."""

    notification: Notification
    order: Order
    customer: Customer
    now: datetime = NOW


def sample(journey: Journey, template: str, locale: str = "") -> Sample:
    """Return facts under which *journey* would say *template* (``new-car/arrived``, or the name alone)."""
    slug = template.rpartition("/")[2] if template != TASK else "check-the-delivery-papers"
    rule, rung, task = _rule(journey, slug)
    milestone = rule.trigger.milestone if rule.trigger.milestone != "any" else _first(journey)
    order = _order(journey, locale)
    notification = Notification(
        order=order.id,
        rule=rule.id,
        occasion=f"{milestone or 'sample'}#1.{TODAY}.r{rung}" + (".task" if task else ""),
        role="owner" if task else "customer",
        customer=MARIA.id,
        kind=Kind.TASK if task else Kind.MESSAGE,
        template=f"{journey.id}/{slug}",
        purpose=rule.purpose,
        due_at=NOW,
        expires_at=None,
        because=Reason(Code.NONE, _because(rule, milestone)),
        milestone=milestone,
        journey=journey.id,
        trigger_at=NOW,
        ack_by=NOW + timedelta(hours=2) if task else None,
    )
    told = _history(order, journey, rule, milestone, rung, notification)
    told += tuple(
        Tells(name, Promised(day=TODAY + timedelta(days=5))) for name in rule.tells if name != milestone
    )
    now = _late_enough(rule, order.milestones.get(milestone))
    return Sample(replace(notification, tells=told), order, replace(MARIA, locale=locale), now)


def barely(journey: Journey, template: str, locale: str = "") -> Sample:
    """Return the same facts without those that its rule does not make sure of.

    An event says what its sender likes, so its data stay.
    """
    full = sample(journey, template, locale)
    rule, _, task = _rule(journey, template.rpartition("/")[2])
    order = full.order
    kinds = journey.attributes
    milestones = dict(order.milestones)
    for name, state in order.milestones.items():
        sure = rule.trigger.on in _PROMISED and name == rule.trigger.milestone
        promises = [replace(promise, reason="") for promise in state.promises] if sure else []
        tellings = state.tellings if sure else []
        milestones[name] = replace(state, promises=promises, tellings=tellings, note="")
    order = replace(
        order,
        attributes={k: v for k, v in order.attributes.items() if not kinds.get(k, "").endswith("?")},
        owner=order.owner if task else Person(),
        manager=order.manager if task else Person(),
        milestones=milestones,
        outcomes={},
    )
    own = {rule.trigger.milestone, *journey.promises}
    tells = tuple(told for told in full.notification.tells if told.milestone in own)
    return replace(
        full,
        notification=replace(full.notification, tells=tells),
        order=order,
        customer=replace(full.customer, given_name=""),
    )


_PROMISED = frozenset({On.MISSED, On.UPCOMING, On.MOVED})  # due only where something was promised


def _rule(journey: Journey, slug: str) -> tuple[Rule, int, bool]:
    """The rule that says *slug*, on which rung, and whether as a task."""
    for rule in journey.rules:
        number = 1
        for rung in rule.rungs:
            if rung.say == slug:
                return rule, number, False
            if rung.task is not None and rung.task.do == slug:
                return rule, number, True
            number += rung.at_most
    if slug == answering.DO:
        return answering.OURS, 1, True
    on, milestone, task = _GUESSES.get(slug, (On.REACHED, _first(journey), slug.startswith(_VERBS)))
    trigger = Trigger(on, milestone, event="sample" if on is On.EVENT else "")
    return Rule("sample", journey.id, trigger, (), purpose=Purpose.SERVICE), 1, task


def _late_enough(rule: Rule, milestone: Milestone | None) -> datetime:
    """When the sample is read: for what was missed, not before it was."""
    if rule.trigger.on is not On.MISSED or milestone is None:
        return NOW
    ends = calendar.ends(milestone.promises[-1].value, ZONE, rule.trigger.closes)
    return max(NOW, calendar.add(ends, rule.trigger.by, ZONE, WEEKDAYS_9_TO_17))


_VERBS = ("call", "record", "plan", "reach", "task", "ask", "check", "arrange", "decide")
_GUESSES = {
    "arrived": (On.REACHED, "arrived", False),
    "not-arrived-yet": (On.MISSED, "arrived", False),
    "still-not-arrived": (On.MISSED, "arrived", False),
    "still-waiting": (On.MISSED, "arrived", False),
    "arrival-moved": (On.MOVED, "arrived", False),
    "ready-to-collect": (On.REACHED, "prepared", False),
    "still-being-prepared": (On.MISSED, "prepared", False),
    "quiet-update": (On.SILENT, "", False),
    "arrival-retracted": (On.RETRACTED, "arrived", False),
    "ready-retracted": (On.RETRACTED, "prepared", False),
    "first-service-soon": (On.UPCOMING, "first_service", False),
    "record-arrival-or-new-date": (On.UPCOMING, "arrived", True),
    "call-the-customer": (On.MISSED, "arrived", True),
    "plan-the-handover": (On.REACHED, "prepared", True),
}


def _first(journey: Journey) -> str:
    return journey.milestones[0] if journey.milestones else ""


def _awaited(journey: Journey) -> str:
    """What the customer waits for: the milestone of the first rule that says it was missed."""
    for rule in journey.rules:
        if rule.trigger.on is On.MISSED and any(rung.say for rung in rule.rungs):
            return rule.trigger.milestone
    return _first(journey)


def _order(journey: Journey, locale: str) -> Order:
    kinds = {name: kind.rstrip("?") for name, kind in journey.attributes.items()}
    attributes = {name: _BY_NAME.get(name, _BY_TYPE.get(kind, name)) for name, kind in kinds.items()}
    return Order(
        "4711",
        known=True,
        customer=MARIA.id,
        journey=journey.id,
        since=NOW - timedelta(days=60),
        heard=NOW,
        owner=replace(NORA, locale=locale),
        manager=replace(PAUL, locale=locale),
        location=Location("munich", "Autohaus Lindner", ZONE, "", "Autohaus Lindner", NORA.phone, NORA.email),
        attributes=attributes or {"model": _BY_NAME["model"]},
        contacts=[(NOW - timedelta(days=14), "a message")],
    )


def _history(
    order: Order, journey: Journey, rule: Rule, name: str, rung: int, notification: Notification
) -> tuple[Tells, ...]:
    """Let happen to *order* what makes *rule* due; return what the message tells."""
    trigger = rule.trigger
    if trigger.on is On.EVENT:
        order.events.append(Fact("sample", "1", trigger.event, order.id, NOW, NOW, _OF_EVENTS))
        return ()
    if trigger.on is On.UPCOMING and trigger.before.days:
        order.milestones[name] = _promised(name, TODAY + timedelta(days=trigger.before.days))
        return ()
    if trigger.on is On.SILENT or not name:
        awaited = _awaited(journey)
        order.milestones[awaited] = _promised(awaited, TODAY + timedelta(days=19))
        return ()
    days = {On.MISSED: -_LATE.get(rung, 14), On.MOVED: 7, On.REACHED: -2}
    milestone = _promised(name, TODAY + timedelta(days=days.get(trigger.on, 0)))
    order.milestones[name] = milestone
    if trigger.on in {On.REACHED, On.AFTER, On.STUCK}:
        milestone.reached = milestone.heard = NOW - timedelta(hours=3)
        if trigger.on is On.REACHED and notification.kind is Kind.MESSAGE:
            _apologised(order, journey, name)
    elif trigger.on is On.RETRACTED:
        milestone.retracted = milestone.retracted_heard = NOW - timedelta(hours=1)
        milestone.note = "it was recorded under the wrong order"
    elif trigger.on is On.MOVED:
        sooner = Promised(day=TODAY + timedelta(days=2))
        milestone.promises.append(Promise(name, 2, sooner, NOW, NOW, told=False, reason="an earlier truck"))
        return (Tells(name, sooner),)
    return ()


_LATE = {1: 0, 2: 1, 3: 5}  # days past the promise, by rung


def _promised(name: str, day: date) -> Milestone:
    value, made = Promised(day=day), NOW - timedelta(days=30)
    return Milestone(
        name,
        promises=[Promise(name, 1, value, made, made, told=True)],
        tellings=[Telling(value, made)],
    )


def _apologised(order: Order, journey: Journey, name: str) -> None:
    """The sample customer had to wait two days, and was told so, where a rule would have said it."""
    for rule in journey.rules:
        if rule.trigger.on is On.MISSED and rule.trigger.milestone == name:
            occasion = f"{name}#1.{TODAY - timedelta(days=2)}.r1"
            key = f"{order.id}/{rule.id}/{occasion}/customer"
            order.outcomes[key] = Outcome(
                key,
                rule.id,
                occasion,
                "customer",
                "message",
                Status.ACCEPTED,
                NOW - timedelta(days=2),
                "email",
            )


def _because(rule: Rule, milestone: str) -> str:
    return {
        On.MISSED: f"{milestone} was promised for {TODAY} and the deadline passes without it",
        On.UPCOMING: f"{milestone} is promised for {TODAY}",
        On.REACHED: f"{milestone} happened on {TODAY}",
        On.MOVED: f"{milestone} moved, and the customer was told another day",
        On.RETRACTED: f"{milestone} was taken back after the customer was told",
        On.SILENT: "a fortnight has passed since the last contact",
    }.get(rule.trigger.on, "this is a sample")
