"""A file of which no line is an event: rules, a table, something packed. Said once, not for each line."""

from collections.abc import Mapping

from orchestrator.errors import Problem

HEAD = 50  # lines: of a file that begins with so many that are no event, nobody expects any
_HINT = "an event is a JSON object on a line of its own; tables are taken by `beforehand import`"
_PACKED: Mapping[bytes, str] = {  # what a file that is no text begins with
    b"\x1f\x8b": "unpack it first: gunzip -c {path} | beforehand ingest -",
    b"PK\x03\x04": "it is packed, or a spreadsheet: unpack it, or save it as CSV for `beforehand import`",
    b"\xff\xfe": "it is UTF-16: save it as UTF-8",
    b"\xfe\xff": "it is UTF-16: save it as UTF-8",
}


def may_be_event(line: bytes) -> bool:
    """Does the line begin as an event does, or a list of them?"""
    return line.lstrip()[:1] in (b"{", b"[")


def packed(line: bytes) -> str:
    """What to do with a file that begins with this line and is no text, or ""."""
    return next((hint for begin, hint in _PACKED.items() if line.startswith(begin)), "")


def no_events(path: str, number: int, line: bytes, seen: int) -> Problem:
    """That no line of a file is an event; *line* is the first, of *seen* that were looked at."""
    hint = packed(line).format(path="FILE" if path == "-" else path)
    source = "" if hint else line.decode(errors="replace").rstrip("\r\n")
    which = f"none of its first {seen} lines" if seen >= HEAD else "none of its lines"
    message = f"this file holds no events: {which} is a JSON object"
    return Problem(path, number, 1, "E007", message, hint or _HINT, source)
