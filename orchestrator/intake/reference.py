"""The reference of the core event types, for those who send them; docs/reference/events.md is made of it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.intake.types import CORE, CoreType
from orchestrator.model import Scope, scope_of

_INTRODUCTION = """\
# Events

Written by `make docs` from `orchestrator/intake/types.py`; a test fails when this page is stale.

Events are [CloudEvents 1.0](https://cloudevents.io) as JSON: one to a line for `beforehand ingest FILE`, or
by `POST /events` (structured, binary, or a batch, which is taken whole or not at all).

| attribute | |
|---|---|
| `specversion` | `"1.0"` |
| `id` | your id of this event; the same `source` and `id` again is the same event and taken once |
| `source` | the system that says so |
| `type` | one of those below, or any other: it is kept, and a rule's `event:` can wait for it |
| `subject` | the order's id; the customer's for `customer.*`, `preference.*` and `consent.*` |
| `time` | when it happened, with its offset from UTC (`2026-03-12T17:30:00+01:00`) or `Z` |
| `recordedtime` | when it was first recorded, for what is sent late; left out: when it arrives |
| `data` | an object, as below |

Without `time` an event happened when it was heard: at its `recordedtime`, or else when it arrived.

Wrong fields are refused, all of them at once ([codes](codes.md)), and nothing of the event is taken. Unknown
fields are kept; a customer's and an order's become attributes. A null is as though the field were not there,
except that in `customer.upserted` and `order.upserted` it empties the field.
"""


def page() -> str:
    """Return the reference of the core types, with an example of each, as Markdown."""
    parts: dict[str, Mapping[str, Any]] = {}
    lines = [_INTRODUCTION]
    for name, core in CORE.items():
        schema = core.adapter.json_schema()
        parts |= schema.get("$defs", {})
        lines += [
            f"## {name}\n\n{core.meaning}\n",
            *_table(schema),
            f"\n```json\n{_example(name, core)}\n```\n",
        ]
    lines.append("# Parts\n")
    for name, part in parts.items():
        lines += [f"## {_noun(name)}\n\n{part['description']}\n", *_table(part), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | | |\n|---|---|---|"
    required = schema.get("required", ())
    for field, of in schema["properties"].items():
        kind = f"{_kind(of)}, required" if field in required else _kind(of)
        yield f"| `{field}` | {kind} | {of.get('description', '')} |"


def _example(name: str, core: CoreType) -> str:
    event = {
        "specversion": "1.0",
        "id": "1041",
        "source": "dealer-system",
        "type": name,
        "subject": "C-1" if scope_of(name) is Scope.CUSTOMER else "O-1",
        "time": "2026-03-02T09:15:00+01:00",
        "data": core.example,
    }
    attributes = (f'  "{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in event.items())
    return "{\n" + ",\n".join(attributes) + "\n}"


def _noun(definition: str) -> str:
    return definition.removesuffix("Fields").lower()


_KINDS = {
    "string": "text", "boolean": "true or false", "number": "number", "integer": "whole number",
    "object": "object", "date": "date", "date-time": "moment", "email": "mail address",
}  # fmt: skip


def _kind(of: Mapping[str, Any]) -> str:
    """Name the kind of value a schema describes, the way people say it."""
    if "anyOf" in of:
        return " or ".join(_kind(one) for one in of["anyOf"] if one.get("type") != "null")
    if "$ref" in of:
        noun = _noun(of["$ref"].rpartition("/")[2])
        return f"[{noun}](#{noun})"
    if "enum" in of:
        return " or ".join(f"`{word}`" for word in of["enum"] if word)
    kind = of["type"]
    if isinstance(kind, list):
        return " or ".join(_KINDS[one] for one in kind)
    if kind == "array":
        return f"list: {_kind(of['items'])}"
    if isinstance(values := of.get("additionalProperties"), dict):
        return f"object of {_kind(values)}"
    return _KINDS[of.get("format", kind)]
