"""What a simulation shows: on a terminal a table that fits it, for programs every notification whole."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestrator.case import REPLACED
from orchestrator.cli import output
from orchestrator.cli.output import Format

if TYPE_CHECKING:
    from orchestrator.simulate import Line

COLUMNS = ("due_at", "at", "rule", "order", "customer", "occasion", "channel", "status", "reason")
HEADS = ("time", "order", "to", "what", "status", "why")
LEAST_WHAT, LEAST_WHY = 16, 24  # columns; what is said gives way to why
GAP = 2
STATUSES = ("accepted", "scheduled", "suppressed", "cancelled", "expired", "held", "unknown", "failed")
STYLES = {
    "cancelled": "dim", "suppressed": "yellow", "expired": "yellow", "held": "yellow", "unknown": "red",
    "failed": "red",
}  # fmt: skip
TELLING = {"suppressed", "expired", "failed", "held", "unknown"}  # the sentence says why most of these are so


class Result:
    """The notifications in a simulation's ledgers, counted while they are shown: they may be very many."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = files
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()

    def show(self, form: Format, zone: str, *, everything: bool = False) -> None:
        """Write them to stdout; on a terminal by time, and without what was replaced unless *everything*."""
        if form is Format.TABLE and sys.stdout.isatty():
            self._on_terminal(ZoneInfo(zone), everything)
        elif form is Format.JSONL:  # a long history has a million of them
            for line in self._lines():
                print(output.dumped(line))
        else:
            output.records(self._whole(), form, COLUMNS)

    def sentence(self) -> str:
        """``412 accepted, 3 suppressed (no consent), 0 failed``: with the reason that was given most."""
        parts = []
        for status in STATUSES:
            count = self._counts[status]
            if not count and status not in ("accepted", "failed"):
                continue
            why = ""
            if status in TELLING and count:
                most = max((key for key in self._reasons if key[0] == status), key=self._reasons.__getitem__)
                why = f" ({most[1]})" if most[1] else ""
            parts.append(f"{count:,} {status}{why}")
        return ", ".join(parts)

    def _lines(self) -> Iterator[Line]:
        from orchestrator.ledger import Ledger
        from orchestrator.simulate import lines_in

        counts, reasons = self._counts, self._reasons
        for file in self._files:
            with Ledger.open(f"sqlite:///{file}", scratch=True) as ledger:
                for line in lines_in(ledger):
                    counts[line.status] += 1
                    if line.status in TELLING:
                        reasons[line.status, line.reason] += 1
                    yield line

    def _whole(self) -> Iterator[Mapping[str, Any]]:
        from orchestrator.simulate import LINE

        for line in self._lines():
            yield {name: getattr(line, name) for name in LINE}

    def _on_terminal(self, zone: ZoneInfo, everything: bool) -> None:
        shown = []
        replaced = 0
        for line in self._lines():
            if not everything and line.status == "cancelled" and line.reason.startswith(REPLACED):
                replaced += 1
            else:
                shown.append(line)
        shown.sort(key=lambda line: (_time(line), line.order))
        years = {_time(line).astimezone(zone).year for line in shown[:1] + shown[-1:]}
        clock = "%a %d %b %H:%M" if len(years) < 2 else "%a %Y-%m-%d %H:%M"
        _table([(line.status, _row(line, zone, clock)) for line in shown])
        if replaced:
            print(output.replaced(replaced))


def _time(line: Line) -> datetime:
    """When it ended; what still waits, when it is due."""
    return line.at or line.due_at


def _row(line: Line, zone: ZoneInfo, clock: str) -> tuple[str, ...]:
    moment = _time(line).astimezone(zone)
    to = f"{line.role} {line.channel}".strip()
    what = line.template.partition("/")[2]
    row = (f"{moment:{clock}}", line.order, to, what, line.status, line.reason)
    return tuple(map(output.printable, row))


def _table(rows: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """One line a row, in its status's style; the reason is cut at the edge."""
    if not rows:
        return
    widths = [max(map(output.width, column)) for column in zip(HEADS, *(row for _, row in rows), strict=True)]
    what = HEADS.index("what")
    rest = output.terminal_width() - sum(widths[:-1]) - GAP * (len(HEADS) - 1)
    widths[what] = max(min(LEAST_WHAT, widths[what]), widths[what] - max(0, LEAST_WHY - rest))
    print(output.styled(_line(HEADS, widths), "bold", sys.stdout))
    for status, row in rows:
        line, style = _line(row, widths), STYLES.get(status)
        print(output.styled(line, style, sys.stdout) if style else line)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [output.shortened(cell, width) for cell, width in zip(cells, widths, strict=True)]
    padded = [cell + " " * (width - output.width(cell)) for cell, width in zip(fitted, widths, strict=True)]
    return output.shortened((" " * GAP).join(padded).rstrip(), output.terminal_width())
