"""Templates of a mapping: texts with columns in braces, compiled against the header of one table."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from orchestrator.findings import did_you_mean
from orchestrator.tables.flaws import Flawed

Row = Sequence[str]
"""The cells of one line, stripped; what means nothing is ""."""

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<column>[^{}|]+)(?:\|(?P<words>[^{}|]+))?\}|[{}]")


class Malformed(ValueError):
    """A template that cannot be read; *offset* is where."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


class Part(NamedTuple):
    """A piece of a template: a literal text, or a column with the list its cells are looked up in."""

    literal: str
    column: str = ""
    words: str = ""
    offset: int = 0


def parse(text: str) -> tuple[Part, ...]:
    """Cut a template into its pieces, or raise :class:`Malformed`."""
    parts, at = [], 0
    for token in _TOKEN.finditer(text):
        if token.start() > at:
            parts.append(Part(text[at : token.start()]))
        at = token.end()
        if token["column"] is not None:
            parts.append(Part("", token["column"].strip(), (token["words"] or "").strip(), token.start()))
        elif len(token[0]) == 2:
            parts.append(Part(token[0][0]))
        else:
            raise Malformed(token.start(), f"the {token[0]!r} has no partner")
    if at < len(text):
        parts.append(Part(text[at:]))
    return tuple(parts)


class Template:
    """A template bound to a table: what it says of a row.

    ``column`` is the first column in it, as a place to point at ("" if it is a constant).
    """

    __slots__ = ("_constant", "_pieces", "_single", "column", "index")

    def __init__(
        self, parts: Sequence[Part], positions: Mapping[str, int], words: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._pieces = [
            (part.literal, positions[part.column] if part.column else -1, part.column, part.words,
             words.get(part.words, {}))
            for part in parts
        ]  # fmt: skip
        cells = [part for part in parts if part.column]
        self.column = cells[0].column if cells else ""
        self.index = positions[self.column] if cells else -1
        self._single = self.index if len(parts) == 1 and cells and not cells[0].words else -1
        self._constant = None if cells else "".join(part.literal for part in parts)

    def fill(self, row: Row) -> str:
        """The text for one row; "" if every cell in it is empty.

        Raises :class:`Flawed` for a cell that stands in no line of its list of words.
        """
        if self._single >= 0:
            return row[self._single]
        if self._constant is not None:
            return self._constant
        texts, said = [], False
        for literal, index, column, name, known in self._pieces:
            if index < 0:
                texts.append(literal)
                continue
            cell = row[index]
            said = said or bool(cell)
            texts.append(_looked_up(cell, column, name, known) if name and cell else cell)
        return "".join(texts).strip() if said else ""

    def complete(self, row: Row) -> str:
        """The text for one row; "" if any cell in it is empty, as an id must not be made of halves."""
        if all(index < 0 or row[index] for _, index, *_ in self._pieces):
            return self.fill(row)
        return ""

    def constant(self) -> str | None:
        """The text, if it is the same for every row."""
        return self._constant


def _looked_up(cell: str, column: str, name: str, known: Mapping[str, str]) -> str:
    found = known.get(cell)
    if found is None:
        hint = did_you_mean(cell, known) or f"add it to `words: {{{name}: …}}`"
        raise Flawed("M112", column, cell, f"stands in no line of the words {name!r}", hint)
    return found
