"""Messages a second with much waiting for later: ours, and engines with one job for each message.

Ours looks, renders, guards, sends, records and plans; a job of theirs sends a mail that was written before.
The floor of all of them is to compose and send the same mails without a ledger.
"""

import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from bench import backlog, machines, mail, postgres, recovering, rivals, sink
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
from bench.progress import said
from bench.report import Cost, Line, against
from bench.sizes import scaled
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.transport import jobs

MAILS = 1000
WAITING = (0, 100_000, 1_000_000)
FIRST = 60.0  # seconds that an engine may take until its first mail
QUIET = 8.0  # seconds without a mail after which nothing more comes
LONG = 8.0  # seconds after which it is known how fast an engine is that is slow


def measure() -> list[Line]:
    """Each engine in front of each backlog."""
    lines: list[Line] = []
    count = scaled(MAILS, 100)
    with folder() as home, postgres.server(home) as server, sink.running() as mails:
        floor = _composed(server, mails, count)
        for waiting in WAITING:
            many = scaled(waiting, 0)
            for name, costs, changes in _each(server, mails, count, many):
                for workers, cost in costs.items():
                    what = f"{name}, {workers} worker{'s' if workers > 1 else ''}, {many:,} waiting"
                    lines.append(against("engines", what, cost, floor, "mails"))
                lines.append(Line("engines", f"{name}, {many:,} waiting: cancel, put off", changes))
        lines += recovering.measure(server, mails, count)
    if find_spec("dbos") is None:
        lines.append(Line("engines", "DBOS", "not installed: pip install dbos"))
    return lines


def _composed(server: str, mails: sink.Sink, count: int) -> Cost:
    """The same mails composed and sent without a ledger, as `shared` does; the second time counts."""
    url = postgres.database(server)
    with Ledger.open(url, upgrade=True) as opened:
        hear(Engine(opened, dealership().book), arrivals(count))
        dues = mail.dues(opened, count)
    postgres.drop(server, url)
    _, cost = (mail.sent(mails, dues, lambda to, due: to.send(mail.message(due))) for _ in range(2))
    return cost


def _each(server: str, mails: sink.Sink, count: int, waiting: int) -> Any:
    yield "Beforehand", *_ours(server, mails, count, waiting)
    for name, fill in rivals.known().items():
        several = (1,) if name == "apscheduler" else (1, 2)
        costs: dict[int, Cost] = {}
        filled = postgres.database(server)
        said(f"  {name}: {waiting:,} that wait are written")
        changes = fill(filled, count, waiting)
        for workers in several:
            url = postgres.copied(server, filled) if workers < max(several) else filled
            said(f"  {name}: {count:,} mails by {workers}")
            costs[workers] = _sent(name, url, mails, count, workers)
            postgres.drop(server, url)
        yield f"one job a message: {name}", costs, changes


# ── ours ─────────────────────────────────────────────────────────────────────


def _ours(server: str, mails: sink.Sink, count: int, waiting: int) -> tuple[dict[int, Cost], str]:
    planned = postgres.database(server)
    said(f"  Beforehand: {waiting:,} that wait are written")
    with Ledger.open(planned, upgrade=True) as opened:
        jobs.make(opened)
        if waiting:
            backlog.wait(opened, waiting)
        engine = Engine(opened, dealership().book)
        hear(engine, arrivals(count))
        changes = _changed(engine, count)
    costs = {}
    for workers, url in ((1, postgres.copied(server, planned)), (2, planned)):
        said(f"  Beforehand: {count:,} mails by {workers}")
        costs[workers] = machines.sent(url, ["planner", *["dispatcher"] * workers], mails, count)
        postgres.drop(server, url)
    return costs, changes


def _changed(engine: Engine, first: int) -> str:
    """What it costs to hear that an order is off, or of another day, and to plan it: a commit for each."""
    numbers = range(first, first + rivals.CHANGED)
    later = NOW + timedelta(days=9)
    hear(engine, believed([one for n in numbers for one in (customer(n), order(n), promised(n, later))]))
    moved = [event("promise.made", f"O-{n}", NOW, milestone="arrived", date="2026-04-20") for n in numbers]
    off = [event("order.cancelled", f"O-{n}", NOW, reason="bench") for n in numbers]
    took = []
    for documents in (moved, off):
        began = time.perf_counter()
        hear(engine, believed(documents), size=1)
        took.append((time.perf_counter() - began) / rivals.CHANGED)
    return rivals.took(took[1], took[0])


# ── theirs ───────────────────────────────────────────────────────────────────


def _sent(engine: str, url: str, mails: sink.Sink, count: int, workers: int) -> Cost:
    """From the first mail that arrived to the last, or for some time; what never arrives is told."""
    before = mails.taken()
    with ExitStack() as stack:
        found = [stack.enter_context(rivals.started(engine, url, mails, str(n))) for n in range(workers)]
        for one in found:
            one.ready()
        for one in found:
            one.say()
        began = last = 0.0
        seen, quiet = before, time.monotonic()
        while seen < before + count and time.monotonic() - quiet < (QUIET if began else FIRST):
            if (taken := mails.taken()) > seen:
                seen, last, quiet = taken, time.perf_counter(), time.monotonic()
                began = began or last
            if began and last - began > LONG:
                break
            time.sleep(0.005)
        for one in found:
            one.say()
        used = sum(float(one.line()) for one in found)
    if seen != before + count and last - began <= LONG:
        print(f"{engine}: {before + count - seen} of {count} never arrived", file=sys.stderr)
    return Cost(max(last - began, 1e-9), used, seen - before)
