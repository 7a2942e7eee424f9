"""What is done about an answer without any rule: whoever looks after the order gets it as a task. Pure.

Nobody's answer may be lost because nobody wrote a rule for it. A rule of the journey that makes a task of
every answer takes its place.
"""

from dataclasses import replace
from datetime import timedelta

from orchestrator.journey import Journey, Mode, On, Rule, Rung, TaskSpec, Trigger
from orchestrator.model import Order
from orchestrator.planning.case import Case, Firing

REPLIED = "message.replied"
MACHINE = "message.machine_reply"
COLLEAGUE = "message.staff_reply"
HELPED = "message.help"
WROTE = "customer.wrote"
KEPT = frozenset({MACHINE, COLLEAGUE, HELPED, WROTE})  # facts of ours that ask nobody for anything
REPLY = "reply"
DO = "answer-the-customer"
OLD = timedelta(days=14)  # a mailbox that could not be read for a week still holds people's answers
OURS = Rule(
    REPLY, "", Trigger(On.EVENT, event=REPLIED), (Rung(task=TaskSpec("owner", DO)),), path="by itself"
)
"""The rule that stands in no file."""


def with_answers(journey: Journey, order: Order) -> Journey:
    """The journey with the rule by which answers reach somebody, if there are any and no other rule does."""
    if REPLIED not in [fact.type for fact in order.events] or any(map(_answers, journey.rules)):
        return journey
    task = Rung(task=TaskSpec(_who(order), DO))
    return replace(journey, rules=(*journey.rules, replace(OURS, journey=journey.id, rungs=(task,))))


def is_ours(one: Rule) -> bool:
    """Is it the rule that nobody wrote?"""
    return one.path == OURS.path


def is_news(firing: Firing, case: Case) -> bool:
    """Is the answer worth passing on, or was it? What is imported from years ago is not."""
    if case.now - firing.at < OLD:
        return True
    return any(
        said.rule == REPLY and said.occasion.startswith(firing.occasion)
        for said in case.order.outcomes.values()
    )


def _answers(one: Rule) -> bool:
    first = one.rungs[0]
    return (
        one.trigger.event == REPLIED
        and one.mode is Mode.LIVE
        and first.task is not None
        and one.when is None
        and first.when is None
    )


def _who(order: Order) -> str:
    """The owner; the manager if nobody owns the order, and whoever got an answer before stays."""
    before = {said.role for said in order.outcomes.values() if said.rule == REPLY}
    if len(before) == 1:
        return before.pop()
    owned = order.owner.email or order.owner.phone
    return "owner" if owned or not (order.manager.email or order.manager.phone) else "manager"
