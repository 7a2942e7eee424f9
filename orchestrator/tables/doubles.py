"""Which lines of a table have the key of another line, found on disk: a file of any length fits."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from types import TracebackType
from typing import NamedTuple, Self

_CACHE = 16_000  # kB of pages kept in memory
_BATCH = 1000

_FIND = """
SELECT line, CASE line WHEN first THEN last ELSE first END, low <> high, line = first FROM (
    SELECT line, min(line) OVER same AS first, max(line) OVER same AS last,
           min(said) OVER same AS low, max(said) OVER same AS high, count(*) OVER same AS times
    FROM rows WINDOW same AS (PARTITION BY key))
WHERE times > 1 ORDER BY line
"""


class Double(NamedTuple):
    """A line whose key stands on another one too: which, whether they differ, whether it is the first."""

    line: int
    other: int
    differ: bool
    first: bool


class Disk:
    """A private database on disk, gone when it is closed: rows by key, and which customers were described."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows: list[tuple[bytes, bytes, int]] = []
        for statement in (
            f"PRAGMA cache_size = -{_CACHE}", "PRAGMA temp_store = FILE", "PRAGMA synchronous = OFF",
            "PRAGMA journal_mode = OFF", "CREATE TABLE rows (key BLOB, said BLOB, line INTEGER)",
            "CREATE TABLE described (customer TEXT PRIMARY KEY, said BLOB, line INTEGER) WITHOUT ROWID",
            "BEGIN",
        ):  # fmt: skip
            self._db.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, key: str, cells: Sequence[str], line: int) -> None:
        """Note what stands on a line."""
        self._rows.append((digest(key), digest("\x1f".join(cells)), line))
        if len(self._rows) == _BATCH:
            self._write()

    def doubles(self) -> Iterator[Double]:
        """Every line whose key stands twice, in the order of the file."""
        self._write()
        with closing(self._db.execute(_FIND)) as found:
            for line, other, differ, first in found:
                yield Double(line, other, bool(differ), bool(first))

    def described(self, customer: str) -> tuple[bytes, int] | None:
        """How a customer was described in this run, and on which line."""
        row: tuple[bytes, int] | None = self._db.execute(
            "SELECT said, line FROM described WHERE customer = ?", (customer,)
        ).fetchone()
        return row

    def describe(self, customer: str, said: bytes, line: int) -> None:
        """Note that this line is the one that describes a customer."""
        self._db.execute("INSERT INTO described VALUES (?, ?, ?)", (customer, said, line))

    def _write(self) -> None:
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?)", self._rows)
        self._rows.clear()


def digest(text: str) -> bytes:
    """Sixteen bytes that stand for a text: two of a billion rows share them by accident never."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
