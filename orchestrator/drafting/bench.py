"""What a console works on rules with; whoever wires the process knows the settings and gives it one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from orchestrator.errors import Problem
    from orchestrator.journey import Journey, RuleBook
    from orchestrator.ledger import RuleSet, Transaction
    from orchestrator.render import Rendered
    from orchestrator.render.preview import Sample
    from orchestrator.simulation.differences import Run

SETTINGS = "settings"  # their place among what is in force; no rule file has this name

Sources = Mapping[str, str]  # rule files: path → text


@dataclass(frozen=True, slots=True)
class Played:
    """How one test of operations ended, and which rules it saw at work."""

    name: str
    place: str
    passed: bool
    failures: tuple[str, ...]
    rules: frozenset[str]


class RuleBench(Protocol):
    """Reads, checks and tries rule files under the settings of this installation."""

    @property
    def folder(self) -> str:
        """The folder of rules, as their paths begin in what is in force."""
        ...

    @property
    def most(self) -> int:
        """How many changes count without a second person."""
        ...

    @property
    def share(self) -> float:
        """What share of what waits may change without a second person."""
        ...

    def understood(self, sources: Sources, settled: str) -> tuple[RuleBook, list[Problem]]:
        """Load rule files under the settings in force; the problems keep them from counting."""
        ...

    def found(self, sources: Sources) -> list[Problem]:
        """Find everything that `beforehand check` finds in these files."""
        ...

    def played(self, sources: Sources) -> list[Played]:
        """Run the tests of operations over these files."""
        ...

    def simulated(
        self, sources: Sources, events: Path, folder: Path, progress: Callable[[int], object]
    ) -> Run:
        """Hear a history under these files, into ledgers in *folder*."""
        ...


class TextBench(Protocol):
    """Says texts as they are written now."""

    def names(self) -> Mapping[str, Mapping[str, set[str]]]:
        """Every text (``new-car/arrived``), with the languages it has for each channel."""
        ...

    def rendered(self, facts: Sample, journey: Journey, template: str, channel: str, locale: str) -> Rendered:
        """Say a text with these facts; raises RenderError and NotFound."""
        ...

    def language(self, facts: Sample) -> str:
        """The language in which its reader would hear it."""
        ...

    def missing(self, facts: Sample, journey: Journey, template: str) -> list[str]:
        """Name what the text asks for and these facts do not say."""
        ...

    def found(self, book: RuleBook) -> Mapping[str, list[Problem]]:
        """What a reader would miss or mind, by the text."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A channel as the settings have it, and how it does; what is not ``well`` wants somebody."""

    name: str
    kind: str
    live: bool
    abilities: tuple[str, ...]
    rate: str
    words: str = ""
    well: bool = True


class ChannelBench(Protocol):
    """Knows the channels of this installation, and sends a test message."""

    def lines(self, tx: Transaction, now: datetime) -> list[Line]:
        """Every channel, with how it does."""
        ...

    def test(self, name: str, to: str, own: str) -> str:
        """Send one test message, and say what became of it; raises :class:`.Misconfigured`.

        What is live goes to the addresses of the staging list only, or to the one who asks (*own*).
        """
        ...


def files_of(found: RuleSet | None) -> dict[str, str]:
    """The rule files of what is or was in force (path → text), without the settings beside them."""
    return {} if found is None else {path: text for path, text in found.sources.items() if path != SETTINGS}
