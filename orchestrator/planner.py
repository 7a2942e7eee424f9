"""wanted(order, customer, rules, now) → what should be said, to whom, when, because of what, unless what.

Pure: the dry run, the console, the simulation, the explanation and production all ask this. One rule
that fails says so in the decision's errors and silences no other.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator import calendar, conditions
from orchestrator.journey import Journey, Mode, On, Rule, RuleBook, TaskSpec
from orchestrator.model import (
    Customer,
    Decision,
    Kind,
    Notification,
    Order,
    OrderStatus,
    Purpose,
    Silence,
    Status,
    Step,
)
from orchestrator.timing import Timed, order_zone, recipient, timed
from orchestrator.triggers import Case, Firing, firings

PERSON_AFTER = frozenset({Status.FAILED, Status.UNKNOWN})  # what we could not say, a person must
MISSED_ON_HOLD = "tell-about-the-missed-promise"
UNREACHED = "reach-the-customer"

Answer = Iterator[Notification | Silence]


def wanted(order: Order, customer: Customer, book: RuleBook, now: datetime) -> Decision:
    """Decide, for one order, every notification that should exist at *now*, and why the others should not."""
    journey = journey_of(order, book)
    if isinstance(journey, str):
        return Decision(order.id, errors=(journey,) if order.known else (), silences=(Silence("", journey),))
    stopped = _stopped(order, book)
    if stopped:
        return Decision(order.id, silences=tuple(Silence(r.id, stopped) for r in journey.rules))
    case = case_of(order, customer, journey, book, now)
    want: dict[str, Notification] = {}
    silences: list[Silence] = []
    errors: list[str] = []
    for rule in journey.rules:
        try:
            for answer in _decide(rule, case, book):
                if isinstance(answer, Notification):
                    want[answer.key] = answer
                else:
                    silences.append(answer)
        except (ValueError, OverflowError, LookupError, TypeError) as error:
            errors.append(f"{rule.id}: {error or type(error).__name__}")
    return Decision(order.id, tuple(want.values()), tuple(silences), tuple(errors))


def journey_of(order: Order, book: RuleBook) -> Journey | str:
    """The journey an order follows, or why none can be told. A lone journey needs no name."""
    if not order.known:
        return f"order {order.id} is not known yet: no order.upserted was heard"
    if not order.journey and len(book.journeys) == 1:
        return next(iter(book.journeys.values()))
    journey = book.journeys.get(order.journey)
    return journey if journey is not None else f"there is no journey called {order.journey!r}"


def case_of(order: Order, customer: Customer, journey: Journey, book: RuleBook, now: datetime) -> Case:
    """Gather what the triggers look at."""
    return Case(
        order=order,
        customer=customer,
        journey=journey,
        policy=book.policy,
        now=now,
        zone=order_zone(order.location, book.policy.time_zone),
        business=book.policy.calendar(order.location.calendar),
    )


def _stopped(order: Order, book: RuleBook) -> str:
    zone = order_zone(order.location, book.policy.time_zone)
    if order.status is OrderStatus.CANCELLED and order.cancelled is not None:
        return f"the order was cancelled on {calendar.show(order.cancelled, zone)}" + _for(order.cancel_reason)
    if order.status is OrderStatus.HELD:
        hold = order.holds[-1]
        return f"the order is held since {calendar.show(hold.since, zone)}" + _for(hold.reason)
    return ""


def _for(reason: str) -> str:
    return f": {reason}" if reason else ""


# ── one rule ─────────────────────────────────────────────────────────────────


def _decide(rule: Rule, case: Case, book: RuleBook) -> Answer:
    if rule.mode is Mode.OFF:
        yield Silence(rule.id, "the rule is off")
        return
    answer = firings(rule, case)
    if isinstance(answer, str):
        yield Silence(rule.id, answer)
        yield from _passed_on_hold(rule, case, book)
        return
    activated = None if rule.catch_up else book.activated.get(rule.id)
    newest = _newest_due(answer, case)
    for firing in answer:
        if activated is not None and firing.at < activated:
            since = calendar.show(activated, case.zone)
            yield Silence(rule.id, f"{firing.because}, before the rule was activated on {since}", _key(rule, firing, case))
            continue
        values: Mapping[str, Any] = {}
        if rule.when is not None:
            verdict = rule.when.evaluate(_variables(firing, case))
            values = verdict.values
            if verdict.value is not True:
                yield Silence(rule.id, verdict.why, _key(rule, firing, case), values)
                continue
        if firing.at <= case.now and firing is not newest and _message_of(rule, firing):
            yield Silence(rule.id, f"replaced: {newest.because}", _key(rule, firing, case), values)
        else:
            yield from _message(rule, firing, case, values)
        yield from _task(rule, firing, case, values)


def _newest_due(answer: list[Firing], case: Case) -> Firing:
    """A newer notification of the same rule and order replaces an unsent older one."""
    due = [f for f in answer if f.at <= case.now and f.speaks]
    return max(due, key=lambda f: (f.at, f.occasion)) if due else answer[-1]


def _message_of(rule: Rule, firing: Firing) -> str:
    rung = rule.rung(firing.rung)
    return rung.say if rung is not None and firing.speaks else ""


def _message(rule: Rule, firing: Firing, case: Case, values: Mapping[str, Any]) -> Answer:
    template = _message_of(rule, firing)
    if not template:
        rung = rule.rung(firing.rung)
        if rung is not None and rung.say:
            why = (
                "a newer rung is due"
                if firing.at <= case.now and case.told(firing.milestone) is not None
                else f"the customer was never told a promise for {firing.milestone}"
            )
            yield Silence(rule.id, why, _key(rule, firing, case), values)
        return
    when = timed(rule, firing, case)
    note = Notification(
        order=case.order.id,
        rule=rule.id,
        occasion=firing.occasion,
        role=rule.to,
        customer=case.order.customer,
        kind=Kind.MESSAGE,
        template=f"{case.journey.id}/{template}",
        purpose=rule.purpose,
        due_at=when.due_at,
        expires_at=when.expires_at,
        steps=when.steps,
        tells=firing.tells,
        because=firing.because,
        unless=firing.unless,
        values=values,
        milestone=firing.milestone,
        journey=case.journey.id,
        trigger_at=firing.at,
        mode=rule.mode.value,
    )
    if when.passed_over and not when.steps:
        yield Silence(rule.id, "no channel in time: " + "; ".join(when.passed_over), note.key, values)
        yield _person(rule, firing, case, when)
        return
    yield note
    outcome = case.order.outcomes.get(note.key)
    if outcome is not None and rule.to == "customer" and rule.purpose is Purpose.SERVICE:
        if outcome.status in PERSON_AFTER or outcome.reason.startswith("unreachable"):
            yield _person(rule, firing, case, when)


def _person(rule: Rule, firing: Firing, case: Case, when: Timed) -> Notification:
    """What no channel could say, the owner of the order must."""
    spec = TaskSpec(for_="owner", do=UNREACHED)
    return _tasked(rule, firing, case, spec, "owner", when.due_at, f"{firing.occasion}.unreached", firing.because)


# ── tasks ────────────────────────────────────────────────────────────────────


def _task(rule: Rule, firing: Firing, case: Case, values: Mapping[str, Any]) -> Answer:
    """The rung's task, and the same for the next person when nobody acknowledged it in time."""
    rung = rule.rung(firing.rung)
    if rung is None or rung.task is None:
        return
    spec = rung.task
    task = _tasked(rule, firing, case, spec, spec.for_, firing.news, f"{firing.occasion}.task", firing.because)
    yield task
    if not spec.then or spec.within is None:
        return
    answer = case.order.answers.get(task.key)
    if answer is not None:
        said = "finished" if answer.done else "acknowledged"
        yield Silence(rule.id, f"{answer.by or spec.for_} {said} the task", f"{_stem(task)}/{spec.then}", values)
        return
    given = case.order.outcomes.get(task.key)
    start = given.at if given is not None else task.due_at
    yield _tasked(
        rule, firing, case, spec, spec.then, case.add(start, spec.within), task.occasion,
        f"nobody acknowledged {spec.do!r} within {spec.within}",
    )  # fmt: skip


def _stem(task: Notification) -> str:
    return task.key.rpartition("/")[0]


def _tasked(
    rule: Rule, firing: Firing, case: Case, spec: TaskSpec, who: str, due: datetime, occasion: str, because: str
) -> Notification:
    staff = recipient(who, case.order, case.customer)
    return Notification(
        order=case.order.id,
        rule=rule.id,
        occasion=occasion,
        role=who,
        customer=case.order.customer,
        kind=Kind.TASK,
        template=f"{case.journey.id}/{spec.do}",
        purpose=Purpose.SERVICE,
        due_at=due,
        expires_at=None,  # a task is never skipped
        steps=tuple(Step(c, due) for c in ("email", "sms") if (staff.email if c == "email" else staff.phone)),
        because=because,
        unless=firing.unless,
        milestone=firing.milestone,
        journey=case.journey.id,
        trigger_at=firing.at,
        ack_by=case.add(due, spec.within) if spec.within is not None else None,
        mode=rule.mode.value,
    )


def _passed_on_hold(rule: Rule, case: Case, book: RuleBook) -> Answer:
    """A told promise that passed during a hold makes a task at the release, and no apology."""
    trigger = rule.trigger
    told = case.told(trigger.milestone)
    if trigger.on is not On.MISSED or told is None or case.happened(trigger.milestone) is not None:
        return
    deadline = case.add(calendar.ends(told.value, case.zone, trigger.closes), trigger.by)
    hold = next((h for h in case.order.holds if h.until is not None and h.since <= deadline < h.until), None)
    activated = book.activated.get(rule.id)
    if hold is None or hold.until is None or (activated is not None and deadline < activated):
        return
    firing = Firing(
        occasion=f"{trigger.milestone}#{case.milestone(trigger.milestone).episode}.{told.value}",
        at=hold.until,
        news=max(hold.until, told.at),
        because=f"{trigger.milestone} was promised for {told.value}, which passed while the order was held",
        unless=f"{trigger.milestone} happens, or the promise moves",
        milestone=trigger.milestone,
    )
    yield _tasked(
        rule, firing, case, TaskSpec("owner", MISSED_ON_HOLD), "owner", firing.news,
        f"{firing.occasion}.held", firing.because,
    )  # fmt: skip


def _variables(firing: Firing, case: Case) -> Mapping[str, Any]:
    return conditions.variables(
        case.order,
        case.customer,
        case.journey,
        now=case.now,
        milestone=firing.milestone,
        late_by=firing.late_by,
        event=firing.event,
        zone=case.zone,
    )


def _key(rule: Rule, firing: Firing, case: Case) -> str:
    return f"{case.order.id}/{rule.id}/{firing.occasion}/{rule.to}"
