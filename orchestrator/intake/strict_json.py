"""JSON read strictly: no duplicate keys, no NaN or infinity, no deep nesting; and where in it a value stands.

orjson refuses everything the grammar refuses but keeps the last of two equal keys without a word. Finding
those costs two counts: a value written again by orjson has as many quotation marks as its text had, unless
a key was dropped on the way. That is exact where no string holds a quotation mark itself; where one may,
the text is read once more, slowly.
"""

import json
from collections.abc import Iterator
from typing import Any

import orjson

MAX_DEPTH = 32  # objects and lists inside one another; orjson itself writes 254

Path = tuple[str | int, ...]


class Refused(ValueError):
    """A text that is not strict JSON: the code, why, and the character it was seen at (``None``: unknown).

    ``further`` holds what else is wrong with it, where that can be known: the reader stops at what is no
    JSON, but goes on behind a key that comes twice.
    """

    def __init__(
        self,
        code: str,
        message: str,
        offset: int | None = None,
        path: Path = (),
        further: "tuple[Refused, ...]" = (),
    ) -> None:
        self.code = code
        self.message = message
        self.offset = offset
        self.path = path
        self.further = further
        super().__init__(message)


def decode(text: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value of a JSON text in UTF-8; raise :class:`Refused`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            text.decode()
        except UnicodeDecodeError as not_utf8:
            raise Refused("E001", f"is not UTF-8 at byte {not_utf8.start + 1}") from None
        raise Refused("E001", f"is not JSON: {error.msg}", error.pos) from None
    if text.count(b"{") + text.count(b"[") > max_depth and _deeper_than(max_depth, value):
        raise Refused("E003", f"nests deeper than {max_depth} levels")
    if b'\\"' in text or b"\\u0022" in text:
        try:
            json.loads(text, object_pairs_hook=_distinct)
        except KeyError:
            raise _duplicate(text) from None
    elif text.count(b'"') != orjson.dumps(value).count(b'"'):
        raise _duplicate(text)
    return value


def _deeper_than(levels: int, value: Any) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return False
    return any(isinstance(value, dict | list) for value in layer)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise KeyError


def _duplicate(raw: bytes) -> Refused:
    """Every key that comes again, at its second place."""
    seen: dict[Path, int] = {}
    again: dict[Path, int] = {}
    for path, offset in _walk(raw.decode()):
        if path in seen:
            again.setdefault(path, offset)
        seen[path] = seen.get(path, 0) + 1
    found = [
        Refused("E002", f"has the key {path[-1]!r} {_times(seen[path])}", offset, path)
        for path, offset in again.items()
        if isinstance(path[-1], str) and not any(path[:length] in again for length in range(1, len(path)))
    ]  # what is inside a key that comes twice is said of that key
    first, *further = found
    first.further = tuple(further)
    return first


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def pointer(path: Path) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def column(text: str, path: Path) -> int:
    """Return the column (from 1) of the key or item at *path*, else of what would hold it, else 0."""
    deepest, found = 0, 0
    for here, offset in _walk(text):
        if len(here) > deepest and here == path[: len(here)]:
            deepest, found = len(here), offset + 1
            if deepest == len(path):
                break
    return found


def _walk(text: str) -> Iterator[tuple[Path, int]]:
    """Yield each key and list item of a JSON text that is known to be well formed, with where it begins."""
    read = json.JSONDecoder(strict=False).raw_decode
    at = 0

    def blank() -> str:
        nonlocal at
        while text[at] in " \t\r\n":
            at += 1
        return text[at]

    def inside(path: Path) -> Iterator[tuple[Path, int]]:
        nonlocal at
        opening = blank()
        if opening not in "{[":
            at = read(text, at)[1]
            return
        closing = "}" if opening == "{" else "]"
        at += 1
        number = 0
        while blank() != closing:
            if text[at] == ",":
                at += 1
                blank()
            start = at
            name: str | int = number
            if opening == "{":
                name, at = read(text, at)
                blank()
                at += 1  # the colon
            number += 1
            yield (*path, name), start
            yield from inside((*path, name))
        at += 1

    yield from inside(())
