"""Do the conditions of a rule hold for what it is due for? Pure."""

from datetime import datetime

from orchestrator import conditions
from orchestrator.journey import Rule
from orchestrator.planning.case import Case, Firing


def applies(rule: Rule, firing: Firing, case: Case, moment: datetime) -> bool:
    """Do the rule's condition and that of the firing's rung hold at that *moment*? Unknown is no."""
    rung = rule.rung(firing.rung)
    whens = [when for when in (rule.when, None if rung is None else rung.when) if when is not None]
    if not whens:
        return True
    known = conditions.variables(
        case.order,
        case.customer,
        case.journey,
        now=moment,
        milestone=firing.milestone,
        late_by=None if firing.deadline is None else moment - firing.deadline,
        event=firing.event,
        zone=case.zone,
    )
    return all(when.evaluate(known).value for when in whens)
