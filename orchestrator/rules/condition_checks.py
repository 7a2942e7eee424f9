"""What a condition can only get wrong in its rule: values that a field never has, fields that have none here.

The expression library checks types alone. These checks read the condition's tokens, so that each finding
stands at its own place in the file, and what they do not understand they leave alone.
"""

import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from orchestrator.conditions.fields import WEEKDAYS
from orchestrator.conditions.text import Token, quoted, tokens
from orchestrator.facts import CORE_TYPES
from orchestrator.findings import nearest, slip, suggestion
from orchestrator.journey import On
from orchestrator.model import OrderStatus, Purpose
from orchestrator.rules.journey_checks import Known
from orchestrator.rules.positions import Findings, Node

_ABOUT_NONE = frozenset({On.SILENT, On.EVENT})  # triggers that are about no milestone
_ONLY_WHERE: Mapping[str, tuple[frozenset[On], str]] = {
    "late_by": (
        frozenset({On.MISSED}),
        "only `missed` has a deadline; `waited` counts from the order's first fact",
    ),
    "event.": (frozenset({On.EVENT}), "only a rule with `on: {event: …}` has one"),
    "milestone.": (frozenset(On) - _ABOUT_NONE, "`silent` and `event` are about no milestone"),
    "promise.": (frozenset(On) - _ABOUT_NONE, "`silent` and `event` are about no milestone"),
}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_SUMS = frozenset("+-*/%")  # beside one of these, a number or the hour is not all that is compared
_CHANNELS = ("event.data.channel", "event.data.channels")
_DATA, _COUNTS = "event.data", "order.events"
_NEARLY = 0.85  # so alike to a field or a type that everybody knows, a key is a slip
_ALIKE = 0.75  # so alike to a known channel, a word is a slip; any other may be somebody's own


def condition(rule: Node, part: Node, known: Known, findings: Findings) -> None:
    """Report what the condition of the rule, or of a *part* of it, asks in vain, each at its place."""
    when, on = part.get("when"), rule.get("on")
    if when is None or not when.text:
        return
    named = [On(key) for key in (on.keys if on is not None else ()) if key in tuple(On)]
    trigger = named[0] if len(named) == 1 else None
    parts = list(tokens(when.text))
    if trigger is not None:
        _absent(parts, trigger, when, findings)
    event = on.get(On.EVENT) if on is not None and trigger is On.EVENT else None
    _keys(parts, event.text if event is not None else "", when, findings)
    closed = _closed(known, event.text if event is not None else "")
    channels = sorted(known.channels or ())
    for name, text in _compared(parts):
        value = quoted(text.text)
        if value is None:
            continue
        if name in closed and value not in closed[name]:
            _never(when, text, name, value, closed[name], findings)
        elif name in _CHANNELS and value not in channels and nearest(value, channels, _ALIKE):
            _never(when, text, name, value, channels, findings)
    for first, last, holds in _of_hours(parts):
        if all(holds) or not any(holds):
            written = when.text[first.start : last.end]
            message = f"{written} is {'always' if all(holds) else 'never'} true"
            findings.add(when.place_of(first.start), "R037", message, "hour is 0 to 23")


def _of_hours(parts: Sequence[Token]) -> Iterator[tuple[Token, Token, list[bool]]]:
    """Each comparison of the hour with a number, also ``25 > hour``, and what it says of each hour."""
    for index in range(len(parts) - 2):
        one, sign, other = parts[index : index + 3]
        around = [part.text for part in (*parts[max(0, index - 1) : index], *parts[index + 3 : index + 4])]
        compare = _COMPARE.get(sign.text)
        if compare is None or _SUMS & {*around}:
            continue
        if one.text == "hour" and other.kind == "number":
            yield one, other, [compare(hour, float(other.text)) for hour in range(24)]
        elif other.text == "hour" and one.kind == "number":
            yield one, other, [compare(float(one.text), hour) for hour in range(24)]


def _absent(parts: Sequence[Token], trigger: On, when: Node, findings: Findings) -> None:
    """Fields that have no value under this trigger, whatever is known about the order."""
    for token in parts:
        for name, (triggers, hint) in _ONLY_WHERE.items():
            is_it = token.text.startswith(name) if name.endswith(".") else token.text == name
            if token.kind == "name" and is_it and trigger not in triggers:
                message = f"{token.text} has no value under {trigger.value!r}"
                findings.add(when.place_of(token.start), "R038", message, hint)


def _keys(parts: Sequence[Token], event: str, when: Node, findings: Findings) -> None:
    """Keys that are nearly a field of the core *event*, or nearly a core type; others are their own."""
    fields: Collection[str] | None = None
    for name, key, place in _asked(parts):
        if name == _COUNTS and key not in CORE_TYPES and (near := nearest(key, CORE_TYPES, _NEARLY)):
            message = f"the type {key!r} is nearly one of the core types"
            findings.add(when.place_of(place), "R037", message, f"did you mean {near!r}?")
        if name != _DATA or event not in CORE_TYPES:
            continue
        if fields is None:
            from orchestrator.intake.types import CORE  # 20 ms, and few conditions ask for what an event says

            fields = sorted(CORE[event].fields) if event in CORE else ()
        if key not in fields and (near := slip(key, fields) or nearest(key, fields, _NEARLY)):
            message = f"{event} has no field {key!r}"
            findings.add(when.place_of(place), "R032", message, f"did you mean 'event.data.{near}'?")


def _asked(parts: Sequence[Token]) -> Iterator[tuple[str, str, int]]:
    """Each key of a mapping that is asked for and where: ``m.key``, ``m["key"]``, ``"key" in m``."""
    for index, token in enumerate(parts):
        before, after = (
            (parts[index - 1].text if index else ""),
            [one.text for one in parts[index + 1 : index + 3]],
        )
        if token.kind == "name" and token.text.startswith(f"{_DATA}."):
            yield _DATA, token.text.removeprefix(f"{_DATA}.").partition(".")[0], token.start
        elif token.kind == "text" and (key := quoted(token.text)) is not None:
            if before == "[" and index > 1:
                yield parts[index - 2].text, key, token.start
            elif after[:1] == ["in"] and len(after) == 2:
                yield after[1], key, token.start


def _closed(known: Known, event: str) -> dict[str, Collection[str]]:
    """The fields that know a few words only, with these words."""
    closed: dict[str, Collection[str]] = {"order.status": tuple(OrderStatus), "weekday": WEEKDAYS}
    if known.journey:
        closed["order.journey"] = (known.journey,)
    if known.phases is not None:
        closed["order.phase"] = known.phases
    if known.milestones is not None:
        for name in ("milestone.name", "order.expected", "order.reached", "order.retracted"):
            closed[name] = known.milestones
    if event:
        closed["event.type"] = (event,)
    if event.startswith(("milestone.", "promise.")) and known.milestones is not None:
        closed["event.data.milestone"] = known.milestones
    if event.startswith("consent."):
        closed["event.data.purpose"] = tuple(Purpose)
    if event == "contact.logged":
        closed["event.data.direction"] = ("in", "out")
    return closed


def _never(
    when: Node, text: Token, name: str, value: str, words: Collection[str], findings: Findings
) -> None:
    message = f"{name} is never {value!r}"
    findings.add(when.place_of(text.start), "R037", message, suggestion(value, [str(word) for word in words]))


def _compared(parts: Sequence[Token]) -> Iterator[tuple[str, Token]]:
    """Each name and a text it is compared with: ``f == "x"``, ``"x" != f``, ``f in ["x"]``, ``"x" in f``."""
    for index, token in enumerate(parts):
        following = [part.text for part in parts[index + 1 : index + 3]]
        if token.kind == "name" and following == ["in", "["]:
            for item in parts[index + 3 :]:
                if item.text == "]":
                    break
                if item.kind == "text":
                    yield token.text, item
        elif following[:1] in (["=="], ["!="]) and index + 2 < len(parts):
            other = parts[index + 2]
            if (token.kind, other.kind) == ("name", "text"):
                yield token.text, other
            elif (token.kind, other.kind) == ("text", "name"):
                yield other.text, token
        elif token.kind == "text" and following[:1] == ["in"] and index + 2 < len(parts):
            yield parts[index + 2].text, token
