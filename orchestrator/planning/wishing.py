"""A message leaves when somebody of ours wants it to: now, or later than its rule says. Pure.

Their word takes the place of the rule's hours and of the customer's, and the message is useful as long after
it as it was after its news. The law, quiet hours, caps and consent count as ever.
"""

from dataclasses import replace

from orchestrator.journey import Rule, Timing
from orchestrator.model import Wish
from orchestrator.planning.case import Case, Firing
from orchestrator.timing.send_time import Asked, Timed, asked


def asked_by(wish: Wish, rule: Rule, firing: Firing, case: Case) -> Asked:
    """The same message, looking for its moment from the wish on."""
    timing = Timing(at="now", within=rule.timing.within)
    at_once = replace(rule, timing=timing, combine=None)
    return asked(at_once, firing._replace(at=wish.at, news=wish.at, happened=None, step_at=None), case)


def told_of(wish: Wish, when: Timed) -> Timed:
    """The same times, with whose wish they are."""
    said = f"{wish.by or 'somebody'} wants it then"
    steps = (replace(step, why=f"{said}; {step.why}" if step.why else said) for step in when.steps)
    return when._replace(steps=tuple(steps))
