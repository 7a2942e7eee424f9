"""What each kind of channel can do, in words and as the table of docs/reference/channels.md."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from channels.base import Abilities
from channels.plugin import Kind
from channels.registry import BUILT_IN, find

MEANINGS: Mapping[str, str] = {
    "receipts": "it reports later whether a message was delivered",
    "opens": "it reports whether a message was opened",
    "replies": "customers can answer on it",
    "rich": "it shows HTML",
    "attachments": "files go with a message",
    "max_length": "the longest text, in characters",
    "collapses": "a newer message about the same thing takes the place of an older one",
    "rings": "it may wake somebody",
    "after_unknown": "what may follow when nobody can say whether the message left",
    "batch": "messages in one request",
    "concurrency": "messages in flight at once, unless the settings say otherwise",
}


def kinds() -> dict[str, Kind]:
    """Every kind that is built in, by its name."""
    return {name: kind for name in BUILT_IN if (kind := find(name)) is not None}


def words(abilities: Abilities) -> list[str]:
    """What a channel can do, in a few words for a list: the abilities it has, then its figures."""
    named = {name: getattr(abilities, name) for name in MEANINGS}
    usual = Abilities()
    has = [name for name, value in named.items() if value is True]
    figures = [
        f"{name} {value}"
        for name, value in named.items()
        if not isinstance(value, bool) and (value != getattr(usual, name) or name == "after_unknown")
    ]
    return [*has, *figures]


def page() -> str:
    """The table in Markdown: a row for each ability, a column for each kind that is built in."""
    columns = kinds()
    lines = [
        f"| ability | meaning | {' | '.join(columns)} |",
        f"|---|---|{'---|' * len(columns)}",
    ]
    for field in fields(Abilities):
        cells = (written(getattr(kind.abilities, field.name)) for kind in columns.values())
        lines.append(f"| `{field.name}` | {MEANINGS[field.name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def written(value: Any) -> str:
    """One ability as a person says it."""
    match value:
        case None:
            return "any"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _:
            return f"`{value}`"
