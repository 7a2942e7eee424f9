"""SQLite as the ledger needs it: its connections, its settings, and which of its errors mean "away"."""

import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import URL, Connection, ExceptionContext, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import Pool, QueuePool, StaticPool

from orchestrator.errors import LedgerAway, LedgerBusy
from orchestrator.ledger import indexes
from orchestrator.ledger.lock import daemon_lock, lock_of

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
        if file is not None:
            _kept_private(file)
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


def _kept_private(file: Path) -> None:
    """Let nobody else read what is made here; what is there keeps its mode, and what lies beside it takes it.

    A file that exists must not even be opened: closing it would drop SQLite's own locks on it.
    """
    with suppress(OSError):  # what is wrong is said by SQLite
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def away(error: BaseException | None) -> LedgerAway | None:
    """Say that the database is away, in the driver's words, which name no values; ``None`` if it is not."""
    if isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in AWAY:
        return LedgerAway(f"the ledger does not answer: {error}")
    return None


READERS = 8  # connections kept for reading


class SqliteDatabase:
    """One file, or memory. One transaction writes at a time: a thread waits for the others of its process.

    SQLite lets one process write at a time; both are waited for up to :data:`BUSY_TIMEOUT` seconds.
    """

    is_shared = False

    def __init__(self, where: URL, *, scratch: bool = False) -> None:
        self.file = file_of(where)
        connect = connector(self.file, scratch=scratch)
        pool: Pool = (
            StaticPool(connect) if self.file is None else QueuePool(connect, READERS, max_overflow=-1)
        )
        self.engine = create_engine("sqlite://", pool=pool, hide_parameters=True)
        event.listen(self.engine, "handle_error", _on_error)
        self._identity: Identity | None = None  # of the file, once somebody has used it
        self._write_lock = threading.Lock()
        self._writer: Connection | None = None
        self.is_alone = False  # this process has the daemon's lock
        self._watch_lock = threading.Lock()
        self._watcher: Connection | None = None

    @contextmanager
    def writing(self, *, keep: bool = True, patience: float | None = None) -> Iterator[Connection]:
        """Give the one connection that writes; see :class:`~orchestrator.ledger.database.Database`."""
        most = BUSY_TIMEOUT if patience is None else patience
        end = monotonic() + most
        if not self._write_lock.acquire(timeout=max(most, 0)):
            raise LedgerAway(f"another thread is writing for more than {most:g} seconds")
        try:
            yield from self._one_transaction(keep=keep, end=None if patience is None else end)
        finally:
            self._write_lock.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection of its own with one view; memory has one connection for everything."""
        if self.file is None:
            with self.writing(keep=False) as connection:
                yield connection
            return
        self._same_file()
        with self.engine.connect() as connection:
            self._now_known()
            connection.exec_driver_sql("BEGIN")
            yield connection

    away = staticmethod(away)

    def mark(self) -> object:
        """Ask a connection kept for it, for the number is its own (https://sqlite.org/pragma.html#pragma_data_version)."""
        if self.file is None:
            with self.writing(keep=False) as connection:
                driver: Any = connection.connection.driver_connection
                return driver.total_changes
        self._same_file()
        with self._watch_lock:
            if self._watcher is None or self._watcher.invalidated:
                self._watcher = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            return self._watcher.exec_driver_sql("PRAGMA data_version").scalar()

    @contextmanager
    def daemon_lock(self) -> Iterator[None]:
        """Be the only daemon on this file, or raise :class:`LedgerBusy` naming the other."""
        if self.file is None:
            yield
            return
        with daemon_lock(lock_of(self.file)):
            self.is_alone = True
            try:
                yield
            finally:
                self.is_alone = False

    def show(self, worker: str) -> None:
        """Do nothing: a daemon's lock shows that it lives."""

    def showing(self, connection: Connection, workers: Collection[str]) -> None:
        """Nobody can see it."""

    def keep_daemon_lock(self) -> None:
        """Nothing: it is the operating system's, which takes it from nobody who lives."""

    def has_daemon(self) -> bool:
        """Is the lock taken?"""
        try:
            with self.daemon_lock():
                return False
        except LedgerBusy:
            return True

    def complete(self) -> None:
        """Make the indexes that are missing; whoever writes waits meanwhile."""
        with self.writing() as connection:
            for one in indexes.missing(connection):
                for statement in indexes.making(one, connection):
                    connection.exec_driver_sql(statement)

    def clean(self) -> None:
        """Copy the file without its free space, and empty its log."""
        if self.file is None:
            return
        with self._write_lock, self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
            connection.invalidate()  # the next one deletes without zeroing
        if busy:
            raise LedgerAway("somebody reads the ledger: what was erased may still stand in its log")

    def files(self) -> tuple[Path, ...]:
        """The file, and those SQLite keeps beside it."""
        if self.file is None:
            return ()
        return tuple(self.file.with_name(self.file.name + suffix) for suffix in ("", "-wal", "-shm"))

    def driver_arguments(self) -> Mapping[str, Any]:
        """What ``sqlite3.connect`` takes for it."""
        return {"database": self.engine.url.database or ":memory:"}

    def close(self) -> None:
        """Give back every connection."""
        with self._write_lock, self._watch_lock:
            self._drop_writer()
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
            self.engine.dispose()

    def _one_transaction(self, *, keep: bool, end: float | None) -> Iterator[Connection]:
        self._same_file()  # a connection to a file that is gone would make an empty one
        if self._writer is None:
            self._writer = self.engine.connect()
            self._now_known()
        connection = self._writer
        try:
            _begin(connection, end)
            yield connection
            if keep:
                self._same_file()
                connection.commit()
            else:
                connection.rollback()
        except BaseException:
            self._undo(connection)
            raise

    def _now_known(self) -> None:
        if self._identity is None and self.file is not None:
            self._identity = identity(self.file)

    def _same_file(self) -> None:
        """Raise :class:`LedgerAway` if the file that is open is not the one that others will find there.

        SQLite itself goes on writing to a file that was moved away, where nobody will ever read it.
        """
        if self.file is not None and self._identity not in (None, identity(self.file)):
            raise LedgerAway(
                f"the ledger's file {self.file.name} was moved away or replaced: "
                "put it back, or start again with the one that is to be used"
            )

    def _undo(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except (DBAPIError, LedgerAway):
            self._drop_writer()  # whatever state it is in, the next transaction starts on a new one

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(DBAPIError, LedgerAway):
                writer.close()


def _begin(connection: Connection, end: float | None) -> None:
    """Begin to write; another process is waited for until *end* (monotonic), else as long as ever."""
    if end is None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    _wait_at_most(connection, max(end - monotonic(), 0))
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # what fails here ends the connection, and its patience
    _wait_at_most(connection, BUSY_TIMEOUT)


def _wait_at_most(connection: Connection, seconds: float) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def _on_error(context: ExceptionContext) -> None:
    """Turn a driver's error about the database as a whole into :class:`LedgerAway`, and end its connection.

    SQLite may have rolled the transaction back by itself: without its connection, nothing that somebody
    still tries in it can be written outside of a transaction.
    """
    refused = away(context.original_exception)
    if refused is not None:
        context.is_disconnect = True
        raise refused
