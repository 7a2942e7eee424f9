"""Which rules a set of tests has made speak, text by text. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.journey import Mode, RuleBook
from orchestrator.rule_tests.values import Verdict


@dataclass(frozen=True, slots=True)
class Covered:
    """One text or task of one rule, and how many tests expected it and saw it said."""

    journey: str
    rule: str
    says: str
    tests: int


def coverage(verdicts: Sequence[Verdict], book: RuleBook) -> list[Covered]:
    """Count, for everything a live rule may say or have done, the tests that saw it."""
    said = {
        (journey.id, rule.id, says): None
        for journey in book.journeys.values()
        for rule in journey.rules
        if rule.mode is Mode.LIVE
        for rung in rule.rungs
        for says in (rung.say, rung.task.do if rung.task else "")
        if says
    }
    return [
        Covered(journey, rule, says, sum((rule, says) in verdict.met for verdict in verdicts))
        for journey, rule, says in said
    ]


def untested(covered: Iterable[Covered]) -> list[str]:
    """The rules none of whose texts and tasks any test saw."""
    counts: dict[str, int] = {}
    for one in covered:
        counts[one.rule] = counts.get(one.rule, 0) + one.tests
    return [rule for rule, count in counts.items() if not count]
