"""The only importer of Procrastinate: its tables, the jobs that are put there, and a worker that takes them.

Its tables have a schema of their own in the ledger's database, so that nothing of somebody else's
Procrastinate is ever touched and all of it can be made anew. They hold ids and generations, and nothing that
the ledger does not know: losing them loses nothing.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector, types
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.schema import SchemaManager, migrations_path
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from orchestrator.errors import LedgerBehind
from orchestrator.ledger import Handed, Ledger, Transaction
from orchestrator.model import Entry

SCHEMA = "beforehand_jobs"
SEND, PLAN = "send", "plan"  # the queues, of dispatchers and of planners
IDS = 100  # entries in one job, which costs three commits; with half of them a tenth more of the processor
DEAD = 30.0  # seconds without a heartbeat after which a worker is dead to the others
FORGET = timedelta(seconds=30)  # between two looks for jobs of the dead
AWAY = 10.0  # seconds without a connection after which a worker ends; a new one tries sooner again
CONNECT = {  # a server that was cut off is noticed within half a minute, too
    "connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "application_name": "beforehand jobs", "options": f"-c timezone=UTC -c search_path={SCHEMA}",
}  # fmt: skip

_VERSION = "SELECT obj_description(to_regclass(%s), 'pg_class')"
_MISSING = "SELECT to_regclass(%s) IS NULL"
NOT_THERE = "the tables of the jobs are not there: `beforehand db upgrade` makes them"
LOST = (
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.InvalidSchemaName,
)  # what a worker ends with then
_TABLES = ("jobs", "workers", "events", "periodic_defers")


# ── its tables ───────────────────────────────────────────────────────────────


def make(ledger: Ledger) -> None:
    """Make its tables beside the ledger's, anew if any is missing or they are another release's."""
    with ledger.transaction() as tx:
        connection = tx.driver()
        if _as_they_should_be(connection):
            return
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        with _at_home(connection):
            connection.execute(SchemaManager.get_schema())
        connection.execute(f"COMMENT ON TABLE {SCHEMA}.procrastinate_jobs IS '{_newest()}'")


def demand(ledger: Ledger) -> None:
    """Raise :class:`LedgerBehind` unless its tables are there."""
    with ledger.read() as tx:
        if not are_there(tx):
            raise LedgerBehind(NOT_THERE)


def are_there(tx: Transaction) -> bool:
    """Are its tables there, as this release has them?"""
    return _as_they_should_be(tx.driver())


def _as_they_should_be(connection: Any) -> bool:
    names = [f"{SCHEMA}.procrastinate_{name}" for name in _TABLES]
    if any(connection.execute(_MISSING, (name,)).fetchone()[0] for name in names):
        return False
    return bool(connection.execute(_VERSION, (names[0],)).fetchone()[0] == _newest())


def _newest() -> str:
    """The newest of its migrations: what tells its schema from those of other releases."""
    return max(path.name for path in migrations_path.glob("*.sql"))


@contextmanager
def _at_home(connection: Any) -> Iterator[None]:
    """Find what has no schema in its name among its tables, within the transaction."""
    connection.execute(f"SET LOCAL search_path TO {SCHEMA}")
    yield
    connection.execute("SET LOCAL search_path TO DEFAULT")


# ── jobs ─────────────────────────────────────────────────────────────────────

_deferring = App(connector=SyncPsycopgConnector())  # never opened: it writes on the ledger's connections


def defer(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Put jobs for what was handed over, in the transaction that claimed it.

    What leaves together stays together.
    """
    together: dict[str, list[Handed]] = {}
    for entry in entries:
        together.setdefault(entry.wanted.joins or f"{entry.id}", []).append((entry.id, entry.generation))
    jobs: list[list[Handed]] = [[]]
    for some in together.values():
        if len(jobs[-1]) + len(some) > IDS and jobs[-1]:
            jobs.append([])
        jobs[-1] += some
    connection = tx.driver()
    with _at_home(connection):
        job = _deferring.configure_task(SEND, queue=SEND, connection=connection)
        rows: list[types.JSONDict] = [{"handed": [list(one) for one in handed]} for handed in jobs]
        job.batch_defer(*rows)


def waiting(tx: Transaction, most: int) -> int:
    """Count the jobs that wait, up to *most*; 0 without their tables."""
    connection = tx.driver()
    table = f"{SCHEMA}.procrastinate_jobs"
    if connection.execute(_MISSING, (table,)).fetchone()[0]:
        return 0
    count = f"SELECT count(*) FROM (SELECT FROM {table} WHERE status = 'todo' LIMIT %s) AS waiting"  # noqa: S608
    return int(connection.execute(count, (most,)).fetchone()[0])


# ── workers ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker does, of what is given here: name, interval and call of what comes *every* so often."""

    send: Callable[[Sequence[Handed]], Awaitable[None]] | None = None
    every: Sequence[tuple[str, timedelta, Callable[[], Awaitable[None]]]] = ()

    @property
    def queues(self) -> list[str]:
        """Where its jobs are."""
        return [*([SEND] if self.send else []), *([PLAN] if self.every else [])]


async def work(url: Any, work: Work, at_once: int) -> None:
    """Be a worker that does so many jobs *at_once*; cancelled, it ends when what it does has ended.

    It ends by itself, or raises whatever went wrong, when the database is away for long or others took it for
    dead: then it is to be started again.
    """
    _quiet()
    pool = AsyncConnectionPool(
        kwargs={**url, **CONNECT},
        min_size=1,
        max_size=at_once + 4,
        timeout=AWAY,
        reconnect_timeout=AWAY,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )
    app = App(connector=PsycopgConnector())
    if work.send is not None:
        _add_send(app, work.send)
    for name, interval, call in work.every:
        _add_periodic(app, name, interval, call)
    if work.every:
        _add_periodic(app, "forget the dead", FORGET, lambda: _forget_the_dead(app))
    try:
        await pool.open(wait=True, timeout=AWAY)
        async with app.open_async(pool):
            await app.run_worker_async(
                queues=work.queues,
                name="",
                concurrency=at_once,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                stalled_worker_timeout=DEAD,
            )
    finally:
        await pool.close()


def _quiet() -> None:
    """Let its logs say in a line each what is wrong, and not what is as usual."""
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    for name in ("procrastinate.worker", "procrastinate.utils"):
        logging.getLogger(name).addFilter(_in_a_line)


def _in_a_line(record: logging.LogRecord) -> bool:
    record.msg, record.args, record.exc_info = (
        " ".join(record.getMessage().replace("\\n", " ").split()),
        (),
        None,
    )
    return True


def _add_send(app: App, send: Callable[[Sequence[Handed]], Awaitable[None]]) -> None:
    async def sending(handed: list[list[int]]) -> None:
        await send([(entry_id, generation) for entry_id, generation in handed])

    app.task(name=SEND, queue=SEND)(sending)


def _add_periodic(app: App, name: str, interval: timedelta, call: Callable[[], Awaitable[None]]) -> None:
    """Have it called once every so often, by one of all workers; never two of them wait."""

    async def calling(timestamp: int) -> None:
        del timestamp
        await call()

    task = app.task(name=name, queue=PLAN, queueing_lock=name)(calling)
    app.periodic(cron=cron(interval))(task)


def cron(interval: timedelta) -> str:
    """Write an interval as crontab does, in whole seconds up to a minute and whole minutes beyond."""
    seconds = max(1, round(interval.total_seconds()))
    if seconds < 60:
        return f"* * * * * */{seconds}"
    return f"*/{min(seconds // 60, 59)} * * * *"


async def _forget_the_dead(app: App) -> None:
    """Let others do what dead workers were to send, and delete the rest: its next time comes anyhow.

    What they had taken over comes back by itself, and whoever does the job again does not find it.
    """
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD):
        if job.queue == SEND:
            await app.job_manager.retry_job(job)
        else:
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
