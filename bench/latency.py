"""How long after its moment a mail is accepted, when a hundred fall due each second."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bench import sink
from bench.dealership import ROOT, believed, customer, dealership, event, folder, ledger, order
from bench.report import Line
from bench.sizes import scaled
from channels.email import EmailChannel
from orchestrator.clock import SystemClock
from orchestrator.config import load
from orchestrator.engine import Engine
from orchestrator.journey import Policy
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.rules import load as load_rules
from orchestrator.sending.dispatch import Dispatcher
from orchestrator.transport.local import LocalTransport

EACH_SECOND = 100
SECONDS = 20
BEFORE = timedelta(hours=1)  # as the rule says
AHEAD = timedelta(seconds=5)  # to be planned and to start
PATIENCE = 60.0  # seconds after which something is broken

RULES = """\
version: 1
journey: new-car
milestones: [ordered, built, shipped, arrived, prepared, collected, first_service]
rules:
  - id: collect
    on: {upcoming: collected, before: 1h}
    say: ready-to-collect
    channels: [email]
    timing: {at: now}
"""  # no quiet hours and no window, so that it may be measured at any hour


def measure() -> list[Line]:
    """Plan a mail for every hundredth of a second, and let the parts of the daemon send them."""
    with folder() as home, sink.running() as server, ledger(home) as opened:
        return on(opened, server.port, "latency", "")


def on(opened: Ledger, port: int, figure: str, where: str) -> list[Line]:
    """The same on any ledger."""
    settings = load(ROOT / "config.toml", {})
    book, problems = load_rules({"latency.yaml": RULES}, policy=Policy(time_zone="Europe/Berlin"))
    if problems:
        raise SystemExit(f"a measured rule is wrong: {problems[0]}")
    engine = Engine(opened, book)
    planning = _plan(engine)
    asyncio.run(_work(engine, port, settings.daemon.tick))
    waited = _waited(opened)
    middle, late = _percentile(waited, 50), _percentile(waited, 99)
    tick = settings.daemon.tick.total_seconds()
    return [
        Line(
            figure, f"{where}due to accepted, {_each_second()} mails a second",
            f"p50 {middle:,.0f} ms, p99 {late:,.0f} ms",
            f"a tick of {tick * 1000:,.0f} ms", f"{late / tick / 1000:.1f} ticks at p99",
        ),
        Line(figure, f"{where}planning them ahead", planning),
    ]  # fmt: skip


def _plan(engine: Engine) -> str:
    """Hear the orders, each with the moment at which its mail is due."""
    each = _each_second()
    count = each * SECONDS
    events = [customer(number) for number in range(count)]
    events += [order(number) for number in range(count)]
    now = datetime.now(UTC)
    for batch in range(0, len(events), each):
        engine.hear(believed(events[batch : batch + each]), now)
    first = datetime.now(UTC)
    start = first + AHEAD
    for second in range(SECONDS):
        numbers = range(second * each, (second + 1) * each)
        due = {number: start + timedelta(seconds=number / each) for number in numbers}
        engine.hear(believed([_promise(number, moment, now) for number, moment in due.items()]), now)
    return f"{count} in {(datetime.now(UTC) - first).total_seconds():.1f} s"


def _promise(number: int, moment: datetime, now: datetime) -> dict[str, object]:
    return event("promise.made", f"O-{number}", now, milestone="collected", at=(moment + BEFORE).isoformat())


async def _work(engine: Engine, port: int, tick: timedelta) -> None:
    """Be the daemon until everything was sent."""
    clock = SystemClock()
    channels = {"email": EmailChannel("127.0.0.1", port, "none")}
    dispatcher = Dispatcher(engine, dealership().composer, channels, clock)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalTransport(engine, dispatcher, clock, tick).run(stop))
    try:
        async with asyncio.timeout(SECONDS + PATIENCE):
            while dispatcher.counts[Status.ACCEPTED] < _each_second() * SECONDS:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
    finally:
        stop.set()
        await running


def _waited(opened: Ledger) -> list[float]:
    """Milliseconds from due to the record of the acceptance, of every mail."""
    with opened.read() as tx:
        entries = tx.entries_in([Status.ACCEPTED], limit=_each_second() * SECONDS)
    return sorted(
        (e.updated_at - e.due_at).total_seconds() * 1000 for e in entries if e.updated_at is not None
    )


def _each_second() -> int:
    return scaled(EACH_SECOND, 10)


def _percentile(ordered: Sequence[float], share: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
