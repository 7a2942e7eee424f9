"""What somebody is changing: kept in the ledger at each check, so that nothing they wrote is lost.

A draft is one person's, and may hold several files. Each says what was in force when they began, so that an
edit never overwrites somebody else's unseen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from orchestrator.drafting.bench import files_of
from orchestrator.ledger import RuleSet, Transaction
from orchestrator.rules import edited

_NAME = "draft/{}"


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a draft: its text (nothing: to be taken away) and a digest of what it was made from."""

    text: str | None
    base: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One person's changes by the name of the file, and why they make them."""

    person: int
    files: Mapping[str, Change] = field(default_factory=dict)
    why: str = ""
    at: datetime | None = None

    def with_file(self, name: str, text: str | None, now_in_force: str | None, at: datetime) -> "Draft":
        """The same with one file changed, or without it where it says what is in force.

        What it was first made from stays what it was made from.
        """
        before = self.files.get(name)
        base = edited.digest(now_in_force) if before is None else before.base
        files = {one: change for one, change in self.files.items() if one != name}
        if text != now_in_force:
            files[name] = Change(text, base)
        return replace(self, files=files, at=at)

    def rebased(self, name: str, now_in_force: str | None) -> "Draft":
        """The same, that one file taken to be made from what is in force now."""
        files = dict(self.files)
        files[name] = replace(files[name], base=edited.digest(now_in_force))
        return replace(self, files=files)

    def overtaken(self, in_force: Mapping[str, str]) -> list[str]:
        """Name the files that are others in force (name → text) than when this was begun."""
        return sorted(
            name
            for name, change in self.files.items()
            if edited.digest(in_force.get(name)) != change.base and in_force.get(name) != change.text
        )

    def over(self, in_force: Mapping[str, str]) -> dict[str, str]:
        """What is in force (name → text) with these changes."""
        texts: dict[str, str | None] = {**in_force, **{name: one.text for name, one in self.files.items()}}
        return {name: text for name, text in sorted(texts.items()) if text is not None}


def kept(tx: Transaction, person: int) -> Draft:
    """Return somebody's draft; an empty one if they have none."""
    found = orjson.loads(tx.remembered(_NAME.format(person)) or "{}")
    if not found:
        return Draft(person)
    files = {name: Change(one["text"], one["base"]) for name, one in found["files"].items()}
    return Draft(person, files, found["why"], datetime.fromisoformat(found["at"]))


def keep(tx: Transaction, draft: Draft) -> None:
    """Keep somebody's draft in place of the one before; an empty one is forgotten."""
    text = orjson.dumps(draft).decode() if draft.files else ""
    tx.remember(_NAME.format(draft.person), text)


def put_back(draft: Draft, then: RuleSet, in_force: Mapping[str, str], folder: str, at: datetime) -> Draft:
    """Return *draft* with every file as it was *then*."""
    was = edited.by_name(files_of(then), folder)
    for name in sorted(was.keys() | in_force.keys()):
        if was.get(name) != in_force.get(name):
            draft = draft.with_file(name, was.get(name), in_force.get(name), at)
    return draft


def names(draft: Draft, in_force: Iterable[str]) -> list[str]:
    """Name every file there is or would be."""
    return sorted({*in_force, *(name for name, one in draft.files.items() if one.text is not None)})
