"""Mails a second over a ledger in PostgreSQL: by whole daemons, and by a planner with dispatchers."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from bench import machine, postgres, sink
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
    with folder() as home, postgres.server(home) as server, sink.running() as mails:
        planned = postgres.database(server, name="planned")
        with Ledger.open(planned, upgrade=True) as opened:
            jobs.make(opened)
            hear(Engine(opened, dealership().book), arrivals(MAILS))
        for turn in range(RUNS + 1):
            for way, roles in WAYS.items():
                cost = sent(postgres.database(server, "planned"), roles, mails, MAILS)
                if turn:  # the first was for warmth
                    runs[way].add(cost)
    floor, *others = (runs[way].median for way in WAYS)
    first, *ways = WAYS
    return [
        against("machines", f"{way}, against {first}", cost, floor, "mails")
        for way, cost in zip(ways, others, strict=True)
    ]


def sent(url: str, roles: Sequence[str], mails: sink.Sink, count: int) -> Cost:
    """Have these machines send everything; from the first mail that arrived to the last."""
    before = mails.taken()
    senders = sum(role != "planner" for role in roles)
    with ExitStack() as stack:
        machines = [
            stack.enter_context(machine.started(url, mails.port, CONNECTIONS // senders, role))
            for role in roles
        ]
        for one in machines:
            one.ready()
        for one in machines:
            one.say()
        _until(mails, before + 1)
        began = time.perf_counter()
        _until(mails, before + count)
        wall = time.perf_counter() - began
        for one in machines:
            one.say()
        used = sum(float(one.line()) for one in machines)
    with Ledger.open(url) as opened, opened.read() as tx:
        accepted = tx.status_counts()[Status.ACCEPTED]
    if not accepted == mails.taken() - before == count:
        raise SystemExit(f"{accepted} of {count} mails were accepted, and {mails.taken() - before} arrived")
    return Cost(wall, used, count)


def _until(mails: sink.Sink, number: int) -> None:
    end = time.monotonic() + PATIENCE
    while mails.taken() < number:
        if time.monotonic() > end:
            raise SystemExit(f"{mails.taken()} of {number} mails arrived")
        time.sleep(LOOK)
