"""What a person does about an order: said as an event with their name, or a message of it taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.engine import Engine
from orchestrator.errors import Conflict, Problem, Stale
from orchestrator.intake import Incoming, Place, parse
from orchestrator.ledger import Transaction
from orchestrator.model import WAITING, Entry, Status
from orchestrator.reasons.sending import by_person
from orchestrator.sending.outcomes import fact_of
from orchestrator.withholding import withhold

RESCHEDULED = "message.rescheduled"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody said or did, once: *once* names it, so that a second click changes nothing.

    It happened *at* a moment, or else now.
    """

    source: str
    once: str
    kind: str
    subject: str
    data: Mapping[str, Any]
    at: datetime | None = None


def event_of(act: Act, now: datetime) -> Incoming | list[Problem]:
    """The event that an act is, or what is wrong with it."""
    document = {
        "specversion": "1.0",
        "id": act.once,
        "source": act.source,
        "type": act.kind,
        "subject": act.subject,
        "time": (act.at or now).isoformat(),
        "data": {name: value for name, value in act.data.items() if value != ""},
    }
    return parse(document, now, place=Place("what was said"))


def hear(engine: Engine, tx: Transaction, event: Incoming, now: datetime) -> bool:
    """Hear what somebody said, and say whether it was new: a second click says the same at another moment."""
    try:
        with tx.apart():
            return engine.take(tx, [event], now).new > 0
    except Conflict:
        return False


def reschedule(engine: Engine, tx: Transaction, event: Incoming, now: datetime) -> Entry:
    """Hear that a message is to leave at another moment; return its entry as planned then.

    What only waited, and was never tried, waits no longer. Raises :class:`Stale` if it left meanwhile.
    """
    key = str(event.fact.data["message"])
    _waiting(tx, key)
    hear(engine, tx, event, now)
    entry = _waiting(tx, key)
    tx.let_go(entry.id, now)
    return _waiting(tx, key)


def cancel(engine: Engine, tx: Transaction, key: str, reason: str, now: datetime) -> Status:
    """Take a notification back for good; say as what it ended.

    It is never wanted again. Raises :class:`Stale` if it left meanwhile, or is over.
    """
    entry = _waiting(tx, key)
    tx.own([entry.wanted.order])
    entry = _waiting(tx, key)
    zone = engine.book.policy.time_zone
    status, why = withhold(tx, entry, Status.CANCELLED, by_person(reason), now, zone, by_person=True)
    tx.append([fact_of(entry.wanted, entry, status, now, reason=why)])
    engine.plan(tx, {entry.wanted.order: now}, now)
    return status


def _waiting(tx: Transaction, key: str) -> Entry:
    entry = tx.entry(key)
    if entry is None or entry.status not in WAITING:
        what = "is not planned any more" if entry is None else f"is {entry.status} by now"
        raise Stale(f"it {what}")
    return entry
