"""A dealership whose customers have pages: real messages with real links, served on loopback."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from channels.inbound.signed import Signing
from channels.memory import MemoryChannel
from orchestrator.access.roles import Viewer
from orchestrator.clock import VirtualClock
from orchestrator.links import Links, Use
from orchestrator.model import Entry, Status
from orchestrator.render.brands import coloured
from orchestrator.render.words import Brand
from orchestrator.sending.ways_back import WaysBack
from orchestrator.web.app import Rooms, create_app
from orchestrator.web.console.live import Watcher
from orchestrator.web.customer import customer_routers
from orchestrator.web.customer.entrance import Entrance
from orchestrator.web.customer.paper import House, dress_router
from orchestrator.web.desk import Desk
from orchestrator.web.hearing import hearing, writing
from orchestrator.web.owner import mine_router, owner_routers
from orchestrator.web.signed_in import OpenDoor
from tests.builders import LINDNER, at, event, promised, reached
from tests.integration.dealership import Dealership, customer, order
from tests.serving import served

T = TypeVar("T")

URL = "https://updates.example.com"
KEY = "a key of thirty-two characters!!"
LINKS = Links(URL, [KEY])
WEEK = {"locale": "en", "name": "Autohaus Lindner", "address": "Ludwigstr. 1, 80539 Munich"}
BRANDS = {
    "lindner": Brand("Autohaus Lindner", "Autohaus Lindner GmbH, Ludwigstr. 1, 80539 Munich", key="lindner"),
    "sunny": Brand("Sunny Cars", key="sunny", **coloured("#ffd400")),
}
COMPANY: Mapping[str, object] = {**WEEK, "phone": "+49 30 23125 100", "brands": BRANDS}

RULES = """\
version: 1
journey: new-car
phases: {waiting: [ordered, shipped, arrived], handover: [prepared, collected], owning: [serviced]}
closes: collected
names:
  new-car: {en: Your new car, de: Ihr neues Auto, ar: سيارتك الجديدة}
  ordered: {en: Ordered, de: Bestellt, ar: تم الطلب}
  arrived: {en: Arrival at our house, de: Ankunft bei uns, ar: الوصول إلينا}
  collected: {en: Handed over to you, de: Übergabe an Sie, ar: التسليم إليك}
rules:
  - id: welcome
    on: {reached: ordered}
    say: welcome
    channels: [email]
    timing: {at: now, within: 30d, stale_after: 60d}
  - id: arrived
    on: {reached: arrived}
    say: arrived
    channels: [email]
    timing: {at: now, within: 6h}
  - id: moved
    on: {moved: arrived, by: 1d}
    say: moved
    channels: [email]
    timing: {at: now, within: 6h}
  - id: not-arrived
    on: {missed: arrived, closes: "17:30"}
    channels: [email]
    timing: {at: now, within: 3h}
    rungs:
      - {say: not-arrived, task: {for: owner, do: call-the-customer, within: 4bh, then: manager}}
      - {after: 1bd, say: not-arrived}
  - id: has-it-arrived
    on: {upcoming: arrived, before: 0d, at: "16:00"}
    task: {for: owner, do: record-arrival-or-new-date, within: 1bh, then: manager}
  - id: quiet
    on: {silent: 14d}
    say: quiet
    channels: [email]
    timing: {at: now, within: 3d}
"""
_TEXT = (
    "Subject: {}\n\nHello {{{{ customer.name }}}}, {}.\n{{{{ links.order }}}}\n{{{{ links.preferences }}}}\n"
)
_TASK = "Subject: {}\n\n{{{{ because }}}}\n{{{{ links.task }}}}\n"
WORDS = {
    f"{name}/email.txt.en": _TEXT.format(name, name)
    for name in ("welcome", "arrived", "moved", "not-arrived", "quiet")
} | {
    f"{name}/email.txt.en": _TASK.format(name)
    for name in (
        "call-the-customer",
        "record-arrival-or-new-date",
        "reach-the-customer",
        "answer-the-customer",
    )
}


def dealership(folder: Path, start: datetime | str = "2026-03-02 09:00", rules: str = RULES) -> Dealership:
    """Autohaus Lindner on that morning, whose messages carry links."""
    folder.mkdir(parents=True, exist_ok=True)
    ways = WaysBack(Signing((KEY,), ("lindner.example",)), links=LINKS)
    clock = VirtualClock(at(start) if isinstance(start, str) else start)
    return Dealership(
        folder, {"email": MemoryChannel("email")}, rules_text=rules, words=WORDS, company=COMPANY,
        clock=clock, ways=ways,
    )  # fmt: skip


def apart(work: Callable[[], T]) -> T:
    """Do it in a thread of its own, for a browser runs its event loop in this one."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(work).result()


@contextmanager
def opened(made: Dealership, viewer: Viewer | None = None) -> Iterator[str]:
    """Serve the pages of *made*, with *viewer* signed in; give the server's address."""

    async def ready() -> bool:
        return True

    with ExitStack() as stack:
        write = stack.enter_context(writing(made.engine, patience=5))
        desk = Desk(made.engine, write, made.clock.now, public_url=URL)
        house = House(COMPANY, {})
        entrance = Entrance(desk, LINKS, house)
        routers = [*customer_routers(entrance), *owner_routers(entrance), dress_router(house)]
        now = made.clock.now
        rooms = None
        if viewer is not None:
            routers.append(mine_router(desk, house))
            rooms = Rooms(desk, OpenDoor(viewer), Watcher(made.ledger.mark))
        app = create_app(hearing(made.engine, write, now), now=now, ready=ready, routers=routers, rooms=rooms)
        yield stack.enter_context(served(app))


def link(made: Dealership, use: Use, entry: Entry) -> str:
    """The path of a page, as the message of *entry* had it."""
    return f"/{use}/{LINKS.token(use, entry.message_id, made.clock.now())}"


def told(folder: Path) -> Dealership:
    """The story that pictures show: a promise that moved once, on the afternoon of its day."""

    def played() -> Dealership:
        made = dealership(folder)
        made.hear(
            customer("maria", "2026-03-01 08:00"),
            order("BX-100", "maria", "2026-03-01 09:00", location={**LINDNER, "brand": "lindner"}),
            reached("BX-100", "ordered", "2026-03-02 08:00"),
            promised("BX-100", "arrived", "2026-03-10", "2026-03-02 08:30"),
        )
        made.drain()
        made.clock.set(at("2026-03-05 11:00"))
        made.hear(promised("BX-100", "arrived", "2026-03-12", "2026-03-05 10:55"))
        made.drain()
        made.clock.set(at("2026-03-11 12:05"))
        made.drain()
        slots = [
            {
                "id": f"s{day}",
                "from": f"2026-03-{day}T{hour}:00:00+01:00",
                "to": f"2026-03-{day}T{hour + 1}:00:00+01:00",
            }
            for day, hour in ((14, 10), (16, 16), (17, 12))
        ]
        for number, who, more in (
            ("BX-98", "aylin", {"locale": "ar", "name": "آيلين دمير"}),
            ("BX-99", "jonas", {"locale": "de-DE", "name": "Jonas Weber"}),
        ):
            made.hear(
                customer(who, "2026-03-05 12:00", **more),
                order(number, who, "2026-03-05 12:00", location={**LINDNER, "brand": "lindner"}),
                reached(number, "ordered", "2026-03-05 12:10"),
                reached(number, "arrived", "2026-03-11 12:00"),
            )
        made.drain()
        made.clock.set(at("2026-03-12 16:01"))
        made.drain()
        made.hear(
            reached("BX-98", "collected", "2026-03-12 15:30"),
            event("slot.offered", "BX-99", "2026-03-12 15:40", slots=slots),
        )
        made.drain()
        return made

    return apart(played)


def path(made: Dealership, name: str) -> str:
    """The path of the page of that name in the story that pictures show."""
    if name == "mine":
        return "/console/mine"
    if name in ("slots", "feedback"):
        number = {"slots": "BX-99", "feedback": "BX-98"}[name]
        return link(made, Use.ORDER, next(one for one in made.entries(number) if one.message_id))
    use = {"tracker": Use.ORDER, "preferences": Use.PREFERENCES, "reply": Use.REPLY, "task": Use.TASK}[name]
    rule = "has-it-arrived" if use is Use.TASK else "welcome"
    sent = [one for one in made.entries("BX-100") if one.status is Status.ACCEPTED]
    return link(made, use, next(one for one in sent if one.wanted.rule == rule))
