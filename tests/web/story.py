"""The dealership on the evening of Thursday, 12 March, as the console's pages show it: really heard and sent.

Maria Keller's car was promised for today and has not come; Jonas Weber waits in silence the longest; Aylin
Demir writes her name from right to left.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from channels.memory import MemoryChannel
from orchestrator import config
from orchestrator.cli import house
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.sending.dispatch import Dispatcher
from tests.builders import BERLIN, LINDNER, NORA, PAUL, at, event, incoming

HERE = Path(__file__).parents[2]
LONG = f"Jonas {'-'.join(['Weber'] * 16)}"
LONG_ORDER = "BX-105-with-a-number-that-somebody-made-up-to-be-very-long"
ARABIC = "أيلين ديمير"
MUNICH = {**LINDNER, "calendar": "munich", "brand": "lindner"}
NOW = at("2026-03-12 18:10")
STEP = timedelta(minutes=30)
STORY: tuple[dict[str, Any], ...] = (
    event(
        "customer.upserted", "jonas", "2026-02-16 09:00", name="Jonas Weber", given_name="Jonas", locale="de",
        time_zone=BERLIN, email="jonas.weber@example.com",
    ),
    event(
        "order.upserted", "BX-090", "2026-02-16 09:05", customer="jonas", journey="new-car", owner=NORA,
        manager=PAUL, location=MUNICH, attributes={"model": "Aria Compact", "colour": "grey"},
    ),
    event("order.held", "BX-090", "2026-02-16 09:30", reason="the bank has not answered"),
    event(
        "customer.upserted", "maria", "2026-03-02 09:40", name="Maria Keller", given_name="Maria",
        locale="en", time_zone=BERLIN, country="DE", email="maria.keller@example.com", phone="+493023125123",
        attributes={"number_plate": "keeps her own"},
    ),
    event(
        "preference.set", "maria", "2026-03-02 09:41", channels=["sms", "email"],
        windows=[
            {"days": "weekdays", "from": "17:00", "to": "20:30"},
            {"days": "sat", "from": "10:00", "to": "14:00", "channel": "email"},
        ],
    ),
    event(
        "consent.given", "maria", "2026-03-02 09:42", purpose="marketing", channel="email",
        evidence={"how": "form", "place": "Munich"},
    ),
    event("consent.withdrawn", "maria", "2026-03-05 12:00", purpose="marketing", channel="email"),
    event(
        "order.upserted", "BX-100", "2026-03-02 09:45", customer="maria", journey="new-car", owner=NORA,
        manager=PAUL, location=MUNICH, attributes={"model": "Aria Touring", "colour": "blue"},
    ),
    event("promise.made", "BX-100", "2026-03-02 09:45", milestone="arrived", date="2026-03-12"),
    event("milestone.reached", "BX-100", "2026-03-02 09:50", milestone="ordered"),
    event("order.released", "BX-090", "2026-03-04 10:00"),
    event(
        "customer.upserted", "aylin", "2026-03-06 10:00", name=ARABIC, given_name="أيلين", locale="en",
        time_zone=BERLIN, email="aylin.demir@example.com", phone="+493023125124",
    ),
    event(
        "order.upserted", "BX-104", "2026-03-06 10:05", customer="aylin", journey="new-car", owner=NORA,
        manager=PAUL, location=MUNICH, attributes={"model": "Aria Touring", "colour": "red"},
    ),
    event("promise.made", "BX-104", "2026-03-06 10:05", milestone="arrived", date="2026-03-13"),
    event(
        "message.replied", "BX-104", "2026-03-11 11:00", channel="email",
        text="متى تصل سيارتي؟\nAfter six, please.",
    ),
    event("customer.upserted", "long", "2026-03-10 10:00", name=LONG, locale="en", email="long@example.com"),
    event(
        "order.upserted", LONG_ORDER, "2026-03-10 10:05",
        customer="long", journey="new-car", manager=PAUL, location=MUNICH,
        attributes={"model": "Aria Grand Touring Estate Limited Edition"},
    ),
    event(
        "promise.made", LONG_ORDER, "2026-03-10 10:06",
        milestone="arrived", date="2026-04-02",
    ),
)  # fmt: skip


def run(work: Coroutine[Any, Any, Any]) -> None:
    """Run one piece of work in a thread of its own: a browser's keeps the event loop of this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@dataclass
class Evening:
    """The house on that evening, and what still works in it."""

    engine: Engine
    clock: VirtualClock
    dispatcher: Dispatcher
    channels: dict[str, MemoryChannel]

    def hear(self, *documents: dict[str, Any]) -> None:
        """Take events in, now."""
        self.engine.hear([incoming(one) for one in documents], self.clock.now())

    def work(self) -> None:
        """Send what is due."""
        run(self.dispatcher.drain())

    def until(self, moment: datetime) -> None:
        """Let time pass and work as a daemon does."""
        while self.clock.now() < moment:
            self.clock.advance(min(STEP, moment - self.clock.now()))
            self.work()


@contextmanager
def opened(url: str, start: datetime = NOW) -> Iterator[Evening]:
    """Open the house at *url* at that moment."""
    settings = config.load(HERE / "config.toml", {})
    written = house.written(settings, HERE / "rules", HERE / "templates")
    channels = {name: MemoryChannel(name) for name in ("email", "sms", "push")}
    with Ledger.open(url, upgrade=True) as ledger:
        clock = VirtualClock(start)
        engine = Engine(ledger, written.book)
        dispatcher = Dispatcher(engine, house.composer(settings, written.renderer), channels, clock)
        try:
            yield Evening(engine, clock, dispatcher, channels)
        finally:
            run(dispatcher.close())


@contextmanager
def evening(url: str) -> Iterator[Evening]:
    """Play the story over an empty ledger at *url*."""
    with opened(url, incoming(STORY[0]).fact.happened) as found:
        for one in sorted(STORY, key=lambda said: incoming(said).fact.happened):
            found.until(incoming(one).fact.happened)
            found.hear(one)
            found.work()
        found.until(NOW)
        yield found
