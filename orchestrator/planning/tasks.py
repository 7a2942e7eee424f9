"""What staff must do: the task of a rung, and the one in place of what no channel could say. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator.journey import Rule, TaskSpec
from orchestrator.model import Customer, Kind, Notification, Outcome, Purpose, Silence, Status, Step, key_of
from orchestrator.persons.consents import refused
from orchestrator.planning.case import UNSAID, Case, Firing
from orchestrator.reasons import UNREACHABLE, Code, Reason, due, unsaid
from orchestrator.timing.at_work import at_work
from orchestrator.timing.send_time import channels_for, recipient

PERSON_AFTER = frozenset({Status.FAILED, Status.UNKNOWN})  # what we could not say, a person must
UNREACHED = "reach-the-customer"

Answer = Iterator[Notification | Silence]


def a_person_must(outcome: Outcome) -> bool:
    """Could no channel say it? What was withheld on purpose is not said by a person either."""
    if outcome.reason.code in UNREACHABLE:
        return True
    return outcome.status in PERSON_AFTER and outcome.reason.code is not Code.NOT_REPEATED


def unwelcome(rule: Rule, case: Case) -> bool:
    """Does the customer refuse every channel the rule could use, so that nobody is to call them either?"""
    who = recipient(rule.to, case.order, case.customer)
    if not isinstance(who, Customer):
        return False
    channels = channels_for(rule, case, who)
    return bool(channels) and all(refused(who, rule.purpose, one, case.policy.kind(one)) for one in channels)


def person(
    rule: Rule, firing: Firing, case: Case, moment: datetime, why: str, unless: str = ""
) -> Iterator[Notification]:
    """What no channel could say to a customer in service of their order, its owner must; *why* is said."""
    if rule.to == "customer" and rule.purpose is Purpose.SERVICE:
        spec = TaskSpec(for_="owner", do=UNREACHED)
        occasion = f"{firing.occasion}{UNSAID}"
        unless = " or ".join(filter(None, (unless, firing.unless)))
        yield tasked(rule, firing, case, spec, "owner", moment, occasion, firing.because.also(why), unless)


# ── tasks ────────────────────────────────────────────────────────────────────


def task(rule: Rule, spec: TaskSpec, firing: Firing, case: Case, values: Mapping[str, Any]) -> Answer:
    """The rung's task, and the same for the next person when nobody acknowledged it in time."""
    occasion = f"{firing.occasion}.task"
    first = tasked(rule, firing, case, spec, spec.for_, firing.news, occasion, firing.because)
    yield first
    if not spec.then or spec.within is None or first.ack_by is None:
        return
    answer = case.order.answers.get(first.key)
    if answer is not None:
        key = f"{first.key.rpartition('/')[0]}/{spec.then}"
        yield Silence(rule.id, unsaid.answered(answer.by or f"the {spec.for_}", answer.done), key, values)
        return
    given = case.order.outcomes.get(first.key)
    moment = case.awake(first.due_at, first.ack_by) if given is None else case.after(given.at, spec.within)
    ignored = due.ignored(spec.for_, spec.do, case.show(moment))
    unless = f"the {spec.for_} acknowledges it{f', {firing.unless}' if firing.unless else ''}"
    yield tasked(rule, firing, case, spec, spec.then, moment, occasion, ignored, unless, since=moment)


def tasked(
    rule: Rule,
    firing: Firing,
    case: Case,
    spec: TaskSpec,
    who: str,
    moment: datetime,
    occasion: str,
    because: Reason,
    unless: str = "",
    since: datetime | None = None,
) -> Notification:
    """A task for *who*, by every way there is to reach them, once they are at work.

    It is about what is so *since* then, and not since the firing.
    """
    staff = recipient(who, case.order, case.customer)
    outcomes = case.order.outcomes
    given = bool(outcomes) and key_of(case.order.id, rule.id, occasion, who, rule.mode) in outcomes
    moment, why = at_work(rule, spec.within, who, firing, case, moment, given=given)
    reach = (("email", staff.email), ("sms", staff.phone))
    if not any(address for _, address in reach):
        because = because.also(f"nobody is written to, for the {who} has neither address nor number")
    return Notification(
        order=case.order.id,
        rule=rule.id,
        occasion=occasion,
        role=who,
        customer=case.order.customer,
        kind=Kind.TASK,
        template=f"{case.journey.id}/{spec.do}",
        purpose=Purpose.SERVICE,
        due_at=moment,
        expires_at=None,  # a task is never skipped
        steps=tuple([Step(channel, moment, why) for channel, address in reach if address]),
        because=because,
        unless=unless or firing.unless,
        milestone=firing.milestone,
        journey=case.journey.id,
        trigger_at=since or firing.at,
        ack_by=case.add(moment, spec.within) if spec.within is not None else None,
        mode=str(rule.mode),
    )
