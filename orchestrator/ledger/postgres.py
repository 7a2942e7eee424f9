"""PostgreSQL as the ledger needs it: its connections, its settings, and which of its errors mean "away"."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import URL, Connection, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import TimeoutError as NoConnection

from orchestrator.errors import LedgerAway, Misconfigured
from orchestrator.ledger import indexes
from orchestrator.ledger.signs import Signs, held
from orchestrator.ledger.workers import key_of

PATIENCE = 30.0  # seconds to wait for a connection or for somebody's lock, for whoever names no patience
CONNECTIONS = 16  # kept and used at once by one process
LOOK = 0.2  # seconds between two looks whether somebody else still makes indexes
CONNECT = 10  # seconds until a server that does not answer is away

AWAY = (
    psycopg.InterfaceError,
    psycopg.OperationalError,  # connections lost or too many, no room, shut down; locks that last, deadlocks
    errors.ReadOnlySqlTransaction,  # a standby after a failover
)

CHANGING = ("entries", "orders", "attempts")  # whose rows each message changes a few times
TENDED = (  # at the default, a fifth of ten million waiting entries would be dead before anybody cleaned up
    "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, "
    "autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05"
)
_UNTENDED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY(:tables) "
    "AND coalesce(array_to_string(reloptions, ' '), '') NOT LIKE '%autovacuum_vacuum_scale_factor%'"
)
_INDEXES = {"lock": 0x696E6465786573}  # and the one of whoever makes indexes
_TRY = text("SELECT pg_try_advisory_lock(:lock)")
_UNLOCK = text("SELECT pg_advisory_unlock(:lock)")
_DAEMONS = {"lock": 0x6265666F7265}  # of our advisory locks the one that daemons share
_WORK = text("SELECT pg_advisory_lock_shared(:lock)")
_STOP_WORK = text("SELECT pg_advisory_unlock_shared(:lock)")
_HELD = text("SELECT 1")  # whoever is answered still has the session, and with it the lock
_WORKERS = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (classid::bigint << 32 | objid::bigint) = :lock"
)


def away(error: BaseException | None) -> LedgerAway | None:
    """Say that the database is away, in the driver's words; ``None`` if it is not.

    Their first line names no values.
    """
    if isinstance(error, AWAY):
        words = (str(error) or type(error).__name__).splitlines()
        return LedgerAway(f"the ledger does not answer: {words[0]}")
    return None


class PostgresDatabase:
    """A database on a server. Many processes on many machines write at once."""

    is_shared = True
    is_alone = False

    def __init__(self, where: URL) -> None:
        self._is_daemon = False
        self._holder: Connection | None = None  # in whose session we hold the daemons' lock
        self.engine = create_engine(
            where.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            paramstyle="format",  # the verbs give values in order
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=PATIENCE,
            pool_pre_ping=True,  # a server that was restarted is noticed before anything is asked of it
            connect_args={
                "connect_timeout": CONNECT,
                "application_name": "beforehand",
                "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s",
            },
        )
        event.listen(self.engine, "handle_error", _on_error)
        event.listen(self.engine, "connect", _demand_unicode, insert=True)  # before SQLAlchemy asks anything
        self._signs = Signs(self.driver_arguments())

    @contextmanager
    def writing(self, *, keep: bool = True, patience: float | None = None) -> Iterator[Connection]:
        """Give a connection in a transaction that sees what others commit meanwhile, statement by statement.

        Whoever plans an order locks it first (:meth:`orchestrator.ledger.owning.Owning.own`).
        """
        most = PATIENCE if patience is None else patience
        with self._connection() as connection, connection.begin() as transaction:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{max(round(most * 1000), 1)}ms'")
            yield connection
            if not keep:
                transaction.rollback()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection with one unchanging view."""
        with self._connection() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")  # said by BEGIN itself
            transaction = connection.begin()
            yield connection
            transaction.rollback()

    away = staticmethod(away)

    def mark(self) -> object:
        """Name the transactions that were seen to be open or over: only those that write are among them."""
        with self._connection() as connection:
            return connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar()

    @contextmanager
    def daemon_lock(self) -> Iterator[None]:
        """Be one of any number of daemons, each of which holds a lock that others may hold too."""
        self._is_daemon = True
        try:
            self.keep_daemon_lock()
            yield
        finally:
            self._is_daemon = False
            self._let_go()

    def keep_daemon_lock(self) -> None:
        """Take the lock again if it went with its connection, which is kept in use by asking."""
        if not self._is_daemon:
            return
        if self._holder is not None:
            try:
                self._holder.execute(_HELD)
            except LedgerAway:
                self._let_go()
            else:
                return
        holder = self._connect()
        try:
            holder.execution_options(isolation_level="AUTOCOMMIT").execute(_WORK, _DAEMONS)
        except BaseException:
            holder.close()
            raise
        self._holder = holder

    def _let_go(self) -> None:
        holder, self._holder = self._holder, None
        if holder is None:
            return
        with holder, suppress(LedgerAway):  # else the lock went with the connection
            if not holder.invalidated:
                holder.execute(_STOP_WORK, _DAEMONS)

    def has_daemon(self) -> bool:
        """Does anybody hold the daemons' lock?"""
        with self.reading() as connection:
            return bool(connection.execute(_WORKERS, _DAEMONS).scalar_one())

    def show(self, worker: str) -> None:
        """Hold a lock for it, on a connection that this process has for that."""
        try:
            self._signs.show(worker)
        except psycopg.Error as error:
            raise away(error) or error from error

    def showing(self, connection: Connection, workers: Collection[str]) -> set[str]:
        """Those whose lock is held, and those of before there were such locks."""
        keys = {worker: key_of(worker) for worker in workers}
        wanted = [key for key in keys.values() if key is not None]
        there = held(connection.connection.driver_connection, wanted)
        return {worker for worker, key in keys.items() if key is None or key in there}

    def complete(self) -> None:
        """Make the indexes that are missing, one after another, and have dead rows cleaned up early.

        Everybody else writes meanwhile. Whoever comes for the same asks again and again and does not wait in
        a statement: to wait so is to have a transaction open, and a new index waits for those.
        """
        with self._connection() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            while not alone.execute(_TRY, _INDEXES).scalar_one():
                sleep(LOOK)
            try:
                for table in alone.execute(_UNTENDED, {"tables": list(CHANGING)}).scalars().all():
                    alone.exec_driver_sql(f"ALTER TABLE {table} SET ({TENDED})")
                for one in indexes.missing(alone):
                    for statement in indexes.making(one, alone):
                        alone.exec_driver_sql(statement)
            finally:
                with suppress(LedgerAway):  # then the lock went with the connection
                    alone.execute(_UNLOCK, _INDEXES)

    def clean(self) -> None:
        """Free what was deleted; backups and the write-ahead log of the server are its own business."""
        with self._connection() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")

    def files(self) -> tuple[Path, ...]:
        """None on this machine."""
        return ()

    def driver_arguments(self) -> Mapping[str, Any]:
        """What ``psycopg.connect`` takes for it."""
        _, named = self.engine.dialect.create_connect_args(self.engine.url)
        return named

    def close(self) -> None:
        """Give back every connection."""
        self._signs.close()
        self.engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._connect() as connection:
            yield connection

    def _connect(self) -> Connection:
        try:
            return self.engine.connect()
        except NoConnection:
            raise LedgerAway(f"every connection to the ledger is busy for {PATIENCE:g} seconds") from None


def _demand_unicode(connection: psycopg.Connection, _: object) -> None:
    """Raise :class:`Misconfigured` unless every name that a customer may have can be kept there."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in ("UTF8", None):  # None: somebody between us and the server keeps it to themselves
        name = connection.info.dbname
        connection.close()
        raise Misconfigured(
            f"the database {name} has the encoding {encoding}, and a ledger needs UTF8; "
            f"make it anew: CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
        )


def _on_error(context: ExceptionContext) -> None:
    """Turn a driver's error about the database as a whole into :class:`LedgerAway`."""
    if context.is_pre_ping:
        return  # the pool throws that connection away and makes another
    refused = away(context.original_exception)
    if refused is not None:
        raise refused
