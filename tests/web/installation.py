"""The delivered rules and texts over a ledger with the dealership's story, for pages to be looked at."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from orchestrator import activation, config
from orchestrator.cli import house, ledgers, workbench
from orchestrator.clock import VirtualClock
from orchestrator.config.settings import Settings
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.rules import read
from orchestrator.sending.dispatch import Dispatcher
from tests.builders import LINDNER, NORA, PAUL, at, event, incoming, promised, reached
from tests.web.browser import DESK, PATIENCE, PHONE, opened, sound

expect.set_options(timeout=PATIENCE)

ROOT = Path(__file__).parents[2]
CAR = {"model": "Aria Touring", "colour": "blue"}
START = at("2026-03-02 09:00")
PEOPLE = (
    {"name": "Maria Keller", "given_name": "Maria", "locale": "de-DE", "email": "maria.keller@example.com",
     "phone": "+493023125101", "country": "DE", "time_zone": "Europe/Berlin"},
    {"name": "Jonas Weber", "given_name": "Jonas", "locale": "en-GB", "email": "jonas.weber@example.com",
     "phone": "+493023125102", "country": "DE", "time_zone": "Europe/Berlin"},
    {"name": "Aylin Demir", "given_name": "Aylin", "locale": "de-DE", "email": "aylin.demir@example.com",
     "country": "DE", "time_zone": "Europe/Berlin"},
)  # fmt: skip


@dataclass
class Installed:
    """Settings, an engine on them, and a clock that is moved."""

    settings: Settings
    engine: Engine
    clock: VirtualClock
    dispatcher: Dispatcher

    def hear(self, *documents: dict[str, Any]) -> None:
        """Hear events at the clock's time."""
        self.engine.hear([incoming(one) for one in documents], self.clock.now())

    def until(self, moment: str | datetime) -> None:
        """Send what falls due until then, each at its time."""
        end = at(moment) if isinstance(moment, str) else moment

        async def send() -> None:
            while True:
                with self.engine.ledger.read() as tx:
                    due = tx.next_due()
                if due is None or due > end:
                    break
                self.clock.set(max(due, self.clock.now()))
                if not await self.dispatcher.drain():
                    self.clock.set(self.clock.now() + timedelta(minutes=1))
            self.clock.set(max(end, self.clock.now()))

        with ThreadPoolExecutor(1) as beside:  # a browser has a loop in this thread
            beside.submit(lambda: asyncio.run(send())).result()


@contextmanager
def installed(folder: Path, **environment: str) -> Iterator[Installed]:
    """The delivered rules and texts, in force since the start of the story, on a ledger in *folder*."""
    given = {
        "BEFOREHAND_LEDGER__URL": f"sqlite:///{folder / 'ledger.db'}",
        "BEFOREHAND_OUTBOX__PATH": str(folder / "outbox"),
        **environment,
    }
    settings = config.load(ROOT / "config.toml", given)
    clock = VirtualClock(START)
    with Ledger.open(settings.ledger.url, upgrade=True) as ledger:
        found = house.understood(settings, read(settings.rules.path))
        files = ledgers.sources(settings, found.sources)
        first = activation.propose(ledger, files, found.book, START, most=1, share=1)
        activation.adopt(ledger, first, START, ledgers.in_force(settings))
        with ledger.read() as tx:
            book = ledgers.book_in_force(settings, tx)
        engine = Engine(ledger, book, in_force=ledgers.in_force(settings))
        composer = house.composer(settings, found.renderer)
        sender = Dispatcher(engine, composer, house.channels(settings), clock)
        yield Installed(settings, engine, clock, sender)


def dealership(home: Installed) -> None:
    """Tell the story: one car is missed and late, one arrives on its day, one moves."""
    for number, person in enumerate(PEOPLE, 1):
        now, order, customer = home.clock.now(), f"BX-10{number}", f"C-{number}"
        about = {"owner": NORA, "manager": PAUL, "location": LINDNER, "attributes": CAR}
        home.hear(
            event("customer.upserted", customer, now, **person),
            event("order.upserted", order, now, customer=customer, journey="new-car", **about),
            reached(order, "ordered", now),
            promised(order, "arrived", f"2026-03-1{number}", now),
        )
    home.until("2026-03-11 10:30")
    home.hear(reached("BX-101", "arrived", home.clock.now()))
    home.until("2026-03-13 11:00")
    home.hear(promised("BX-102", "arrived", "2026-03-17", home.clock.now(), reason="the carrier lost a day"))
    home.until("2026-03-13 15:00")


def glance(browser: Browser, address: str, status: int = 200) -> None:
    """Look at a page on a desk, and in the dark on a phone; fail for whatever is wrong with it."""
    for width, dark in ((DESK, False), (PHONE, True)):
        with opened(browser, width, dark=dark) as page:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == status
            sound(page, answer.text())


def benches(home: Installed) -> dict[str, Any]:
    """What a console works with beside the ledger."""
    settings = home.settings
    return {
        "rules": workbench.Rules(settings),
        "texts": workbench.Texts(settings),
        "channels": workbench.Channels(settings),
    }
