"""Mails a second to a local sink: through the ledger, composed without one, and as bytes made before."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiosmtplib import SMTP

from bench import dispatcher, sink
from bench.dealership import NOW, arrivals, dealership, folder, hear, ledger
from bench.report import Cost, Line, Runs, against, timed
from channels import mime
from channels.base import Message
from channels.email import EmailChannel
from orchestrator import garbage
from orchestrator.activation import plan_marked
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.model import Customer, Order, Status
from orchestrator.sending.dispatch import Dispatcher
from orchestrator.sending.guard import Send

MAILS = 2000
CONNECTIONS = 8
RUNS = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Due:
    """One mail that is due, with all that is needed to write it without asking a ledger."""

    go: Send
    order: Order
    customer: Customer


def measure() -> list[Line]:
    """Three ways of sending the same mails, in turns, so that a busy machine slows all of them."""
    with folder() as home, sink.running() as server:
        template = home / "planned.db"
        with ledger(home, template.name) as opened:
            hear(Engine(opened, dealership().book), arrivals(MAILS))
            due_ones = dues(opened, MAILS)
        garbage.settled()  # as the daemon does before it works
        mails = [message(due) for due in due_ones]
        bodies = [(mail.sender, mail.to, mime.compose(mail)) for mail in mails]
        runs = [Runs() for _ in range(6)]
        for turn in range(RUNS + 1):
            costs = (
                *_through_a_ledger(template, home / f"turn-{turn}.db", server),
                sent(server, due_ones, lambda channel, due: channel.send(message(due))),
                sent(server, bodies, lambda channel, body: channel.deliver(*body)),
                _by_the_library(server, bodies),
                _by_two(template, home / f"two-{turn}.db", server),
            )
            for run, cost in zip(runs, costs, strict=True) if turn else ():  # the first was for warmth
                run.add(cost)
    return _lines(*(run.median for run in runs))


def _lines(through: Cost, settled: Cost, composed: Cost, raw: Cost, library: Cost, two: Cost) -> list[Line]:
    line = partial(against, "email", unit="mails")
    return [
        line("through the ledger, against composing alone", through, composed, target=0.7),
        line("through the ledger, against bytes made before", through, raw, target=0.35),
        line("composing alone, against bytes made before", composed, raw, target=0.35),
        line("through the ledger, until all is planned again", settled, composed),
        line("through the ledger, against sendmail of aiosmtplib", through, library),
        line("composing alone, against sendmail of aiosmtplib", composed, library),
        line("two dispatchers, against bytes made before", two, raw, target=0.5),
        line("two dispatchers, against sendmail of aiosmtplib", two, library),
    ]


def _through_a_ledger(planned: Path, file: Path, server: sink.Sink) -> tuple[Cost, Cost]:
    """Send from a copy of a ledger in which all is planned: until all is accepted, and then is planned."""
    file.write_bytes(planned.read_bytes())
    taken = server.taken()
    with Ledger.open(f"sqlite:///{file}") as opened:
        engine = Engine(opened, dealership().book)
        channels = {"email": channel(server.port)}
        one = Dispatcher(engine, dealership().composer, channels, VirtualClock(NOW))
        with timed(MAILS) as cost:
            asyncio.run(dispatcher.drained(one))
        with timed() as after:
            plan_marked(engine, NOW)
        with opened.read() as tx:
            accepted = tx.status_counts()[Status.ACCEPTED]
    if not accepted == server.taken() - taken == MAILS:
        raise SystemExit(f"{accepted} of {MAILS} mails were accepted")
    return cost, Cost(cost.wall + after.wall, cost.cpu + after.cpu, cost.items)


def _by_two(planned: Path, file: Path, server: sink.Sink) -> Cost:
    """Send from a copy of a ledger with two dispatchers in processes of their own, on as many connections."""
    file.write_bytes(planned.read_bytes())
    taken = server.taken()
    cost = dispatcher.several(2, file, server.port, CONNECTIONS)
    if not cost.items == server.taken() - taken == MAILS:
        raise SystemExit(f"two dispatchers sent {server.taken() - taken} of {MAILS} mails")
    return cost


def sent(server: sink.Sink, items: Sequence[T], send: Callable[[EmailChannel, T], Awaitable[object]]) -> Cost:
    """Send without a ledger: as many at once as there are connections."""

    async def work() -> Cost:
        opened, waiting = channel(server.port), iter(items)

        async def one_after_the_other() -> None:
            for item in waiting:
                await send(opened, item)

        with timed(len(items)) as cost:
            await asyncio.gather(*(one_after_the_other() for _ in range(CONNECTIONS)))
        await opened.close()
        return cost

    return asyncio.run(work())


def _by_the_library(server: sink.Sink, bodies: Sequence[tuple[str, str, bytes]]) -> Cost:
    """The same bytes by aiosmtplib as its documents say, over as many kept connections."""

    async def work() -> Cost:
        waiting = iter(bodies)
        clients = [SMTP(hostname="127.0.0.1", port=server.port, start_tls=False) for _ in range(CONNECTIONS)]

        async def one_after_the_other(client: SMTP) -> None:
            for sender, to, mail in waiting:
                await client.sendmail(sender, [to], mail)

        await asyncio.gather(*(client.connect() for client in clients))
        with timed(len(bodies)) as cost:
            await asyncio.gather(*map(one_after_the_other, clients))
        await asyncio.gather(*(client.quit() for client in clients))
        return cost

    return asyncio.run(work())


def channel(port: int) -> EmailChannel:
    return EmailChannel("127.0.0.1", port, "none", connections=CONNECTIONS)


def message(due: Due) -> Message:
    house = dealership()
    journey = house.book.journeys[due.order.journey]
    return house.composer.compose(due.go, due.order, due.customer, journey, NOW)


def dues(opened: Ledger, count: int) -> list[Due]:
    """What a ledger would have sent now."""
    with opened.read() as tx:
        sight = Engine(opened, dealership().book).look(tx, dict.fromkeys(tx.order_ids(), NOW), NOW)
    found = []
    for order_id, decision in sight.decisions.items():
        order = sight.orders[order_id]
        who = sight.customer_of(order)
        found += [
            Due(Send(wanted, 0, "email", who.email), order, who)
            for wanted in decision.wanted
            if wanted.due_at <= NOW and wanted.rule == "arrived"
        ]
    if len(found) != count:
        raise SystemExit(f"{len(found)} mails are due, not {count}")
    return found
