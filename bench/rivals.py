"""Engines with one job for each message, to compare with: what fills their databases, and their workers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec

import psycopg

from bench import engine_worker, filling, sink
from bench.machine import Machine, begun

CHANGED = 100  # half of them cancelled, half put off
FAR = timedelta(days=400)


def known() -> dict[str, Callable[[str, int, int], str]]:
    """The engines to compare with, each with what fills a database of its own."""
    found: dict[str, Callable[[str, int, int], str]] = {"procrastinate": _procrastinate}
    found["apscheduler"] = partial(_by_another, "apscheduler")
    if find_spec("dbos") is not None:
        found["dbos"] = partial(_by_another, "dbos")
    return found


@contextmanager
def started(engine: str, url: str, mails: sink.Sink, name: str = "1") -> Iterator[Machine]:
    """A worker of another engine, which loads all and then waits."""
    command = [sys.executable, "-m", "bench.engine_worker", engine, url, str(mails.port), name]
    with begun(command) as machine:
        yield machine


def took(cancel: float, later: float) -> str:
    """What one cancelled, and one put off, took in seconds."""
    return f"{cancel * 1e3:,.1f} ms, {later * 1e3:,.1f} ms"


def _wait(url: str, table: str, count: int, changed: dict[str, str]) -> None:
    """Have so many more of the one job there is."""
    with psycopg.connect(url, autocommit=True) as connection, filling.loading(connection):
        filling.multiply(connection, table, count - 1, changed)


def _procrastinate(url: str, count: int, waiting: int) -> str:
    from procrastinate import App, SyncPsycopgConnector

    far = datetime.now(UTC) + FAR
    app = App(connector=SyncPsycopgConnector(conninfo=url))
    with app.open():
        app.schema_manager.apply_schema()
        later = app.configure_task(engine_worker.TASK, queue="mails", schedule_at=far)
        if waiting:
            later.defer(number=-1)
            _wait(url, "procrastinate_jobs", waiting, {"id": ""})
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
    return took((middle - began) / CHANGED * 2, (end - middle) / CHANGED * 2)


def _by_another(name: str, url: str, count: int, waiting: int) -> str:
    """Filled by a process of its own: DBOS lives once in one, and APScheduler begins to work when it ends."""
    code = f"import sys; from bench import rivals as r; r.fill_{name}(*sys.argv[1:]); r.leave()"
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
        _wait(url, "apscheduler_jobs", int(waiting), {"id": "'far-' || n"})
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
    print(took((middle - began) / CHANGED * 2, (end - middle) / CHANGED * 2))


def fill_dbos(url: str, count: str, waiting: str) -> None:
    """Enqueue what is due and what is not, and say what changes cost."""
    from dbos import SetEnqueueOptions  # type: ignore[import-not-found]

    found, flow = engine_worker.dbos(url, "filler")
    found.listen_queues([])  # this process runs nothing
    found.launch()
    queue = engine_worker.queue(found)
    with SetEnqueueOptions(delay_seconds=FAR.total_seconds()):
        if int(waiting):
            queue.enqueue(flow, -1)
            _wait(url, "dbos.workflow_status", int(waiting), {"workflow_uuid": "'far-' || n"})
        known = [queue.enqueue(flow, -1).get_workflow_id() for _ in range(CHANGED)]
    began = time.perf_counter()
    for one in known[: CHANGED // 2]:
        found.cancel_workflow(one)
    middle = time.perf_counter()
    for one in known[CHANGED // 2 :]:
        found.set_workflow_delay(one, delay_seconds=(FAR + timedelta(days=1)).total_seconds())
    end = time.perf_counter()
    with ThreadPoolExecutor(engine_worker.AT_ONCE) as pool:
        list(pool.map(lambda number: queue.enqueue(flow, number), range(int(count))))
    print(took((middle - began) / CHANGED * 2, (end - middle) / CHANGED * 2), flush=True)
