"""What a journey's header can only get wrong as a whole: milestones twice, attributes, circles of promises.

The checks read the tree of :mod:`orchestrator.rules.positions`, so one wrong value hides no other.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.findings import Wrong, slip, suggestion
from orchestrator.journey import Duration
from orchestrator.literals import parse_duration
from orchestrator.rules.positions import Findings, Node, Place
from orchestrator.rules.schema import ATTRIBUTE_TYPES, NAME
from orchestrator.texts import SHARED

ANY = "any"

_RELATIVE = re.compile(r"\s*(\S+?)\s*\+\s*(.*?)\s*")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"}
    | {"loop", "namespace", "null", "package", "return", "true", "var", "void", "while"}
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the names of a rule may refer to; ``None`` means: not known here, so not checked."""

    journey: str
    milestones: tuple[str, ...] | None
    templates: Collection[str] | None
    channels: Collection[str] | None
    tasks: Collection[str] = ()  # what staff are asked to do anywhere in the file
    phases: tuple[str, ...] | None = None


def exists(node: Node, kind: str, known: Collection[str] | None, code: str, findings: Findings) -> None:
    """Report a name that is not among *known*, with the closest one that is."""
    if known is not None and node.text and node.text not in known:
        findings.add(node.place, code, f"no {kind} called {node.text!r}", suggestion(node.text, known))


def texts(journey: Node | None, templates: Collection[str] | None, findings: Findings) -> None:
    """Report a journey that has no texts of its own, where those of one called nearly so lie."""
    folders = {name.partition("/")[0] for name in templates or ()} - {SHARED}
    if journey is not None and journey.text and (meant := slip(journey.text, sorted(folders))):
        message = f"the journey {journey.text!r} has no folder of templates"
        findings.add(journey.place, "R015", message, f"did you mean {meant!r}?")


def milestones(header: Node, findings: Findings) -> dict[str, tuple[str, ...]] | None:
    """Return the phases with their milestones; ``None`` when they cannot be read."""
    phases, flat = header.get("phases"), header.get("milestones")
    if flat is not None and phases is not None:
        findings.add(
            header.keys["milestones"], "R018", "'phases' and 'milestones' exclude each other", "keep phases"
        )
    if phases is None:
        phases = Node(header.place, {}, {})
        if flat is not None:
            name = header.get("journey")
            phases = Node(flat.place, {(name.text if name else "") or "journey": flat})
    if not isinstance(phases.value, dict):
        return None
    seen: dict[str, Place] = {}
    found: dict[str, tuple[str, ...]] = {}
    for phase, names in phases.value.items():
        nodes = names.value if isinstance(names.value, list) else [names]
        found[phase] = tuple(node.text for node in nodes if node.text)
        for node in nodes:
            _milestone_name(node, seen, findings)
    if not seen:
        findings.add(header.place, "R011", "the journey has no milestones", "add `phases:` or `milestones:`")
        return None
    return found


def _milestone_name(node: Node, seen: dict[str, Place], findings: Findings) -> None:
    name = node.text
    if not name:
        return
    if name == ANY or not re.match(NAME, name):
        why = (
            "'any' means every milestone"
            if name == ANY
            else "use letters, digits, '-', '_' and '.', at most 80"
        )
        findings.add(node.place, "R024", f"{name!r} cannot be a milestone's name", why)
    if name in seen:
        findings.add(
            node.place,
            "R026",
            f"the milestone {name!r} is declared twice",
            f"first on line {seen[name].line}",
        )
    seen.setdefault(name, node.place)


def attributes(header: Node, findings: Findings) -> dict[str, str]:
    """Return the declared attributes with their types."""
    node = header.get("attributes")
    found: dict[str, str] = {}
    if node is None or not isinstance(node.value, dict):
        return found
    for name, declared in node.value.items():
        if not _ATTRIBUTE.fullmatch(name) or name in _RESERVED:
            mend = re.sub(r"\W", "_", name, flags=re.ASCII)
            hint = (
                f"write {mend!r}"
                if _ATTRIBUTE.fullmatch(mend) and mend not in _RESERVED
                else "choose another word"
            )
            findings.add(
                node.keys[name], "R024", f"{name!r} cannot be an attribute's name in a condition", hint
            )
        else:
            found[name] = declared.text
            if declared.text and declared.text.removesuffix("?") not in ATTRIBUTE_TYPES:
                hint = suggestion(declared.text.removesuffix("?"), ATTRIBUTE_TYPES)
                findings.add(declared.place, "R019", f"no type called {declared.text!r}", hint)
    return found


def names(node: Node | None, journey: str, milestones: Collection[str] | None, findings: Findings) -> None:
    """Report a name for customers of something that is neither a milestone nor the journey."""
    if node is None or not isinstance(node.value, dict) or milestones is None:
        return
    for name, place in node.keys.items():
        exists(Node(place, name), "milestone", {*milestones, journey}, "R014", findings)


def promises(header: Node, known: Known, findings: Findings) -> dict[str, tuple[str, Duration]]:
    """Return the relative promises that make sense: both milestones exist and no promise waits for itself."""
    node = header.get("promises")
    found: dict[str, tuple[str, Duration]] = {}
    if node is None or not isinstance(node.value, dict):
        return found
    for name, written in node.value.items():
        exists(Node(node.keys[name], name), "milestone", known.milestones, "R014", findings)
        match = _RELATIVE.fullmatch(written.text)
        if match is None:
            if written.text:
                findings.add(
                    written.place,
                    "R028",
                    f"{written.text!r} is not a relative promise",
                    "write `milestone + 3bd`",
                )
            continue
        exists(Node(written.place, match[1]), "milestone", known.milestones, "R014", findings)
        try:
            found[name] = (match[1], parse_duration(match[2]))
        except Wrong as wrong:
            findings.add(written.place_of(match.start(2)), wrong.code, wrong.message, wrong.hint)
    for name in list(found):
        _cycle(name, found, node.keys[name], findings)
    return found


def _cycle(name: str, found: dict[str, tuple[str, Duration]], place: Place, findings: Findings) -> None:
    """Report a promise that waits for itself, once, at the first of the circle."""
    way = [name]
    while way[-1] in found and (following := found[way[-1]][0]) not in way:
        way.append(following)
    if way[-1] in found and found[way[-1]][0] == name:
        findings.add(
            place,
            "R029",
            f"a circle of promises: {' ← '.join([*way, name])}",
            "start from a milestone that is promised by itself",
        )
        for member in way:
            del found[member]
