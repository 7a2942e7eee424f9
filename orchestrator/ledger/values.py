"""What goes into the ledger's verbs and comes out of them, beside the values of :mod:`orchestrator.model`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from orchestrator.facts import value
from orchestrator.model import Entry, Fact, Status
from orchestrator.reasons import NOTHING, Code, Reason

DEAD = timedelta(minutes=1)  # without a heartbeat: six were due


class Heard(Protocol):
    """A fact on its way in: *digest* tells whether two bodies under one event id are the same."""

    @property
    def fact(self) -> Fact:
        """What the event says."""
        ...

    @property
    def digest(self) -> bytes:
        """A hash of the event's body."""
        ...

    @property
    def extensions(self) -> Mapping[str, Any]:
        """The event's other attributes, kept unchanged."""
        ...


class Appended(StrEnum):
    """What became of one fact that was handed in."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"  # this source and id is known with another body; nothing was kept


class Changed(NamedTuple):
    """An order to plan: hand *mark* back to ``planned`` so that a change in between is not lost.

    ``heard`` is the newest hearing among its unplanned facts.
    """

    order: str
    mark: int
    heard: datetime | None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as lists and lookups see it; ``state`` is the fold, as text the engine chose.

    ``milestone`` is the last one reached, ``problem`` why the order could not be planned ("": it was),
    ``quiet_since`` when the last news of a closed order was heard.
    ``silent_since`` is when anybody last spoke with the customer; ``promise`` is the milestone and
    ``promised`` the value of the promise that ends first (``promise_ends``) of those the customer counts on.
    ``tasks`` are those that nobody finished, as text the engine chose, the first given at ``tasks_since``.
    """

    id: str
    customer: str = ""
    journey: str = ""
    location: str = ""
    status: str = ""
    phase: str = ""
    milestone: str = ""
    state: str = ""
    problem: str = ""
    quiet_since: datetime | None = None
    owner: str = ""
    brand: str = ""
    silent_since: datetime | None = None
    promise: str = ""
    promised: str = ""
    promise_ends: datetime | None = None
    tasks: str = ""
    tasks_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The orders of some locations and some brands; none named means all of them."""

    locations: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()


EVERYTHING = Share()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are; with *more* there are others, or may be, that nobody counted."""

    number: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Departure:
    """One try that left, or may have: its *number*, when it began, and the entry as it is now."""

    number: int
    at: datetime
    outcome: str
    channel: str
    entry: Entry


@value(frozen=True, slots=True)
class Begin:
    """A claimed entry that starts sending, now or (in a replay) *at* another time.

    ``address`` is the keyed hash of where it goes.
    """

    entry: int
    generation: int
    channel: str
    message_id: str
    at: datetime | None = None
    address: str = ""


@value(frozen=True, slots=True)
class Finish:
    """How an entry's sending ended: accepted, failed or unknown. ``code`` is the provider's own.

    It ended now, or (in a replay) *at* another time.
    """

    entry: int
    generation: int
    status: Status
    channel: str = ""
    provider_id: str = ""
    reason: Reason = NOTHING
    code: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try; ``outcome`` "" means it has not ended."""

    entry: int
    n: int
    channel: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    provider_id: str
    code: str
    detail: str
    message_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why nothing is sent to an address any more; the address itself is not here, only its keyed hash."""

    channel: str
    address_hash: str
    reason: str
    evidence: str
    at: datetime


class Stops(StrEnum):
    """What can be paused."""

    EVERYTHING = "everything"
    LOCATION = "location"
    RULE = "rule"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Pause:
    """What stands still, since when and why; everything has the name ""."""

    kind: Stops
    name: str
    since: datetime
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Health:
    """How a channel does, as sending learnt from what it answered.

    ``failures`` in a row ``since`` then, and so often has it been left alone after them (``trips``). It takes
    nothing before ``until``; then one message tries it, and others wait for what that learns, but not beyond
    ``probe_until``. With ``asked`` it was the provider that said until when.
    """

    channel: str
    failures: int
    trips: int
    since: datetime
    until: datetime | None = None
    probe_until: datetime | None = None
    asked: bool = False
    reason: str = ""
    code: str = ""


class RuleSetState(StrEnum):
    """Where a set of rule files stands; at most one is active."""

    ACTIVE = "active"
    HELD = "held"  # a person must release it
    REPLACED = "replaced"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rule files (path → text) as they were at one time.

    ``edits`` is what the console laid over the files, as text the engine chose. ``by`` is who proposed them
    in the console, *why* in their words ("" of both: they are from the files) and ``person`` the number under
    which they sign in; ``decided_by`` who put them in force or rejected them ("": by the command line).
    """

    id: int
    digest: str
    sources: Mapping[str, str]
    state: RuleSetState
    activated_at: datetime | None
    edits: str = ""
    proposed_at: datetime | None = None
    by: str = ""
    why: str = ""
    decided_by: str = ""
    person: int | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """Since when a rule counts, and the digest it had then."""

    rule: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failing:
    """How many tries a channel made, and how many of them failed."""

    channel: str
    tries: int
    failed: int


@dataclass(frozen=True, slots=True)
class Carries:
    """A mail (its entry's key) is to carry a line to a customer."""

    customer: str
    line: str
    key: str


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One message in a customer's inbox.

    ``item`` is its name outside, ``id`` its row and ``change`` the number of its newest change, both given
    by the ledger. ``about`` is what a newer item takes its place by, ``key`` its entry's. Of one that was
    ``replaced`` the words are gone.
    """

    item: str
    customer: str
    order_id: str
    key: str
    about: str
    title: str
    text: str
    link: str
    locale: str
    at: datetime
    expires_at: datetime | None = None
    read_at: datetime | None = None
    replaced: bool = False
    id: int = 0
    change: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far behind sending is: entries whose moment has come, and the oldest of those moments."""

    due: int
    oldest: datetime | None
    leases_over: int
    orders_to_plan: int


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that works on the ledger: what it does, where, and when it was last heard of.

    ``scanned_at`` is when it last looked for what is due, ``None`` if it never did or that is not its part.
    """

    id: str
    role: str
    host: str
    pid: int
    version: str
    schema: str
    started_at: datetime
    seen_at: datetime
    scanned_at: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        """Was it heard of lately?"""
        return now - self.seen_at < DEAD


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries somebody looks for; what is empty asks for nothing. ``since`` and ``until`` are about
    what happened to them last.
    """

    order: str = ""
    customer: str = ""
    rule: str = ""
    channel: str = ""
    kind: str = ""
    statuses: frozenset[Status] = frozenset()
    reason: Code = Code.NONE
    share: Share = EVERYTHING
    since: datetime | None = None
    until: datetime | None = None


class Place(NamedTuple):
    """A fact's place in the order in which subscribers are told of facts."""

    written: int | None
    seq: int


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody who is told what happens here, up to which place they were, and how that goes.

    ``failing_since`` is ``None`` while they take what they are told, ``retry_at`` when they are told again,
    ``told_at`` when they last took something.
    """

    name: str
    written: int | None
    seq: int
    told_at: datetime | None
    failures: int
    failing_since: datetime | None
    retry_at: datetime
    reason: str

    def at(self, place: Place) -> "Subscriber":
        """The same, told everything up to *place*."""
        return replace(self, written=place.written, seq=place.seq)
