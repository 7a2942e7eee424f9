"""Reports → events: what a provider says of a message, as a fact about its order. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from channels.reports import Became, Report
from orchestrator.intake import Incoming
from orchestrator.model import Entry, Fact, Purpose
from orchestrator.private import without_addresses

AT_ONCE = timedelta(seconds=10)  # nobody opens a message so soon after it came: a scanner does
SEEN = frozenset({Became.OPENED, Became.CLICKED})
PREFIX = "message."
ASKED_FOR = frozenset({Purpose.SERVICE, Purpose.SECURITY})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called back: the *name* of the route, and the *channel* whose messages it speaks of.

    With *answers* it passes on what a reply is answered with at once.
    """

    name: str
    channel: str
    answers: bool = False

    @property
    def source(self) -> str:
        """The source of the events it causes."""
        return f"callback:{self.name}"


def reported(caller: Caller, report: Report, entry: Entry, became: Became, now: datetime) -> Incoming:
    """The event that *entry*'s message *became* so; without addresses, and with what was said beside it.

    It happened when the provider says, but not before there was such a message, and not later than now.
    """
    data = {
        "message": entry.key,
        "channel": caller.channel,
        "provider": caller.name,
        "code": report.code,
        "reason": without_addresses(report.reason, report.to),
    }
    data = {name: value for name, value in data.items() if value}
    at = happened(report.at, entry, now)
    return incoming(
        caller.source, f"{report.id}:{entry.id}", f"{PREFIX}{became}", entry.wanted.order, at, now, data,
        {"raw": dict(report.raw)} if report.raw else {},
    )  # fmt: skip


def happened(said: datetime | None, entry: Entry, now: datetime) -> datetime:
    """When it happened: as *said*, within what can be."""
    if said is None:
        return now
    return min(max(said, entry.created_at or said), now)


def truly(report: Report, entry: Entry, now: datetime, delivered: datetime | None) -> Became:
    """What the message became: whatever is opened within a moment of its delivery, no person opened."""
    if report.became not in SEEN or delivered is None or report.by_hand:
        return report.became
    return Became.MACHINE_OPEN if happened(report.at, entry, now) - delivered < AT_ONCE else report.became


def withdrawal(caller: Caller, report: Report, entry: Entry, now: datetime) -> Incoming | None:
    """That the customer wants nothing more by this channel, if the report says so.

    Whoever unsubscribes from mail nobody had to send them still hears of their order.
    """
    if entry.wanted.role != "customer" or report.became not in (Became.COMPLAINED, Became.UNSUBSCRIBED):
        return None
    evidence = {
        "how": f"{report.became} by {caller.channel}, reported by {caller.name}",
        "message": entry.key,
        "code": report.code,
    }
    data: dict[str, Any] = {
        "channel": caller.channel,
        "evidence": {name: value for name, value in evidence.items() if value},
    }
    if report.became is Became.UNSUBSCRIBED and entry.wanted.purpose not in ASKED_FOR:
        data["purpose"] = entry.wanted.purpose.value
    at = happened(report.at, entry, now)
    name = f"{report.id}:{entry.wanted.customer}:consent"
    return incoming(caller.source, name, "consent.withdrawn", entry.wanted.customer, at, now, data)


def incoming(
    source: str, name: str, kind: str, subject: str, at: datetime, heard: datetime,
    data: Mapping[str, Any], beside: Mapping[str, Any] | None = None,
) -> Incoming:  # fmt: skip
    """An event as the ledger takes it."""
    said = orjson.dumps([kind, subject, dict(data)], option=orjson.OPT_SORT_KEYS, default=str)
    fact = Fact(source, name, kind, subject, at, heard, dict(data))
    return Incoming(fact, hashlib.sha256(said).digest(), beside or {})
