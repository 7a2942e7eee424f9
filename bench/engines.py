"""Messages a second with much waiting for later: ours, and engines with one job for each message.

Ours looks, renders, guards, sends, records and plans; a job of theirs sends a mail that was written before.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from typing import Any

import psycopg

from bench import backlog, engine_worker, machines, postgres, sink
from bench.dealership import (
    NOW,
    arrivals,
    believed,
    customer,
    dealership,
    event,
    folder,
    hear,
    order,
    promised,
)
from bench.machine import Machine
from bench.report import Cost, Line, rate, ratio
from bench.sizes import scaled
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.transport import jobs

MAILS = 1000
WAITING = (0, 100_000, 1_000_000)
CHANGED = 100  # cancelled, and put off
QUIET = 15.0  # seconds without a mail after which nothing more comes
FAR = timedelta(days=400)


def measure() -> list[Line]:
    """Each engine in front of each backlog; the floor is the first engine with the same backlog."""
    lines: list[Line] = []
    count = scaled(MAILS, 100)
    with folder() as home, postgres.server(home) as server, sink.running() as mails:
        for waiting in WAITING:
            many = scaled(waiting, 0)
            floor: Cost | None = None
            for name, costs, changes in _each(server, mails, count, many):
                for workers, cost in costs.items():
                    what = f"{name}, {workers} worker{'s' if workers > 1 else ''}, {many:,} waiting"
                    floor = floor or cost
                    shares = ratio(cost.rate / floor.rate, floor.cpu_each / cost.cpu_each)
                    lines.append(Line("engines", what, rate(cost, "mails"), rate(floor, "mails"), shares))
                lines.append(Line("engines", f"{name}, {many:,} waiting: cancel, put off", changes))
    if find_spec("dbos") is None:
        lines.append(Line("engines", "DBOS", "not installed: pip install dbos"))
    return lines


def _each(server: str, mails: sink.Sink, count: int, waiting: int) -> Any:
    yield "Beforehand", *_ours(server, mails, count, waiting)
    theirs: dict[str, tuple[Callable[[str, int, int], str], Sequence[int]]] = {
        "procrastinate": (_procrastinate, (1, 2)), "apscheduler": (partial(_by_another, "apscheduler"), (1,)),
    }  # fmt: skip
    if find_spec("dbos") is not None:
        theirs["dbos"] = (partial(_by_another, "dbos"), (1, 2))
    for name, (fill, several) in theirs.items():
        costs: dict[int, Cost] = {}
        for workers in several:
            url = postgres.database(server)
            changes = fill(url, count, waiting)
            costs[workers] = _sent(name, url, mails, count, workers)
            postgres.drop(server, url)
        yield f"one job a message: {name}", costs, changes


# ── ours ─────────────────────────────────────────────────────────────────────


def _ours(server: str, mails: sink.Sink, count: int, waiting: int) -> tuple[dict[int, Cost], str]:
    planned = postgres.database(server)
    with Ledger.open(planned, upgrade=True) as opened:
        jobs.make(opened)
        if waiting:
            backlog.wait(opened, waiting)
        engine = Engine(opened, dealership().book)
        hear(engine, arrivals(count))
        changes = _changed(engine, count)
    name = str(psycopg.conninfo.conninfo_to_dict(planned)["dbname"])
    costs = {}
    for workers in (1, 2):
        url = postgres.database(server, name)
        costs[workers] = machines.sent(url, ["planner", *["dispatcher"] * workers], mails, count)
        postgres.drop(server, url)
    postgres.drop(server, planned)
    return costs, changes


def _changed(engine: Engine, first: int) -> str:
    """What it costs to hear that an order is off, or of another day, and to plan it: a commit for each."""
    numbers = range(first, first + CHANGED)
    later = NOW + timedelta(days=9)
    hear(engine, believed([one for n in numbers for one in (customer(n), order(n), promised(n, later))]))
    moved = [event("promise.made", f"O-{n}", NOW, milestone="arrived", date="2026-04-20") for n in numbers]
    off = [event("order.cancelled", f"O-{n}", NOW, reason="bench") for n in numbers]
    took = []
    for documents in (moved, off):
        began = time.perf_counter()
        hear(engine, believed(documents), size=1)
        took.append((time.perf_counter() - began) / CHANGED)
    return _took(took[1], took[0])


def _took(cancel: float, later: float) -> str:
    return f"{cancel * 1e3:,.1f} ms, {later * 1e3:,.1f} ms"


# ── theirs ───────────────────────────────────────────────────────────────────


def _sent(name: str, url: str, mails: sink.Sink, count: int, workers: int) -> Cost:
    """From the first mail that arrived to the last; what never arrives is told."""
    before = mails.taken()
    with ExitStack() as stack:
        found = []
        for _ in range(workers):
            command = [sys.executable, "-m", "bench.engine_worker", name, url, str(mails.port)]
            process = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
            )
            stack.callback(process.kill)
            found.append(Machine(process))
        for one in found:
            one.line()
        for one in found:
            one.say()
        began = last = 0.0
        seen, quiet = before, time.monotonic()
        while seen < before + count and time.monotonic() - quiet < (QUIET if began else 60):
            if (taken := mails.taken()) > seen:
                seen, last, quiet = taken, time.perf_counter(), time.monotonic()
                began = began or last
            time.sleep(0.005)
        for one in found:
            one.say()
        used = sum(float(one.line()) for one in found)
    if seen != before + count:
        print(f"{name}: {before + count - seen} of {count} never arrived", file=sys.stderr)
    return Cost(max(last - began, 1e-9), used, seen - before)


def _copied(url: str, table: str, count: int, changed: dict[str, str]) -> None:
    """Have the database copy the one row there is, so many times, with some columns changed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no triggers
        schema, _, name = table.rpartition(".")
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_name = %s AND table_schema = %s",
                (name, schema or "public"),
            )
            if changed.get(row[0]) != ""
        ]
        values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
        names = ", ".join(f'"{column}"' for column in columns)
        connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table}, "  # noqa: S608
            f"generate_series(1, {count}) AS n".encode()
        )
        connection.execute(f"VACUUM ANALYZE {table}".encode())


def _procrastinate(url: str, count: int, waiting: int) -> str:
    from procrastinate import App, SyncPsycopgConnector

    far = datetime.now(UTC) + FAR
    app = App(connector=SyncPsycopgConnector(conninfo=url))
    with app.open():
        app.schema_manager.apply_schema()
        later = app.configure_task(engine_worker.TASK, queue="mails", schedule_at=far)
        if waiting:
            later.defer(number=-1)
            _copied(url, "procrastinate_jobs", waiting, {"id": ""})
        known = [later.defer(number=-1) for _ in range(CHANGED)]
        began = time.perf_counter()
        for one in known[: CHANGED // 2]:
            app.job_manager.cancel_job_by_id(one)
        middle = time.perf_counter()
        for one in known[CHANGED // 2 :]:  # it has no other way
            app.job_manager.cancel_job_by_id(one)
            later.defer(number=-1)
        end = time.perf_counter()
        app.configure_task(engine_worker.TASK, queue="mails").batch_defer(
            *({"number": number} for number in range(count))
        )
    return _took((middle - began) / CHANGED * 2, (end - middle) / CHANGED * 2)


def _by_another(name: str, url: str, count: int, waiting: int) -> str:
    """Filled by a process of its own: DBOS lives once in one, and APScheduler begins to work when it ends."""
    code = f"import sys; from bench import engines as e; e.fill_{name}(*sys.argv[1:]); e.leave()"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, url, str(count), str(waiting)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


def leave() -> None:
    """End at once, whatever still runs."""
    sys.stdout.flush()
    os._exit(0)


def fill_apscheduler(url: str, count: str, waiting: str) -> None:
    """Add what is due and what is not, and say what changes cost."""
    far, now = datetime.now(UTC) + FAR, datetime.now(UTC)
    store = engine_worker.scheduler(url, paused=True)
    if int(waiting):
        store.add_job(engine_worker.mail, "date", run_date=far, args=[-1], id="far")
        _copied(url, "apscheduler_jobs", int(waiting), {"id": "'far-' || n"})
    known = [store.add_job(engine_worker.mail, "date", run_date=far, args=[-1]) for _ in range(CHANGED)]
    began = time.perf_counter()
    for one in known[: CHANGED // 2]:
        one.remove()
    middle = time.perf_counter()
    for one in known[CHANGED // 2 :]:
        one.reschedule("date", run_date=far + timedelta(days=1))
    end = time.perf_counter()
    for number in range(int(count)):
        store.add_job(engine_worker.mail, "date", run_date=now, args=[number], id=f"due-{number}")
    print(_took((middle - began) / CHANGED * 2, (end - middle) / CHANGED * 2))


def fill_dbos(url: str, count: str, waiting: str) -> None:
    """Enqueue what is due and what is not, and say what changes cost."""
    from dbos import SetEnqueueOptions  # type: ignore[import-not-found]

    found, queue, flow = engine_worker.dbos(url)
    found.listen_queues([])  # this process runs nothing
    found.launch()
    with SetEnqueueOptions(delay_seconds=FAR.total_seconds()):
        if int(waiting):
            queue.enqueue(flow, -1)
            _copied(url, "dbos.workflow_status", int(waiting), {"workflow_uuid": "'far-' || n"})
        known = [queue.enqueue(flow, -1).get_workflow_id() for _ in range(CHANGED)]
        began = time.perf_counter()
        for one in known[: CHANGED // 2]:
            found.cancel_workflow(one)
        middle = time.perf_counter()
        for one in known[CHANGED // 2 :]:  # it has no other way
            found.cancel_workflow(one)
            queue.enqueue(flow, -1)
        end = time.perf_counter()
    for number in range(int(count)):
        queue.enqueue(flow, number)
    found.destroy()
    print(_took((middle - began) / CHANGED * 2, (end - middle) / CHANGED * 2))
