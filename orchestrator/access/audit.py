"""The record of what people changed: who, when, through which door, and what it was before. Never secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.access.roles import Viewer
from orchestrator.ledger import Transaction
from orchestrator.ledger.access_values import Change

CONSOLE, COMMAND_LINE, LINK, API = "console", "command line", "link", "api"


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, and through which door they came."""

    who: str
    door: str
    account: int | None = None

    @classmethod
    def viewer(cls, viewer: Viewer) -> "By":
        """Somebody who is signed in to the console."""
        return cls(viewer.name, CONSOLE, viewer.person)

    @classmethod
    def key(cls, name: str) -> "By":
        """Another system, by its key."""
        return cls(name, API)


@dataclass(frozen=True, slots=True)
class Told:
    """What was done: *what* ("pause"), *about* what ("rule arrived"), and how it was before and after."""

    what: str
    about: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def record(tx: Transaction, by: By, told: Told, now: datetime) -> None:
    """Keep it, in the transaction that does it."""
    before, after = differing(told.before, told.after)
    tx.keep_change(Change(now, by.who, by.door, told.what, told.about, before, after, by.account))


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leave away what stayed the same."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )
