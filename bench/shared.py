"""On PostgreSQL: mails through the ledger, events and plans by one process and by two, due to accepted."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from bench import dispatcher, latency, mail, postgres, sink
from bench.dealership import (
    BEFORE,
    NOW,
    arrivals,
    believed,
    customer,
    dealership,
    folder,
    hear,
    order,
    promised,
)
from bench.machine import Machine
from bench.report import Cost, Line, Runs, against, timed
from bench.sizes import scaled
from orchestrator import garbage
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.sending.dispatch import Dispatcher

MAILS = 2000
ORDERS = 2000
RUNS = 3


def measure() -> list[Line]:
    """Everything in turns, on copies of one database."""
    with folder() as home, postgres.server(home) as server, sink.running() as mails:
        lines = [_mails(server, mails), *_intake_and_planning(server)]
        with Ledger.open(postgres.database(server), upgrade=True) as opened:
            lines += latency.on(opened, mails.port, "shared", "PostgreSQL: ")
    return lines


def _mails(server: str, mails: sink.Sink) -> Line:
    count = scaled(MAILS, 200)
    planned = postgres.database(server, name="planned")
    with Ledger.open(planned, upgrade=True) as opened:
        hear(Engine(opened, dealership().book), arrivals(count))
        dues = mail.dues(opened, count)
    garbage.settled()  # as the daemon does before it works
    through, composed = Runs(), Runs()
    for turn in range(RUNS + 1):
        url = postgres.database(server, "planned")
        costs = (
            _through(url, mails, count),
            mail.sent(mails, dues, lambda channel, due: channel.send(mail.message(due))),
        )
        postgres.drop(server, url)
        if turn:  # the first was for warmth
            through.add(costs[0])
            composed.add(costs[1])
    what = "PostgreSQL: through the ledger, against composing alone"
    return against("shared", what, through.median, composed.median, "mails", 0.6)


def _through(url: str, mails: sink.Sink, count: int) -> Cost:
    before = mails.taken()
    with Ledger.open(url) as opened:
        engine = Engine(opened, dealership().book)
        channels = {"email": mail.channel(mails.port)}
        one = Dispatcher(engine, dealership().composer, channels, VirtualClock(NOW))
        with timed(count) as cost:
            asyncio.run(dispatcher.drained(one))
        with opened.read() as tx:
            accepted = tx.status_counts()[Status.ACCEPTED]
    if not accepted == mails.taken() - before == count:
        raise SystemExit(f"{accepted} of {count} mails were accepted")
    return cost


# ── events and plans, by processes of their own ──────────────────────────────


def _intake_and_planning(server: str) -> list[Line]:
    count = scaled(ORDERS, 200)
    empty = postgres.database(server, name="empty")
    with Ledger.open(empty, upgrade=True):
        pass
    found: dict[tuple[str, int], Runs] = {}
    for turn in range(RUNS):
        for processes in (1, 2):
            url = postgres.database(server, "empty")
            for work, items in (("hear", 3 * count), ("plan", count)):
                cost = _by(processes, work, url, count, items)
                if turn:
                    found.setdefault((work, processes), Runs()).add(cost)
            postgres.drop(server, url)
    return [
        against(
            "shared", f"PostgreSQL: {what} by two processes, against one", found[work, 2].median,
            found[work, 1].median, unit,
        )
        for work, what, unit in (("hear", "intake", "events"), ("plan", "planning", "orders"))
    ]  # fmt: skip


def _by(processes: int, work: str, url: str, orders: int, items: int) -> Cost:
    each = orders // processes
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603
                    [sys.executable, "-m", "bench.shared", work, url, str(n * each), str((n + 1) * each)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )
            for n in range(processes)
        ]  # fmt: skip
        machines = [Machine(worker) for worker in workers]
        for one in machines:
            one.ready()
        began = time.perf_counter()
        for one in machines:
            one.say()
        used = sum(float(one.line()) for one in machines)
        return Cost(time.perf_counter() - began, used, items)


def main(arguments: Sequence[str]) -> None:
    """Be one of them."""
    work, url, first, last = arguments
    numbers = range(int(first), int(last))
    documents = [customer(n) for n in numbers]
    documents += [one for n in numbers for one in (order(n), promised(n, NOW))]
    events = believed(documents)
    garbage.seldom()
    with Ledger.open(url) as opened:
        engine = Engine(opened, dealership().book)
        if work == "plan":
            with opened.transaction() as tx:
                tx.mark([f"O-{n}" for n in numbers], BEFORE)
        garbage.settled()
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.process_time()
        if work == "hear":
            hear(engine, events, BEFORE)
        while work == "plan" and engine.plan_changed(BEFORE):
            pass
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
