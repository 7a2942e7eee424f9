"""A file of comma-separated values → rows, one at a time, each with its line; a damaged line is told alone.

Quotes may hold the delimiter and line breaks (RFC 4180). A quote that never closes would swallow all that
follows: its line is refused and the next one is read by itself.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from orchestrator.intake import BOM
from orchestrator.tables.encodings import is_utf8
from orchestrator.tables.flaws import Flaw

LONGEST = 1 << 20  # bytes of one line
SHOWN = 200  # characters of a damaged line that are worth reporting


class Row(NamedTuple):
    """The values of one record, as they stand in the file, and the line it begins on."""

    line: int
    cells: list[str]


class _Damaged(Exception):
    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw


class Lines:
    """The lines of a file as text. Of those beyond ASCII, ``good`` could be read and ``bad`` could not."""

    def __init__(self, stream: BinaryIO, encoding: str, seen: Callable[[int], None] = lambda _: None) -> None:
        self.number = 0
        self.good = self.bad = 0
        self.strange = b""  # the first lines beyond ASCII, to guess their encoding from
        self.all_utf8 = True
        self.first_bad: Flaw | None = None
        self.first_strange = 0
        self._seen = seen
        self._offset = 0
        self.is_unicode = codecs.lookup(encoding).name.startswith("utf")
        self._stream = stream
        self._encoding = encoding
        if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
            self._stream, self._encoding = _recoded(stream, encoding), "utf-8"

    def next(self) -> tuple[int, str] | Flaw | None:
        """The next line with its number, what is wrong with it, or nothing at the end."""
        raw = self._stream.readline(LONGEST + 1)
        if not raw:
            return None
        self.number += 1
        offset, self._offset = self._offset, self._offset + len(raw)
        self._seen(len(raw))
        if len(raw) > LONGEST and not raw.endswith(b"\n"):
            while (rest := self._stream.readline(LONGEST)) and not rest.endswith(b"\n"):
                self._seen(len(rest))
            return Flaw(self.number, "", "", "M105", f"is longer than {LONGEST:,} bytes")
        if self.number == 1:
            raw = raw.removeprefix(BOM)
        if b"\0" in raw:
            return Flaw(
                self.number, "", "", "M102", f"holds a NUL at byte {offset + raw.index(0) + 1:,} of the file"
            )
        if raw.isascii():
            return self.number, raw.decode("ascii")
        return self._strange(raw, offset)

    def _strange(self, raw: bytes, offset: int) -> tuple[int, str] | Flaw:
        self.first_strange = self.first_strange or self.number
        if len(self.strange) < LONGEST:
            self.strange += raw
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            self.bad += 1
            byte = raw[error.start]
            where = f"byte {offset + error.start + 1:,} of the file"
            flaw = Flaw(
                self.number, "", raw[max(0, error.start - 20) : error.start + 20].decode("ascii", "replace"),
                "M101", f"is no {self._encoding}: 0x{byte:02X} at {where}",
            )  # fmt: skip
            self.first_bad = self.first_bad or flaw
            return flaw
        self.good += 1
        if self.all_utf8 and not self.is_unicode:
            self.all_utf8 = is_utf8(raw)
        return self.number, text


def _recoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The same text in UTF-8, whose lines can be cut at their bytes."""
    return io.BufferedReader(_Recoder(stream, encoding))


class _Recoder(io.RawIOBase):
    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            raw = self._stream.read(1 << 16)
            self._ready = self._decoder.decode(raw, final=not raw).encode()
            if not raw:
                break
        taken, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


class Rows:
    """The records of a file after its header; iterating gives each, or what is wrong with its line.

    ``names`` are the columns. *header* is the line they stand on, unless *columns* names them.
    """

    def __init__(self, lines: Lines, delimiter: str, header: int, columns: list[str] | None) -> None:
        self.lines = lines
        self._delimiter = delimiter
        self._back: deque[tuple[int, str]] = deque()
        self._taken: list[tuple[int, str]] = []
        self._reader = csv.reader(_Feed(self._line), delimiter=delimiter, strict=True)
        self.names = columns or self._header(header)

    def __iter__(self) -> Iterator[Row | Flaw]:
        width = len(self.names)
        while (record := self._record()) is not None:
            if isinstance(record, Flaw):
                yield record
            elif len(record.cells) != width:
                if record.cells:  # an empty line says nothing
                    yield self._ragged(record, width)
            else:
                yield record

    def place(self, index: int) -> int:
        """Where the value of that index begins in the line read last, from 1; 0 if on a further line."""
        line, quoted, at = self._taken[0][1], False, 0
        for position, character in enumerate(line):
            if at == index:
                return position + 1
            quoted ^= character == '"'
            at += character == self._delimiter and not quoted
        return 0

    def _ragged(self, record: Row, width: int) -> Flaw:
        said = f"has {len(record.cells):,} values where the header has {width:,}"
        return Flaw(record.line, "", self._written(), "M104", said)

    def _header(self, number: int) -> list[str]:
        while self.lines.number < number - 1:
            if self.lines.next() is None:
                return []
        record = self._record()
        return [name.strip() for name in record.cells] if isinstance(record, Row) else []

    def _record(self) -> Row | Flaw | None:
        self._taken.clear()
        try:
            cells = next(self._reader)
        except StopIteration:
            return None
        except _Damaged as damaged:
            return damaged.flaw
        except csv.Error as error:
            return self._unclosed(str(error))
        return Row(self._taken[0][0], cells)

    def _unclosed(self, said: str) -> Flaw:
        line = self._taken[0][0]
        written = self._written()
        self._back.extendleft(reversed(self._taken[1:]))
        if "quot" in said or "expected after" in said:
            said = "has a quote inside a quoted value"
        elif "unexpected end" in said or "field limit" in said:
            said = "opens a quote that never closes"
        else:
            said = f"cannot be cut into values: {said}"
        return Flaw(line, "", written, "M103", said, 'write a quote inside a value twice: ""')

    def _written(self) -> str:
        return self._taken[0][1].rstrip("\r\n")[:SHOWN]

    def _line(self) -> str | None:
        """The next line for the record that is being read."""
        if self._back:
            found: tuple[int, str] | Flaw | None = self._back.popleft()
        else:
            found = self.lines.next()
        if isinstance(found, Flaw):
            raise _Damaged(found)
        if found is None:
            return None
        self._taken.append(found)
        return found[1]


class _Feed:
    """Goes on after its end when lines were handed back, which no generator does."""

    def __init__(self, line: Callable[[], str | None]) -> None:
        self._next = line

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._next()
        if line is None:
            raise StopIteration
        return line
