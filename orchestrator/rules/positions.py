"""YAML text as a tree that knows where every key and value stands; nothing clever is allowed in it.

Aliases, anchors, tags, duplicate keys and a second document are refused (a rule file is data that
people read); a scalar is the text that was written, so ``on``, ``NO`` and ``17:30`` mean themselves.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from orchestrator.errors import Problem
from orchestrator.rules.yaml_words import said

LARGEST = 1_000_000  # characters
KEPT = 100_000  # characters of a file that is remembered
DEEPEST = 16  # a rule's task needs five levels

BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")  # what the scanner counts as the end of a line
_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|.)", re.DOTALL)


class Place(NamedTuple):
    """Where something stands; both count from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(slots=True)
class Node:
    """One value of the file: a mapping, a list, a text, or ``None`` for nothing.

    ``flaw`` marks a value that was refused here, so that nobody complains about it twice.
    """

    place: Place
    value: "dict[str, Node] | list[Node] | str | None"
    keys: dict[str, Place] = field(default_factory=dict)
    written: str = ""  # a scalar as it stands in the file, with quotes and line breaks
    flaw: bool = False

    @property
    def flawed(self) -> bool:
        """Was anything refused here or below?"""
        return self.flaw or any(child.flawed for child in self.children())

    def copy(self) -> "Node":
        """The same tree in nodes of its own."""
        value = self.value
        if isinstance(value, dict):
            value = {key: child.copy() for key, child in value.items()}
        elif isinstance(value, list):
            value = [child.copy() for child in value]
        return Node(self.place, value, dict(self.keys), self.written, self.flaw)

    def children(self) -> "Iterator[Node]":
        """The values below, in order."""
        if isinstance(self.value, dict):
            yield from self.value.values()
        elif isinstance(self.value, list):
            yield from self.value

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def get(self, key: str) -> "Node | None":
        """The value under *key* of a mapping, if this is one and has it."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    @property
    def text(self) -> str:
        """The text, or "" when this is something else."""
        return self.value if isinstance(self.value, str) else ""

    def place_of(self, index: int) -> Place:
        """Where the character at *index* of a text stands in the file, through quotes and folded lines."""
        visible = sum(not letter.isspace() for letter in self.text[:index])
        for offset, letter in self._letters():
            if not letter.isspace():
                if visible == 0:
                    return self._step(offset)
                visible -= 1
        end = len(self.written.rstrip().rstrip("'\"" if self.written[:1] in ("'", '"') else ""))
        return self._step(end)

    def _letters(self) -> Iterator[tuple[int, str]]:
        """The characters of the text with their offset in what was written."""
        style, written = self.written[:1], self.written
        offset = 0
        if style in ("|", ">"):
            offset = written.find("\n") + 1
        elif style in ("'", '"'):
            offset, written = 1, written.rstrip()[:-1]
        while offset < len(written):
            length = 1
            if style == "'" and written.startswith("''", offset):
                length = 2
            elif style == '"' and (escape := _ESCAPE.match(written, offset)):
                length = len(escape[0])
            yield offset, written[offset] if length == 1 else "x"
            offset += length

    def _step(self, offset: int) -> Place:
        lines = BREAK.split(self.written[:offset])
        if len(lines) == 1:
            return Place(self.place.line, self.place.column + offset)
        return Place(self.place.line + len(lines) - 1, len(lines[-1]) + 1)


class Findings:
    """Collects the problems of one file, each with its source line."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._lines = BREAK.split(text)

    def add(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Note one problem at *place*."""
        source = self._lines[place.line - 1] if 0 < place.line <= len(self._lines) else ""
        self.problems.append(Problem(self.path, place.line, place.column, code, message, hint, source))


def parse(text: str, findings: Findings) -> Node | None:
    """Return the tree of *text*, or ``None`` when it cannot be read at all; *findings* gets what is wrong."""
    root, wrong = _read_again(text) if len(text) <= KEPT else _read(text)
    for place, code, message, hint in wrong:
        findings.add(place, code, message, hint)
    return None if root is None else root.copy()  # whoever asked may take it apart


def _read(text: str) -> tuple[Node | None, list[tuple[Place, str, str, str]]]:
    findings = Findings("", text)
    root = _tree(text, findings)
    return root, [(Place(p.line, p.column), p.code, p.message, p.hint) for p in findings.problems]


_read_again = lru_cache(maxsize=8)(_read)  # the rules in force are mostly those that are written


def _tree(text: str, findings: Findings) -> Node | None:
    if (stray := next((i for i, letter in enumerate(text) if "\udc80" <= letter <= "\udcff"), -1)) >= 0:
        before = BREAK.split(text[:stray])
        findings.add(
            Place(len(before), len(before[-1]) + 1), "R001", "the file is not UTF-8", "save it as UTF-8 text"
        )
        return None
    if len(text) > LARGEST:
        findings.add(START, "R002", f"the file is larger than {LARGEST:,} characters", "split it by journey")
        return None
    try:
        return _Tree(text.removeprefix("\ufeff"), findings).read()
    except MarkedYAMLError as error:
        line, column, message, hint = said(error, BREAK.split(text))
        findings.add(Place(line, column), "R003", message, hint)
    except ReaderError as error:
        before = BREAK.split(text[: error.position])
        place = Place(len(before), len(before[-1]) + 1)
        findings.add(place, "R003", f"the character U+{_code(error):04X} is not allowed in YAML", "remove it")
    except YAMLError as error:
        findings.add(START, "R003", f"this is not YAML: {error}")
    except _TooDeepError as error:
        findings.add(error.place, "R008", f"nested more than {DEEPEST} levels deep", "rule files are flat")
    return None


def _code(error: ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(error.character)


class _TooDeepError(Exception):
    def __init__(self, place: Place) -> None:
        self.place = place


class _Tree:
    """Reads ruamel's events into nodes; the events carry exact places, also in flow style."""

    def __init__(self, text: str, findings: Findings) -> None:
        self._text = text
        self._findings = findings
        self._events: Iterator[Any] = YAML(typ="safe", pure=True).parse(io.StringIO(text))

    def read(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent" and root is not None:
                self._findings.add(
                    _place(event), "R003", "a second document begins here", "one journey a file"
                )
                root.flaw = True
                break
            if kind in ("StreamStartEvent", "DocumentStartEvent", "DocumentEndEvent", "StreamEndEvent"):
                continue
            root = self._node(event, 1)
        return root

    def _node(self, event: Any, depth: int) -> Node:
        place = _place(event)
        if depth > DEEPEST:
            raise _TooDeepError(place)
        kind = type(event).__name__
        if kind == "AliasEvent":
            self._findings.add(
                place, "R005", f"aliases are not allowed: *{event.anchor}", "write the value out"
            )
            return Node(place, None, flaw=True)
        node = Node(place, None)
        if event.anchor is not None:
            self._findings.add(
                place, "R005", f"anchors are not allowed: &{event.anchor}", "write the value out"
            )
            node.flaw = True
        if event.tag is not None and not _plain_tag(event):
            self._findings.add(place, "R006", f"tags are not allowed: {event.tag}", "remove it")
            node.flaw = True
        if kind == "ScalarEvent":
            node.written = self._text[event.start_mark.index : event.end_mark.index]
            plain = event.style is None or event.style == ""
            empty = node.flaw or (plain and event.value in ("", "~", "null", "Null", "NULL"))
            node.value = None if empty else str(event.value)
        elif kind == "SequenceStartEvent":
            node.value = list(self._items(depth))
        else:
            node.value = self._mapping(node, depth)
        return node

    def _items(self, depth: int) -> Iterator[Node]:
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                return
            yield self._node(event, depth + 1)

    def _mapping(self, node: Node, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for event in self._events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            name = getattr(event, "value", None)
            if not isinstance(name, str):
                self._findings.add(key.place, "R013", "a key must be a text", "")
                node.flaw = True
            elif name in found:
                first = node.keys[name]
                self._findings.add(
                    key.place, "R007", f"the key {name!r} stands here twice", f"first on line {first.line}"
                )
                node.flaw = True
            else:
                found[name] = value
                node.keys[name] = key.place
                value.flaw = value.flaw or key.flaw
        return found


def _plain_tag(event: Any) -> bool:
    """Is the tag one the parser adds by itself ("!" of a quoted text)?"""
    return type(event).__name__ == "ScalarEvent" and event.tag == "!" and bool(event.style)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
