"""Messages a second of each channel: through the ledger, against a bare loop with the same client library."""

import asyncio
import statistics
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.dealership import (
    NOW,
    arrived,
    believed,
    customer,
    dealership,
    folder,
    hear,
    ledger,
    order,
    promised,
)
from bench.dispatcher import drained
from bench.providers import WAYS, Place, Send, Way
from bench.report import Cost, Line, Runs, against, timed
from channels.base import Channel, Message, Receipt
from channels.memory import MemoryChannel
from orchestrator import garbage
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.sending.dispatch import Dispatcher

MESSAGES = 1000
RUNS = 5


@dataclass
class Watched:
    """A channel, and how long each of its sends took."""

    channel: Channel
    took: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name, self.abilities = self.channel.name, self.channel.abilities

    async def send(self, message: Message) -> Receipt:
        began = time.perf_counter()
        receipt = await self.channel.send(message)
        self.took.append(time.perf_counter() - began)
        return receipt

    async def find(self, _message: Message, _since: datetime, _others: Collection[str]) -> Receipt | None:
        raise AssertionError("nothing is in doubt here")

    async def close(self) -> None:
        await self.channel.close()


def measure() -> list[Line]:
    """Each channel in turn."""
    return [line for way in WAYS for line in _measured(way)]


def _measured(way: Way) -> list[Line]:
    """Both ways in turns, so that a busy machine slows both."""
    with folder() as home, way.provider(home) as server:
        place = Place(home, server.port if server is not None else 0)
        template = home / "planned.db"
        with ledger(home, template.name) as opened:
            events = [event for number in range(MESSAGES) for event in arrivals_of(way, place, number)]
            hear(Engine(opened, dealership().book), believed(events))
        garbage.settled()
        messages = _messages(way, template, home)
        runs, times = (Runs(), Runs()), (list[float](), list[float]())
        for turn in range(RUNS + 1):
            taken = server.taken() if server is not None else 0
            measured = (
                _through(way, template, home / f"turn-{turn}.db", place),
                asyncio.run(_bare(way, place, messages)),
            )
            if server is not None and server.taken() - taken < 2 * MESSAGES:
                raise SystemExit(f"{way.name}: the provider took {server.taken() - taken} messages")
            for run, seconds, (cost, took) in zip(runs, times, measured, strict=True):
                if turn:  # the first was for warmth
                    run.add(cost)
                    seconds.extend(took)
    through, bare = (run.median for run in runs)
    p99, floor = (statistics.quantiles(seconds, n=100)[98] for seconds in times)
    return [
        against("channels", f"{way.name}: through the ledger, against its library alone", through, bare,
                "messages", way.target),
        Line("channels", f"{way.name}: p99 of one send", _ms(p99), _ms(floor), f"{p99 / floor:.1f} ×"),
    ]  # fmt: skip


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


def arrivals_of(way: Way, place: Place, number: int) -> list[dict[str, Any]]:
    """A car that arrived a little ago, and a customer who is reached on this channel alone."""
    who = customer(number)
    del who["data"]["email"]
    who["data"].update(way.reach(number, place))
    return [who, order(number), promised(number, NOW), arrived(number)]


def _messages(way: Way, planned: Path, home: Path) -> list[Message]:
    """What is due, rendered once for whoever sends it without a ledger."""
    kept = MemoryChannel(way.by)
    copy = home / "rendered.db"
    copy.write_bytes(planned.read_bytes())
    with Ledger.open(f"sqlite:///{copy}") as opened:
        engine = Engine(opened, dealership().book)
        dispatcher = Dispatcher(engine, dealership().composer, {way.by: kept}, VirtualClock(NOW))
        asyncio.run(drained(dispatcher))
    if len(kept.messages) != MESSAGES:
        raise SystemExit(f"{len(kept.messages)} messages are due, not {MESSAGES}")
    return list(kept.messages)


def _through(way: Way, planned: Path, file: Path, place: Place) -> tuple[Cost, list[float]]:
    """Send from a copy of a ledger in which all is planned, until all is accepted."""
    file.write_bytes(planned.read_bytes())
    channel = Watched(way.channel(place))
    with Ledger.open(f"sqlite:///{file}") as opened:
        engine = Engine(opened, dealership().book)
        dispatcher = Dispatcher(engine, dealership().composer, {way.by: channel}, VirtualClock(NOW))
        with timed(MESSAGES) as cost:
            asyncio.run(drained(dispatcher))
        with opened.read() as tx:
            accepted = tx.status_counts()[Status.ACCEPTED]
    if accepted != MESSAGES:
        raise SystemExit(f"{way.name}: {accepted} of {MESSAGES} messages were accepted")
    return cost, channel.took


async def _bare(way: Way, place: Place, messages: Sequence[Message]) -> tuple[Cost, list[float]]:
    took: list[float] = []
    async with way.bare(place, messages) as send:

        async def watched(message: Message) -> None:
            began = time.perf_counter()
            await send(message)
            took.append(time.perf_counter() - began)

        return await _sent(way.channel(place).abilities.concurrency, watched, messages), took


async def _sent(at_once: int, send: Send, messages: Sequence[Message]) -> Cost:
    waiting = iter(messages)

    async def one_after_the_other() -> None:
        for message in waiting:
            await send(message)

    with timed(len(messages)) as cost:
        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return cost
