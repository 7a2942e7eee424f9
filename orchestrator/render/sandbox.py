"""Jinja as templates get it: strict, sandboxed, without the parts that can print raw HTML or fill memory.

What is left is counted while a text is made (:mod:`orchestrator.render.limits`), so that it always ends.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup

from orchestrator.findings import did_you_mean
from orchestrator.render import bidi, limits
from orchestrator.render.local_dates import day_text, full_day_text, time_text
from orchestrator.render.words import VALUES, Money, When, declared, fields_of, money

_FILTERS = (
    *(
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "dictsort",
        "e",
        "escape",
        "first",
        "float",
        "int",
        "items",
    ),
    *(
        "join",
        "last",
        "length",
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "round",
    ),
    *("select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique"),
    *("upper", "urlencode", "wordcount"),
)  # without `safe`, which prints raw HTML, and those that pad a short text to any length
_TESTS = (
    *("boolean", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge", "greaterthan"),
    *("gt", "in", "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "none", "number"),
    *("odd", "sameas", "sequence", "string", "true", "undefined", "upper", "==", "!=", ">", ">=", "<", "<="),
)
_OPEN = {kind: frozenset(fields_of(kind)) for kind in VALUES}  # a sandboxed look-up costs 7 µs, this one 0.2
_DICTS = frozenset(dir(dict))  # names that are the mapping's own before they are its keys
_METHODS = frozenset(
    {"upper", "lower", "title", "capitalize", "strip", "lstrip", "rstrip", "startswith", "endswith", "split"}
    | {"removeprefix", "removesuffix", "find", "count", "index", "isdigit"}  # of texts
    | {"items", "keys", "values", "get", "isoformat", "weekday", "isoweekday"}  # of mappings and dates
    | {"cycle", "changed"}  # of loops
)  # every other can make much of little: "x".ljust(10**9), (1).to_bytes(10**9), day.strftime("%999999999d")
_TOO_DEEP = "it is nested too deeply, or a number in it is too long"


class Missing(StrictUndefined):
    """An undefined name, said with the nearest that is defined."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return str(self._undefined_hint)
        name = str(self._undefined_name)
        if self._undefined_obj is not missing:
            known: Iterable[str] = _known(self._undefined_obj)
            return f"nothing here is called '.{name}'{_meant(name, known)}"
        return f"'{name}' is undefined{_meant(name, declared())}"


def _known(value: Any) -> Iterable[str]:
    return value if isinstance(value, dict) else fields_of(type(value))


def _meant(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'promise'?`` for the nearest of *known*, or nothing."""
    meant = did_you_mean(name, [text for text in known if isinstance(text, str)])
    return f"; {meant}" if meant else ""


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of every template."""

    intercepted_binops = limits.OPERATORS

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            autoescape=autoescape,
            undefined=Missing,
            keep_trailing_newline=True,
            cache_size=0,
            auto_reload=False,
            finalize=_in_html if autoescape else _in_text,
        )
        known: Mapping[str, Any] = self.filters
        self.filters = {name: limits.counted(name, known[name], self) for name in _FILTERS}
        self.filters |= {"day": _day, "time": _time, "date_long": _date_long, "money": _money}
        self.filters |= {name: pass_context(function) for name, function in limits.COMPILED_IN.items()}
        self.filters[bidi.ISOLATED] = pass_context(_isolated)
        tests: Mapping[str, Any] = self.tests
        self.tests = {name: limits.counted(name, tests[name], self) for name in _TESTS}
        self.globals = {"namespace": self.globals["namespace"]}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        try:
            return super()._parse(source, name, filename)
        except (RecursionError, MemoryError, ValueError, OverflowError):
            raise TemplateSyntaxError(_TOO_DEEP, 1, name, filename) from None

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return str(super()._generate(limits.Counting(self).visit(source), name, filename, defer_init))

    def _compile(self, source: str, filename: str) -> CodeType:
        try:
            return super()._compile(source, filename)
        except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
            raise TemplateSyntaxError(_TOO_DEEP, 1, None, filename) from None

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Our own values give what they declare and a mapping its keys; the rest takes the sandbox's way."""
        kind = type(obj)
        if kind is dict and attribute in obj and attribute not in _DICTS:
            return obj[attribute]
        open_fields = _OPEN.get(kind)
        if open_fields is not None and attribute in open_fields:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063  as Jinja names them
        """Every call takes a step, and what its text or list holds."""
        budget = limits.budget_of(__context)
        budget.spend(limits.STEP)
        budget.weigh(getattr(__obj, "__self__", None))
        budget.weigh(args)
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers may be multiplied; a text may not be repeated or padded."""
        return limits.operate(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """No ``format``: a width in it makes a long text of a short one."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Nothing private, and no method that makes a long text of a short one."""
        return super().is_safe_attribute(obj, attr, value) and (not callable(value) or attr in _METHODS)


# ── printing ─────────────────────────────────────────────────────────────────


@pass_context
def _in_text(context: Context, value: Any) -> str:
    budget = limits.budget_of(context)
    if type(value) is str and len(value) < limits.SHORT and not budget.leftwards and value.isascii():
        budget.left -= len(value)  # nearly always; a loop of these ends at its own next step
        return value
    return said(budget, value)


@pass_context
def _in_html(context: Context, value: Any) -> str:
    budget = limits.budget_of(context)
    if isinstance(value, str) and len(value) < limits.SHORT:
        budget.left -= len(value)
        return value
    return limits.printed(budget, value)


def said(budget: limits.Budget, value: Any) -> str:
    """What ``{{ value }}`` prints in a plain text: isolated where its letters run the other way."""
    text = limits.printed(budget, value)
    if not budget.leftwards and text.isascii():  # nearly always
        return text
    return bidi.isolated(text, within_leftwards=budget.leftwards)


def _isolated(context: Context, value: Any) -> Any:
    """The same in HTML, for what stands between tags; what is HTML already stays as it is."""
    budget = limits.budget_of(context)
    if isinstance(value, Markup | Undefined) or (
        not budget.leftwards and type(value) is str and value.isascii()
    ):
        return value
    return said(budget, value)


# ── filters ──────────────────────────────────────────────────────────────────


@pass_context
def _day(context: Context, value: Any) -> str:
    day = _local(context, value)
    return day_text(day, context["locale"]) if isinstance(day, date) else str(value)


@pass_context
def _date_long(context: Context, value: Any) -> str:
    day = _local(context, value)
    return full_day_text(day, context["locale"]) if isinstance(day, date) else str(value)


@pass_context
def _time(context: Context, value: Any) -> str:
    if isinstance(value, When):
        return value.time
    at = _local(context, value)
    at = at.time() if isinstance(at, datetime) else at
    return time_text(at, context["locale"]) if isinstance(at, time) else str(value)


@pass_context
def _money(context: Context, value: Any) -> str:
    found = value if isinstance(value, Money) else money(value, context["locale"])
    return found.text if found else str(value)


def _local(context: Context, value: Any) -> Any:
    """A date, time or moment of what a fact may carry, moments in the order's zone; else the value itself."""
    if isinstance(value, When):
        return value.day
    if isinstance(value, str):
        value = _read(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(ZoneInfo(context["zone"]))
    return value


def _read(text: str) -> Any:
    for kind in (date, datetime, time):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            continue
    return text
