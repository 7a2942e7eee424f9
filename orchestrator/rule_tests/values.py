"""What a rule test says and what came of it, as values: cases, expectations, things said, verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.errors import Problem
from orchestrator.intake import Incoming
from orchestrator.model import Kind


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands in a file, with the line itself."""

    path: str
    line: int
    column: int
    source: str

    def problem(self, code: str, message: str, hint: str = "") -> Problem:
        """What is wrong here."""
        return Problem(self.path, self.line, self.column, code, message, hint, self.source)


@dataclass(frozen=True, slots=True)
class Answered:
    """Which task or message a fact is about, as people name it: the newest that fits what is not empty."""

    task: str
    to: str = ""
    rule: str = ""
    kind: Kind = Kind.TASK


@dataclass(frozen=True, slots=True)
class Given:
    """One fact of a case; with ``answers`` the key of its task or message is looked up when it is heard."""

    spot: Spot
    event: Incoming
    answers: Answered | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """Something expected, or never to be said; what is left empty may be anything.

    ``why`` is a piece of the reason. ``zone`` is the one ``at`` was written in.
    """

    spot: Spot
    kind: Kind
    what: str
    at: datetime | None = None
    to: str = ""
    by: str = ""
    order: str = ""
    rule: str = ""
    why: str = ""
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Case:
    """One test: these facts, up to ``until``; what is said from ``since`` on is compared with ``expect``.

    ``whole`` is the place to complain about what nobody expected. ``zones`` holds each order's time zone.
    """

    name: str
    spot: Spot
    whole: Spot
    given: tuple[Given, ...]
    since: datetime | None
    until: datetime
    expect: tuple[Pattern, ...] = ()
    never: tuple[Pattern, ...] = ()
    only_these: bool = True
    only_reported: bool = False
    zones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A message or task that left, when and because of what."""

    order: str
    rule: str
    kind: Kind
    what: str
    to: str
    by: str
    at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What was not said and why: an entry that ended otherwise or still waits, or a rule that had no reason.

    ``state`` is the entry's; ``""`` stands for a rule that says nothing now.
    """

    order: str
    rule: str
    what: str
    to: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine made of one case."""

    said: tuple[Said, ...] = ()
    unsaid: tuple[Unsaid, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison. ``sign``: ``" "`` as expected, ``-`` expected only, ``+`` said only."""

    sign: str
    at: str
    kind: str
    what: str
    to: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case ended. ``met`` names the rule and the text of every expectation that was met."""

    case: Case
    failures: tuple[Problem, ...] = ()
    rows: tuple[Row, ...] = ()
    unsaid: tuple[Unsaid, ...] = ()
    met: frozenset[tuple[str, str]] = frozenset()

    @property
    def passed(self) -> bool:
        """Was everything as expected?"""
        return not self.failures
