"""A milestone that was taken back: who was told that it happened hears so, and hears it once. Pure.

Its promise may have passed meanwhile. Then the correction is the apology, too: what a rule about the missed
promise would say and task by then stands in it already, and the ladder goes on with the rung after that.
"""

from datetime import datetime
from typing import NamedTuple

from orchestrator.journey import On, Rule
from orchestrator.model import Milestone, Status, first_occasion
from orchestrator.planning.applying import applies
from orchestrator.planning.case import SAID, Answer, Case, Firing
from orchestrator.reasons import due, unsaid

UNHEARD = frozenset({Status.CANCELLED, Status.EXPIRED, Status.SUPPRESSED})  # nobody hears that correction


class Correction(NamedTuple):
    """That a milestone was taken back, as heard *at* a moment; ``says`` to the reader, and tasks ``does``."""

    at: datetime
    says: bool
    does: frozenset[str]


def retracted(rule: Rule, case: Case) -> Answer:
    """Due when M was taken back after somebody was told that it happened."""
    name = rule.trigger.milestone
    state = case.milestone(name)
    if state.retracted is None or state.retracted_heard is None:
        return unsaid.not_retracted(name)
    if state.reached is not None:
        return unsaid.happened_again(name, case.show(state.reached))
    episode = _told_episode(rule, state, case)
    if not episode:
        return unsaid.retracted_untold(name)
    return [
        Firing(
            occasion=episode,
            at=state.retracted,
            news=max(state.retracted, state.retracted_heard),
            because=due.retracted(name, case.show(state.retracted), rule.to),
            unless=f"{name} happens after all",
            milestone=name,
            never_stale=True,  # whoever was told something wrong hears so, however old the news
        )
    ]


def _told_episode(rule: Rule, state: Milestone, case: Case) -> str:
    """The newest episode that ended and of which the rule's recipient was told, as an occasion."""
    rules = {other.id for other in case.journey.rules if other.trigger.on is On.REACHED}
    told = {
        first_occasion(outcome.occasion)
        for outcome in case.order.outcomes.values()
        if outcome.rule in rules
        and outcome.role == rule.to
        and outcome.kind == "message"
        and outcome.status in SAID
    }
    ended = (f"{state.name}#{episode}" for episode in range(state.episode - 1, 0, -1))
    return next((episode for episode in ended if episode in told), "")


def correction(rule: Rule, case: Case, name: str) -> Correction | None:
    """What other rules say and task because M was taken back, to the reader of *rule* and to staff."""
    state = case.milestone(name)
    if state.retracted is None or state.retracted_heard is None:
        return None
    since = max(state.retracted, state.retracted_heard)
    says, does = False, set[str]()
    for other in case.journey.rules:
        trigger = other.trigger
        if trigger.on is not On.RETRACTED or trigger.milestone != name or other.mode is not rule.mode:
            continue
        for to_one in (other, *other.for_others):
            rung, found = to_one.rung(1), retracted(to_one, case)
            if rung is None or isinstance(found, str) or not _stands(to_one, case, found[0], since):
                continue
            says |= bool(rung.say) and to_one.to == rule.to
            does |= {rung.task.do} if rung.task is not None else set()
    return Correction(since, says, frozenset(does)) if says or does else None


def _stands(rule: Rule, case: Case, firing: Firing, since: datetime) -> bool:
    """Is that correction of this very time, and does somebody hear it?"""
    outcome = case.said(rule, firing)
    if outcome is None:
        return applies(rule, firing, case, max(case.now, firing.at))
    return outcome.at >= since and outcome.status not in UNHEARD
