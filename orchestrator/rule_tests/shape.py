"""The keys of a file of rule tests, each with what it means: for checking, and for editors."""

from collections.abc import Mapping
from typing import Any

MOMENT = r"^([A-Za-z]{2,9}\.?,? +)?\d{4}-\d{2}-\d{2}[ T]+\d{1,2}:\d{2}(:\d{2})?$"
MOMENT_OR_DAY = r"^([A-Za-z]{2,9}\.?,? +)?\d{4}-\d{2}-\d{2}([ T]+\d{1,2}:\d{2}(:\d{2})?)?$"

FILE: Mapping[str, str] = {
    "version": "The format of this file: 1.",
    "journey": "The journey of orders that name none; may be left out if there is only one.",
    "customers": "Who waits, by short names: the fields of customer.upserted.",
    "orders": "What they wait for, by short names: the fields of order.upserted.",
    "given": "Facts that every test of this file begins with.",
    "tests": "The tests.",
}
TEST: Mapping[str, str] = {
    "name": "What the test shows, as a sentence.",
    "customers": "What is different about customers in this test, or further ones.",
    "orders": "What is different about orders in this test, or further ones.",
    "given": "The facts of this test, after those of the file.",
    "at": "Only what is said at this very minute is compared; the test ends here.",
    "from": "Only what is said from here on is compared.",
    "until": "The test ends here; a day means its end.",
    "expect": "What must be said; [] for nothing at all.",
    "never": "What must not be said, at any time of the test.",
    "only_these": "false: what else is said does not matter.",
    "only_reported": "true: no message arrives or is opened unless a fact says so; else each is at once.",
}
FACT: Mapping[str, str] = {
    "at": "When it happened, by the clocks of the order's location.",
    "heard": "When we heard of it, if later.",
    "event": "The type, such as promise.made; all further keys are its data.",
    "order": "Whose order; may be left out if the file has only one.",
    "customer": "Which customer, for customer.*, preference.* and consent.*.",
}
PATTERN: Mapping[str, str] = {
    "at": "The minute.",
    "say": "The text's name, as in the rule.",
    "task": "The task's name, as in the rule.",
    "to": "customer, owner, manager, or a party of the order.",
    "by": "The channel.",
    "order": "About which order.",
    "rule": "Which rule says it.",
    "why": "A piece of the reason.",
}
ANSWERS: Mapping[str, str] = {
    "task": "The task's name as in the rule, or its whole key.",
    "to": "Who had been given it; the newest of that name if left out.",
    "rule": "Whose task it is, if several rules give one of that name.",
}
REPORTS: Mapping[str, str] = {
    "message": "The text's name as in the rule, or the message's whole key.",
    "to": "Who had been told; the newest of that name if left out.",
    "rule": "Whose text it is, if several rules say one of that name.",
}
SINCE = "since"  # when a customer or an order became known; otherwise with the first fact
FOR = "for"  # a promise's date or local time, in short

_TEXT: dict[str, Any] = {"type": "string"}
_NAMED: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "object"}}
_FACTS: dict[str, Any] = {"type": "array", "items": {"$ref": "#/$defs/fact"}}
_PATTERNS: dict[str, Any] = {"type": "array", "items": {"$ref": "#/$defs/expectation"}}
_KINDS: Mapping[str, dict[str, Any]] = {
    "version": {"const": 1},
    "customers": _NAMED,
    "orders": _NAMED,
    "given": _FACTS,
    "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}, "minItems": 1},
    "expect": _PATTERNS,
    "never": _PATTERNS,
    "only_these": {"type": "boolean"},
    "only_reported": {"type": "boolean"},
    "at": {"type": "string", "pattern": MOMENT},
    "heard": {"type": "string", "pattern": MOMENT},
    "from": {"type": "string", "pattern": MOMENT_OR_DAY},
    "until": {"type": "string", "pattern": MOMENT_OR_DAY},
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file of rule tests, for editors."""
    fact = _object(FACT, ("at", "event")) | {"additionalProperties": True}
    pattern = _object(PATTERN, ()) | {"oneOf": [{"required": ["say"]}, {"required": ["task"]}]}
    ends = [{"required": ["at"]}, {"required": ["until"]}]
    asks = [{"required": ["expect"]}, {"required": ["never"]}]
    test = _object(TEST, ("name",)) | {"allOf": [{"oneOf": ends}, {"anyOf": asks}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule tests of Beforehand",
        **_object(FILE, ("version", "tests")),
        "$defs": {"test": test, "fact": fact, "expectation": pattern},
    }


def _object(keys: Mapping[str, str], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {**_KINDS.get(name, _TEXT), "description": words} for name, words in keys.items()
        },
        "required": list(required),
        "additionalProperties": False,
    }
