"""The report of an import: a table of what was refused and why, safe to open in a spreadsheet."""

import csv
from collections.abc import Callable
from typing import TextIO

from orchestrator.tables.flaws import Flaw

HEADINGS = ("line", "column", "value", "refused", "code", "why", "hint")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escaped(text: str) -> str:
    """Return *text* so that no spreadsheet takes it for a formula: with ``'`` before = + - @."""
    plain = text.replace("\0", "\ufffd")
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def writer(file: TextIO) -> Callable[[Flaw], None]:
    """Begin a report in *file*, and return what adds a line to it."""
    lines = csv.writer(file)
    lines.writerow(HEADINGS)

    def add(flaw: Flaw) -> None:
        refused = "yes" if flaw.refused else "no"
        texts = (flaw.column, flaw.value, refused, flaw.code, flaw.message, flaw.hint)
        lines.writerow((flaw.line, *map(escaped, texts)))

    return add
