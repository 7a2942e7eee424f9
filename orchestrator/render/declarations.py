"""Whether a journey's templates name only attributes and milestones that the journey declares.

An order's attributes and promises are mappings, and what a mapping does not hold is empty: a slip of the
finger would print nothing, or what stands after `| default`, for ever. The sources are searched, not parsed.
"""

import re
from collections.abc import Collection, Iterator

from orchestrator.errors import Problem
from orchestrator.findings import did_you_mean
from orchestrator.journey import Journey
from orchestrator.render import Renderer, invitation
from orchestrator.render.check import at
from orchestrator.render.source import headers

_MARKUP = re.compile(r"\{#.*?#\}|\{%-?\s*raw\b.*?endraw\b|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NAMED = re.compile(
    r"(?<![\w.\"'])(?P<whole>(?P<base>order\.attributes|promises)"
    r"(?:\.(?P<dotted>[A-Za-z_]\w*)(?!\w|\s*\()|\[\s*(?P<quote>[\"'])(?P<quoted>[^\"']*)(?P=quote)\s*\]))"
)
_KINDS = {"order.attributes": "attribute", "promises": "milestone"}


def undeclared(renderer: Renderer, path: str, journey: Journey) -> Iterator[Problem]:
    """Every attribute and milestone that the file at *path* names and *journey* does not declare."""
    source = renderer.files[path]
    yield from _in_calendar(renderer, path, journey)
    if not any(base in source for base in _KINDS):
        return
    known = {"order.attributes": journey.attributes.keys(), "promises": journey.milestones}
    for markup in _MARKUP.finditer(source):
        if markup[0].startswith("{#") or markup[0].endswith("endraw"):
            continue
        for named in _NAMED.finditer(markup[0]):
            base, name = named["base"], named["dotted"] or named["quoted"] or ""
            if name not in known[base]:
                line = source.count("\n", 0, markup.start() + named.start()) + 1
                message = f"the journey {journey.id!r} declares no {_KINDS[base]} {name!r}"
                hint = _hint(base, name, known[base])
                yield at(renderer, path, line, "T011", message, hint, named["whole"])


def _in_calendar(renderer: Renderer, path: str, journey: Journey) -> Iterator[Problem]:
    """The milestone of a `Calendar:` line, without which no mail would ever carry the entry."""
    for head in headers(renderer.files[path])[0] if ".txt" in path else ():
        if head.name == "Calendar":
            try:
                name = invitation.read(head.value).milestone
            except invitation.Unreadable:
                continue  # told as such
            if name not in journey.milestones:
                message = f"the journey {journey.id!r} declares no milestone {name!r}"
                hint = _hint("promises", name, journey.milestones)
                yield at(renderer, path, head.line, "T011", message, hint, name)


def _hint(base: str, name: str, known: Collection[str]) -> str:
    if hint := did_you_mean(name, known):
        return hint
    if base == "promises":
        return f"there is: {', '.join(known)}"
    return f"write `{name}: text?` below `attributes:` of the journey"
