"""Erasing a person: the payload goes, the skeleton stays, and nobody writes to their addresses again.

What may not be missing: the fold of their orders, the outcome of every message (so that none is sent twice),
and the keyed hash of each address (so that none is written to again). Everything else that says who they
are goes: from facts, entries, attempts, the outbox, and from the free space of the database's files.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from channels.outbox import kept_for
from orchestrator.engine import Engine
from orchestrator.errors import Busy, LedgerAway
from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction
from orchestrator.ledger.erasing import Standing
from orchestrator.ledger.skeleton import OWN, STAFF, skeleton, unnamed
from orchestrator.ledger.traces import has_word, places, without
from orchestrator.model import ENGINE, IN_FLIGHT, WAITING, Entry, Fact, Scope, Status
from orchestrator.persons.personal import Person, find, last_names, secrets_of
from orchestrator.persons.remains import Note, Place, note, noted, place, standing_in
from orchestrator.reasons.unsaid import ERASED
from orchestrator.sending import outcomes
from orchestrator.sending.suppressions import suppress
from orchestrator.withholding import withhold

SHOWN = 10  # mentions that are named; the rest is counted
_DESCRIBES = "customer.upserted"


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
    mentioned: tuple[tuple[Scope, Fact], ...]  # in what is kept of other people and their orders
    shared: tuple[str, ...]  # other customers with the same name or address
    forgotten: tuple[str, ...] = ()  # erased before: what they were called is not known any more
    inbox: int = 0  # messages in their inbox
    alone: tuple[Fact, ...] = ()  # of others, in which a last name like theirs stands by itself

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
    before: tuple[tuple[str, Note | None], ...] = ()  # whom nobody can look for any more, and what was left
    looked: bool = True  # was any name or address known to look for?


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
    last = last_names(person.facts.values())
    naming = tx.facts_naming(person.secrets | last)
    others = [
        (scope, f)
        for scope, f in naming
        if f.subject not in (person.ids if scope is Scope.CUSTOMER else person.orders)
    ]
    shared = {fact.subject for scope, fact in others if _is_their_own(scope, fact, person)}
    gone = tx.erased(person.ids)
    return Found(
        person,
        tuple(files),
        tuple((scope, fact) for scope, fact in others if _taken_out(scope, fact, person) != fact.data),
        tuple(sorted(shared)),
        tuple(sorted(one for one in gone if not secrets_of(person.facts[one]))),
        len(tx.whole_inbox(person.ids)),
        tuple(fact for scope, fact in others if _stands_alone(last, _taken_out(scope, fact, person), scope)),
    )


def _stands_alone(names: frozenset[str], data: Mapping[str, Any], scope: Scope) -> bool:
    """Does one of these last names stand there as a word, other than as staff's or that customer's own?"""
    own = OWN if scope is Scope.CUSTOMER else STAFF
    rest = {key: inner for key, inner in data.items() if key not in own}
    return any(has_word(rest, name) for name in names)


def _is_their_own(scope: Scope, fact: Fact, person: Person) -> bool:
    """Does it say that somebody else has the same name or address?"""
    own = {name: fact.data[name] for name in OWN if name in fact.data}
    return scope is Scope.CUSTOMER and fact.type == _DESCRIBES and any(places(own, person.secrets))


def _taken_out(scope: Scope, fact: Fact, person: Person) -> Mapping[str, Any]:
    """What stays of a fact about somebody else that mentions the person."""
    if scope is Scope.ORDER:
        return unnamed(fact.data, person.secrets, STAFF)
    return unnamed(fact.data, person.secrets, OWN if fact.type == _DESCRIBES else ())


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
        person = find(tx, customer)
        tx.own_customers(person.ids)
        tx.own(person.orders)
        tx.file_under_customers(person.ids)
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
    with engine.ledger.read() as tx:  # it takes long, and nobody else's write need wait for it
        left, kept = _look_again(tx, engine, found, outbox)
    with engine.ledger.transaction() as tx:
        note(tx, [one for one in found.person.ids if one not in found.forgotten], now, kept)
        before = tuple((one, noted(tx, one)) for one in found.forgotten)
    earlier = [one for _, was in before if was is not None for one in was.left]
    return Report(
        customer,
        found.person.ids,
        (*_lines(found), *_left(dict.fromkeys((*kept, *earlier)))),
        left=left or (("the ledger",) if earlier else ()),
        unclean=unclean,
        before=before,
        looked=bool(found.person.secrets),
    )


def _look_again(
    tx: Transaction, engine: Engine, found: Found, outbox: Path
) -> tuple[tuple[str, ...], list[Place]]:
    """The files in which something still stands, and where; another's own name or address is none of it."""
    secrets = found.person.secrets
    everywhere = list(tx.standing(secrets))
    rows = [row for row in everywhere if not _is_shared(row, found)]
    secrets = secrets.difference(*(row.texts for row in everywhere if _is_shared(row, found)))
    kept = [place(row) for row in rows]
    ledger = engine.ledger.files()
    left = standing_in([*ledger, *_files_in(outbox)], secrets)
    kept += [Place(f"{path.name}: in the outbox, not to them") for path in left if path not in ledger]
    if not rows:
        kept += [Place(f"{path.name}: in no row; erase again") for path in left if path in ledger]
    files = tuple(path.name for path in left)
    return ("the ledger", *files) if rows and not ledger else files, kept


def _is_shared(row: Standing, found: Found) -> bool:
    """Is it the name or address of another customer as well?"""
    return row.row.get("scope") == Scope.CUSTOMER and row.row["subject"] in found.shared


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
    why = without(reason, person.secrets)  # whoever says who asked would keep the name that goes
    told = [_said(customer, why, now) for customer in person.ids if not _known_erased(person, customer)]
    told += _withhold(tx, found, now, engine.book.policy.time_zone)
    tx.append(told)
    tx.strip_facts((fact, skeleton(fact, person.secrets)) for fact in person.all_facts())
    tx.replace_in_facts(
        [(fact, _taken_out(scope, fact, person)) for scope, fact in found.mentioned], person.secrets
    )
    others = _orders_of_mentions(tx, found)
    tx.scrub_entries(person.orders, person.secrets, values=True)
    tx.scrub_entries(others, person.secrets, values=False)
    tx.forget_attempts(entry.id for entry in person.all_entries())
    tx.forget_customers(person.ids)
    tx.forget_inbox(person.ids)
    tx.scrub_suppressions(person.secrets)
    tx.note_erased(person.ids, now)
    engine.plan(tx, dict.fromkeys([*person.orders, *sorted(others)], now), now)


def _orders_of_mentions(tx: Transaction, found: Found) -> set[str]:
    """The orders that are about, or of, whoever mentions them."""
    customers = {fact.subject for scope, fact in found.mentioned if scope is Scope.CUSTOMER}
    theirs = {order for orders in tx.orders_of(customers).values() for order in orders}
    return theirs | {fact.subject for scope, fact in found.mentioned if scope is Scope.ORDER}


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
        Line("messages in the inbox", found.inbox, "deleted", "what they found when they logged in"),
        Line("files in the outbox", len(found.files), "deleted", "messages to them, or about their orders"),
        Line("mentions", len(found.mentioned), "taken out", _mentions(found)),
        Line("last name alone", len(found.alone), "kept", _why_alone(found)),
        Line("addresses", len(person.addresses), "kept as hashes", "so that they are never written to again"),
        Line("ids", len(person.ids), "kept", f"{', '.join(person.ids)}: what comes in again is recognised"),
        Line("messages sent", sent, "out of reach", "mailboxes and providers have copies: ask them"),
        Line("other customers", len(found.shared), "kept", _why_kept(found.shared)),
    ]
    return [line for line in lines if line.count]


def _left(kept: Iterable[Place]) -> list[Line]:
    return [Line("still stands", 1, "not taken out", one.text) for one in kept]


def _mentions(found: Found) -> str:
    return f"of facts about other people and their orders: {_named([fact for _, fact in found.mentioned])}"


def _why_alone(found: Found) -> str:
    return f"another may be called so: look whether it is theirs in {_named(found.alone)}"


def _named(facts: Sequence[Fact]) -> str:
    named = [f"{fact.source}/{fact.id} ({fact.type}) of {fact.subject}" for fact in facts]
    more = f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else ""
    return f"{', '.join(named[:SHOWN])}{more}"


def _why_kept(shared: Sequence[str]) -> str:
    return f"{', '.join(shared)}: of the same name or address; if they are one person, merge them first"


def _count(facts: Mapping[str, Sequence[Fact]]) -> int:
    return sum(len(theirs) for theirs in facts.values())
