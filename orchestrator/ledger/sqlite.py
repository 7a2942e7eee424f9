"""SQLite as the ledger needs it: its connections, its settings, and which of its errors mean "away"."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from orchestrator.errors import LedgerAway

BUSY_TIMEOUT = 30.0  # seconds to wait for another process's write, for whoever names no patience

AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


def file_of(url: URL) -> Path | None:
    """The database's file, or ``None`` if it lives in memory."""
    return None if url.database in (None, "", ":memory:") else Path(str(url.database)).absolute()


Identity = tuple[int, int]  # of a file: its device and its inode there


def identity(file: Path) -> Identity | None:
    """Say which file stands there, or ``None`` if there is none to be seen."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def connector(file: Path | None, *, scratch: bool) -> Callable[[], Any]:
    """Say how to connect. With *scratch* a crash may lose everything, and nothing waits for the disk."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            ":memory:" if file is None else file,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,  # transactions begin where the ledger says so
            check_same_thread=False,
            cached_statements=256,
        )
        # the write-ahead log is a property of the file: asking first avoids a needless exclusive lock
        wanted = "memory" if scratch or file is None else "wal"
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
            connection.execute(f"PRAGMA journal_mode={wanted}")
        connection.execute(f"PRAGMA synchronous={'OFF' if scratch else 'FULL'}")
        return connection

    return connect


def is_away(error: BaseException | None) -> bool:
    """Say whether a driver's error is about the database as a whole, not about what it was asked."""
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in AWAY


def away(error: BaseException) -> LedgerAway:
    """Say that the database is away, in the driver's words; they name no values."""
    return LedgerAway(f"the ledger does not answer: {error}")
