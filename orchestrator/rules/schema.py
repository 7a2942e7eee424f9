"""The shape of a rule file, for checking and for editors: pydantic models that forbid unknown keys.

Every scalar arrives as the text that was written (:mod:`orchestrator.rules.positions`). What one value cannot
know alone (milestones, templates, the order of rungs) is checked in :mod:`orchestrator.rules.checks`.
"""

import re
from collections.abc import Callable
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from orchestrator.findings import Wrong, suggestion
from orchestrator.journey import Duration, Mode
from orchestrator.literals import parse_duration, parse_hours, parse_time
from orchestrator.model import Purpose

ATTRIBUTE_TYPES = ("text", "number", "money", "flag", "date", "list")
DIRECTIONS = ("later", "sooner", "either")
UNTIL = ("accepted", "delivered", "opened")

_TRUE, _FALSE = ("true", "True"), ("false", "False")
DURATION = r"^\s*(\d+(bd|bh|[wdhms])\s*)+$"
CLOCK = r"^\d{1,2}:\d{2}$"
NAME = r"^\w[\w.\-]{0,79}$"


def _refuse(code: str, message: str, hint: str = "") -> PydanticCustomError:
    return PydanticCustomError("finding", "{message}", {"code": code, "message": message, "hint": hint})


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _refuse("R013", f"a text is expected here, not {kind_of(value)}")


def _read(reader: Callable[[str], Any]) -> BeforeValidator:
    def read(value: Any) -> Any:
        try:
            return reader(_text(value))
        except Wrong as wrong:
            raise _refuse(wrong.code, wrong.message, wrong.hint) from None

    return BeforeValidator(read)


def _word(*known: str, kind: str) -> BeforeValidator:
    def check(value: Any) -> str:
        if _text(value) not in known:
            raise _refuse("R019", f"no {kind} called {value!r}", suggestion(value, known))
        return str(value)

    return BeforeValidator(check)


def _yes_no(value: Any) -> bool:
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise _refuse("R013", f"true or false is expected here, not {kind_of(value)}", "write true or false")


def _count(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,3}", value):
        return int(value)
    raise _refuse("R013", f"a whole number from 1 to 9999 is expected here, not {kind_of(value)}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise _refuse("R013", f"a text or a list of texts is expected here, not {kind_of(value)}")


def _surfaces(value: Any) -> tuple[str, ...] | None:
    """Where a customer must not have been active: ``()`` for anywhere, ``None`` if it does not matter."""
    if value in _TRUE or value in _FALSE:
        return () if value in _TRUE else None
    named = tuple(_texts(value))
    if not named:
        raise _refuse("R013", "no surface is named", "write true for any, or [app]")
    return named


def _aim(value: Any) -> Any:
    """How far a message must get, or that by channel."""
    for one in value.values() if isinstance(value, dict) and value else (value,):
        if _text(one) not in UNTIL:
            raise _refuse("R019", f"no aim called {one!r}", suggestion(one, UNTIL))
    return value


def _when_to_send(value: str) -> str | time:
    if value in ("preferred", "now"):
        return value
    try:
        return parse_time(value)
    except Wrong as wrong:
        hint = wrong.hint if any(map(str.isdigit, value)) else "write preferred, now, or a time such as 08:30"
        raise Wrong("R022", wrong.message, hint) from None


def _timing(value: Any) -> Any:
    return {"at": value} if isinstance(value, str) else value


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return repr(value if len(str(value)) <= 40 else str(value)[:37] + "…")


Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": "string"})]
Texts = Annotated[
    list[str],
    BeforeValidator(_texts),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Length = Annotated[
    Duration,
    _read(parse_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION, "examples": ["2h", "3bd"]}),
]
Clock = Annotated[
    time, _read(parse_time), WithJsonSchema({"type": "string", "pattern": CLOCK, "examples": ["16:00"]})
]
Hours = Annotated[
    tuple[time, time], _read(parse_hours), WithJsonSchema({"type": "string", "examples": ["08:00-20:00"]})
]
YesNo = Annotated[bool, BeforeValidator(_yes_no), WithJsonSchema({"type": "boolean"})]
Surfaces = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(_surfaces),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    ),
]
Count = Annotated[
    int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 9999})
]
Aim = Annotated[
    str | dict[str, str],
    BeforeValidator(_aim),
    WithJsonSchema(
        {"anyOf": [{"enum": list(UNTIL)}, {"type": "object", "additionalProperties": {"enum": list(UNTIL)}}]}
    ),
]
SendAt = Annotated[
    str | time,
    _read(_when_to_send),
    WithJsonSchema({"anyOf": [{"enum": ["preferred", "now"]}, {"type": "string", "pattern": CLOCK}]}),
]


class Shape(BaseModel):
    """What every part of a rule file has in common."""

    # Built at first use: reading a file needs two of these, and building them all costs 30 ms.
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)


class OnShape(Shape):
    """What makes the rule due: exactly one trigger, and the parameters that belong to it."""

    reached: Text | None = Field(None, description="Due when this milestone happened.")
    missed: Text | None = Field(None, description="Due at the deadline of this milestone's told promise.")
    upcoming: Text | None = Field(None, description="Due some time before this milestone's promise begins.")
    after: Text | None = Field(None, description="Due a duration (`by`) after this milestone happened.")
    moved: Text | None = Field(
        None, description="Due when this milestone's promise differs from what was told."
    )
    stuck: Text | None = Field(
        None, description="Due when nothing follows this milestone (or `any`) `for` a while."
    )
    silent: Length | None = Field(None, description="Due this long after the last useful contact.")
    retracted: Text | None = Field(
        None, description="Due when this milestone was taken back after it was told."
    )
    event: Text | None = Field(None, description="Due when an event of this type happened.")
    by: Length | None = Field(
        None, description="missed: past the promise; after: how long; moved: at least so much."
    )
    before: Length | None = Field(None, description="upcoming: how long before the promise begins.")
    at: Clock | None = Field(None, description="upcoming: the local time on that day.")
    before_closing: Length | None = Field(
        None, description="upcoming, beside `at`: at the latest so long before the location closes that day."
    )
    for_: Length | None = Field(None, alias="for", description="stuck: how long nothing happened.")
    settle: Length | None = Field(None, description="moved: how long the promise must have stood still.")
    direction: Annotated[str, _word(*DIRECTIONS, kind="direction")] | None = Field(
        None,
        description="moved: only later, only sooner, or either (default).",
        json_schema_extra={"enum": list(DIRECTIONS)},
    )
    closes: Clock | None = Field(
        None, description="missed: a promised day ends at this local time on that very day."
    )


class TaskShape(Shape):
    """What a member of staff must do, by when, and who gets it when nobody answers."""

    for_: Text = Field(alias="for", description="Who: owner, manager, or a party of the order.")
    do: Text = Field(description="The task's name, as staff will see it.")
    within: Length | None = Field(
        None, description="To be acknowledged within; then it goes to `then`. An hour or less is urgent."
    )
    then: Text | None = Field(None, description="Who gets it when it was not acknowledged in time.")


class RungShape(Shape):
    """The next thing said (or whom to task) when silence goes on."""

    say: Text | None = Field(
        None, description="The template: templates/<journey>/<name> or templates/shared/<name>."
    )
    task: TaskShape | None = Field(None, description="Whom to task with what.")
    after: Length | None = Field(None, description="How long after the first rung.")
    every: Length | None = Field(None, description="Again and again, this long after the rung before.")
    when: Text | None = Field(
        None, description="A condition (CEL) for this rung alone, beside the rule's; unknown means: not now."
    )
    at_most: Count | None = Field(None, description="With `every`: how often at most (100 when left out).")


class TimingShape(Shape):
    """When the message leaves, seen from its trigger."""

    at: SendAt = Field("preferred", description="preferred (the customer's hours), now, or a local time.")
    within: Length | None = Field(None, description="Useless so long after the later of happened and heard.")
    stale_after: Length | None = Field(
        None, description="Old news: nothing is said so long after it happened."
    )
    hours: Hours | None = Field(
        None, description="Default hours of this rule in place of the journey's: 08:00-20:00."
    )
    business_days: YesNo = Field(default=False, description="Wait for a business day of the location.")
    business_hours: YesNo = Field(default=False, description="Wait until the location is open.")
    skip_holidays: YesNo = Field(default=False, description="Wait until a holiday of the location is over.")
    unless_active: Surfaces = Field(
        None,
        description="Say nothing to a customer who was active since their habit began and we heard of it: "
        "true for anywhere, or on which surfaces: [app, web].",
    )


class RuleShape(Shape):
    """Trigger, condition, what to say or whom to task, timing."""

    id: Text = Field(
        description="Unique over all files; it names the rule in every explanation.", pattern=NAME
    )
    title: Text | None = Field(None, description="What the rule is for, in a few words.")
    on: OnShape = Field(description="The trigger.")
    when: Text | None = Field(
        None, description="A condition (CEL) over typed fields; unknown means: not now."
    )
    say: Text | None = Field(
        None, description="The template: templates/<journey>/<name> or templates/shared/<name>."
    )
    task: TaskShape | None = Field(None, description="Whom to task with what.")
    rungs: list[RungShape] | None = Field(
        None, description="missed, stuck, silent: what is said next, and next."
    )
    channels: Texts | None = Field(
        None, description="In this order; the customer's own order wins. Default: policy."
    )
    to: Texts = Field(
        ["customer"], description="customer, owner, manager, or a party of the order; or several of them."
    )
    purpose: Annotated[str, _word(*Purpose, kind="purpose")] = Field(
        "service",
        description="Law, consent and caps follow from it.",
        json_schema_extra={"enum": list(Purpose)},
    )
    timing: Annotated[TimingShape, BeforeValidator(_timing)] | None = Field(
        None, description="When the message leaves, seen from its trigger."
    )
    tells: Texts | None = Field(
        None, description="Milestones whose promise the customer knows once this is accepted."
    )
    combine: Length | None = Field(
        None,
        description="Wait so long for what it says of the customer's other orders: one message for all.",
    )
    until: Aim = Field(
        "accepted",
        description="accepted, delivered or opened, or one of them by channel: with less, another follows.",
    )
    fallback_after: Length | None = Field(
        None, description="With `until`: so long after a message was accepted the next channel follows."
    )
    mode: Annotated[str, _word(*Mode, kind="mode")] = Field(
        "live",
        description="shadow decides and records but sends nothing.",
        json_schema_extra={"enum": list(Mode)},
    )
    catch_up: YesNo = Field(
        default=False, description="Also for what happened before the rule was activated."
    )


class RiderShape(Shape):
    """One line that rides along in the next mail of some rules, once for a customer, and never alone."""

    id: Text = Field(description="It names the line in explanations.", pattern=NAME)
    with_: Texts = Field(alias="with", description="The rules whose next mail to the customer may carry it.")
    line: dict[str, Annotated[str, BeforeValidator(_text)]] = Field(
        description="Its words by language: {en: …, de: …}. A mail in another language goes without."
    )
    when: Text | None = Field(None, description="A condition (CEL); unknown means: not now.")
    purpose: Annotated[str, _word("marketing", "relationship", kind="purpose")] = Field(
        "marketing",
        description="marketing needs a consent; relationship, that nobody withdrew it.",
        json_schema_extra={"enum": ["marketing", "relationship"]},
    )


class HeaderShape(Shape):
    """A journey: the path of an order, with what is promised and known along it."""

    version: Literal["1"] = Field(
        description="The format of this file: 1.", json_schema_extra={"enum": [1], "const": None}
    )
    journey: Text = Field(description="The journey's id, as orders name it.", pattern=NAME)
    title: Text | None = Field(None, description="What the journey is, in a few words.")
    attributes: dict[str, Annotated[str, BeforeValidator(_text)]] | None = Field(
        None,
        description="What orders know: text, number, money, flag, date, list; a ? marks what may be missing.",
    )
    phases: dict[str, Texts] | None = Field(
        None, description="Named parts of the path, each a list of milestones."
    )
    milestones: Texts | None = Field(None, description="The milestones alone, for a journey with one phase.")
    promises: dict[str, Annotated[str, BeforeValidator(_text)]] | None = Field(
        None, description="Promises relative to another milestone: `prepared: arrived + 3bd`."
    )
    hours: Hours | None = Field(None, description="When messages leave by default, local time: 08:00-20:00.")
    closes: Text | None = Field(
        None, description="The milestone that completes the order; default: the last."
    )
    names: dict[str, dict[str, Annotated[str, BeforeValidator(_text)]]] | None = Field(
        None,
        description="What customers read on their page, by language: of milestones, and of the journey by "
        "its id. Once one milestone has a name, those without are not shown.",
    )
    with_next: list[RiderShape] | None = Field(
        None, description="Lines that ride along, once, in the next mail somebody gets anyway."
    )


class FileShape(HeaderShape):
    """A rule file of Beforehand: one journey and its rules."""

    rules: list[RuleShape] | None = Field(None, description="What to say or do, and when.")


SHAPES: dict[str, type[Shape]] = {
    "on": OnShape,
    "task": TaskShape,
    "rungs": RungShape,
    "timing": TimingShape,
    "rules": RuleShape,
    "with_next": RiderShape,
}
"""Which shape stands under a key, for "did you mean"."""
