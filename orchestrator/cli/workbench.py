"""What the console works with, made of this installation's settings: rules are read and tried by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import house

if TYPE_CHECKING:
    from orchestrator.config.settings import Settings
    from orchestrator.drafting.bench import Played
    from orchestrator.errors import Problem
    from orchestrator.journey import RuleBook
    from orchestrator.simulation.differences import Run


@dataclass(frozen=True, slots=True)
class Rules:
    """Reads, checks and tries rule files under these settings."""

    settings: Settings

    @property
    def folder(self) -> str:
        """The folder of rules, as their paths begin in what is in force."""
        return self.settings.rules.path.as_posix()

    @property
    def most(self) -> int:
        """How many changes count without a second person."""
        return self.settings.limits.plan_entries

    @property
    def share(self) -> float:
        """What share of what waits may change without a second person."""
        return self.settings.limits.plan_share

    def understood(self, sources: Mapping[str, str], settled: str) -> tuple[RuleBook, list[Problem]]:
        """Load rule files under the settings in force; the problems keep them from counting."""
        from orchestrator.config.in_force import policy

        found = house.understood(self.settings, sources, settled=policy(settled) if settled else None)
        return found.book, house.refused(found)

    def found(self, sources: Mapping[str, str]) -> list[Problem]:
        """Find everything that `beforehand check` finds in these files."""
        found = house.understood(self.settings, sources)
        return [
            problem for problem in house.reviewed(self.settings, found, whole=True) if problem.path in sources
        ]

    def played(self, sources: Mapping[str, str]) -> list[Played]:
        """Run the tests of operations over these files."""
        from orchestrator.drafting.bench import Played
        from orchestrator.rule_tests.reader import load
        from orchestrator.rule_tests.running import verdicts
        from orchestrator.rules import TESTS, read
        from orchestrator.simulation.simulate import Rehearsal

        place = self.settings.rules.path / TESTS
        if not place.is_dir():
            return []
        found, missing = house.rehearsed(self.settings, sources, None)
        names = tuple(self.settings.channels.named())
        cases, problems = load(read(place), found.book, names)
        broken = [
            Played(problem.path, str(problem), passed=False, failures=(problem.message,), rules=frozenset())
            for problem in problems
        ]
        composer = Rehearsal(house.composer(self.settings, found.renderer), missing)
        return broken + [
            Played(
                one.case.name,
                f"{Path(one.case.spot.path).name}:{one.case.spot.line}",
                one.passed,
                tuple(failure.message for failure in one.failures),
                frozenset(rule for rule, _ in one.met),
            )
            for one in verdicts(cases, found.book, composer, names)
        ]

    def simulated(
        self, sources: Mapping[str, str], events: Path, folder: Path, progress: Callable[[int], object]
    ) -> Run:
        """Hear a history under these files, into ledgers in *folder*."""
        from orchestrator.cli.simulated import Tried, run
        from orchestrator.simulation import history
        from orchestrator.simulation.differences import Run
        from orchestrator.simulation.simulate import AFTERWARDS

        found, missing = house.rehearsed(self.settings, sources, None)
        past = history.read(events)
        tried = Tried(found.book, found.renderer, frozenset(missing))
        return Run(found.book, run(self.settings, tried, past, past.furthest + AFTERWARDS, folder, progress))
