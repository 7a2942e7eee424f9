"""What `beforehand doctor` finds wrong with those who work on the ledger, and with where it is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.cli.health import LATE, Finding, look, well
from orchestrator.cli.output import counted
from orchestrator.cli.roles import Role
from orchestrator.cli.standing import LONG

if TYPE_CHECKING:
    from orchestrator.ledger import Daemon, Ledger, Transaction
    from orchestrator.ledger.server import ServerState

FOLLOWED = timedelta(hours=1)  # after which a daemon that died was most likely taken away on purpose
SKEW = timedelta(seconds=2)  # between two clocks that somebody sets
BACK = timedelta(minutes=1)  # news from the future: the clock was put back
SWEPT = timedelta(minutes=2)  # after which somebody should have taken back what a dead worker held
JOBS = 1000  # that wait: planners hand over no more than so many messages at a time
ROOM = 1 << 30  # bytes that should be free
SHARE = 0.05  # of the disk
WAL = 256 << 20  # bytes of SQLite's log; it is begun anew at 4 MB, unless somebody reads for long
HANDING = frozenset((Role.PLANNER, Role.DISPATCHER))  # who work by jobs
SCANS = frozenset(role for role in Role if role.plans)


def ailments(ledger: Ledger, tx: Transaction, now: datetime, *, server_time: datetime) -> Iterator[Finding]:
    """Look at clocks, daemons, leases, jobs, and the database or its file; *now* is this machine's clock."""
    yield from _clocks(now, server_time, _newest(tx))
    by_ledger = server_time if ledger.is_shared else now
    yield from daemons(tx.daemons(), by_ledger)
    since = tx.queued_since(by_ledger)
    yield from _leases(since["lease over"], tx.queued(by_ledger)["lease over"], by_ledger)
    yield from _unplanned(since["unplanned"], by_ledger)
    if lacking := ledger.unindexed():
        detail = f"{', '.join(lacking)} is missing or still being made: what it is for is slow"
        yield look("index", detail, "beforehand db upgrade makes it while daemons work")
    if ledger.is_shared:
        from orchestrator.ledger.server import state_of

        yield from server(state_of(tx.driver()))
        yield from jobs(tx, by_ledger)
    elif files := ledger.files():
        usage = shutil.disk_usage(files[0].parent)
        sizes = [file.stat().st_size if file.exists() else 0 for file in files]
        yield from disk(usage.free, usage.total, sizes[0], sizes[1])


def _newest(tx: Transaction) -> datetime | None:
    news = tx.facts_after(max(tx.newest_fact() - 1, 0), 1)
    return news[0][1].heard if news else None


def _clocks(now: datetime, server_time: datetime, newest: datetime | None) -> Iterator[Finding]:
    apart = now - server_time
    if abs(apart) > SKEW:
        detail = f"this machine's clock is {apart.total_seconds():+.0f} s off the database's"
        yield look("clock", detail, "let both be set by the same time server (timedatectl, chronyc tracking)")
    if newest is not None and newest - max(now, server_time) > BACK:
        detail = f"the newest event was heard at {newest:%Y-%m-%d %H:%M:%S}Z, which is still to come"
        yield look("clock", f"{detail}: the clock was put back", "set the clock; nothing is sent twice by it")


def daemons(known: Sequence[Daemon], now: datetime) -> Iterator[Finding]:
    """Whether those that work live, and whether anybody looks for what is due."""
    alive = [one for one in known if one.is_alive(now)]
    for one in known:
        followed = any(other.role == one.role and other.started_at > one.seen_at for other in known)
        if one in alive or followed or now - one.seen_at > FOLLOWED:
            continue
        detail = f"process {one.pid} on {one.host} was last heard of at {one.seen_at:%Y-%m-%d %H:%M:%S}Z"
        yield look(f"daemon ({one.role})", detail, "start it again; its log says why it ended")
    if not alive:
        return
    last = max((one.scanned_at for one in alive if one.scanned_at), default=None)
    if not any(one.role in SCANS for one in alive):
        detail = (
            f"{counted(len(alive), 'process', 'processes')} and no planner: nothing is planned or handed over"
        )
        yield look("planning", detail, "beforehand run --role planner")
    elif now - (last or min(one.started_at for one in alive if one.role in SCANS)) > LONG:
        since = f"since {last:%Y-%m-%d %H:%M:%S}Z" if last else "yet"
        yield look("planning", f"nobody looked for what is due {since}", "restart the planner, or the daemon")
    if len(versions := sorted({one.version for one in alive})) > 1:
        detail = f"versions {' and '.join(versions)} work side by side"
        yield well("versions", f"{detail}: finish the update when all is well")


def _leases(since: datetime | None, count: int, now: datetime) -> Iterator[Finding]:
    if since is not None and now - since > SWEPT:
        detail = f"{counted(count, 'message')} held by nobody since {since:%Y-%m-%d %H:%M}Z"
        yield look("leases", detail, "a daemon or a planner takes them back: is one running?")


def _unplanned(since: datetime | None, now: datetime) -> Iterator[Finding]:
    if since is not None and now - since > LATE:
        detail = f"orders with news since {since:%Y-%m-%d %H:%M}Z are not planned"
        yield look(
            "planning", detail, "is the daemon running? `beforehand run`; else its log says what fails"
        )


def jobs(tx: Transaction, now: datetime) -> Iterator[Finding]:
    """Whether what planners hand over reaches those who send, and whether these keep up."""
    from importlib.util import find_spec

    vain, waiting, lost = tx.handed_in_vain(now), 0, False
    if find_spec("procrastinate") is not None:
        from orchestrator.transport import jobs as tables

        by_jobs = any(one.role in HANDING and one.is_alive(now) for one in tx.daemons())
        lost = by_jobs and not tables.are_there(tx)
        waiting = tables.waiting(tx, JOBS)
    if lost:
        detail = "their tables are not there: nothing is handed over, and so nothing is sent"
        yield look("jobs", detail, "beforehand db upgrade makes them; nothing is lost")
    elif vain:
        detail = f"{counted(vain, 'message')} handed over, and no dispatcher took them in time"
        yield look("jobs", detail, "beforehand run --role dispatcher, on more machines if there is one")
    if waiting >= JOBS:
        detail = f"{waiting:,} jobs or more wait"
        yield look(
            "jobs", detail, "start more dispatchers; or stop all, and `beforehand db upgrade` makes them anew"
        )


def server(state: ServerState) -> Iterator[Finding]:
    """Whether PostgreSQL cleans up after us."""
    if not state.autovacuum or state.without:
        where = f" for {state.without}" if state.autovacuum else ""
        todo = "autovacuum = on, and ALTER TABLE … RESET (autovacuum_enabled)"
        yield look(
            "autovacuum", f"it is switched off{where}: every message changes its row a few times", todo
        )
    for table, count in state.dead:
        todo = f"VACUUM {table}; then find what keeps autovacuum from it (old transactions, cost limits)"
        yield look(f"table {table}", f"{count:,} dead rows: claims become slow", todo)
    for pid, name, age in state.open:
        detail = (
            f"process {pid} ({name or 'without a name'}) keeps a transaction open for {age // 60:,} minutes"
        )
        yield look("transactions", detail, f"end it: SELECT pg_terminate_backend({pid})")


def disk(free: int, total: int, size: int, wal: int) -> Iterator[Finding]:
    """Whether there is room beside the ledger's file, of *size* bytes with a log of *wal*."""
    if free < max(ROOM, min(SHARE * total, 10 * ROOM)):
        detail = f"{free // (1 << 20):,} MB free beside the ledger, which has {size // (1 << 20):,} MB"
        yield look("disk", detail, "make room: when it is full, no event is taken and nothing is sent")
    if wal > WAL:
        detail = f"SQLite's log has {wal // (1 << 20):,} MB: somebody reads the ledger for very long"
        yield look("log", detail, "end long exports and backups; a restart of the daemon empties it")
