"""What stays of a fact about an erased person: what the fold needs to go on, and nothing that says who."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.ledger.traces import without
from orchestrator.ledger.values import Heard
from orchestrator.model import ENGINE, Fact

ERASED = b"erased"  # the digest of a fact without payload: the same event again is known, whatever it says

STAFF = ("owner", "manager", "location")
OWN = ("name", "given_name", "email", "phone", "devices")  # of a customer, whoever else is called so
_SLOT = ("id", "from", "to")
_REPORT = ("message", "channel", "provider", "code")
_STAYS: Mapping[str, tuple[str, ...]] = {
    "customer.merged": ("into",),
    "customer.unmerged": (),
    "consent.given": ("purpose", "channel"),
    "consent.withdrawn": ("purpose", "channel"),
    "order.upserted": ("customer", "journey", "owner", "manager", "location", "parties"),
    "promise.made": ("milestone", "date", "at", "from", "to", "told", "source"),
    "milestone.reached": ("milestone",),
    "milestone.retracted": ("milestone",),
    "slot.offered": ("slots",),
    "slot.chosen": ("slot",),
    "message.replied": ("channel", "message"),
    "message.rescheduled": ("message", "at", "by"),
    "message.line_added": ("by", "beside"),
    "message.taken_over": ("message", "by"),
    "message.links_closed": ("message", "by"),
    "feedback.given": ("phase", "score", "message"),
    "contact.logged": ("direction", "by"),
    "task.acknowledged": ("task", "by"),
    "task.done": ("task", "by"),
}


def skeleton(fact: Fact, secrets: Collection[str] = ()) -> Mapping[str, Any]:
    """The data that stays, without *secrets*: what the engine said itself, and what the table above names."""
    if fact.source == ENGINE:
        kept: Any = dict(fact.data)
    else:
        names = _STAYS.get(fact.type, _REPORT if fact.type.startswith("message.") else ())
        kept = {name: fact.data[name] for name in names if name in fact.data}
    if "slot" in kept:
        kept["slot"] = _slot(kept["slot"])
    if "slots" in kept:
        kept["slots"] = [_slot(slot) for slot in kept["slots"]]
    return unnamed(kept, secrets)


def unnamed(
    data: Mapping[str, Any], secrets: Collection[str], kept: Collection[str] = STAFF
) -> Mapping[str, Any]:
    """Data without *secrets*; an order's staff are not the customer, even under one name, and are *kept*."""
    cleaned: dict[str, Any] = without(data, secrets)
    return cleaned | {name: data[name] for name in kept if name in data}


def _slot(value: Any) -> Any:
    return {name: value[name] for name in _SLOT if name in value} if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class Bare:
    """A fact on its way in, without its payload."""

    fact: Fact
    digest: bytes
    extensions: Mapping[str, Any]


def bare(item: Heard) -> Bare:
    """*item* as it is kept of somebody who was erased; whoever else it names stays as they were known."""
    data = {name: value for name, value in skeleton(item.fact).items() if name != "parties"}
    return Bare(replace(item.fact, data=data), ERASED, {})
