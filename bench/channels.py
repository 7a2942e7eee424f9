"""Messages a second of a channel: through the ledger, against a bare loop with the same client library."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import http_sink
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
from bench.report import Cost, Line, Runs, rate, ratio, timed
from bench.sink import Sink
from channels.base import Channel, Message, Receipt
from channels.memory import MemoryChannel
from channels.sms import SmsChannel
from orchestrator import garbage
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.sending.dispatch import Dispatcher

MESSAGES = 2000
RUNS = 5
TARGET = 0.5

ACCOUNT, SENDER = "AC00000000000000000000000000000001", "+12025550100"
CALLBACK = "https://hooks.lindner.example/twilio"
TAKEN = {  # what Twilio answers to a new message
    "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": "x" * 100, "date_created": None,
    "date_sent": None, "date_updated": None, "direction": "outbound-api", "error_code": None,
    "error_message": None, "from": SENDER, "messaging_service_sid": None, "num_media": "0",
    "num_segments": "1", "price": None, "price_unit": "USD", "sid": "SM%d", "status": "queued",
    "subresource_uris": {"media": "/2010-04-01/Accounts/AC/Messages/SM/Media.json"}, "to": "+12025550123",
    "uri": "/2010-04-01/Accounts/AC/Messages/SM.json",
}  # fmt: skip

Send = Callable[[Message], Awaitable[object]]


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

    async def find(self, _message: Message, _since: datetime) -> Receipt | None:
        raise AssertionError("nothing is in doubt here")

    async def close(self) -> None:
        await self.channel.close()


@dataclass(frozen=True)
class Way:
    """One channel, as it is measured: how its customers are reached, and its two ways to its provider."""

    name: str
    reach: Callable[[int], Mapping[str, Any]]  # what is known of a customer in place of the mailbox
    provider: tuple[int, str]  # what the provider answers, as status and body
    channel: Callable[[int], Channel]  # by the provider's port
    bare: Callable[[int], Any]  # a context with the client library's own send


def sms() -> list[Line]:
    """Texts through Twilio's library."""
    return _measure(Way("sms", _phone, (201, json.dumps(TAKEN)), _sms, _twilio))


def _phone(number: int) -> dict[str, Any]:
    return {"phone": f"+49302312{number:05d}"}


def _sms(port: int) -> Channel:
    return SmsChannel(ACCOUNT, "token", sender=SENDER, callback=CALLBACK, url=f"http://127.0.0.1:{port}")


@asynccontextmanager
async def _twilio(port: int) -> AsyncIterator[Send]:
    """Twilio's library as its documents say: its own asynchronous client."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT, "token", http_client=http)
        client.api.base_url = f"http://127.0.0.1:{port}"

        async def send(message: Message) -> object:
            return await client.messages.create_async(
                to=message.to, from_=SENDER, body=message.text, status_callback=f"{CALLBACK}?entry=1"
            )

        yield send


def _measure(way: Way) -> list[Line]:
    """Both ways in turns, so that a busy machine slows both."""
    with folder() as home, http_sink.running(*way.provider) as server:
        template = home / "planned.db"
        with ledger(home, template.name) as opened:
            hear(Engine(opened, dealership().book), believed(_events(way)))
        garbage.settled()
        messages = _messages(way, template, home)
        runs = [Runs() for _ in range(3)]
        times: list[list[float]] = [[] for _ in runs]
        for turn in range(RUNS + 1):
            measured = (
                _through(way, template, home / f"turn-{turn}.db", server),
                asyncio.run(_alone(way, server.port, messages)),
                asyncio.run(_bare(way, server.port, messages)),
            )
            for run, seconds, (cost, took) in zip(runs, times, measured, strict=True):
                if turn:  # the first was for warmth
                    run.add(cost)
                    seconds.extend(took)
    medians = [run.median for run in runs]
    p99 = [statistics.quantiles(seconds, n=100)[98] for seconds in times]
    return [
        _line(way.name, "through the ledger, against the library alone", medians[0], medians[2], TARGET),
        _line(way.name, "our channel without a ledger, against the library alone", medians[1], medians[2]),
        Line(way.name, "p99 of one send, in the dispatcher", _ms(p99[0]), _ms(p99[2])),
    ]


def _line(name: str, what: str, cost: Cost, floor: Cost, target: float | None = None) -> Line:
    reached = cost.rate / floor.rate
    by_cpu = floor.cpu_each / cost.cpu_each
    return Line(
        name, what, rate(cost, "messages"), rate(floor, "messages"), ratio(reached, by_cpu),
        f"at least {target}" if target else "", reached >= target if target else None,
    )  # fmt: skip


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


def _events(way: Way) -> list[dict[str, Any]]:
    """Cars that arrived a little ago, and customers who are reached on this channel alone."""
    events = []
    for number in range(MESSAGES):
        who = customer(number)
        who["data"].pop("email")
        who["data"].update(way.reach(number))
        events += [who, order(number), promised(number, NOW), arrived(number)]
    return events


def _messages(way: Way, planned: Path, home: Path) -> list[Message]:
    """What is due, rendered once for whoever sends it without a ledger."""
    kept = MemoryChannel(way.name)
    copy = home / "rendered.db"
    copy.write_bytes(planned.read_bytes())
    with Ledger.open(f"sqlite:///{copy}") as opened:
        engine = Engine(opened, dealership().book)
        dispatcher = Dispatcher(engine, dealership().composer, {way.name: kept}, VirtualClock(NOW))
        asyncio.run(drained(dispatcher))
    if len(kept.messages) != MESSAGES:
        raise SystemExit(f"{len(kept.messages)} messages are due, not {MESSAGES}")
    return list(kept.messages)


def _through(way: Way, planned: Path, file: Path, server: Sink) -> tuple[Cost, list[float]]:
    """Send from a copy of a ledger in which all is planned, until all is accepted."""
    file.write_bytes(planned.read_bytes())
    taken = server.taken()
    channel = Watched(way.channel(server.port))
    with Ledger.open(f"sqlite:///{file}") as opened:
        engine = Engine(opened, dealership().book)
        dispatcher = Dispatcher(engine, dealership().composer, {way.name: channel}, VirtualClock(NOW))
        with timed(MESSAGES) as cost:
            asyncio.run(drained(dispatcher))
        with opened.read() as tx:
            accepted = tx.status_counts()[Status.ACCEPTED]
    if not accepted == server.taken() - taken == MESSAGES:
        raise SystemExit(f"{accepted} of {MESSAGES} messages were accepted")
    return cost, channel.took


async def _alone(way: Way, port: int, messages: Sequence[Message]) -> tuple[Cost, list[float]]:
    channel = Watched(way.channel(port))
    cost = await _sent(channel.abilities.concurrency, channel.send, messages)
    await channel.close()
    return cost, channel.took


async def _bare(way: Way, port: int, messages: Sequence[Message]) -> tuple[Cost, list[float]]:
    took: list[float] = []
    async with way.bare(port) as send:

        async def watched(message: Message) -> None:
            began = time.perf_counter()
            await send(message)
            took.append(time.perf_counter() - began)

        return await _sent(way.channel(port).abilities.concurrency, watched, messages), took


async def _sent(at_once: int, send: Send, messages: Sequence[Message]) -> Cost:
    waiting = iter(messages)

    async def one_after_the_other() -> None:
        for message in waiting:
            await send(message)

    with timed(len(messages)) as cost:
        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return cost
