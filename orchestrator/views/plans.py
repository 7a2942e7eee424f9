"""What a plan would change, rule by rule: for the command line, a console and whoever releases it. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.planning.foresight import because
from orchestrator.planning.reconcile import Plan
from orchestrator.timing.calendar import show


@dataclass(frozen=True, slots=True)
class RuleChange:
    """How much of one rule's notifications a plan creates, moves and takes back, with one example."""

    rule: str
    create: int
    reschedule: int
    cancel: int
    example: str


def by_rule(plan: Plan, zone: str, now: datetime) -> list[RuleChange]:
    """What a plan changes, rule by rule, each with one example by the clocks of *zone*."""
    counts: dict[str, Counter[str]] = {}
    examples: dict[str, str] = {}
    changes: Iterable[tuple[str, str, str]] = [
        *(("create", note.rule, f"{note.order}: {because(note, now)}") for note in plan.create),
        *(
            (
                "reschedule",
                move.wanted.rule,
                f"{move.wanted.order}: due {show(move.wanted.due_at, zone)}, {zone}",
            )
            for move in plan.reschedule
        ),
        *(
            ("cancel", gone.entry.wanted.rule, f"{gone.entry.wanted.order}: {gone.reason}")
            for gone in plan.cancel
        ),
    ]
    for kind, rule, example in changes:
        counts.setdefault(rule, Counter())[kind] += 1
        examples.setdefault(rule, example)
    return [
        RuleChange(rule, count["create"], count["reschedule"], count["cancel"], examples[rule])
        for rule, count in sorted(counts.items())
    ]
