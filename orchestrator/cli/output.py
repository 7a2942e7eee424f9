"""How every command speaks: problems with their place, tables, sentences, progress.

Data goes to stdout, everything about the work goes to stderr. For a person (``--format table``) the closing
sentence stands under the data; for a program (``json``, ``jsonl``) it goes to stderr.
"""

import json
import os
import re
import shutil
import sys
import textwrap
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, is_dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from enum import Enum, StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TextIO

from orchestrator.cli import letters
from orchestrator.errors import Misconfigured, Problem

QUIET = 1.0  # seconds: what is over sooner needs no progress
WIDEST_SOURCE = 160  # characters of a source line that are worth showing


class Format(StrEnum):
    """What stdout is for: a person, a program that reads all of it, or one that reads line by line."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


# ── words and colours ────────────────────────────────────────────────────────

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def colourful(stream: TextIO) -> bool:
    """Say whether *stream* is a terminal that wants colours (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str, stream: TextIO) -> str:
    """Return *text* in *style* (words such as ``bold red``) where *stream* shows colours."""
    if not colourful(stream):
        return text
    return f"\x1b[{';'.join(_STYLES[word] for word in style.split())}m{text}\x1b[0m"


_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")  # C0 but the tab, C1; halves of a pair


def printable(text: str) -> str:
    """Return *text* with control characters made visible, so that data cannot drive the terminal.

    Everything else is printed as a reader sees it: the space in ``1.234,50 €`` that does not break, and the
    marks around a name that runs the other way.
    """
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if _CONTROL.fullmatch(c) else c for c in text)


def terminal_width() -> int:
    """How wide the terminal is."""
    return shutil.get_terminal_size().columns


def width(text: str) -> int:
    """How many terminal columns *text* takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def shortened(text: str, most: int) -> str:
    """Return *text*, cut with an ellipsis where it takes more than *most* columns."""
    if width(text) <= most:
        return text
    kept = text[: max(0, most - 1)]
    while width(kept) >= most > 0:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def begun(text: str, most: int) -> str:
    """Return *text*, ended after a word and with an ellipsis where it takes more than *most* columns."""
    short = shortened(text, most)
    if short == text:
        return text
    kept = short.removesuffix("…")
    whole = kept if text[len(kept) :].startswith(" ") else kept.rpartition(" ")[0] or kept
    return f"{whole.rstrip(' ,;:')} …"


def folded(text: str, indent: int) -> str:
    """Return *text* in lines that fit beside *indent* columns, each but the first indented by them."""
    room = max(20, terminal_width() - indent)
    return f"\n{' ' * indent}".join(textwrap.wrap(printable(text), room, break_on_hyphens=False))


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return ``1 rule`` or ``1,204 rules``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def replaced(number: int) -> str:
    """Say how many lines are not shown, because a newer message of the same rule took their place."""
    if number == 1:
        return "1 more was replaced before it was due; --all shows it"
    return f"{number:,} more were replaced before they were due; --all shows them"


def sentence(text: str, form: Format = Format.TABLE) -> None:
    """Close a command with what became of it."""
    print(text, file=sys.stdout if form is Format.TABLE else sys.stderr)


_tell: Callable[[str, str, str], None] | None = None  # level, event, words


def told_by(tell: Callable[[str, str, str], None] | None) -> None:
    """Have what goes to stderr told by *tell* from now on, or again as lines for people."""
    global _tell  # noqa: PLW0603  there is one stderr
    _tell = tell


def note(text: str, event: str = "note") -> None:
    """Say something about the work while it goes on; *event* is what a program knows it by."""
    if _tell is not None:
        _tell("info", event, text)
        return
    print(printable(text), file=sys.stderr)


def failure(text: str, hint: str = "") -> None:
    """Say what went wrong (further lines are details), and what to do about it."""
    if _tell is not None:
        _tell("error", "error", "; ".join(filter(None, [*text.splitlines(), hint])))
        return
    first, *more = text.splitlines() or [""]
    print(f"{styled('error:', 'bold red', sys.stderr)} {printable(first)}", file=sys.stderr)
    for line in more:
        print(f"  {printable(line)}", file=sys.stderr)
    if hint:
        print(f"  {styled('hint:', 'cyan', sys.stderr)} {printable(hint)}", file=sys.stderr)


# ── problems ─────────────────────────────────────────────────────────────────


def problem_text(problem: Problem, stream: TextIO) -> str:
    """Return ``path:line:col: CODE message``, the source line, a caret under the column, the hint."""
    place = f"{problem.path}:{problem.line}:{problem.column}:" if problem.line else f"{problem.path}:"
    lines = [
        f"{styled(place, 'bold', stream)} {styled(problem.code, 'red', stream)} {printable(problem.message)}"
    ]
    if problem.source:
        lines += _pointed(problem, stream)
    if problem.hint:
        lines.append(f"    {styled('hint:', 'cyan', stream)} {printable(problem.hint)}")
    return "\n".join(lines)


def _pointed(problem: Problem, stream: TextIO) -> list[str]:
    """The source line, cut to a window around the column, and the caret under it."""
    source = problem.source.rstrip("\r\n")
    behind = min(len(source) - WIDEST_SOURCE, problem.column - WIDEST_SOURCE // 2)
    start = max(0, behind) if problem.column <= len(source) else max(0, problem.column - WIDEST_SOURCE)
    window = source[start : start + WIDEST_SOURCE]
    shown = [f"    {printable(window)}"]
    if problem.column:
        before = printable(window[: problem.column - 1 - start])
        padding = "".join(c if c == "\t" else " " * _columns(c) for c in before)
        shown.append(f"    {padding}{styled('^', 'bold green', stream)}")
    return shown


def _columns(character: str) -> int:
    """How many terminal columns a character takes."""
    if unicodedata.combining(character) or (unicodedata.category(character) == "Cf" and character != "\xad"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def problems(found: Iterable[Problem], form: Format = Format.TABLE, stream: TextIO | None = None) -> None:
    """Write every problem to *stream* (stdout unless told), in the order of the files."""
    stream = stream or sys.stdout
    ordered = sorted(found, key=lambda p: (p.path, p.line, p.column, p.code))
    if form is Format.TABLE:
        for problem in ordered:
            print(problem_text(problem, stream), file=stream)
    else:
        records(map(asdict, ordered), form, stream=stream)


def of_events(found: Iterable[Problem]) -> list[Problem]:
    """The same for stderr: lines of events name customers, so they are shown at a terminal and to no log."""
    return [one if sys.stderr.isatty() else replace(one, source="") for one in found]


# ── records ──────────────────────────────────────────────────────────────────


def plain(value: Any) -> Any:
    """Return *value* as JSON knows it: moments as ISO 8601, values as objects, the rest as text."""
    if isinstance(value, datetime | date | clock_time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


def dumped(value: Any, *, indent: int | None = None) -> str:
    """Return *value* as JSON text that keeps letters as they are, where stdout has them all."""
    bare = not letters.has_all(sys.stdout)
    if indent is None and not bare:
        import orjson

        with suppress(TypeError):  # lone surrogates, which orjson refuses
            return orjson.dumps(value, default=plain, option=orjson.OPT_NON_STR_KEYS).decode()
    return json.dumps(value, default=plain, ensure_ascii=bare, indent=indent)


def records(
    rows: Iterable[Mapping[str, Any]],
    form: Format,
    columns: Sequence[str] = (),
    *,
    stream: TextIO | None = None,
) -> None:
    """Write *rows*: as a table of *columns* (their names, underscores as spaces), or whole as JSON."""
    stream = stream or sys.stdout
    if form is Format.JSONL:
        for row in rows:
            print(dumped(row), file=stream)
    elif form is Format.JSON:
        print(dumped(list(rows), indent=2), file=stream)
    else:
        _table(rows, columns, stream)


def _table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], stream: TextIO) -> None:
    cells = [[printable(_cell(row.get(column))) for column in columns] for row in rows]
    if not cells:
        return
    titles = [column.replace("_", " ") for column in columns]
    if stream.isatty():
        _fitted(titles, cells, stream)
        return
    # A file or another program has no width: one row is one line, and nothing is cut.
    widths = [max(map(width, column)) for column in zip(titles, *cells, strict=True)]
    for row in (titles, *cells):
        padded = (text + " " * (room - width(text)) for text, room in zip(row, widths, strict=True))
        print("  ".join(padded).rstrip(), file=stream)


def _fitted(titles: Sequence[str], cells: Sequence[Sequence[str]], stream: TextIO) -> None:
    """A table that folds its cells to the width of the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    head = "bold" if colourful(stream) else ""
    table = Table(box=None, pad_edge=False, header_style=head, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console(file=stream, highlight=False, no_color=not colourful(stream)).print(table)


def _cell(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes").replace("+00:00", "Z")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float | Enum):
        return str(value)
    return dumped(value)


# ── progress ─────────────────────────────────────────────────────────────────


class Progress:
    """Shows on stderr how far a long piece of work is: a bar on a terminal, else a line every 10 %.

    Without a *total* (reading a pipe) the line comes every ten thousand. Work of less than a second is
    not worth a word.
    """

    def __init__(
        self,
        what: str,
        total: int | None = None,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self._stream = stream or sys.stderr
        self._clock = clock
        self._began = clock()
        self._told = 0
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def to(self, done: int) -> None:
        """Say that *done* of the total are done."""
        self.done = done
        if self._bar is None and self._clock() - self._began < QUIET:
            return
        if self._stream.isatty():
            self._draw()
        else:
            self._line()

    def advance(self, number: int = 1) -> None:
        """Say that *number* more are done."""
        self.to(self.done + number)

    def _line(self) -> None:
        step = self.done * 10 // self.total if self.total else self.done // 10_000
        if step > self._told:
            self._told = step
            share = f"{step * 10} %" if self.total else f"{self.done:,}"
            print(f"{self.what}: {share}", file=self._stream, flush=True)

    def _draw(self) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            console = Console(file=self._stream, no_color=not colourful(self._stream))
            self._bar = Bar(console=console, transient=True)
            self._task = self._bar.add_task(self.what, total=self.total)
            self._bar.start()
        self._bar.update(self._task, completed=self.done)


# ── files somebody named ─────────────────────────────────────────────────────


def reading(file: Path) -> BinaryIO:
    """Open a file to read; raises :class:`Misconfigured` with the reason."""
    try:
        return file.open("rb")
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from error


def writing(file: Path, encoding: str = "utf-8") -> TextIO:
    """Open a file to write anew, lines ending as they are given; raises :class:`Misconfigured`."""
    try:
        return file.open("w", encoding=encoding, newline="")
    except OSError as error:
        raise Misconfigured(f"{file} cannot be written: {error.strerror}") from error
