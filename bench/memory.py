"""Memory over 100,000 messages: a dispatcher that goes on and on must hold no more than one that began."""

import asyncio
from pathlib import Path

from bench.channels import arrivals_of
from bench.dealership import NOW, believed, dealership, folder, hear, ledger
from bench.dispatcher import drained
from bench.progress import said
from bench.providers import Place, Way, way_called
from bench.report import Line
from orchestrator import garbage
from orchestrator.activation import plan_marked
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.model import Status
from orchestrator.sending.dispatch import Dispatcher

MESSAGES, AT_A_TIME = 100_000, 4_000
WARM = 20_000  # messages after which every cache is full
MOST = 10  # MB that may come after that


def measure() -> list[Line]:
    """Texts through the ledger to a local server: what is resident after 20,000 and after 100,000."""
    way = way_called("sms")
    with folder() as home, way.provider(home) as server:
        place = Place(home, server.port if server is not None else 0)
        held = _sent(way, place)
    growth = held[MESSAGES] - held[WARM]
    return [
        Line(
            "memory", f"resident after {MESSAGES:,} messages, against {WARM:,}", f"{held[MESSAGES]:.0f} MB",
            f"{held[WARM]:.0f} MB", f"{growth:+.1f} MB", f"at most {MOST} MB more", growth <= MOST,
        )
    ]  # fmt: skip


def _sent(way: Way, place: Place) -> dict[int, float]:
    """Megabytes that this process holds, by how many messages it has sent."""
    held: dict[int, float] = {}
    with ledger(place.home) as opened:
        engine = Engine(opened, dealership().book)
        channels = {way.by: way.channel(place)}
        garbage.settled()
        for start in range(0, MESSAGES, AT_A_TIME):
            numbers = range(start, start + AT_A_TIME)
            hear(engine, believed([event for number in numbers for event in arrivals_of(way, place, number)]))
            dispatcher = Dispatcher(engine, dealership().composer, channels, VirtualClock(NOW))
            asyncio.run(drained(dispatcher))
            plan_marked(engine, NOW)
            held[start + AT_A_TIME] = _resident()
            if (start + AT_A_TIME) % WARM == 0:
                said(f"  {start + AT_A_TIME:,} of {MESSAGES:,} messages")
        with opened.read() as tx:
            accepted = tx.status_counts()[Status.ACCEPTED]
    if accepted != MESSAGES:
        raise SystemExit(f"{accepted} of {MESSAGES} messages were accepted")
    return held


def _resident() -> float:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) / 1024
