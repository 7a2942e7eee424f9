"""What a simulation shows: on a terminal a table that fits it, for programs every notification whole."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestrator.cli import house, output
from orchestrator.cli.output import Format, counted
from orchestrator.errors import Conflict, Problems
from orchestrator.reasons import Code

if TYPE_CHECKING:
    from orchestrator.config.settings import Settings
    from orchestrator.journey import RuleBook
    from orchestrator.render import Renderer
    from orchestrator.simulation.history import History
    from orchestrator.simulation.simulate import Line, Unwritten

COLUMNS = (
    "time", "order", "customer", "to", "rule", "template", "channel", "status", "reason", "due_at", "occasion"
)  # fmt: skip
HEADS = ("time", "order", "to", "what", "status", "why")
LEAST_WHAT, LEAST_WHY = 16, 36  # columns; where there are not so many for why, it has a line of its own
INDENT = 4
NAMED = 3  # of the texts that failed; the rest is counted
GAP = 2
PAGE = 500  # orders
STATUSES = ("accepted", "scheduled", "suppressed", "cancelled", "expired", "held", "unknown", "failed")
STYLES = {
    "cancelled": "dim", "suppressed": "yellow", "expired": "yellow", "held": "yellow", "unknown": "red",
    "failed": "red",
}  # fmt: skip
TELLING = {"suppressed", "expired", "failed", "held", "unknown"}  # the sentence says why most of these are so


@dataclass(frozen=True, slots=True)
class Tried:
    """A set of rules that can be simulated, and the templates it names that nobody has written yet."""

    book: RuleBook
    renderer: Renderer
    missing: frozenset[str]


def written(settings: Settings, folders: Sequence[Path], templates: Path | None) -> list[Tried]:
    """Read sets of rules; raises :class:`Problems` with all that is wrong with any of them."""
    from orchestrator.rules import read

    found = [house.rehearsed(settings, read(folder), templates) for folder in folders]
    problems = dict.fromkeys(problem for one, _ in found for problem in one.problems)
    if problems:
        raise Problems(problems)
    missing = frozenset[str]().union(*(names for _, names in found))
    if missing:
        output.note(f"nobody has written yet: {', '.join(sorted(missing))}; simulated without their texts")
    return [Tried(one.book, one.renderer, frozenset(names)) for one, names in found]


def run(
    settings: Settings,
    rules: Tried,
    past: History,
    until: datetime,
    folder: Path,
    progress: Callable[[int], object],
    *,
    undelivered: bool = False,
) -> list[Path]:
    """Simulate one set of rules in as many processes as it is worth; return the ledgers left in *folder*.

    Raises :class:`Problems` with the place of each event that came before with another body.
    """
    from channels.memory import MemoryChannel
    from orchestrator.simulation import history, parts
    from orchestrator.simulation.simulate import Rehearsal, Simulation

    composer = Rehearsal(house.composer(settings, rules.renderer), rules.missing)

    names = tuple(settings.channels.named())

    def make(file: Path) -> Simulation:
        sinks = {name: MemoryChannel(name, keep=False) for name in names}
        return Simulation(rules.book, composer, sinks, start=past.first, file=file, undelivered=undelivered)

    folder.mkdir()
    try:
        hands = 1 if rules.book.gathers_for_staff else parts.worth(past.count)
        return parts.simulate(past, until, hands, make, folder, progress)
    except Conflict as clash:
        raise Problems(history.conflicts(past.path, clash.ids)) from None


def unwritten(files: Iterable[Path]) -> str:
    """A sentence about the messages that these simulations could not make, whatever became of them; or ""."""
    from orchestrator.ledger import Ledger
    from orchestrator.simulation.simulate import unwritten_in

    found: Counter[Unwritten] = Counter()
    for file in files:
        with Ledger.open(f"sqlite:///{file}", scratch=True) as ledger:
            found += unwritten_in(ledger)
    if not found:
        return ""
    named = " · ".join(f"{text.template} ({text.why})" for text, _ in found.most_common(NAMED))
    more = f" · and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return f"{counted(sum(found.values()), 'message')} could not be written: {named}{more}"


def problems_in(files: Iterable[Path]) -> dict[str, str]:
    """What somebody should look at in the facts of each order of these simulations, as they ended."""
    from orchestrator.ledger import Ledger

    found: dict[str, str] = {}
    for file in files:
        with Ledger.open(f"sqlite:///{file}", scratch=True) as ledger, ledger.read() as tx:
            after = ""
            while page := tx.list_orders(problems=True, after=after, limit=PAGE):
                found |= {row.id: row.problem for row in page}
                after = page[-1].id
    return found


class Zones:
    """The clocks of each order's place, or the company's; every moment is shown by them."""

    def __init__(self, of: Mapping[str, str], company: str) -> None:
        self._of = of
        self._company = company

    def local(self, moment: datetime, order: str) -> datetime:
        """*moment* by the clocks of the order's place."""
        return moment.astimezone(ZoneInfo(self._of.get(order, self._company)))

    def shown(self, moment: datetime, order: str) -> str:
        """``2026-03-12 17:30 CET``: for lines that are read without a head that names the zone."""
        return f"{self.local(moment, order):%Y-%m-%d %H:%M %Z}"

    def named(self, orders: Iterable[str]) -> list[str]:
        """The zones of these orders."""
        return sorted({self._of.get(order, self._company) for order in orders})


class Result:
    """The notifications in a simulation's ledgers, counted while they are shown: they may be very many."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = files
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()

    def show(self, form: Format, zones: Zones, *, everything: bool = False) -> None:
        """Write them to stdout, for people by time.

        A terminal leaves out what was replaced, unless it is to show *everything*. People read moments by the
        clocks of the order's place, programs as they are in UTC.
        """
        if form is Format.TABLE and sys.stdout.isatty():
            self._on_terminal(zones, everything)
        elif form is Format.TABLE:
            ordered = sorted(self._lines(), key=_by_time)
            output.records((_local(line, zones) for line in ordered), form, COLUMNS)
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
        from orchestrator.simulation.simulate import lines_in

        counts, reasons = self._counts, self._reasons
        for file in self._files:
            with Ledger.open(f"sqlite:///{file}", scratch=True) as ledger:
                for line in lines_in(ledger):
                    counts[line.status] += 1
                    if line.status in TELLING:
                        reasons[line.status, line.reason] += 1
                    yield line

    def _whole(self) -> Iterator[Mapping[str, Any]]:
        from orchestrator.simulation.simulate import LINE

        for line in self._lines():
            yield {name: getattr(line, name) for name in LINE}

    def _on_terminal(self, zones: Zones, everything: bool) -> None:
        shown = []
        replaced = 0
        for line in self._lines():
            if not everything and line.status == "cancelled" and line.reason.code is Code.REPLACED:
                replaced += 1
            else:
                shown.append(line)
        shown.sort(key=_by_time)
        years = {zones.local(line.when, line.order).year for line in shown[:1] + shown[-1:]}
        places = zones.named(line.order for line in shown)
        clock = "%a %d %b %H:%M" if len(years) < 2 else "%a %Y-%m-%d %H:%M"
        clock = clock if len(places) < 2 else f"{clock} %Z"
        _table([(line.status, _row(line, zones, clock)) for line in shown])
        if replaced:
            print(output.replaced(replaced))
        if len(places) == 1:
            print(f"Times are those of {places[0]}.")


def _by_time(line: Line) -> tuple[datetime, str, datetime]:
    return line.when, line.order, line.due_at


def _local(line: Line, zones: Zones) -> Mapping[str, Any]:
    """A line for somebody who reads it in a file: moments by the clocks of the order's place."""
    from orchestrator.simulation.simulate import LINE

    time, due = (zones.shown(moment, line.order) for moment in (line.when, line.due_at))
    return {**{name: getattr(line, name) for name in LINE}, "time": time, "due_at": due, "to": line.role}


def _row(line: Line, zones: Zones, clock: str) -> tuple[str, ...]:
    moment = zones.local(line.when, line.order)
    to = f"{line.role} {line.channel}".strip()
    what = line.template.partition("/")[2]
    row = (f"{moment:{clock}}", line.order, to, what, line.status, line.reason)
    return tuple(map(output.printable, row))


def _table(rows: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """Rows in the style of their status; the reason is cut at the edge, or stands below if room is short."""
    if not rows:
        return
    widths = [max(map(output.width, column)) for column in zip(HEADS, *(row for _, row in rows), strict=True)]
    what, most = HEADS.index("what"), output.terminal_width()
    under = most - sum(widths[:-1]) - GAP * (len(HEADS) - 1) < LEAST_WHY
    if under:
        too_wide = sum(widths[:-1]) + GAP * (len(HEADS) - 2) - most
        widths[what] = max(min(LEAST_WHAT, widths[what]), widths[what] - max(0, too_wide))
        widths.pop()
    print(output.styled(_line(HEADS[: len(widths)], widths), "bold", sys.stdout))
    for status, row in rows:
        style = STYLES.get(status, "")
        lines = [_line(row[: len(widths)], widths)]
        if under and row[-1]:
            lines.append(f"{' ' * INDENT}{output.folded(row[-1], INDENT)}")
        for line in lines:
            print(output.styled(line, style, sys.stdout) if style else line)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [output.shortened(cell, width) for cell, width in zip(cells, widths, strict=True)]
    padded = [cell + " " * (width - output.width(cell)) for cell, width in zip(fitted, widths, strict=True)]
    return output.shortened((" " * GAP).join(padded).rstrip(), output.terminal_width())
