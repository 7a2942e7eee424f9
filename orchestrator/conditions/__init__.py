"""Conditions (`when:`): the Common Expression Language over typed fields, checked when a rule is loaded.

The only importer of the expression library. It is given values only, never Python functions (they leak
about 50 bytes a call). A missing value makes the answer unknown, with the reason. Regular expressions
are RE2, so none runs for ever; the library stops nesting past 32 and loops past 10,000 steps.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from cel_expr_python import cel  # type: ignore[import-untyped]

from orchestrator.conditions.errors import WORDS, explain
from orchestrator.conditions.fields import Scene, Variables, declared
from orchestrator.conditions.text import Flaw, Mention, flaw_at, mention_of, misread, tokens, too_large
from orchestrator.journey import Journey
from orchestrator.model import Customer, Fact, Order

_ORDERING = ("_<_", "_<=_", "_>_", "_>=_")
_EQUALITY = ("_==_", "_!=_")
_ZONED = re.compile(
    r"get(FullYear|Month|Date|DayOfMonth|DayOfWeek|DayOfYear|Hours|Minutes|Seconds|Milliseconds)"
)
_ABSENT = re.compile(r'No value with name "([^"]+)"')
_NO_KEY = re.compile(r'Key not found in map : "([^"]+)"')


class ConditionError(Exception):
    """The condition cannot be used; every flaw that was found in it."""

    def __init__(self, problems: list[Flaw]) -> None:
        self.problems = problems
        super().__init__("; ".join(flaw.message for flaw in problems))


class _Literal(NamedTuple):
    """A text that a function reads when it runs, tried out when the rule is loaded."""

    probe: str
    what: str
    hint: str


_LITERALS = {
    "duration": _Literal("duration({})", "a duration here", 'conditions know h, m and s: "48h", "1h30m"'),
    "timestamp": _Literal("timestamp({})", "a moment", 'write "2026-03-12T09:00:00Z"'),
    "matches": _Literal(
        "''.matches({})", "a regular expression (RE2)", "RE2 knows no look-around and no back-references"
    ),
    "zone": _Literal(
        "timestamp('2000-01-01T00:00:00Z').getHours({})", "a time zone", "write an IANA name: Europe/Berlin"
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer (``None``: unknown), why it is unknown, and the values the expression mentions."""

    value: bool | None
    why: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A checked expression; two of them are equal when they read the same."""

    text: str
    mentions: tuple[Mention, ...]
    _program: Any = field(compare=False, repr=False)

    def evaluate(self, variables: Mapping[str, Any]) -> Verdict:
        """Decide over *variables*; a missing or unsuitable value makes the answer unknown."""
        data: dict[str, Any] = {}
        for mention in self.mentions:
            if mention.field not in data and (value := variables.get(mention.field)) is not None:
                data[mention.field] = value
        try:
            answer = self._program.eval(data=data).value()
        except RuntimeError as error:  # the budget for loops is spent
            answer = error
        values = {mention.name: _seen(mention, data) for mention in self.mentions}
        if answer is True or answer is False:
            return Verdict(answer, "", values)
        return Verdict(None, self._why(str(answer)), values)

    def _why(self, said: str) -> str:
        if absent := _ABSENT.search(said):
            return f"{absent[1]} has no value"
        if key := _NO_KEY.search(said):
            named = (mention.name for mention in self.mentions if key[1] in mention.way)
            return f"{next(named, key[1])} has no value"
        return (said.partition(": ")[2] or said).partition(" [")[0]


def variables(
    order: Order,
    customer: Customer | None,
    journey: Journey,
    *,
    now: datetime,
    milestone: str,
    late_by: timedelta | None,
    event: Fact | None,
    zone: str,
) -> Mapping[str, Any]:
    """Return the fields a condition may read, each worked out when it is asked for."""
    return Variables(Scene(order, customer, journey, now, milestone, late_by, event, zone))


def compile_condition(text: str, journey_attributes: Mapping[str, str]) -> CompiledCondition:
    """Return *text* as a condition over the fields of a journey; raises :class:`ConditionError`."""
    names = declared(journey_attributes)
    if flaw := too_large(text):
        raise ConditionError([flaw])
    flaws = [*misread(text, names), *_unusable_literals(text)]
    program = None
    try:
        program = _environment(tuple(sorted(names.items()))).compile(text)
    except RuntimeError as error:
        echoes = ("'&&'", "'||'", "'!'") if flaws else ()  # of a has() that answers with a text
        flaws += [flaw for flaw in explain(str(error), text, names) if not flaw.message.startswith(echoes)]
    if program is not None and not flaws and (kind := program.return_type().name()) != "BOOL":
        flaws.append(_not_a_decision(text, kind))
    if flaws:
        raise ConditionError(
            sorted({flaw.offset: flaw for flaw in reversed(flaws)}.values(), key=lambda f: f.offset)
        )
    mentions = dict.fromkeys(m for m in (mention_of(t, names) for t in tokens(text)) if m is not None)
    return CompiledCondition(text, tuple(mentions), program)


# ── the environment ──────────────────────────────────────────────────────────


@lru_cache(maxsize=64)
def _environment(names: tuple[tuple[str, str], ...]) -> Any:
    """One checker per set of declared fields, in which ``price > 3`` compares a number with a whole one.

    The standard comparisons are declared anew because the library refuses to mix numbers when it
    checks, though it does compare them when it runs.
    """
    kinds = cel.Type
    mixed = [(kinds.INT, kinds.DOUBLE), (kinds.DOUBLE, kinds.INT)]
    ordered = [kinds.BOOL, kinds.INT, kinds.UINT, kinds.DOUBLE, kinds.STRING, kinds.TIMESTAMP, kinds.DURATION]
    equal = [*ordered, kinds.NULL, kinds.List(kinds.DYN), kinds.Map(kinds.DYN, kinds.DYN)]
    functions = [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(f"{name}{number}", return_type=kinds.BOOL, parameters=list(pair))
                for number, pair in enumerate([*((kind, kind) for kind in comparable), *mixed])
            ],
        )
        for comparable, group in ((ordered, _ORDERING), (equal, _EQUALITY))
        for name in group
    ]
    left_out = "".join(f'    - name: "{name}"\n' for name in _ORDERING + _EQUALITY)
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(f"stdlib:\n  exclude_functions:\n{left_out}"),
        variables={name: _type(kind) for name, kind in names},
        functions=functions,
    )


def _type(kind: str) -> Any:
    kinds = cel.Type
    return {
        "string": kinds.STRING,
        "int": kinds.INT,
        "double": kinds.DOUBLE,
        "bool": kinds.BOOL,
        "duration": kinds.DURATION,
        "timestamp": kinds.TIMESTAMP,
        "list<string>": kinds.List(kinds.STRING),
        "map<string, int>": kinds.Map(kinds.STRING, kinds.INT),
        "map<string, dyn>": kinds.Map(kinds.STRING, kinds.DYN),
        "dyn": kinds.DYN,
    }[kind]


def _seen(mention: Mention, data: Mapping[str, Any]) -> Any:
    """The value as it goes into a trace: numbers, texts and lists only."""
    value = data.get(mention.field)
    for step in mention.way:
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else value


def _unusable_literals(text: str) -> Iterator[Flaw]:
    """Durations, moments, zones and regular expressions that can never be read."""
    parts = list(tokens(text))
    for name, bracket, literal in zip(parts, parts[1:], parts[2:], strict=False):
        if not (name.kind == "name" and bracket.text == "(" and literal.kind == "text"):
            continue
        function = name.text.rpartition(".")[2]
        known = _LITERALS.get("zone" if _ZONED.fullmatch(function) else function)
        if known and not _readable(known.probe.format(literal.text)):
            message = f"{literal.text} is not {known.what}"
            yield flaw_at(text, literal.start, "R036", message, known.hint)


def _readable(probe: str) -> bool:
    try:
        return bool(cel.NewEnv().compile(probe).eval().type() != cel.Type.ERROR)
    except RuntimeError:
        return True  # a broken text, which the whole expression reports


def _not_a_decision(text: str, kind: str) -> Flaw:
    said = WORDS.get(kind.lower(), kind.lower())
    hint = "compare it: … == true" if kind == "DYN" else "compare it with something: … == …"
    return flaw_at(
        text, len(text) - len(text.lstrip()), "R033", f"the condition is {said}, not true or false", hint
    )
