"""Do the conditions of a rule hold for what it is due for? Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator import conditions
from orchestrator.journey import Condition, Rule, Rung
from orchestrator.planning.case import Case, Firing


def conditions_of(rule: Rule, rung: Rung | None) -> list[Condition]:
    """The rule's condition and that of the rung, where they have one."""
    return [when for when in (rule.when, None if rung is None else rung.when) if when is not None]


def known_at(moment: datetime, firing: Firing, case: Case) -> Mapping[str, Any]:
    """What conditions know of it at that *moment*."""
    return conditions.variables(
        case.order,
        case.customer,
        case.journey,
        now=moment,
        milestone=firing.milestone,
        late_by=None if firing.deadline is None else moment - firing.deadline,
        event=firing.event,
        zone=case.zone,
    )


def applies(rule: Rule, firing: Firing, case: Case, moment: datetime) -> bool:
    """Do the rule's condition and that of the firing's rung hold at that *moment*? Unknown is no."""
    whens = conditions_of(rule, rule.rung(firing.rung))
    if not whens:
        return True
    known = known_at(moment, firing, case)
    return all(when.evaluate(known).value for when in whens)
