"""What stands against sending besides an order's own facts: suppressions, pauses, staging."""

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.ledger import Suppression, Transaction
from orchestrator.model import Entry, Sent
from orchestrator.sending.guard import Blocks, Shut
from orchestrator.sight import Sight, sent_to
from orchestrator.timing.send_time import addresses, recipient

_KEY = "suppression_key"
_NUMBER = re.compile(r"\+[\d\s().\-/]+")
_SPELT = re.compile(r"[^+\d]")  # what people put between digits


def blocks(
    tx: Transaction,
    entries: Sequence[Entry],
    sight: Sight,
    allow: frozenset[str] | None,
    moments: Mapping[int, datetime],
    now: datetime,
    shut: Mapping[str, Shut],
) -> Blocks:
    """Look up what stands against these entries, each handled at its moment (by id), for the guard."""
    suppressed = dict(listed(tx, {place for entry in entries for place in _places(entry, sight)}))
    paused = {(pause.kind.value, pause.name): pause.reason for pause in tx.pauses()}
    sent = _sent(tx, sight, moments, now) if sight.book.capped else {}
    policy = sight.book.policy
    return Blocks(suppressed, paused, allow, policy.caps, sent, shut, policy.kinds)


def _sent(
    tx: Transaction, sight: Sight, moments: Mapping[int, datetime], now: datetime
) -> dict[str, list[Sent]]:
    """What counts for the caps of these customers. What was claimed and not begun counts as going now."""
    found = sent_to(tx, sight, min(moments.values(), default=now))
    return {
        customer: [replace(one, at=moments.get(one.entry, now)) if one.waits else one for one in theirs]
        for customer, theirs in found.items()
    }


def suppress(tx: Transaction, channel: str, to: str, reason: str, evidence: str, now: datetime) -> None:
    """Send nothing to this address on this channel or kind of channel any more; only a keyed hash stays."""
    tx.suppress(Suppression(channel, _hash(_key(tx), to), reason, evidence, now))


def lift(tx: Transaction, channel: str, to: str, reason: str) -> None:
    """Send to this address again, if it is on the list for that *reason*."""
    place = (channel, _hash(_key(tx), to))
    found = tx.suppressed([place]).get(place)
    if found is not None and found.reason == reason:
        tx.unsuppress(*place)


def listed(tx: Transaction, addresses: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, str], str]]:
    """Those of these (channel, address) that nothing is sent to any more, each with the reason.

    However an address is spelt, in small letters or large, it is the same.
    """
    if tx.remembered(_KEY) is None:
        return []  # nothing was ever listed
    key = _key(tx)
    named = {place: (place[0], _hash(key, place[1])) for place in addresses}
    found = tx.suppressed(set(named.values())) if named else {}
    return sorted((place, found[name].reason) for place, name in named.items() if name in found)


def hashed(tx: Transaction, addresses: Iterable[str]) -> dict[str, str]:
    """The keyed hash of each of these addresses, by which they may be kept; "" has none."""
    key = _key(tx)
    return {to: _hash(key, to) if to else "" for to in addresses}


def _places(entry: Entry, sight: Sight) -> set[tuple[str, str]]:
    """Where the notification might go, as it is wanted now."""
    order, decision = sight.orders.get(entry.wanted.order), sight.decisions.get(entry.wanted.order)
    if order is None or decision is None:
        return set()
    wanted = next((note for note in (*decision.wanted, *decision.kept) if note.key == entry.key), None)
    if wanted is None:
        return set()
    who = recipient(wanted.role, order, sight.customer_of(order))
    kinds = {step.channel: sight.book.policy.kind(step.channel) for step in wanted.steps}
    return {
        (name, to)
        for channel, kind in kinds.items()
        for to in addresses(kind, who)
        for name in (channel, kind)
    }


def _hash(key: bytes, to: str) -> str:
    spelt = _SPELT.sub("", to) if _NUMBER.fullmatch(to) else _in_ascii(to.lower())
    return hmac.digest(key, spelt.encode(errors="replace"), "sha256").hex()


def _in_ascii(to: str) -> str:
    """A mailbox with its domain as servers and their bounces write it (RFC 5891); the rest as it is."""
    if "@" not in to or to.isascii():
        return to
    from email_validator import EmailNotValidError, validate_email  # only for who needs it

    try:
        found = validate_email(to, check_deliverability=False)
    except EmailNotValidError:
        return to
    return f"{found.local_part}@{found.ascii_domain}"


def _key(tx: Transaction) -> bytes:
    """The key of the hashes: made once, and kept in the ledger.

    Read anew in each transaction, for the one that made it may have been undone.
    """
    known = tx.remembered(_KEY)
    if known is None:
        known = secrets.token_hex(32)
        tx.remember(_KEY, known)
    return bytes.fromhex(known)
