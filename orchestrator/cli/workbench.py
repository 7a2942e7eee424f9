"""What the console works with, made of this installation's settings: rules are read and tried by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli import house
from orchestrator.errors import Misconfigured

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.config.settings import Settings
    from orchestrator.drafting.bench import Line, Played
    from orchestrator.errors import Problem
    from orchestrator.journey import Journey, RuleBook
    from orchestrator.ledger import Transaction
    from orchestrator.render import Rendered, Renderer
    from orchestrator.render.preview import Sample
    from orchestrator.simulation.differences import Run

REMEMBERED = 8  # drafts whose findings are known; a few people change rules at a time


@dataclass(slots=True)
class Rules:
    """Reads, checks and tries rule files under these settings."""

    settings: Settings
    _found: dict[object, list[Problem]] = field(default_factory=dict)

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
        """Find everything that `beforehand check` finds in these files.

        The same files and texts are not read again: a page asks each time it is shown.
        """
        from orchestrator.activation import digest_of
        from orchestrator.cli.following import stamps

        key = digest_of(sources), tuple(sorted(stamps(self.settings.templates.path).items()))
        if key not in self._found:
            found = house.understood(self.settings, sources)
            problems = house.reviewed(self.settings, found, whole=True)
            while len(self._found) >= REMEMBERED:
                self._found.pop(next(iter(self._found)), None)
            self._found[key] = [problem for problem in problems if problem.path in sources]
        return self._found[key]

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


@dataclass(slots=True)
class Texts:
    """Says the texts of this installation as they are written now."""

    settings: Settings
    _stamps: object = None
    _renderer: Renderer | None = None
    _found: dict[str, list[Problem]] = field(default_factory=dict)
    _book: RuleBook | None = None

    def names(self) -> dict[str, dict[str, set[str]]]:
        """Every text (``new-car/arrived``), with the languages it has for each channel."""
        renderer = self._read()
        return {name: renderer.channels_of(name) for name in sorted(renderer.names())}

    def rendered(self, facts: Sample, journey: Journey, template: str, channel: str, locale: str) -> Rendered:
        """Say a text with these facts; raises RenderError and NotFound."""
        words = self._words(facts, journey)
        return self._read().render(template, channel, locale or self.language(facts), words)

    def language(self, facts: Sample) -> str:
        """The language in which its reader would hear it."""
        from orchestrator.render import wording

        company = house.company(self.settings)
        return wording.locale_of(facts.notification, facts.order, facts.customer, company)

    def missing(self, facts: Sample, journey: Journey, template: str) -> list[str]:
        """Name what the text asks for and these facts do not say."""
        from orchestrator.render.unknown import without_value

        return without_value(self._read(), template, self._words(facts, journey))

    def found(self, book: RuleBook) -> dict[str, list[Problem]]:
        """What a reader would miss or mind, by the text."""
        from orchestrator.render.review import review

        renderer = self._read()
        if self._book is not book:
            self._found, self._book = {}, book
            for problem in [*renderer.problems(), *review(renderer, book, complete=None)]:
                name = _text_of(problem.path, renderer)
                self._found.setdefault(name, []).append(problem)
        return self._found

    def _words(self, facts: Sample, journey: Journey) -> dict[str, Any]:
        from orchestrator.render import wording

        company, policy = house.company(self.settings), house.policy(self.settings)
        return wording.context(
            facts.notification, facts.order, facts.customer, journey, policy, facts.now, company
        )

    def _read(self) -> Renderer:
        """The texts on the disk, read again once one of them changed."""
        from orchestrator.cli.following import stamps

        now = stamps(self.settings.templates.path)
        if self._renderer is None or now != self._stamps:
            self._renderer, self._stamps, self._book = house.texts(self.settings), now, None
        return self._renderer


@dataclass(frozen=True, slots=True)
class Channels:
    """Knows the channels of these settings, and sends a test message."""

    settings: Settings

    def lines(self, tx: Transaction, now: datetime) -> list[Line]:
        """Every channel, with how it does."""
        from channels import matrix
        from orchestrator.cli.channel_health import standings
        from orchestrator.drafting.bench import Line

        found, can = standings(self.settings, tx, now), house.abilities(self.settings)
        return [
            Line(
                name,
                chosen.kind or name,
                chosen.live,
                tuple(matrix.words(can[name])) if name in can else (),
                "; ".join(map(str, filter(None, (chosen.limits.whole, chosen.limits.sender)))),
                found[name].words if name in found else "",
                found[name].well if name in found else True,
            )
            for name, chosen in self.settings.channels.named().items()
        ]

    def test(self, name: str, to: str, own: str) -> str:
        """Send one test message, and say what became of it; raises :class:`Misconfigured`."""
        from channels.file import FileChannel
        from channels.kinds.inbox import NAME as INBOX
        from orchestrator.cli.channels import message_to, outcome

        named = self.settings.channels.named()
        if name not in named:
            raise Misconfigured(f"no channel is called {name!r}")
        message = message_to(self.settings, name, to)
        if not named[name].live:
            said, receipt = outcome(FileChannel(self.settings.outbox.path, name), message)
            return said or f"{name} is not live: the test lies in the outbox as {receipt}"
        if name == INBOX:
            raise Misconfigured("a message to the inbox is tested by its customer's own page")
        if to not in self.settings.staging.allow and to.casefold() != own.casefold():
            raise Misconfigured(f"{to} is neither your own address nor on the list of staging.allow")
        said, receipt = outcome(house.channels(self.settings)[name], message)
        return said or f"{name} took it as {receipt}"


def _text_of(path: str, renderer: Renderer) -> str:
    """``new-car/arrived`` of ``templates/new-car/arrived/sms.txt.de.j2``."""
    inside = path.removeprefix(f"{renderer.templates.as_posix()}/").removeprefix(
        f"{renderer.templates.name}/"
    )
    return inside.rpartition("/")[0]
