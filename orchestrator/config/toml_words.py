"""What the TOML reader stumbles over, in words that say what to write instead."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.findings import slip

_PAIR = re.compile(r"(?P<key>\s*[\w.\"'-]+?)\s*(?P<sign>[=:]|\s)\s*(?P<value>[^#]*)")
_YES = frozenset({"yes", "on", "y", "true"})
_NO = frozenset({"no", "off", "n", "false", "none"})
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def given(data: Any, name: Sequence[str]) -> Any:
    """The value that stands at *name* in a document, or ``None``."""
    for part in name:
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


class Said(NamedTuple):
    """What is wrong with a line: its column (from 1), what it is, and what to write."""

    column: int
    message: str
    hint: str = ""


def share(value: object) -> str:
    """Say how a share is written, to whoever wrote per cent; "" if *value* is no such number."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    number = float(match[1]) if match else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 100:
        return ""
    return f"1 is all of it: for {number:g} % write {number / 100:g}"


def begun(message: str, lines: Sequence[str], line: int) -> int:
    """Return the line (from 1) on which begins what the reader missed the end of at *line*."""
    sign = message.removeprefix("Expected ")[1:2] if message.startswith("Expected ") else ""
    if sign not in ("'", '"'):
        return line
    return next((n for n in range(line, 0, -1) if lines[n - 1].count(sign) % 2), line)


def said(message: str, line: str, column: int) -> Said:
    """Say in our words what ``tomllib`` said of the place *column* in *line*."""
    lowered = message[:1].lower() + message[1:]
    if line.lstrip().startswith("["):
        ends = "]]" if line.lstrip().startswith("[[") else "]"
        if not line.split("#", maxsplit=1)[0].rstrip().endswith(ends):
            return Said(column, "the name of the section is not closed", f"write {ends} behind it")
        if "twice" in message or "overwrite" in message:
            return Said(column, "this section stands here twice", "put its settings into one")
        return Said(column, lowered)
    match = _PAIR.match(line)
    if match is None:
        return Said(column, lowered)
    key, value = match["key"].strip(), match["value"].strip()
    start = match.start("value") + 1
    if match["sign"] != "=":
        given = value or '"…"'
        return Said(match.end("key") + 1, "a setting is written with =", f"write {key} = {given}")
    if "overwrite" in message:
        return Said(match.end("key") - len(key) + 1, f"{key} stands here twice", "remove one of them")
    if not value:
        return Said(start, f"{key} has no value", "write one, or remove the line")
    if value[0] in "\"'" and value.count(value[0]) % 2:
        return Said(start, "this quote is never closed", f"write {value[0]} where the text ends")
    if value.lower() in _YES | _NO:
        plain = "true" if value.lower() in _YES else "false"
        return Said(start, f"{value} is no value in TOML", f"write {key} = {plain}")
    if meant := slip(value.lower(), ("true", "false")):
        return Said(
            start, f"{value} is no value in TOML", f"write {key} = {meant}, or in quotes if it is a text"
        )
    if hint := share(value):
        return Said(start, f"{value} is no value in TOML", hint)
    if value[0] not in "\"'[{":
        return Said(start, "a text needs quotes", f'write {key} = "{value}"')
    return Said(column, lowered)
