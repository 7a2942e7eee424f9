"""The words of the product as values: orders, customers, notifications, entries; facts and promises too.

Standard library only. Every moment is an aware ``datetime`` in UTC; local dates and zones appear only
where a promise or a window is declared in them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Any

from orchestrator.facts import (
    CUSTOMER_TYPES,
    ENGINE,
    PRUNED,
    Fact,
    Milestone,
    Promise,
    Promised,
    Scope,
    Telling,
    Wish,
    may_be_either,
    scope_of,
    value,
)
from orchestrator.reasons import NOTHING, Reason

__all__ = [
    "CUSTOMER_TYPES", "ENGINE", "FINAL", "IN_FLIGHT", "MOVES", "PRUNED", "STAFF", "WAITING", "Answer",
    "Consent", "Customer", "Decision", "Delivery", "Entry", "Fact", "Hold", "Kind", "Location", "Milestone",
    "Notification", "Order", "OrderStatus", "Outcome", "OwnLine", "Person", "Promise", "Promised", "Purpose",
    "Scope", "Sent", "Silence", "Status", "Step", "TakenOver", "Telling", "Tells", "Window", "Wish",
    "first_occasion",
    "key_of", "may_be_either", "scope_of", "step_occasion",
]  # fmt: skip

# ── orders and customers ─────────────────────────────────────────────────────

STAFF = frozenset({"owner", "manager"})  # the roles of an order that the company itself plays


@value(frozen=True, slots=True)
class Person:
    """Somebody an order names: its owner, the manager, a co-buyer, a neighbour."""

    name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    time_zone: str = ""
    channels: tuple[str, ...] = ()  # in the order they prefer
    refuses: tuple[str, ...] = ()  # channels they do not want to hear by
    working_hours: tuple["Window", ...] = ()  # in their own zone; none: not known


@value(frozen=True, slots=True)
class Location:
    """Where an order is looked after; gives the zone, business calendar and brand."""

    id: str = ""
    name: str = ""
    time_zone: str = ""
    calendar: str = ""
    brand: str = ""
    phone: str = ""
    email: str = ""


@value(frozen=True, slots=True)
class Hold:
    """An order said nothing from *since* to *until* (``None``: still held)."""

    since: datetime
    until: datetime | None
    reason: str


_NOBODY, _NOWHERE = Person(), Location()


class OrderStatus(StrEnum):
    """Where an order stands as a whole; whether it is complete only its journey can tell (:mod:`.case`)."""

    OPEN = "open"
    HELD = "held"
    CANCELLED = "cancelled"


@value(frozen=True, slots=True)
class Outcome:
    """What became of one notification, as the facts tell it."""

    key: str
    rule: str
    occasion: str
    role: str
    kind: str
    status: "Status"
    at: datetime
    channel: str = ""
    template: str = ""
    purpose: str = ""
    reason: Reason = NOTHING
    tells: tuple["Tells", ...] = ()
    delivery: str = ""  # the furthest that was reported of it (channels.reports.Became) …
    delivery_at: datetime | None = None  # … and when


@value(frozen=True, slots=True)
class Delivery:
    """The furthest that was reported of one message by one channel; *became*: `channels.reports.Became`."""

    became: str
    at: datetime
    reason: str = ""


@value(frozen=True, slots=True)
class Answer:
    """A task somebody acknowledged or finished."""

    task: str
    by: str
    at: datetime
    done: bool
    outcome: str = ""


@value(frozen=True, slots=True)
class OwnLine:
    """A line that a colleague wrote for the next message; *beside* names one that was leaving without it."""

    text: str
    by: str
    at: datetime
    beside: str = ""


@value(frozen=True, slots=True)
class TakenOver:
    """Somebody calls in place of a message, before it is due."""

    by: str
    at: datetime


@dataclass(slots=True)
class Order:
    """What a customer waits for: the fold of its facts (:mod:`orchestrator.planning.fold`)."""

    id: str
    known: bool = False  # an order.upserted was heard
    customer: str = ""
    journey: str = ""
    status: OrderStatus = OrderStatus.OPEN
    since: datetime | None = None  # the first fact's happened
    heard: datetime | None = None  # the newest heard
    owner: Person = _NOBODY
    manager: Person = _NOBODY
    parties: dict[str, Person] = field(default_factory=dict)
    location: Location = _NOWHERE
    attributes: dict[str, Any] = field(default_factory=dict)
    milestones: dict[str, Milestone] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    cancelled: datetime | None = None
    cancel_reason: str = ""
    contacts: list[tuple[datetime, str]] = field(
        default_factory=list
    )  # useful ones, in order, with what it was
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by key, the latest
    reports: dict[str, dict[str, Delivery]] = field(default_factory=dict)  # by key, then by channel
    answers: dict[str, Answer] = field(default_factory=dict)  # by task key, the latest
    wishes: dict[str, Wish] = field(default_factory=dict)  # by message key, the latest
    lines: list[OwnLine] = field(default_factory=list)
    taken: dict[str, TakenOver] = field(default_factory=dict)  # by the key of the message
    events: list[Fact] = field(default_factory=list)  # every fact a rule's `event:` trigger may name


@value(frozen=True, slots=True)
class Window:
    """When a customer wants messages, or a colleague works, in their own zone. ``days``: 0 Monday … 6 Sunday;
    an ``end`` at or before ``start`` runs past midnight. ``channel`` "" means every channel.
    """

    days: frozenset[int]
    start: time
    end: time
    channel: str = ""


@value(frozen=True, slots=True)
class Consent:
    """The last word on one purpose and channel (``""`` means all of them).

    ``under`` says of a word that a merge of customers brought under which id and when it was said.
    """

    given: bool
    at: datetime
    evidence: str = ""
    under: str = ""


@dataclass(slots=True)
class Customer:
    """Who waits: the fold of a customer's facts."""

    id: str
    known: bool = False  # a customer.upserted was heard
    name: str = ""
    given_name: str = ""
    locale: str = ""
    time_zone: str = ""
    country: str = ""
    region: str = ""
    email: str = ""
    phone: str = ""
    devices: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    channels: tuple[str, ...] = ()  # in the order the customer prefers
    windows: tuple[Window, ...] = ()
    topics: tuple[str, ...] = ()
    language: str = ""  # the one they chose themselves, which then is their locale too
    habits: tuple[Window, ...] = ()  # when they usually look, by the channel on which they do
    learning: bool = True
    consents: dict[tuple[str, str], Consent] = field(default_factory=dict)  # (purpose, channel)
    active: dict[str, datetime] = field(default_factory=dict)  # by surface, the latest
    told: dict[str, datetime] = field(default_factory=dict)  # lines that rode along in a mail, by id
    merged_into: str = ""
    erased: bool = False
    sent: tuple["Sent", ...] = field(default=(), compare=False)  # of late, counted by the ledger for the caps


# ── notifications and their states ───────────────────────────────────────────


class Purpose(StrEnum):
    """Why a message is sent; law, consent, caps and headers follow from it."""

    SECURITY = "security"
    SERVICE = "service"
    RELATIONSHIP = "relationship"
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True, eq=False)  # counted again and again: found by identity
class Sent:
    """A message to a customer that was taken by its provider, or may have been, or is on its way.

    ``waits`` says that it may still be kept back: it was claimed and not begun.
    """

    at: datetime
    purpose: Purpose
    key: str
    entry: int
    waits: bool = False


class Kind(StrEnum):
    """A message tells somebody something; a task makes a member of staff act."""

    MESSAGE = "message"
    TASK = "task"


class Status(StrEnum):
    """The states of a ledger entry (docs/explanation/flow.md draws :data:`MOVES`)."""

    HELD = "held"
    SCHEDULED = "scheduled"
    DISPATCHED = "dispatched"
    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"


# what is not sent (again): withheld, or back to unknown if it may have left in an earlier try
_WITHHELD = {Status.CANCELLED, Status.EXPIRED, Status.SUPPRESSED, Status.UNKNOWN}

MOVES: Mapping[Status, frozenset[Status]] = {
    Status.HELD: frozenset({Status.SCHEDULED, *_WITHHELD}),
    Status.SCHEDULED: frozenset({Status.HELD, Status.DISPATCHED, *_WITHHELD}),
    Status.DISPATCHED: frozenset({Status.SCHEDULED, Status.SENDING, *_WITHHELD}),
    Status.SENDING: frozenset({Status.ACCEPTED, Status.SCHEDULED, Status.FAILED, Status.UNKNOWN}),
    Status.UNKNOWN: frozenset({Status.ACCEPTED, Status.SCHEDULED, Status.FAILED}),
    Status.CANCELLED: frozenset({Status.SCHEDULED}),  # a key the planner cancelled may be wanted again
    Status.ACCEPTED: frozenset(),
    Status.FAILED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.SUPPRESSED: frozenset(),
}
"""The only truth about moves."""

WAITING = frozenset({Status.HELD, Status.SCHEDULED})  # what the planner may still move or cancel
IN_FLIGHT = frozenset({Status.DISPATCHED, Status.SENDING})  # at most one of these per order
FINAL = frozenset({Status.ACCEPTED, Status.FAILED, Status.CANCELLED, Status.EXPIRED, Status.SUPPRESSED})


@value(frozen=True)
class Step:
    """One channel's try inside an entry: not before *at*, because *why*."""

    channel: str
    at: datetime
    why: str = ""
    unless_active: datetime | None = None  # not needed if the customer was active since then …
    surfaces: tuple[str, ...] = ()  # … on one of these, or anywhere


@value(frozen=True)
class Tells:
    """A promise that a notification tells its customer once it is accepted."""

    milestone: str
    value: Promised


_STEP = re.compile(r"\.s\d+$")


def step_occasion(occasion: str, number: int) -> str:
    """Name the *number*-th message by which one thing is said, each by another channel; 1 is the first."""
    return occasion if number == 1 else f"{occasion}.s{number}"


def first_occasion(occasion: str) -> str:
    """The occasion of which that is a step: the inverse of :func:`step_occasion`."""
    return _STEP.sub("", occasion)


def key_of(order: str, rule: str, occasion: str, role: str, mode: str) -> str:
    """Name one intent for ever; a rule on trial has names of its own, for no rule's id begins with ``~``."""
    return f"{order}/{'~' if mode == 'shadow' else ''}{rule}/{occasion}/{role}"


@value(frozen=True)
class Notification:
    """One intent: this rule, this occasion, this recipient, due then, useless after then.

    ``because`` says what made it due, ``unless`` what would take it back; ``values`` are what the
    condition saw. Those of one ``joins`` may leave in one message, from their step on, when one is due.
    """

    order: str
    rule: str
    occasion: str
    role: str
    customer: str
    kind: Kind
    template: str
    purpose: Purpose
    due_at: datetime
    expires_at: datetime | None
    steps: tuple[Step, ...] = ()
    tells: tuple[Tells, ...] = ()
    because: Reason = NOTHING
    unless: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    milestone: str = ""
    journey: str = ""
    trigger_at: datetime | None = None
    ack_by: datetime | None = None  # tasks: acknowledge by then, or it goes to the next person
    mode: str = "live"
    joins: str = ""  # rule, role and person, where the rule combines

    @property
    def key(self) -> str:
        """order/rule/occasion/role, unique for ever; see :func:`key_of`."""
        kept: str | None = self.__dict__.get("_key")  # no part of its JSON: that leaves out what begins so
        if kept is None:
            kept = self.__dict__["_key"] = key_of(self.order, self.rule, self.occasion, self.role, self.mode)
        return kept

    def at(self, due_at: datetime, steps: tuple[Step, ...]) -> "Notification":
        """The same at another time; a quarter of the work of `replace`, which looks at every field."""
        other = object.__new__(Notification)
        other.__dict__.update(self.__dict__, due_at=due_at, steps=steps)
        return other


@value(frozen=True, slots=True)
class Silence:
    """Why a rule says nothing now, or not any more; ``key`` where a notification is concerned."""

    rule: str
    reason: Reason
    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@value(frozen=True, slots=True)
class Decision:
    """The planner's answer for one order, *at* a moment.

    What is ``kept`` is from before its rule counts: wanted where the ledger waits for it already, and never
    made anew.
    """

    order: str
    wanted: tuple[Notification, ...] = ()
    silences: tuple[Silence, ...] = ()
    errors: tuple[str, ...] = ()
    at: datetime | None = None
    kept: tuple[Notification, ...] = ()


@value(frozen=True, slots=True)
class Entry:
    """One row of the ledger: a notification and what became of it so far."""

    id: int
    key: str
    wanted: Notification
    status: Status
    due_at: datetime
    expires_at: datetime | None
    not_before: datetime | None = None
    step: int = 0
    generation: int = 0
    attempts: int = 0
    message_id: str = ""
    channel: str = ""
    reason: Reason = NOTHING
    by_person: bool = False  # cancelled by a person: never wanted again
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def run_at(self) -> datetime:
        """When it may go: the planner's ``due_at`` or the dispatcher's ``not_before``, the later."""
        return self.due_at if self.not_before is None else max(self.due_at, self.not_before)
