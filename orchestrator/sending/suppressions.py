"""Addresses that nothing is sent to any more: on which channel, why, since when, by what evidence.

Of an address only its hash is kept, keyed with a secret of the ledger. Hashes that came from another ledger
stay under that one's key, for nobody can turn them into addresses: whoever is looked up is looked up by each.
"""

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from orchestrator.ledger import Suppression, Transaction

EVERYWHERE = "*"  # the scope of what counts on every channel
_KEY = "suppression_key"
_OTHERS = "suppression_key/"  # and the name of another ledger's
_NUMBER = re.compile(r"\+[\d\s().\-/]+")
_SPELT = re.compile(r"[^+\d]")  # what people put between digits


def suppress(tx: Transaction, channel: str, to: str, reason: str, evidence: str, now: datetime) -> bool:
    """Send nothing to this address on this channel (or :data:`EVERYWHERE`) any more; say if that is new."""
    return tx.suppress(Suppression(channel, _hash(own_key(tx), to), reason, evidence, now))


def lift(tx: Transaction, channel: str, to: str, why: str, now: datetime, *, only: str = "") -> bool:
    """Allow it again, on that channel or :data:`EVERYWHERE`, and keep *why*; say whether it was suppressed.

    With *only*, if that is the reason it is suppressed for. What bounces after that is suppressed again.
    """
    places = [(channel, name) for name in _names(_keys(tx), to)]
    there = tx.suppressed(places)
    lifted = [tx.unsuppress(*place, why, now) for place, one in there.items() if only in ("", one.reason)]
    return any(lifted)


def lifted_at(tx: Transaction, channel: str, names: Iterable[str]) -> datetime | None:
    """When somebody last allowed it again, by its hashes; nothing if nobody did."""
    moments = (tx.unsuppressed(channel, name) for name in names)
    return max((moment for moment in moments if moment is not None), default=None)


def found(tx: Transaction, addresses: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Suppression]:
    """Of these (channel, address) those that nothing is sent to any more, each with what says so.

    However an address is spelt, in small letters or large, it is the same.
    """
    if not tx.suppressions(limit=1):
        return {}  # nobody is looked up in an empty list
    known = _keys(tx)
    named = {
        place: [(scope, name) for name in _names(known, place[1]) for scope in (place[0], EVERYWHERE)]
        for place in addresses
    }
    there = tx.suppressed({name for names in named.values() for name in names}) if named else {}
    return {
        place: next(there[name] for name in names if name in there)
        for place, names in named.items()
        if any(name in there for name in names)
    }


def listed(tx: Transaction, addresses: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, str], str]]:
    """Those of these (channel, address) that nothing is sent to any more, each with the reason in words."""
    return sorted((place, in_words(one)) for place, one in found(tx, addresses).items())


def in_words(one: Suppression) -> str:
    """Why, by what evidence, since when, and whether that counts on every channel."""
    evidence = one.evidence if one.evidence and one.evidence not in one.reason else ""
    scope = "on every channel" if one.channel == EVERYWHERE else ""
    return f"{one.reason} ({', '.join(filter(None, (evidence, f'since {one.at:%Y-%m-%d}', scope)))})"


def hashed(tx: Transaction, addresses: Iterable[str]) -> dict[str, str]:
    """The keyed hash of each of these addresses, by which they may be kept; "" has none."""
    key = own_key(tx)
    return {to: _hash(key, to) if to else "" for to in addresses}


def own_key(tx: Transaction) -> bytes:
    """The key of the hashes: made once, and kept in the ledger.

    Read anew in each transaction, for the one that made it may have been undone.
    """
    known = tx.remembered(_KEY)
    if known is None:
        known = secrets.token_hex(32)
        tx.remember(_KEY, known)
    return bytes.fromhex(known)


def name_of(key: bytes) -> str:
    """What a key is called beside its hashes, which gives nothing of it away."""
    return sha256(b"suppressions:" + key).hexdigest()[:16]


def accepts(tx: Transaction, key_name: str) -> bool:
    """Is the key of that name one by which addresses are looked up here?"""
    return key_name in {name_of(key) for _, key in _keys(tx)}


def accept_key(tx: Transaction, key: bytes) -> None:
    """Look addresses up by another ledger's key as well."""
    own_key(tx)
    if not accepts(tx, name_of(key)):
        tx.remember(f"{_OTHERS}{name_of(key)}", key.hex())


def stored(tx: Transaction, key_name: str, address_hash: str) -> str:
    """How a hash under the key of that name stands in the list; "" is this ledger's."""
    return address_hash if key_name in ("", name_of(own_key(tx))) else f"{key_name}:{address_hash}"


def as_exported(tx: Transaction, one: Suppression) -> tuple[str, str]:
    """The hash without its key's name, and that name."""
    name, _, address_hash = one.address_hash.rpartition(":")
    return address_hash, name or name_of(own_key(tx))


def names_of(tx: Transaction, to: str) -> list[str]:
    """How this address may stand in the list."""
    return _names(_keys(tx), to)


def _keys(tx: Transaction) -> list[tuple[str, bytes]]:
    """Keys with what stands before their hashes: nothing for this ledger's. At first there is none."""
    known = tx.all_remembered(_KEY)
    return [(name.removeprefix(_KEY).removeprefix("/"), bytes.fromhex(key)) for name, key in known]


def _names(known: Iterable[tuple[str, bytes]], to: str) -> list[str]:
    return [f"{name}:{_hash(key, to)}" if name else _hash(key, to) for name, key in known]


def _hash(key: bytes, to: str) -> str:
    made = _keyed(key).copy()
    made.update(_settled(to).encode(errors="replace"))
    return made.hexdigest()


@lru_cache(maxsize=16)  # to begin it takes longer than the rest
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def _settled(to: str) -> str:
    """One spelling of an address: numbers by their digits, mailboxes in small letters, domains as in DNS."""
    return _SPELT.sub("", to) if _NUMBER.fullmatch(to) else _in_ascii(to.lower())


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
