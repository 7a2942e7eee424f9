"""The errors of the engine, named by who must react.

::

    BeforehandError
    ├── Problems            somebody's file or event is wrong: each problem with its place
    ├── Misconfigured       settings are wrong: operations
    ├── LedgerError
    │   ├── LedgerAway      the database does not answer: try again later (503)
    │   ├── LedgerBusy      another daemon holds this file
    │   ├── LedgerBehind    migrations are missing: `beforehand db upgrade`
    │   └── Stale           a late worker's write, refused by the generation
    ├── Conflict            the same event id came with another body (409)
    ├── NotReady            this process cannot work now: leave it out until it can
    ├── Busy                what is to be changed is in use just now: try again in a minute
    ├── NotFound            no order, template or entry of that name
    └── RenderError         a template failed on these facts: the notification is parked
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place; ``line`` and ``column`` count from 1, 0 when unknown."""

    path: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    source: str = ""  # the line itself, for the caret
    pointer: str = ""  # where in an event (RFC 6901), such as /data/at; "" is the whole of it

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.code} {self.message}"


class BeforehandError(Exception):
    """The root of every error the engine raises on purpose."""


class Problems(BeforehandError):
    """Input that cannot be accepted, with every problem found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["Problems"], tuple[tuple[Problem, ...]]]:
        """Travel between processes with every problem."""
        return type(self), (self.problems,)


class Misconfigured(BeforehandError):
    """The settings contradict themselves or the machine."""


class LedgerError(BeforehandError):
    """Something about the database."""


class LedgerAway(LedgerError):
    """The database does not answer, or its disk is full; nothing was written."""


class LedgerBusy(LedgerError):
    """Another daemon works on this ledger."""


class LedgerBehind(LedgerError):
    """The ledger's schema is older or newer than this program."""


class Stale(LedgerError):
    """A write under an old generation: somebody else has the entry now."""


class NotReady(BeforehandError):
    """A process is alive and not able to work."""


class Busy(BeforehandError):
    """What is to be changed is in use just now; nothing was changed."""


class Conflict(BeforehandError):
    """Event ids that were accepted before, now with another body; nothing of the batch was kept."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = tuple(ids)
        super().__init__(f"known already, with another body: {', '.join(self.ids)}")

    def __reduce__(self) -> tuple[type["Conflict"], tuple[tuple[str, ...]]]:
        """Travel between processes with every id."""
        return type(self), (self.ids,)


class NotFound(BeforehandError):
    """Nothing of that name."""


class RenderError(BeforehandError):
    """A template could not be rendered with these facts."""
