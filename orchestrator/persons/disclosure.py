"""Everything that is kept about a person, to hand to them (GDPR articles 15 and 20)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, time
from pathlib import Path
from typing import Any

from channels.outbox import is_attached, kept_for, read
from orchestrator.ledger import Attempt, InboxItem, Transaction
from orchestrator.model import ENGINE, Entry, Fact, Kind, Purpose
from orchestrator.persons.consents import history, line, refused
from orchestrator.persons.personal import Person, find
from orchestrator.reasons.unsaid import ERASED
from orchestrator.sending.suppressions import listed

CHANNELS = ("email", "sms", "push")
NOTHING: tuple[Any, ...] = ("", None, (), [], {})  # what says nothing to a reader
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def disclose(tx: Transaction, customer: str, outbox: Path, now: datetime) -> dict[str, Any]:
    """Return what is kept about a customer, as one document of plain values; raises :class:`NotFound`."""
    person = find(tx, customer)
    attempts = {entry.id: tx.attempts(entry.id) for entry in person.all_entries()}
    files = _files(outbox, person, attempts)
    return {
        "customer": customer,
        "ids": list(person.ids),
        "as_of": now,
        "person": _person(person),
        "may_send": [
            {"purpose": purpose.value, "channel": channel, "allowed": not why, "why": why}
            for purpose in Purpose
            for channel in CHANNELS
            for why in (ERASED if person.state.erased else refused(person.state, purpose, channel),)
        ],
        "consents": [asdict(word) | {"text": line(word)} for word in history(person.facts)],
        "facts": [_fact(fact) for theirs in person.facts.values() for fact in theirs],
        "orders": [
            {
                "order": order,
                "facts": [_fact(fact) for fact in facts if fact.source != ENGINE],
                "messages": [
                    _message(entry) | {"attempts": [asdict(attempt) for attempt in attempts[entry.id]]}
                    for entry in person.entries[order]
                    if entry.wanted.role == "customer"
                ],
                "tasks": [
                    _message(entry)
                    for entry in person.entries[order]
                    if entry.wanted.kind is Kind.TASK
                ],
            }
            for order, facts in person.orders.items()
        ],
        "inbox": [_found(item) for item in tx.whole_inbox(person.ids) if not item.replaced],
        "outbox": [_file(path) for path in files if not is_attached(path)],
        "suppressed": [
            {"channel": channel, "address": to, "reason": why}
            for (channel, to), why in listed(tx, person.addresses)
        ],
    }  # fmt: skip


def _files(outbox: Path, person: Person, attempts: Mapping[int, Sequence[Attempt]]) -> list[Path]:
    """The messages that were for them; not those about their orders that were for others, at any address."""

    def kept(addresses: set[str], *, theirs: bool) -> dict[Path, None]:
        entries = [one for one in person.all_entries() if (one.wanted.role == "customer") is theirs]
        receipts = {attempt.provider_id for one in entries for attempt in attempts[one.id]}
        return dict.fromkeys(kept_for(outbox, addresses, receipts, {one.message_id for one in entries}))

    others = kept(set(), theirs=False)
    return [path for path in kept({to for _, to in person.addresses}, theirs=True) if path not in others]


def _person(person: Person) -> dict[str, Any]:
    state = asdict(person.state)
    for name in ("consents", "sent"):  # consents are told in full below
        state.pop(name, None)
    return state


def _fact(fact: Fact) -> dict[str, Any]:
    return asdict(fact)


def _message(entry: Entry) -> dict[str, Any]:
    wanted = entry.wanted
    return {
        "key": entry.key,
        "kind": wanted.kind.value,
        "to": wanted.role,
        "template": wanted.template,
        "purpose": wanted.purpose.value,
        "channel": entry.channel,
        "status": entry.status.value,
        "due_at": entry.due_at,
        "ended_at": entry.updated_at,
        "because": wanted.because,
        "reason": entry.reason,
        "seen": dict(wanted.values),
    }


def _found(item: InboxItem) -> dict[str, Any]:
    return {
        "order": item.order_id,
        "title": item.title,
        "text": item.text,
        "link": item.link,
        "at": item.at,
        "read_at": item.read_at,
    }


def _file(path: Path) -> dict[str, Any]:
    kept = read(path)
    return {"file": path.name, "to": kept.to, "subject": kept.subject, "text": kept.text}


# ── for a reader ─────────────────────────────────────────────────────────────


def as_text(document: Mapping[str, Any]) -> Iterator[str]:
    """The same for a person to read, line by line."""
    yield f"What is kept about customer {document['customer']}, as of {_moment(document['as_of'])}"
    yield ""
    yield from _fields(document["person"])
    yield from _section("Consent, word by word", (_word(word) for word in document["consents"]))
    yield from _section("What may be sent", (_may(one) for one in document["may_send"]))
    yield from _section("What was heard about the person", (_heard(fact) for fact in document["facts"]))
    for order in document["orders"]:
        yield from _section(f"Order {order['order']}", (_heard(fact) for fact in order["facts"]))
        yield from _section(f"Messages about order {order['order']}", map(_told, order["messages"]))
        yield from _section(f"Tasks of our staff about order {order['order']}", map(_told, order["tasks"]))
    yield from _section("Messages in their inbox", map(_in_inbox, document["inbox"]))
    yield from _section("Messages that are kept", (_words(kept) for kept in document["outbox"]))
    yield from _section(
        "Addresses nothing is sent to",
        (f"{one['address']} by {one['channel']}: {one['reason']}" for one in document["suppressed"]),
    )


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    told = list(lines)
    if told:
        yield from ("", title, "-" * len(title), *told)


def _fields(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value not in NOTHING and value is not False and name != "known":
            yield f"{name.replace('_', ' ')}: {_plain(value)}"


def _word(word: Mapping[str, Any]) -> str:
    return f"{_moment(word['said'])}  {word['text']}"


def _may(one: Mapping[str, Any]) -> str:
    return f"{one['purpose']} by {one['channel']}: {one['why'] or 'yes'}"


def _heard(fact: Mapping[str, Any]) -> str:
    return f"{_moment(fact['happened'])}  {fact['type']}: {_plain(fact['data'])}".rstrip(": ")


def _told(message: Mapping[str, Any]) -> str:
    by = f" by {message['channel']}" if message["channel"] else ""
    why = message["reason"] or message["because"]
    at = _moment(message["ended_at"] or message["due_at"])
    return f"{at}  {message['template']} to the {message['to']}{by}: {message['status']}; {why}"


def _in_inbox(item: Mapping[str, Any]) -> str:
    read = f"read {_moment(item['read_at'])}" if item["read_at"] else "not read"
    return f"{_moment(item['at'])}  {item['title']} ({read})\n{item['text']}"


def _words(kept: Mapping[str, Any]) -> str:
    text = kept["text"].replace("\r\n", "\n")
    return f"{kept['file']}: {kept['subject']}\n{text}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        told = ((name, inner) for name, inner in value.items() if inner not in NOTHING)
        return ", ".join(
            f"{name}: {_days(inner) if name == 'days' else _plain(inner)}" for name, inner in told
        )
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_plain(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return _moment(value) if isinstance(value, datetime) else str(value)


def _days(value: Any) -> str:
    """The days of a window by name; whatever else is called so as it is."""
    if not isinstance(value, list | tuple | set | frozenset) or not all(day in range(7) for day in value):
        return _plain(value)
    return "every day" if len(set(value)) == len(DAYS) else _plain([DAYS[day] for day in sorted(value)])


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
