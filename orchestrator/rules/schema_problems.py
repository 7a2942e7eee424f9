"""What pydantic finds wrong with a rule file, in our words and at the place where it stands."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.findings import nearest, suggestion
from orchestrator.journey import On
from orchestrator.rules.positions import Findings, Node, Place
from orchestrator.rules.schema import SHAPES, Shape, kind_of

S = TypeVar("S", bound=Shape)


def shape(
    model: type[S], node: Node, findings: Findings, shapes: Mapping[str, type[Shape]] = SHAPES
) -> S | None:
    """Return *node* as *model*, or ``None`` with every misshapen value reported where it stands.

    *shapes* says which shape stands under a key, for "did you mean".
    """
    for place, empty in _empty(node):
        findings.add(place, "R013", "nothing stands here", "write a value, or remove the key")
        empty.flaw = True
    try:
        return model.model_validate(node.plain())
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            _misshapen(model, node, found, findings, shapes)
        return None


def _empty(node: Node) -> Iterator[tuple[Place, Node]]:
    """Every key without a value, at the key: half a thought, which must not count as left out."""
    keys = iter(node.keys.values())
    for child in node.children():
        place = next(keys, child.place)
        if child.value is None and not child.flaw:
            yield place, child
        yield from _empty(child)


def _misshapen(
    model: type[Shape], root: Node, found: ErrorDetails, findings: Findings, shapes: Mapping[str, type[Shape]]
) -> None:
    loc, kind, ctx = found["loc"], found["type"], found.get("ctx", {})
    trail = [root, *_trail(root, loc)]
    node, parent = trail[-1], trail[max(len(trail) - 2, 0)]
    name = str(loc[-1]) if loc else ""
    if any(step.flaw for step in trail):
        return  # said already, when the file was read
    if kind == "extra_forbidden":
        _unknown_key(model, parent, loc, findings, shapes)
    elif kind == "missing":
        hint = "the first line of a rule file is `version: 1`" if name == "version" else f"add `{name}: …`"
        findings.add(node.place, "R011", f"{name!r} is missing", hint)
    elif kind == "finding":
        findings.add(node.place, ctx["code"], ctx["message"], ctx["hint"])
    elif kind == "literal_error":
        findings.add(node.place, "R009", f"version {node.text or '…'!r} is not known", "write `version: 1`")
    elif kind == "string_pattern_mismatch":
        findings.add(
            node.place,
            "R024",
            f"{node.text!r} cannot be a name",
            "use letters, digits, '-', '_' and '.', at most 80",
        )
    else:
        expected = "a list" if kind == "list_type" else "a mapping"
        findings.add(node.place, "R013", f"{expected} is expected here, not {kind_of(node.plain())}")


def _trail(root: Node, loc: tuple[int | str, ...]) -> Iterator[Node]:
    """The nodes along *loc*; it ends early where the tree does (a missing key)."""
    node: Node | None = root
    for step in loc:
        if node is None:
            return
        if isinstance(node.value, list) and isinstance(step, int):
            node = node.value[step]
        else:
            node = node.get(str(step))
        if node is not None:
            yield node


def _unknown_key(
    model: type[Shape],
    parent: Node,
    loc: tuple[int | str, ...],
    findings: Findings,
    shapes: Mapping[str, type[Shape]],
) -> None:
    name = str(loc[-1])
    place = parent.keys.get(name, parent.place)
    above = next((step for step in reversed(loc[:-1]) if step in shapes), "")
    owner = shapes.get(str(above), model)
    if above == "on":
        triggers = tuple(On)
        if not any(key in triggers for key in parent.keys) and not nearest(name, _keys(owner)[len(On) :]):
            findings.add(place, "R016", f"no trigger called {name!r}", suggestion(name, triggers))
            return
    findings.add(place, "R010", f"unknown key {name!r}", suggestion(name, _keys(owner)))


def _keys(model: type[Shape]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
