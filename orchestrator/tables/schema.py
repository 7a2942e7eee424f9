"""The shape of MAP.yaml, for checking and for editors: which column of a table says what.

A *template* is a text with columns in braces, ``{CustomerID}``; ``{Country|zone}`` looks the cell up in the
list ``zone`` under ``words:``; a text without braces is a constant. Where a date belongs it is a column.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from orchestrator.findings import suggestion
from orchestrator.rules.schema import NAME, Clock, Count, Shape, Text, Texts, YesNo

KINDS = ("text", "number", "money", "flag", "date")
ORDERS = ("ymd", "dmy", "mdy")
DECIMALS = (".", ",")


def _refused(code: str, message: str, hint: str = "") -> PydanticCustomError:
    return PydanticCustomError("finding", "{message}", {"code": code, "message": message, "hint": hint})


def _one_of(words: tuple[str, ...], kind: str) -> AfterValidator:
    def check(text: str) -> str:
        if text not in words:
            raise _refused("R019", f"no {kind} called {text!r}", suggestion(text, words))
        return text

    return AfterValidator(check)


def _codec(name: str) -> str:
    try:
        bytes(4).decode(name)
    except (LookupError, UnicodeError):  # also for codecs that make bytes of bytes
        pass
    else:
        return name
    known = ("utf-8", "cp1252", "cp850", "cp1250", "cp437", "latin-1", "iso-8859-15", "mac-roman", "utf-16")
    raise _refused("M002", f"no encoding called {name!r}", suggestion(name, known))


def _one_character(text: str) -> str:
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
    character = named.get(text.lower(), text)
    if len(character) != 1 or character in '"\r\n\0':
        raise _refused("M002", f"{text!r} cannot separate values", 'write one character, such as ";", or tab')
    return character


def _under(key: str, kind: type[Shape]) -> BeforeValidator:
    """A text alone stands for a *kind* with this one *key*."""
    return BeforeValidator(
        lambda value: {key: value} if isinstance(value, str) else value, json_schema_input_type=str | kind
    )


Codec = Annotated[Text, AfterValidator(_codec)]
Separator = Annotated[Text, AfterValidator(_one_character)]


class ValueShape(Shape):
    """An attribute: a template, and what kind of value its text is."""

    value: Text = Field(description="A template.")
    as_: Annotated[Text, _one_of(KINDS, "kind")] = Field(
        "text",
        alias="as",
        description="text, number, money, flag or date.",
        json_schema_extra={"enum": list(KINDS)},
    )


class PromiseShape(Shape):
    """Where the promise of a milestone stands."""

    column: Text = Field(description="A column with a date, or a date and time; or a template of them.")
    until: Text | None = Field(None, description="The column with the end, if the promise is a window.")
    made: Text | None = Field(None, description="The column that says when it was promised.")
    told: YesNo | None = Field(
        None, description="Does the customer know? Otherwise: the first yes, a revision no."
    )
    reason: Text | None = Field(None, description="A template: why the date is what it is.")


class MilestoneShape(Shape):
    """Where it stands that a milestone happened."""

    column: Text = Field(description="A column with a date, or a date and time; or a template of them.")
    at: Clock | None = Field(None, description="At what local time a bare date counts; otherwise `day_at`.")


class ConditionShape(Shape):
    """What a column must hold."""

    column: Text = Field(description="A column, or a template.")
    is_: Texts | None = Field(None, alias="is", description="One of these texts.")
    is_not: Texts | None = Field(None, description="None of these texts.")
    filled: YesNo | None = Field(None, description="Something, or nothing.")


class CancelledShape(ConditionShape):
    """When an order counts as cancelled."""

    at: Text | None = Field(None, description="The column that says when.")
    reason: Text | None = Field(None, description="A template: why.")


ValuePart = Annotated[ValueShape, _under("value", ValueShape)]
PromisePart = Annotated[PromiseShape, _under("column", PromiseShape)]
MilestonePart = Annotated[MilestoneShape, _under("column", MilestoneShape)]


class CustomerShape(Shape):
    """Who waits; every value is a template."""

    id: Text
    name: Text | None = None
    given_name: Text | None = None
    locale: Text | None = Field(None, description="Language: de, de-AT.")
    time_zone: Text | None = Field(None, description="IANA name.")
    country: Text | None = Field(None, description="ISO 3166, two letters; `words:` translates names.")
    region: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    attributes: dict[str, ValuePart] | None = None


class PersonShape(Shape):
    """Somebody who looks after the order; every value is a template."""

    name: Text | None = None
    email: Text | None = None
    country: Text | None = Field(None, description="Of a national phone number.")
    phone: Text | None = None
    locale: Text | None = None
    time_zone: Text | None = None


class LocationShape(Shape):
    """Where the order is looked after; every value is a template."""

    id: Text | None = None
    name: Text | None = None
    time_zone: Text | None = Field(None, description="IANA name; otherwise the row's `zone`.")
    calendar: Text | None = Field(None, description="Business calendar, by its name in the settings.")
    brand: Text | None = None
    country: Text | None = None
    email: Text | None = None
    phone: Text | None = None


class OrderShape(Shape):
    """What is waited for; every value is a template."""

    id: Text
    customer: Text | None = Field(None, description="The customer's id, if it is not `customer.id`.")
    journey: Text
    placed: Text | None = Field(None, description="The column that says when it was ordered.")
    owner: PersonShape | None = None
    manager: PersonShape | None = None
    location: LocationShape | None = None
    attributes: dict[str, ValuePart] | None = None


class MapShape(Shape):
    """A whole MAP.yaml."""

    version: Literal["1"] = Field(json_schema_extra={"const": 1})
    table: Annotated[str, Field(pattern=NAME)] = Field(
        description="The table's name; events come from the source `table:<name>`."
    )
    encoding: Codec = Field("utf-8", description="utf-8 (with or without BOM), cp1252, utf-16 …")
    delimiter: Separator = Field(",", description="One character, or tab.")
    header: Count = Field(1, description="The line with the names of the columns.")
    columns: list[Text] | None = Field(None, description="The names, if the file has no such line.")
    date_order: Annotated[Text, _one_of(ORDERS, "order")] = Field(
        "ymd",
        description="How day, month and year follow.",
        json_schema_extra={"enum": list(ORDERS)},
    )
    date_formats: Texts | None = Field(None, description="Other ways, such as `%d %b %y`, tried first.")
    decimal: Annotated[Text, _one_of(DECIMALS, "decimal mark")] = Field(
        ".", description="The decimal mark.", json_schema_extra={"enum": list(DECIMALS)}
    )
    empty: Texts | None = Field(None, description="Texts that mean nothing, such as NULL or 0000-00-00.")
    zone: Text | None = Field(None, description="A template: the zone of local times; else the company's.")
    day_at: Clock | None = Field(None, description="At what local time a bare date counts: 12:00.")
    words: dict[str, dict[str, Text]] | None = Field(
        None, description="Lists to look cells up in: `{Country|zone}`."
    )
    only: list[ConditionShape] | None = Field(None, description="Rows for which all of this holds.")
    customer: CustomerShape | None = None
    order: OrderShape
    promises: dict[str, PromisePart] | None = Field(None, description="Milestone: its column.")
    milestones: dict[str, MilestonePart] | None = Field(None, description="Milestone: its column.")
    cancelled: CancelledShape | None = None


SHAPES: dict[str, type[Shape]] = {
    "customer": CustomerShape,
    "order": OrderShape,
    "owner": PersonShape,
    "manager": PersonShape,
    "location": LocationShape,
    "attributes": ValueShape,
    "promises": PromiseShape,
    "milestones": MilestoneShape,
    "only": ConditionShape,
    "cancelled": CancelledShape,
}
"""Which shape stands under a key, for "did you mean"."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a MAP.yaml, for editors."""
    schema = MapShape.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
