"""The ledger: opens the database, and gives transactions whose verbs are the rest of this package."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic
from typing import Self

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import Pool, QueuePool, StaticPool

from orchestrator.errors import LedgerAway, Misconfigured
from orchestrator.ledger import schema, sqlite
from orchestrator.ledger.company import Company
from orchestrator.ledger.erasing import Erasing
from orchestrator.ledger.facts import Facts
from orchestrator.ledger.lock import daemon_lock
from orchestrator.ledger.looking import Looking
from orchestrator.ledger.orders import Orders
from orchestrator.ledger.reserving import Reserving
from orchestrator.ledger.sending import Sending

READERS = 8  # connections kept for reading


class Transaction(Facts, Orders, Sending, Company, Looking, Erasing, Reserving):
    """Every verb of the ledger, within one transaction."""


class Ledger:
    """The durable record. Synchronous; may be called from any thread.

    One write transaction runs at a time in a process, and SQLite lets one process write at a time;
    both wait their turn, up to ``sqlite.BUSY_TIMEOUT`` seconds.
    """

    def __init__(self, engine: Engine, file: Path | None) -> None:
        self._engine = engine
        self._file = file
        self._identity: sqlite.Identity | None = None  # of the file, once it is open
        self._write_lock = threading.Lock()
        self._writer: Connection | None = None
        self._inside = threading.local()

    @classmethod
    def open(
        cls, url: str = "sqlite:///beforehand.db", *, upgrade: bool = False, scratch: bool = False
    ) -> Self:
        """Open the ledger at *url*; *scratch* trades durability for speed, as a simulation may.

        Raises :class:`Misconfigured` for a URL that is not ours, :class:`LedgerBehind` if the schema is
        not this program's (with *upgrade* it is made so), and :class:`LedgerAway`.
        """
        where = make_url(url)
        if where.get_backend_name() != "sqlite":
            raise Misconfigured(f"the ledger cannot be kept in {where.get_backend_name()}, only in sqlite")
        file = sqlite.file_of(where)
        connect = sqlite.connector(file, scratch=scratch)
        pool: Pool = StaticPool(connect) if file is None else QueuePool(connect, READERS, max_overflow=-1)
        engine = create_engine("sqlite://", pool=pool, hide_parameters=True)
        event.listen(engine, "handle_error", _on_error)
        ledger = cls(engine, file)
        try:
            if upgrade:
                ledger.upgrade()
            else:
                ledger._demand()
            ledger._identity = None if file is None else sqlite.identity(file)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def upgrade(self) -> None:
        """Make the tables in an empty database, or run the migrations an older one misses.

        Raises :class:`LedgerBehind` for a newer one.
        """
        with self._writing() as connection:
            found = schema.version(connection)
            if found is None:
                schema.create(connection)
            elif found < schema.HEAD:
                schema.migrate(connection)
            schema.demand(connection)

    @contextmanager
    def transaction(self, patience: float | None = None) -> Iterator[Transaction]:
        """Give the verbs in one write transaction: all of it is kept at the end, or nothing.

        Raises :class:`LedgerAway` if the database does not answer within *patience* seconds (``None``:
        ``sqlite.BUSY_TIMEOUT``), or its file is not where it was; then nothing was written.
        """
        with self._writing(patience=patience) as connection:
            yield Transaction(connection)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give the verbs on one unchanging view of the ledger; writing in it fails or is undone.

        Raises :class:`LedgerAway`.
        """
        if self._file is None:  # memory has one connection
            with self._writing(keep=False) as connection:
                yield Transaction(connection)
            return
        self._enter()
        try:
            self._same_file()
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                yield Transaction(connection)
        finally:
            self._inside.busy = False

    def daemon_lock(self) -> AbstractContextManager[None]:
        """Be the only daemon on this ledger, or raise :class:`LedgerBusy` naming the other."""
        if self._file is None:
            return nullcontext()
        file = self._file.resolve()  # a link to it is the same ledger
        return daemon_lock(file.with_name(file.name + ".daemon"))

    def clean(self) -> None:
        """Write the database's files anew, so that nothing erased is left in their free space.

        It takes as long and as much room as copying the file, and nobody else writes meanwhile. Raises
        :class:`LedgerAway` if somebody reads for longer than ``sqlite.BUSY_TIMEOUT`` seconds.
        """
        if self._file is None:
            return
        with self._write_lock, self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
            connection.invalidate()  # the next one deletes without zeroing
        if busy:
            raise LedgerAway("somebody reads the ledger: what was erased may still stand in its log")

    def files(self) -> tuple[Path, ...]:
        """The files that hold its data; none if it lives in memory."""
        if self._file is None:
            return ()
        return tuple(self._file.with_name(self._file.name + suffix) for suffix in ("", "-wal", "-shm"))

    def close(self) -> None:
        """Give back every connection; what is written stays written."""
        with self._write_lock:
            self._drop_writer()
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self, *, keep: bool = True, patience: float | None = None) -> Iterator[Connection]:
        self._enter()
        try:
            most = sqlite.BUSY_TIMEOUT if patience is None else patience
            end = monotonic() + most
            if not self._write_lock.acquire(timeout=max(most, 0)):
                raise LedgerAway(f"another thread is writing for more than {most:g} seconds")
            try:
                yield from self._one_transaction(keep=keep, end=None if patience is None else end)
            finally:
                self._write_lock.release()
        finally:
            self._inside.busy = False

    def _one_transaction(self, *, keep: bool, end: float | None) -> Iterator[Connection]:
        self._same_file()  # a connection to a file that is gone would make an empty one
        if self._writer is None:
            self._writer = self._engine.connect()
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

    def _same_file(self) -> None:
        """Raise :class:`LedgerAway` if the file that is open is not the one that others will find there.

        SQLite itself goes on writing to a file that was moved away, where nobody will ever read it.
        """
        if self._file is not None and self._identity not in (None, sqlite.identity(self._file)):
            raise LedgerAway(
                f"the ledger's file {self._file.name} was moved away or replaced: "
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

    def _enter(self) -> None:
        if getattr(self._inside, "busy", False):
            raise RuntimeError("this thread is in a ledger transaction already: use that one")
        self._inside.busy = True

    def _demand(self) -> None:
        with self._engine.connect() as connection:
            schema.demand(connection)


def _begin(connection: Connection, end: float | None) -> None:
    """Begin to write; another process is waited for until *end* (monotonic), else as long as ever."""
    if end is None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    _wait_at_most(connection, max(end - monotonic(), 0))
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # what fails here ends the connection, and its patience
    _wait_at_most(connection, sqlite.BUSY_TIMEOUT)


def _wait_at_most(connection: Connection, seconds: float) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def _on_error(context: ExceptionContext) -> None:
    """Turn a driver's error about the database as a whole into :class:`LedgerAway`, and end its connection.

    SQLite may have rolled the transaction back by itself: without its connection, nothing that somebody
    still tries in it can be written outside of a transaction.
    """
    if sqlite.is_away(context.original_exception):
        context.is_disconnect = True
        raise sqlite.away(context.original_exception)
