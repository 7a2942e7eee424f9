"""What was said and what was promised: facts, promises, milestones, and how values are frozen.

Standard library only; :mod:`orchestrator.model` has these names too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

__all__ = [
    "CUSTOMER_TYPES", "ENGINE", "PRUNED", "Fact", "Milestone", "Promise", "Promised", "Scope", "Telling",
    "Wish", "scope_of", "value",
]  # fmt: skip

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, slots: bool = False) -> Any:
        """A dataclass that the type checker keeps frozen, not Python.

        Planning makes thousands of them a second, and Python's way of freezing makes each take three times
        as long. What is kept as JSON has no slots either: orjson writes a plain instance in a third of the
        time.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)


@value(frozen=True, slots=True)
class Fact:
    """What one accepted event says; appended, never edited.

    ``happened`` is the event's ``time``; ``heard`` its ``recordedtime``, or else when it reached us.
    """

    source: str
    id: str
    type: str
    subject: str
    happened: datetime
    heard: datetime
    data: Mapping[str, Any]


class Scope(StrEnum):
    """Whom a fact's subject names."""

    ORDER = "order"
    CUSTOMER = "customer"


CUSTOMER_TYPES = ("customer.", "preference.", "consent.")
ORDER_TYPES = (
    "order.", "promise.", "milestone.", "slot.", "message.", "feedback.", "contact.", "task.",
    "notification.",
)  # fmt: skip

_OURS = CUSTOMER_TYPES + ORDER_TYPES

CORE_TYPES = (
    "customer.upserted", "customer.active", "customer.habit", "customer.merged", "customer.unmerged",
    "customer.erased", "preference.set", "consent.given", "consent.withdrawn", "order.upserted",
    "order.held", "order.released", "order.cancelled", "promise.made", "milestone.reached",
    "milestone.retracted", "slot.offered", "slot.chosen", "message.replied", "message.line_added",
    "message.taken_over", "message.links_closed", "message.accepted",
    "message.deferred", "message.delivered", "message.machine_open", "message.opened", "message.clicked",
    "message.failed", "message.bounced", "message.complained", "message.unsubscribed",
    "message.rescheduled", "feedback.given", "contact.logged", "task.acknowledged", "task.done",
)  # fmt: skip
"""The types of events that the engine itself understands; what each may hold, intake knows."""

PRUNED = "order.pruned"  # of an order whose history was deleted this is the only fact that stays
ENGINE = "beforehand"  # the source of the facts the engine writes about its own notifications


def scope_of(fact_type: str) -> Scope:
    """Say whether a fact of this type is about a customer or an order.

    Any other type: an order, unless it :func:`may_be_either` and its subject is a customer's id alone.
    """
    return Scope.CUSTOMER if fact_type.startswith(CUSTOMER_TYPES) else Scope.ORDER


def may_be_either(fact_type: str) -> bool:
    """Is this a company's own type, whose subject may be an order or a customer?"""
    return not fact_type.startswith(_OURS)


@value(frozen=True, slots=True)
class Promised:
    """The value of a promise: a local ``day``, or an instant (``start`` alone), or a window."""

    day: date | None = None
    start: datetime | None = None
    end: datetime | None = None

    def __str__(self) -> str:
        if self.day is not None:
            return self.day.isoformat()
        assert self.start is not None
        text = self.start.isoformat(timespec="minutes")
        return text if self.end is None else f"{text}/{self.end.isoformat(timespec='minutes')}"


@value(frozen=True, slots=True)
class Promise:
    """One version of a milestone's promise; a version is new only when the value differs."""

    milestone: str
    version: int
    value: Promised
    made: datetime
    heard: datetime
    told: bool
    source: str = ""
    reason: str = ""


@value(frozen=True, slots=True)
class Telling:
    """The customer was told *value*: by us (``key`` of the notification) or by somebody else (no key)."""

    value: Promised
    at: datetime
    key: str | None = None


@value(frozen=True, slots=True)
class Wish:
    """Somebody of ours wants a message to leave *at* another moment than its rule."""

    at: datetime
    by: str


@dataclass(slots=True)
class Milestone:
    """A dated point of one order: its promises, what was told, and whether it happened.

    ``episode`` counts from 1 and grows with each retraction that ended one.
    """

    name: str
    episode: int = 1
    reached: datetime | None = None
    heard: datetime | None = None
    note: str = ""
    retracted: datetime | None = None
    retracted_heard: datetime | None = None
    promises: list[Promise] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)

    @property
    def promise(self) -> Promise | None:
        """The newest version, told or not."""
        return self.promises[-1] if self.promises else None

    @property
    def told(self) -> Telling | None:
        """What the customer was last told, if anything still stands."""
        return self.tellings[-1] if self.tellings else None
