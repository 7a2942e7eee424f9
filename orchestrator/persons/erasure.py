"""Erasing a person: the payload goes, the skeleton stays, and nobody writes to their addresses again.

What may not be missing: the fold of their orders, the outcome of every message (so that none is sent twice),
and the keyed hash of each address (so that none is written to again). Everything else that says who they
are goes: from facts, entries, attempts, the outbox, and from the free space of the database's files.
"""

import mmap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from channels.outbox import kept_for
from orchestrator.engine import Engine
from orchestrator.errors import Busy, LedgerAway
from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction
from orchestrator.ledger.skeleton import skeleton, unnamed
from orchestrator.model import ENGINE, IN_FLIGHT, WAITING, Entry, Fact, Scope, Status, scope_of
from orchestrator.persons.personal import Person, find
from orchestrator.planning.case import ERASED
from orchestrator.sending import outcomes
from orchestrator.sending.blocks import suppress
from orchestrator.withholding import withhold


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: so many of *what* were erased or kept, and why."""

    what: str
    count: int
    became: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """What an erasure is about: the person, their files, and where else they are mentioned."""

    person: Person
    files: tuple[Path, ...]
    mentioned: tuple[Fact, ...]  # in other people's orders
    shared: tuple[str, ...]  # other customers with the same name or address

    @property
    def waiting(self) -> list[Entry]:
        """What was still to be said to them."""
        return [
            entry
            for entry in self.person.all_entries()
            if entry.status in WAITING and entry.wanted.role == "customer"
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """What was erased, and what was kept and why; with a *dry* run, what would be."""

    customer: str
    ids: tuple[str, ...]
    lines: tuple[Line, ...]
    dry: bool = False
    left: tuple[str, ...] = ()  # files in which something of it still stands
    unclean: str = ""  # why free space could not be cleaned: erase again, and it is


def survey(tx: Transaction, customer: str, outbox: Path) -> Found:
    """Find what an erasure would be about; raises :class:`NotFound`."""
    person = find(tx, customer)
    tried = [attempt for entry in person.all_entries() for attempt in tx.attempts(entry.id)]
    files = kept_for(
        outbox,
        {to for _, to in person.addresses},
        {attempt.provider_id for attempt in tried},
        {entry.message_id for entry in person.all_entries()},
    )
    naming = tx.facts_naming(person.secrets)
    others = [f for f in naming if f.subject not in person.orders and f.subject not in person.ids]
    return Found(
        person,
        tuple(files),
        tuple(f for f in others if scope_of(f.type) is Scope.ORDER),
        tuple(sorted({f.subject for f in others if scope_of(f.type) is Scope.CUSTOMER})),
    )


def dry_run(engine: Engine, customer: str, outbox: Path) -> Report:
    """Say what an erasure would erase and keep; writes nothing."""
    with engine.ledger.read() as tx:
        found = survey(tx, customer, outbox)
    return Report(customer, found.person.ids, tuple(_lines(found)), dry=True)


def erase(engine: Engine, customer: str, reason: str, now: datetime, outbox: Path) -> Report:
    """Erase a person for good, in one transaction, and then from the free space of the database's files.

    Raises :class:`NotFound`, and :class:`Busy` while one of their messages is being sent.
    """
    with engine.ledger.transaction() as tx:
        tx.file_under_customers(find(tx, customer).ids)
        found = survey(tx, customer, outbox)
        _demand_nothing_is_leaving(found.person)
        for path in found.files:  # before the commit: afterwards nobody knows whose they were
            path.unlink(missing_ok=True)
        _erase(tx, engine, found, reason, now)
    unclean = ""
    try:
        engine.ledger.clean()
    except LedgerAway as error:  # what was committed stays erased
        unclean = str(error)
    left = standing_in([*engine.ledger.files(), *_files_in(outbox)], found.person.secrets)
    return Report(
        customer,
        found.person.ids,
        tuple(_lines(found)),
        left=tuple(path.name for path in left),
        unclean=unclean,
    )


def standing_in(files: Iterable[Path], secrets: Collection[str]) -> list[Path]:
    """Name the files whose bytes hold one of *secrets*."""
    return [path for path in files if any(_holds(path, secret.encode()) for secret in secrets)]


def _holds(path: Path, secret: bytes) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(secret) >= 0


def _files_in(outbox: Path) -> list[Path]:
    return [path for path in outbox.iterdir() if path.is_file()] if outbox.is_dir() else []


def _demand_nothing_is_leaving(person: Person) -> None:
    flying = [entry for entry in person.all_entries() if entry.status in IN_FLIGHT]
    if flying:
        order = flying[0].wanted.order
        raise Busy(
            f"a message of order {order} is being sent just now; nothing was erased, try again in a minute"
        )


def _erase(tx: Transaction, engine: Engine, found: Found, reason: str, now: datetime) -> None:
    person = found.person
    for channel, to in sorted(person.addresses):
        suppress(tx, channel, to, "its owner was erased", "", now)
    told = [_said(customer, reason, now) for customer in person.ids if not _known_erased(person, customer)]
    told += _withhold(tx, found, now, engine.book.policy.time_zone)
    tx.append(told)
    tx.strip_facts((fact, skeleton(fact, person.secrets)) for fact in person.all_facts())
    tx.replace_in_facts((fact, unnamed(fact.data, person.secrets)) for fact in found.mentioned)
    tx.scrub_entries(person.orders, person.secrets, values=True)
    tx.scrub_entries({fact.subject for fact in found.mentioned}, person.secrets, values=False)
    tx.forget_attempts(entry.id for entry in person.all_entries())
    tx.forget_customers(person.ids)
    tx.scrub_suppressions(person.secrets)
    tx.note_erased(person.ids, now)
    touched = [*person.orders, *{fact.subject for fact in found.mentioned}]
    engine.plan(tx, dict.fromkeys(touched, now), now)


def _said(customer: str, reason: str, now: datetime) -> Incoming:
    data = {"reason": reason} if reason else {}
    name = f"erased:{customer}:{now.isoformat()}"
    return Incoming(Fact(ENGINE, name, "customer.erased", customer, now, now, data), b"", {})


def _known_erased(person: Person, customer: str) -> bool:
    return any(fact.type == "customer.erased" and fact.source == ENGINE for fact in person.facts[customer])


def _withhold(tx: Transaction, found: Found, now: datetime, zone: str) -> list[Incoming]:
    """End at once what was still to be said to them."""
    return [
        outcomes.fact_of(entry.wanted, entry, status, now, reason=why)
        for entry in found.waiting
        for status, why in (withhold(tx, entry, Status.SUPPRESSED, ERASED, now, zone),)
    ]


# ── the report ───────────────────────────────────────────────────────────────


def _lines(found: Found) -> Sequence[Line]:
    person = found.person
    entries = list(person.all_entries())
    sent = sum(entry.status is Status.ACCEPTED for entry in entries)
    lines = [
        Line("facts about the person", _count(person.facts), "emptied", "what happened when stays"),
        Line(
            "facts about their orders", _count(person.orders), "emptied", "dates and staff stay: they go on"
        ),
        Line("messages and tasks", len(entries), "emptied", "that they were sent stays: none is sent twice"),
        Line("messages that wait", len(found.waiting), "withheld", "nothing is said to them any more"),
        Line("files in the outbox", len(found.files), "deleted", "messages to them, or about their orders"),
        Line("mentions", len(found.mentioned), "taken out", "of facts about other people's orders"),
        Line("addresses", len(person.addresses), "kept as hashes", "so that they are never written to again"),
        Line("ids", len(person.ids), "kept", f"{', '.join(person.ids)}: what comes in again is recognised"),
        Line("messages sent", sent, "out of reach", "mailboxes and providers have copies: ask them"),
        Line("other customers", len(found.shared), "kept", _why_kept(found.shared)),
    ]
    return [line for line in lines if line.count]


def _why_kept(shared: Sequence[str]) -> str:
    return f"{', '.join(shared)}: of the same name or address; if they are one person, merge them first"


def _count(facts: Mapping[str, Sequence[Fact]]) -> int:
    return sum(len(theirs) for theirs in facts.values())
