"""The next thing said when silence goes on: which rung of a rule is due, and when. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from orchestrator.journey import On, Rule
from orchestrator.planning.case import REPLACED, Case, Firing, spoken

OVERTAKEN = f"{REPLACED}the next message of this rule is due already"
EXHAUSTED = "every message of this rule was sent already, and none is sent twice"

SPENT = {  # what a ladder whose last message was said still waits for
    On.SILENT: "every message of this rule was said; it begins again after the next useful contact",
    On.STUCK: "every message of this rule was said; it begins again after the next milestone",
    On.MISSED: "every message of this rule was said; when another promise is missed, a person finds words",
}


def ladder(rule: Rule, case: Case, first: Firing) -> list[Firing]:
    """The rungs that count now: the newest due one speaks, older ones only task, and the next to come.

    A second promise of the same episode, missed again, goes on with the rung after the last one said; when
    there is none, the last rung's task is made again, or a person has to find words of their own.
    """
    found: list[Firing] = []
    newest = 0
    for number, moment in _moments(rule, case, first.at, _next_rung(rule, case, first)):
        at = case.awake(first.at, moment)
        found.append(_on(first, number, at))
        if at > case.now:
            break
        newest = len(found) - 1
    if not found:
        last = sum(rung.at_most for rung in rule.rungs)
        return [_on(first, last, first.at)._replace(hushed=EXHAUSTED)]
    return [
        firing._replace(hushed=firing.hushed or OVERTAKEN) if index < newest else firing
        for index, firing in enumerate(found)
    ]


def spent(rule: Rule, firing: Firing) -> str:
    """What to say of a rule that said this firing, if that was the last of several; else ""."""
    last = firing.rung > 1 and rule.rung(firing.rung + 1) is None
    return SPENT.get(rule.trigger.on, "") if last else ""


def _on(first: Firing, number: int, at: datetime) -> Firing:
    """*first* as the rung of that number."""
    occasion = f"{first.occasion}.r{number}"
    return first._replace(occasion=occasion, rung=number, at=at, news=max(at, first.news))


def _moments(rule: Rule, case: Case, base: datetime, start: int) -> Iterator[tuple[int, datetime]]:
    """Every rung from *start* on by its number, with when it is due if *start* is due at *base*."""
    moment, number, skipped = base, 0, timedelta()
    for rung in rule.rungs:
        for _ in range(rung.at_most):
            if rung.after is not None:
                moment = case.add(base, rung.after) - skipped
            elif rung.every is not None:
                moment = case.add(moment, rung.every)
            number += 1
            if number == start:
                moment, skipped = base, moment - base
            if number >= start:
                yield number, moment


def _next_rung(rule: Rule, case: Case, first: Firing) -> int:
    """1, or the rung after the last one said for another promise of this episode."""
    if rule.trigger.on is not On.MISSED or not case.order.outcomes:
        return 1
    episode = first.occasion.partition(".")[0] + "."
    mine = first.occasion + ".r"
    said = (
        rung_of(outcome.occasion)
        for outcome in case.order.outcomes.values()
        if outcome.rule == rule.id
        and outcome.kind == "message"
        and spoken(outcome, rule.mode)
        and outcome.occasion.startswith(episode)
        and not outcome.occasion.startswith(mine)
    )
    return max(said, default=0) + 1


def rung_of(occasion: str) -> int:
    """The rung an occasion ends in (``….r3`` → 3), or 0."""
    tail = occasion.rpartition(".r")[2]
    return int(tail) if tail.isdigit() else 0
