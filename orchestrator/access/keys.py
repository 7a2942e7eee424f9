"""API keys: how other systems prove who they are, and what they may.

A key is shown once and kept as a hash. Two keys of one name may be good at once, so that a system can be
given the new one before the old one is revoked.
"""

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.access.audit import By, Told, record
from orchestrator.access.people import Refused
from orchestrator.access.tokens import digest, new_key, prefix_of
from orchestrator.errors import NotFound
from orchestrator.ledger import Transaction
from orchestrator.ledger.access_values import ApiKey

AT_ONCE = 2  # keys of one name
TOUCH = timedelta(minutes=1)  # how exactly it is known when a key was last used


class Scope(StrEnum):
    """What a key may do."""

    EVENTS_WRITE = "events:write"
    ORDERS_READ = "orders:read"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_WRITE = "notifications:write"
    PLANS_READ = "plans:read"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    MEASURES_READ = "measures:read"
    WEBHOOKS_WRITE = "webhooks:write"


def add(tx: Transaction, by: By, now: datetime, name: str, scopes: Iterable[Scope]) -> tuple[ApiKey, str]:
    """Make a key, and give it with its secret, which nobody can read again.

    Raises :class:`Refused`.
    """
    name, chosen = " ".join(name.split()), frozenset(scopes)
    wrong = {}
    if not name or len(name) > 100:
        wrong["name"] = "name the system that will use it, in at most 100 characters"
    elif any(key.name == name for key in _good(tx)):
        wrong["name"] = f"there is a key of {name} already: rotate it, or choose another name"
    if not chosen:
        wrong["scopes"] = "choose at least one thing that it may do"
    if wrong:
        raise Refused(wrong)
    return _made(tx, by, now, name, chosen, "make a key")


def rotate(tx: Transaction, by: By, now: datetime, name: str) -> tuple[ApiKey, str]:
    """Make another key of that name with the same scopes; the old one stays good until it is revoked.

    Raises :class:`Refused` if two are good already, and :class:`NotFound`.
    """
    good = [key for key in _good(tx) if key.name == name]
    if not good:
        raise NotFound(f"no key is called {name!r}")
    if len(good) >= AT_ONCE:
        raise Refused({"name": f"two keys of {name} are good already: revoke the older one first"})
    return _made(tx, by, now, name, good[-1].scopes, "rotate a key")


def revoke(tx: Transaction, by: By, now: datetime, prefix: str) -> ApiKey:
    """Let a key open nothing any more; raises :class:`NotFound`."""
    key = tx.api_key(prefix)
    if key is None:
        raise NotFound(f"no key begins with bfh_{prefix}")
    if tx.revoke_api_key(key.id, now):
        record(tx, by, Told("revoke a key", _about(key), {"good": True}, {"good": False}), now)
    return key


def find(tx: Transaction, given: str) -> ApiKey | None:
    """Give the key that this is, if it is good."""
    prefix = prefix_of(given)
    key = tx.api_key(prefix) if prefix else None
    fits = hmac.compare_digest(key.digest if key else "", digest(given))
    return key if key is not None and fits and key.revoked_at is None else None


def _made(
    tx: Transaction, by: By, now: datetime, name: str, scopes: frozenset[str], what: str
) -> tuple[ApiKey, str]:
    prefix, whole = new_key()
    key = ApiKey(0, name, prefix, digest(whole), frozenset(map(str, scopes)), now, by.who)
    tx.add_api_key(key)
    record(tx, by, Told(what, _about(key), {}, {"scopes": sorted(key.scopes)}), now)
    return key, whole


def _good(tx: Transaction) -> list[ApiKey]:
    return [key for key in tx.api_keys() if key.revoked_at is None]


def _about(key: ApiKey) -> str:
    return f"key {key.name} (bfh_{key.prefix})"
