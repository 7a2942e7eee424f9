"""What the YAML reader stumbles over, in words that say what to do, at the line that is to be mended.

The reader names what its grammar awaited and where it gave up; that is often a line behind the cause.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ruamel.yaml.error import MarkedYAMLError

_KEY = re.compile(r"""\s*(?P<dashes>(?:-\s+)*)(?:[^\s#'"{\[-]|-(?=\S))[^#]*?:(?:\s|$)""")
_CLOSING = {"{": "}", "[": "]"}
_QUOTES = "put the text in quotes"


class Said(NamedTuple):
    """One thing wrong: where (both from 1), what it is, and what to write."""

    line: int
    column: int
    message: str
    hint: str


def said(error: MarkedYAMLError, lines: Sequence[str]) -> Said:
    """Say in our words what *error* found in a file of these *lines*."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Said(1, 1, "this is not YAML", "")
    at, begun = (mark.line, mark.column), error.context_mark
    line = lines[mark.line] if mark.line < len(lines) else ""
    problem, context = error.problem or "", error.context or ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return _at(
            mark.line, indent.index("\t"), "a tab stands here", "indent with spaces, two for each level"
        )
    if "quoted scalar" in context and "end of stream" in problem and begun is not None:
        return _at(
            begun.line, begun.column, "this quote is never closed", "write it again where the text ends"
        )
    if "escape character" in problem:
        return _at(
            *at, "this \\ means nothing in double quotes", "write \\\\, or put the text in single quotes"
        )
    if "mapping values" in problem:
        return _second_colon(mark.line, mark.column, lines)
    if "flow" in context and problem.startswith("expected ','") and begun is not None:
        return _in_brackets(at, (begun.line, begun.column), problem, lines)
    if "block end" in problem:
        return _block(mark.line, mark.column, problem, lines)
    return _start(at, problem, line[mark.column : mark.column + 1])


def _at(line: int, column: int, message: str, hint: str) -> Said:
    return Said(line + 1, column + 1, message, hint)


def _second_colon(line: int, column: int, lines: Sequence[str]) -> Said:
    """A value where there is one: a colon in a text, a line too deep, or no key on the line before."""
    here = lines[line]
    if re.search(r":\s", here[:column]):
        return _at(line, column, "a second ': ' stands on this line", f"{_QUOTES} that contains it")
    before = _before(line, lines)
    if before is not None and _KEY.match(lines[before]) is None:
        start = len(lines[before]) - len(lines[before].lstrip("- "))
        return _at(before, start, "this line is no `key: value`", "write a colon and a space behind the key")
    start = len(here) - len(here.lstrip())
    message = "this line is indented deeper than the one before, which has a value already"
    return _at(line, start, message, _like(line, lines))


def _in_brackets(at: tuple[int, int], begun: tuple[int, int], problem: str, lines: Sequence[str]) -> Said:
    opened = lines[begun[0]][begun[1] : begun[1] + 1]
    closing = _CLOSING.get(opened, "}")
    if at[0] > begun[0]:
        return _at(*begun, f"'{opened}' is never closed", f"write {closing} where it ends")
    if "got ':'" in problem:
        hint = "write a comma before the key, or put a text that contains ': ' in quotes"
        return _at(*at, f"a comma or '{closing}' is awaited before this colon", hint)
    return _at(*at, f"a comma or '{closing}' is awaited here", "is one missing just before?")


def _block(line: int, column: int, problem: str, lines: Sequence[str]) -> Said:
    here = lines[line][column:]
    if here[:1] in ("]", "}"):
        return _at(line, column, f"'{here[0]}' closes nothing", "remove it, or open the bracket before it")
    if "<scalar>" in problem:
        return _at(line, column, "text follows a text in quotes", "put the whole of it in quotes, or nothing")
    item, hint = here.startswith("- "), _like(line, lines)
    if item and f"column {column + 1}," in hint:
        message = "an item of a list stands behind a key that ended the list"
        return _at(line, column, message, "move it up to its list, or indent the keys between them")
    return _at(
        line,
        column,
        "an item of a list is indented unlike the others"
        if item
        else "this line is indented unlike its neighbours",
        hint,
    )


def _start(at: tuple[int, int], problem: str, letter: str) -> Said:
    """Letters that have a meaning of their own at the beginning of a value."""
    if letter in (",", "]", "}") and "node content" in problem:
        return _at(*at, f"a value is missing before '{letter}'", "write it, or remove the sign")
    if "block scalar" in problem or "chomping" in problem:
        return _at(
            *at, "after | and > the text begins on the next line", f"move it there, indented, or {_QUOTES}"
        )
    if "alphabetic or numeric" in problem:
        return _at(at[0], max(at[1] - 1, 0), "a text cannot begin with * or &", _QUOTES)
    if letter and ("start any token" in problem or "mapping keys" in problem):
        return _at(*at, f"a text cannot begin with '{letter}'", _QUOTES)
    return _at(*at, "this is not YAML", "check the indentation and the brackets just before this place")


def _before(line: int, lines: Sequence[str]) -> int | None:
    """The line before that says something."""
    return next((n for n in range(line - 1, -1, -1) if lines[n].split("#")[0].strip()), None)


def _like(line: int, lines: Sequence[str]) -> str:
    """Which column to begin in: that of the items of the list, or that of the keys of the line before."""
    item = lines[line].lstrip().startswith("- ")
    number = line
    while (found := _before(number, lines)) is not None:
        number = found
        other = lines[number]
        start = len(other) - len(other.lstrip())
        if item and other.lstrip().startswith("- "):
            return f"begin it in column {start + 1}, like line {number + 1}"
        match = _KEY.match(other)
        if not item and match is not None:
            return f"begin it in column {start + len(match['dashes']) + 1}, like the key on line {number + 1}"
    return "begin it in column 1"
