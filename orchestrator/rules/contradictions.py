"""Parts of a condition whose answer is the same whatever value a field has: ``hour < 3 && hour > 5``. Pure.

What is joined by ``&&``, ``||`` and ``!`` is read here; of each field the comparisons with written values are
tried with every value that could make a difference, and whatever else stands there may be true or false.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import pairwise
from math import floor
from typing import Any

from orchestrator.conditions.fields import WEEKDAYS
from orchestrator.conditions.text import Token, quoted, tokens
from orchestrator.model import OrderStatus

_LENGTH = re.compile(r"(-?)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_OPENING, _CLOSING = "([{", ")]}"
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, other: value < other,
    "<=": lambda value, other: value <= other,
    ">": lambda value, other: value > other,
    ">=": lambda value, other: value >= other,
    "==": lambda value, other: value == other,
    "!=": lambda value, other: value != other,
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_WHOLE: Mapping[str, Sequence[Any]] = {  # fields of which every value is known
    "hour": range(24),
    "weekday": WEEKDAYS,
    "order.status": [status.value for status in OrderStatus],
}
_ORDERED = frozenset({"int", "double", "duration", "timestamp"})
_ANOTHER = "\0"  # a text that no condition writes

Answer = bool | None


@dataclass(frozen=True, slots=True)
class _Compared:
    """One field beside one written value."""

    field: str
    sign: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Joined:
    """Parts joined by ``&&`` or ``||``, or the one that ``!`` turns; where they stand in the text."""

    sign: str
    parts: tuple["_Node", ...]
    start: int
    end: int


_Node = _Joined | _Compared | None  # ``None`` is what is not understood here: it may be true or false


def constant(text: str, types: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Yield each largest part of the condition *text* that is always or never true, and which of both.

    *types* are those of its fields. Of what is yielded no single comparison is constant by itself.
    """
    yield from _constant(_read(list(tokens(text)), types), text, types)


def _constant(node: _Node, text: str, types: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    if not isinstance(node, _Joined):
        return
    for field in dict.fromkeys(one.field for one in _comparisons(node)):
        own = [one for one in _comparisons(node) if one.field == field]
        values = _worth_trying(field, types[field], [one.value for one in own])
        if any(len({_answer(one, field, value) for value in values}) == 1 for one in own):
            continue  # that is told by itself
        answers = {_answer(node, field, value) for value in values}
        if answers in ({True}, {False}):
            yield text[node.start : node.end], answers == {True}
            return
    for part in node.parts:
        yield from _constant(part, text, types)


def _comparisons(node: _Node) -> list[_Compared]:
    if isinstance(node, _Joined):
        return [one for part in node.parts for one in _comparisons(part)]
    return [node] if node is not None else []


def _answer(node: _Node, field: str, value: Any) -> Answer:
    """What *node* says when *field* has that value; ``None``: that depends on something else."""
    if isinstance(node, _Compared):
        return _HOLDS[node.sign](value, node.value) if node.field == field else None
    if node is None:
        return None
    answers = [_answer(part, field, value) for part in node.parts]
    if node.sign == "!":
        return None if answers[0] is None else not answers[0]
    decides = node.sign == "||"
    if decides in answers:
        return decides
    return None if None in answers else not decides


def _worth_trying(field: str, kind: str, written: Sequence[Any]) -> Sequence[Any]:
    """Values of a field that between them give every answer its comparisons can give."""
    if field in _WHOLE:
        return _WHOLE[field]
    if kind == "bool":
        return (True, False)
    if kind == "string":
        return [*written, _ANOTHER]
    points = sorted(set(written))
    if kind == "int":
        return sorted({floor(point) + step for point in points for step in (-1, 0, 1)})
    between = [(low + high) / 2 for low, high in pairwise(points)]
    return sorted([points[0] - 1, *points, *between, points[-1] + 1])


# ── reading ──────────────────────────────────────────────────────────────────


def _read(parts: Sequence[Token], types: Mapping[str, str]) -> _Node:
    if not parts or _split(parts, "?")[1:]:
        return None
    for sign in ("||", "&&"):
        sides = _split(parts, sign)
        if sides[1:]:
            nodes = tuple(_read(side, types) for side in sides)
            return _Joined(sign, nodes, parts[0].start, parts[-1].end)
    if parts[0].text == "!" and (len(parts) == 2 or _wrapped(parts[1:])):
        return _Joined("!", (_read(parts[1:], types),), parts[0].start, parts[-1].end)
    return _read(parts[1:-1], types) if _wrapped(parts) else _comparison(parts, types)


def _split(parts: Sequence[Token], sign: str) -> list[Sequence[Token]]:
    """Cut at *sign*, except inside brackets."""
    sides: list[Sequence[Token]] = []
    depth = begun = 0
    for number, token in enumerate(parts):
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if token.text == sign and not depth:
            sides.append(parts[begun:number])
            begun = number + 1
    return [*sides, parts[begun:]]


def _wrapped(parts: Sequence[Token]) -> bool:
    """Whether the first bracket is closed by the last."""
    depths = reduce(
        lambda found, token: [*found, found[-1] + (token.text in _OPENING) - (token.text in _CLOSING)],
        parts,
        [0],
    )
    return parts[0].text == "(" and parts[-1].text == ")" and 0 not in depths[1:-1]


def _comparison(parts: Sequence[Token], types: Mapping[str, str]) -> _Node:
    if len(parts) == 1 and types.get(_name(parts[0])) == "bool":
        return _Compared(_name(parts[0]), "==", value=True)
    for sign in _HOLDS:
        left, *right = _split(parts, sign)
        if len(right) == 1:
            return _compared(left, sign, right[0], types) or _compared(right[0], _TURNED[sign], left, types)
    return None


def _compared(
    one: Sequence[Token], sign: str, other: Sequence[Token], types: Mapping[str, str]
) -> _Compared | None:
    kind = types.get(_name(one[0])) if len(one) == 1 else None
    value = _value(kind, other)
    if value is None or (kind not in _ORDERED and sign not in ("==", "!=")):
        return None
    return _Compared(_name(one[0]), sign, value)


def _name(token: Token) -> str:
    return token.text if token.kind == "name" else ""


def _value(kind: str | None, parts: Sequence[Token]) -> Any:
    """The written value as something to compare; ``None`` for what is none of this kind."""
    words = [part.text for part in parts]
    if kind == "bool":
        return {"true": True, "false": False}.get(words[0]) if len(words) == 1 else None
    if kind == "string":
        return quoted(words[0]) if len(words) == 1 and parts[0].kind == "text" else None
    if kind in ("int", "double"):
        minus = words[0] == "-" if words else False
        number = parts[1:] if minus else parts
        if len(number) != 1 or number[0].kind != "number":
            return None
        return -float(number[0].text) if minus else float(number[0].text)
    if kind in ("duration", "timestamp") and len(words) == 4 and words[:2] == [kind, "("]:
        return _seconds(kind, quoted(words[2]) or "")
    return None


def _seconds(kind: str, text: str) -> float | None:
    if kind == "duration":
        match = _LENGTH.fullmatch(text)
        if match is None or not any(match.groups()[1:]):
            return None
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
        return (hours * 3600 + minutes * 60 + seconds) * (-1.0 if match[1] else 1.0)
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
