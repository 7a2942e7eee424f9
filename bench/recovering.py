"""After kill -9 of whoever sends, with another one ready to go on at once: how long until all has arrived.

And what arrives twice, and what never. Ours has the lease that is the default, and does not wait for it; what
may have left is a mail again under its Message-ID.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack

from bench import machine, postgres, rivals, sink
from bench.dealership import arrivals, dealership, hear
from bench.machine import Machine
from bench.progress import said
from bench.report import Line
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.transport import jobs

LEASE = 120  # seconds, as the settings have it
LOOK = 0.005
AFTER = 0.3  # of all mails: then it is killed
# seconds after the death, and then without a mail, after which nothing more comes: Procrastinate takes
# somebody for dead after half a minute
QUIET = {"Beforehand": 15.0, "procrastinate": 40.0, "apscheduler": 10.0, "dbos": 15.0}


def measure(server: str, mails: sink.Sink, count: int) -> list[Line]:
    """Kill one worker of each engine."""
    said("  Beforehand: one worker is killed")
    found = [_line(f"Beforehand, a lease of {LEASE} s", "Beforehand", *_ours(server, mails, count), count)]
    for engine, fill in rivals.known().items():
        url = postgres.database(server)
        said(f"  {engine}: one worker is killed")
        fill(url, count, 0)
        with ExitStack() as stack:
            # under the same name, as a process that is started again on its machine
            first, second = (stack.enter_context(rivals.started(engine, url, mails)) for _ in range(2))
            outcome = _killed(first, second, mails, count, QUIET[engine])
        postgres.drop(server, url)
        found.append(_line(f"one job a message: {engine}", engine, *outcome, count))
    return found


def _ours(server: str, mails: sink.Sink, count: int) -> tuple[float, float, int, int]:
    url = postgres.database(server)
    with Ledger.open(url, upgrade=True) as opened:
        jobs.make(opened)
        hear(Engine(opened, dealership().book), arrivals(count))
    since = time.time()
    with ExitStack() as stack:
        planner, first, second = (
            stack.enter_context(machine.started(url, mails.port, 8, role, lease=LEASE, since=since))
            for role in ("planner", "dispatcher", "dispatcher")
        )
        planner.say()  # it works before the others are ready: nobody sends what it hands over
        outcome = _killed(first, second, mails, count, QUIET["Beforehand"])
    postgres.drop(server, url)
    return outcome


def _killed(
    first: Machine, second: Machine, mails: sink.Sink, count: int, patience: float
) -> tuple[float, float, int, int]:
    """Seconds from the death to the next mail and to the last, what came twice, and what never came."""
    for one in (first, second):
        one.ready()
    mails.anew()
    before = mails.taken()
    first.say()
    _until(lambda: mails.different() >= count * AFTER)
    first.kill()
    died = time.perf_counter()
    second.say()
    seen, last, next_one = mails.taken(), died, 0.0
    while _waits(died, patience) or (mails.different() < count and _waits(last, patience)):
        if (taken := mails.taken()) > seen:
            seen, last = taken, time.perf_counter()
            next_one = next_one or last
        time.sleep(LOOK)
    different = mails.different()
    return next_one - died, last - died, mails.taken() - before - different, count - different


def _waits(since: float, patience: float) -> bool:
    return time.perf_counter() - since < patience


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        if time.monotonic() > end:
            raise SystemExit("the first mails never came")
        time.sleep(LOOK)


def _line(what: str, engine: str, next_one: float, last: float, twice: int, never: int, count: int) -> Line:
    ours = engine == "Beforehand"
    return Line(
        "engines", f"{what}: killed after {AFTER:.0%} of {count:,} mails, the next, the last",
        f"{next_one:.1f} s, {last:.1f} s", result=f"{twice} twice, {never} never",
        target="none lost" if ours else "", met=never == 0 if ours else None,
    )  # fmt: skip
