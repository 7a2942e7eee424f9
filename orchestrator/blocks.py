"""What stands against sending besides an order's own facts: suppressions, pauses, staging."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from orchestrator.guard import Blocks
from orchestrator.ledger import Suppression, Transaction
from orchestrator.model import Entry
from orchestrator.sight import Sight
from orchestrator.timing import address, recipient

_KEY = "suppression_key"


def blocks(tx: Transaction, entries: Sequence[Entry], sight: Sight, allow: frozenset[str] | None) -> Blocks:
    """Look up what stands against these entries, for the guard."""
    addresses = {place for entry in entries for place in _addresses(entry, sight)}
    suppressed: dict[tuple[str, str], str] = {}
    if addresses:
        key = _key(tx)
        hashes = {(channel, _hash(key, to)): (channel, to) for channel, to in addresses}
        suppressed = {hashes[name]: found.reason for name, found in tx.suppressed(hashes).items()}
    paused = {(pause.kind.value, pause.name): pause.reason for pause in tx.pauses()}
    return Blocks(suppressed, paused, allow)


def suppress(tx: Transaction, channel: str, to: str, reason: str, evidence: str, now: datetime) -> None:
    """Send nothing to this address on this channel any more; only its keyed hash is kept."""
    tx.suppress(Suppression(channel, _hash(_key(tx), to), reason, evidence, now))


def _addresses(entry: Entry, sight: Sight) -> set[tuple[str, str]]:
    """Where the notification might go, as it is wanted now."""
    order, decision = sight.orders.get(entry.wanted.order), sight.decisions.get(entry.wanted.order)
    if order is None or decision is None:
        return set()
    wanted = next((note for note in decision.wanted if note.key == entry.key), None)
    if wanted is None:
        return set()
    who = recipient(wanted.role, order, sight.customer_of(order))
    return {(step.channel, to) for step in wanted.steps if (to := address(step.channel, who))}


def _hash(key: bytes, to: str) -> str:
    return hmac.digest(key, to.lower().encode(errors="replace"), "sha256").hex()


def _key(tx: Transaction) -> bytes:
    """The key of the hashes: made once, and kept in the ledger.

    Read anew in each transaction, for the one that made it may have been undone.
    """
    known = tx.remembered(_KEY)
    if known is None:
        known = secrets.token_hex(32)
        tx.remember(_KEY, known)
    return bytes.fromhex(known)
