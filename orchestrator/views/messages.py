"""Messages and tasks as people look for them, and everything that is known of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.ledger import Asked, Attempt, Transaction
from orchestrator.model import ENGINE, Entry, Fact, Status
from orchestrator.planning.explain import REPORTED
from orchestrator.planning.fold import fold_customer
from orchestrator.sending.turns import turn_of
from orchestrator.views.reader import links_closed

PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages, the newest first; ``names`` says who their customers are.

    The next part of the list begins below ``before``; with *further* nothing more was found among those that
    were looked through, and older ones may be there.
    """

    entries: tuple[Entry, ...]
    names: dict[str, str]
    before: int | None
    further: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider said of a message later, or what its reader did."""

    at: datetime
    channel: str
    words: str
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """One message with its tries and with what came back; ``shown_at`` is when it was said, or would be.

    ``turn`` says when it is called if it waits in line for its channel, else "".
    ``links`` are "open" once it left, or may have, "closed" if somebody closed them, else "".
    """

    entry: Entry
    name: str
    location: str
    brand: str
    attempts: tuple[Attempt, ...]
    reports: tuple[Report, ...]
    shown_at: datetime
    channel: str
    links: str
    turn: str = ""


def page(tx: Transaction, asked: Asked, before: int | None = None) -> Page:
    """Find messages and tasks, from below the number *before* on."""
    found = tx.messages(asked, before=before, limit=PAGE)
    names = names_of(tx, (entry.wanted.customer for entry in found.entries))
    return Page(tuple(found.entries), names, found.before, found.further)


def names_of(tx: Transaction, customers: Iterable[str]) -> dict[str, str]:
    """Say what customers are called, as far as their own facts do."""
    facts = tx.customer_facts(set(customers))
    return {customer: fold_customer(customer, theirs).name for customer, theirs in facts.items() if theirs}


def told(tx: Transaction, number: int, now: datetime) -> Told | None:
    """Give everything that is known of one message; nothing if there is none of that number."""
    entry = tx.entry(number)
    if entry is None:
        return None
    wanted = entry.wanted
    attempts = tuple(tx.attempts(number))
    row = tx.order(wanted.order)
    facts = tx.order_facts([wanted.order])[wanted.order]
    reports = tuple(
        Report(fact.happened, fact.data.get("channel", ""), REPORTED[fact.type], _why(fact.data))
        for fact in facts
        if fact.type in REPORTED and fact.data.get("message") == entry.key
        if fact.source != ENGINE or fact.type != "message.accepted"
    )
    over = attempts[-1].started_at if attempts else entry.updated_at
    waits = entry.status in (Status.SCHEDULED, Status.HELD)
    first = wanted.steps[min(entry.step, len(wanted.steps) - 1)].channel if wanted.steps else ""
    return Told(
        entry,
        names_of(tx, [wanted.customer]).get(wanted.customer, ""),
        row.location if row is not None else "",
        row.brand if row is not None else "",
        attempts,
        reports,
        now if waits or over is None else over,
        entry.channel or first,
        _links(entry, facts),
        turn_of(tx, number),
    )


def _links(entry: Entry, facts: Iterable[Fact]) -> str:
    if not entry.message_id or entry.status not in (Status.ACCEPTED, Status.UNKNOWN):
        return ""
    return "closed" if links_closed(facts, entry.key) else "open"


def _why(data: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (data.get("code"), data.get("reason")) if part)
