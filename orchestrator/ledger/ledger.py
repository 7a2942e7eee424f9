"""The ledger: opens the database, and gives transactions whose verbs are the rest of this package."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any, Self

from sqlalchemy import DateTime, func, make_url, select
from sqlalchemy.exc import ArgumentError

from orchestrator.errors import LedgerAway, LedgerBusy, Misconfigured
from orchestrator.ledger import indexes, schema
from orchestrator.ledger.access import Access
from orchestrator.ledger.company import Company
from orchestrator.ledger.daemons import Daemons
from orchestrator.ledger.database import Database
from orchestrator.ledger.early import Early
from orchestrator.ledger.erasing import Erasing
from orchestrator.ledger.facts import Facts
from orchestrator.ledger.handing import Handing
from orchestrator.ledger.inbox import Inbox
from orchestrator.ledger.looking import Looking
from orchestrator.ledger.measuring import Measuring
from orchestrator.ledger.messages import Messages
from orchestrator.ledger.orders import Orders
from orchestrator.ledger.overview import Overview
from orchestrator.ledger.recognising import Recognising
from orchestrator.ledger.reserving import Reserving
from orchestrator.ledger.returning import Returning
from orchestrator.ledger.sending import Sending
from orchestrator.ledger.subscribing import Subscribing
from orchestrator.ledger.sweeping import Sweeping
from orchestrator.ledger.turns import Turns

PATIENCE, TRIES = 2.0, 10  # seconds that migrations hold up others at most, before they do and try again
_TIME = select(func.clock_timestamp(type_=DateTime(timezone=True)))


class Transaction(
    Subscribing,
    Messages,
    Facts,
    Orders,
    Sending,
    Sweeping,
    Handing,
    Company,
    Looking,
    Overview,
    Erasing,
    Reserving,
    Inbox,
    Returning,
    Turns,
    Early,
    Daemons,
    Access,
    Measuring,
    Recognising,
):
    """Every verb of the ledger, within one transaction."""


class Ledger:
    """The durable record. Synchronous; may be called from any thread.

    In SQLite one write transaction runs at a time and the others wait their turn; in PostgreSQL those wait
    for each other that plan the same order.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inside = threading.local()

    @classmethod
    def open(
        cls, url: str = "sqlite:///beforehand.db", *, upgrade: bool = False, scratch: bool = False
    ) -> Self:
        """Open the ledger at *url*; *scratch* trades durability for speed, as a simulation may.

        Raises :class:`Misconfigured` for a URL that is not ours, :class:`LedgerBehind` if the schema is
        not this program's (with *upgrade* it is made so), and :class:`LedgerAway`.
        """
        ledger = cls(_database(url, scratch=scratch))
        try:
            if upgrade:
                ledger.upgrade()
            else:
                ledger.demand()
        except BaseException:
            ledger.close()
            raise
        return ledger

    @classmethod
    def is_empty(cls, url: str) -> bool:
        """Were its tables never made? Raises :class:`Misconfigured`, and :class:`LedgerAway`."""
        ledger = cls(_database(url, scratch=False))
        try:
            with ledger._database.reading() as connection:
                return schema.version(connection) is None
        finally:
            ledger.close()

    def demand(self) -> None:
        """Raise :class:`LedgerBehind` unless this program can work with its schema, and LedgerAway."""
        with self._database.reading() as connection:
            schema.demand(connection)

    def version(self) -> str:
        """Say which schema it has, "" if none. Raises :class:`LedgerAway`."""
        with self._database.reading() as connection:
            return schema.version(connection) or ""

    def upgrade(self) -> None:
        """Make the tables in an empty database, or run the migrations an older one misses.

        Raises :class:`LedgerBehind` for a newer one that does not serve this program, and :class:`LedgerBusy`
        while a daemon works that the migrations would break.
        """
        with self._database.reading() as connection:
            found = schema.version(connection)
        if schema.breaks_older(found) and self._database.has_daemon():
            raise LedgerBusy(
                "a daemon of an older version works on this ledger, "
                f"and schema {schema.HEAD} would break it: stop it first"
            )
        self._migrate(TRIES if found is not None and self._database.is_shared else 1)
        self._database.complete()
        if found is not None:
            self._recognise()

    def unindexed(self) -> list[str]:
        """Name the declared indexes that are missing, or not made to their end. Raises LedgerAway."""
        with self._database.reading() as connection:
            return [str(index.name) for index in indexes.missing(connection)]

    def _recognise(self) -> None:
        """Write the codes of reasons that a program without codes wrote, each batch kept by itself."""
        after: int | None = 0
        while after is not None:
            with self.transaction() as tx:
                after = tx.recognise(after)

    def _migrate(self, tries: int) -> None:
        """Run the migrations: they wait for a lock only so long, for who comes later waits behind them."""
        for left in reversed(range(tries)):
            try:
                with self._database.writing(patience=PATIENCE if left else None) as connection:
                    schema.upgrade(connection)
            except LedgerAway:
                if not left:
                    raise
                sleep(PATIENCE)
            else:
                return

    @contextmanager
    def transaction(self, patience: float | None = None) -> Iterator[Transaction]:
        """Give the verbs in one write transaction: all of it is kept at the end, or nothing.

        Raises :class:`LedgerAway` if the database does not answer within *patience* seconds (``None``: as
        long as it is patient by itself), or is not where it was; then nothing was written.
        """
        with self._alone(), self._database.writing(patience=patience) as connection:
            yield Transaction(connection, self._database)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give the verbs on one unchanging view of the ledger; writing in it fails or is undone.

        Raises :class:`LedgerAway`.
        """
        with self._alone(), self._database.reading() as connection:
            yield Transaction(connection, self._database)

    @property
    def is_shared(self) -> bool:
        """Do machines share it, whose clocks may differ? Then its own says what is due."""
        return self._database.is_shared

    def time(self) -> datetime:
        """Ask the database what time it is. Raises :class:`LedgerAway`."""
        with self._database.reading() as connection:
            return connection.execute(_TIME).scalar_one().astimezone(UTC)

    def mark(self) -> object:
        """Give something that is another than before once anybody changed the ledger; cheap, and blocks.

        It may be another although nothing changed. Raises :class:`LedgerAway`.
        """
        return self._database.mark()

    def daemon_lock(self) -> AbstractContextManager[None]:
        """Be a daemon on this ledger, or raise :class:`LedgerBusy` naming the one there may be."""
        return self._database.daemon_lock()

    def show(self, worker: str) -> None:
        """Show others that *worker* lives, from now on until this is closed or its process dies.

        To be called again and again: what was lost with its connection is shown anew. Raises
        :class:`LedgerAway`.
        """
        self._database.show(worker)

    def keep_daemon_lock(self) -> None:
        """Be the daemon still, though the database was away meanwhile. Raises :class:`LedgerAway`."""
        self._database.keep_daemon_lock()

    def has_daemon(self) -> bool:
        """Does any daemon work on it now? Raises :class:`LedgerAway`."""
        return self._database.has_daemon()

    def clean(self) -> None:
        """Write the database's files anew, so that nothing erased is left in their free space.

        It takes as long and as much room as copying them, and nobody else writes meanwhile. Raises
        :class:`LedgerAway` if somebody reads for too long.
        """
        self._database.clean()

    def files(self) -> tuple[Path, ...]:
        """The files that hold its data; none if it lives in memory or on a server."""
        return self._database.files()

    def driver_arguments(self) -> Mapping[str, Any]:
        """How the driver reaches the database, for somebody who has connections of their own to it."""
        return self._database.driver_arguments()

    def close(self) -> None:
        """Give back every connection; what is written stays written."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse a transaction inside of another: it would wait for itself."""
        if getattr(self._inside, "busy", False):
            raise RuntimeError("this thread is in a ledger transaction already: use that one")
        self._inside.busy = True
        try:
            yield
        finally:
            self._inside.busy = False


def _database(url: str, *, scratch: bool) -> Database:
    try:
        where = make_url(url)
    except ArgumentError:
        raise Misconfigured("the ledger's URL is none: write sqlite:///beforehand.db") from None
    backend = where.get_backend_name()
    if backend == "sqlite":
        from orchestrator.ledger.sqlite import SqliteDatabase

        return SqliteDatabase(where, scratch=scratch)
    if backend == "postgresql":
        from orchestrator.ledger.postgres import PostgresDatabase

        return PostgresDatabase(where)
    raise Misconfigured(f"the ledger cannot be kept in {backend}, only in sqlite or postgresql")
