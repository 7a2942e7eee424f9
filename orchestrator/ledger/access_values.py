"""What goes into the verbs about access and comes out of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in; no locations and no brands means: all of them."""

    id: int
    email: str
    name: str
    role: str
    locations: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    password: str = field(default="", repr=False)  # its hash, or nothing
    made_at: datetime | None = None
    signed_in_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which somebody is signed in."""

    digest: str = field(repr=False)
    account: int
    made_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """What a one-time link is good for; ``account`` is ``None`` where it makes the first admin."""

    account: int | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Failures:
    """How often in a row something failed, and when it did last."""

    count: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of another system, without its secret."""

    id: int
    name: str
    prefix: str
    digest: str = field(repr=False)
    scopes: frozenset[str]
    made_at: datetime
    made_by: str
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a person changed; ``before`` and ``after`` hold what differs, and no secrets."""

    at: datetime
    who: str
    door: str
    what: str
    about: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    account: int | None = None
    id: int = 0
