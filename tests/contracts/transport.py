"""What every transport promises, whatever carries the entries to whoever sends them.

A transport's test subclasses :class:`TransportContract` and gives the fixture ``start``, which makes a
transport that does all there is to do for a dealership, and ``scanning``, the same with sweeps that never
come.
"""

import asyncio
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from channels.base import Abilities, AfterUnknown, Message, Receipt
from orchestrator.ledger import Begin, Finish, Transaction
from orchestrator.ledger.workers import named
from orchestrator.model import Entry, Status
from tests.builders import event
from tests.integration.dealership import RULES, START, Dealership, arrived, customer, order

PATIENCE = 30.0  # seconds until a test gives up; what it waits for takes one or two
LEASE = timedelta(minutes=5)

LATER = """\
  - id: how-is-it
    on: {after: arrived, by: 2h}
    say: arrived
    channels: [email]
    timing: {at: now, within: 6h}
"""
THREE = "".join(
    f"  - {{id: {name}, on: {{event: x.{name}}}, say: arrived, channels: [email], timing: now}}\n"
    for name in ("first", "second", "third")
)


class Works(Protocol):
    """A transport."""

    async def run(self, stop: asyncio.Event) -> None: ...


Start = Callable[[Dealership], Works]


class Provider:
    """A channel that counts what it gets, and whose answers may be kept back."""

    name = "email"

    def __init__(self, *, one_at_a_time: bool = False) -> None:
        after = AfterUnknown.PERSON if one_at_a_time else AfterUnknown.REPEAT
        self.abilities = Abilities(after_unknown=after, concurrency=1 if one_at_a_time else 4)
        self.taken: list[Message] = []
        self.answers = threading.Event()
        self.answers.set()
        self.asked = threading.Event()
        self.meanwhile: Callable[[], None] = lambda: None

    async def send(self, message: Message) -> Receipt:
        self.asked.set()
        self.meanwhile()
        while not self.answers.is_set():  # noqa: ASYNC110  another thread sets it
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.001)
        self.taken.append(message)
        return Receipt(f"taken-{len(self.taken)}")

    async def close(self) -> None:
        pass

    def often(self) -> set[int]:
        """How often it got any message."""
        return set(Counter(message.id for message in self.taken).values())


@contextmanager
def working(transport: Works) -> Iterator[Callable[[], None]]:
    """Have *transport* work in a thread; gives what tells it to stop and waits for its end."""
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()
    failed: list[BaseException] = []

    async def work() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        ready.set()
        await transport.run(stop)

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(PATIENCE)

    def end() -> None:
        if thread.is_alive():
            loop, stop = loops[0]
            loop.call_soon_threadsafe(stop.set)
            thread.join(PATIENCE)
        assert not thread.is_alive(), "it does not stop"
        assert not failed, failed

    try:
        yield end
    finally:
        end()


def until(true: Callable[[], object]) -> None:
    """Wait for what happens in another thread."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def dead_worker() -> str:
    """The name of a worker of this machine whose process is gone."""
    with subprocess.Popen(["sleep", "60"]) as process:
        name = named(process.pid)
        process.kill()
    return name


def looks_of(house: Dealership) -> list[datetime]:
    """When somebody looked from now on for what is due in this house."""
    looks: list[datetime] = []
    look = house.dispatcher.next_due

    def noted(tx: Transaction, now: datetime) -> datetime | None:
        looks.append(now)
        return look(tx, now)

    house.dispatcher.next_due = noted  # type: ignore[method-assign]
    return looks


def cars(house: Dealership, count: int, first: int = 1) -> list[str]:
    """So many customers whose car arrived; their orders."""
    names = [f"BX-{number}" for number in range(first, first + count)]
    house.hear(
        *(customer(f"c-{name}", email=f"{name}@example.com".lower()) for name in names),
        *(order(name, f"c-{name}") for name in names),
        *(arrived(name) for name in names),
    )
    return names


def statuses(house: Dealership, names: list[str]) -> Counter[Status]:
    with house.ledger.read() as tx:
        return Counter(one.status for found in tx.entries_of(names).values() for one in found)


def entries(house: Dealership, names: list[str]) -> list[Entry]:
    with house.ledger.read() as tx:
        return [one for found in tx.entries_of(names).values() for one in found]


class TransportContract:
    """The promises."""

    @pytest.fixture
    def provider(self) -> Provider:
        return Provider()

    @pytest.fixture
    def make(self, tmp_path: Path, provider: Provider) -> Iterator[Callable[..., Dealership]]:
        made: list[Dealership] = []

        def of(**more: Any) -> Dealership:
            channels = more.pop("channels", {"email": provider})
            made.append(Dealership(tmp_path, channels, **{"live": True, "lease": LEASE} | more))
            return made[-1]

        yield of
        for house in made:
            house.ledger.close()

    def test_everything_that_is_due_is_sent_once(
        self, make: Callable[..., Dealership], start: Start, provider: Provider
    ) -> None:
        house = make()
        names = cars(house, 130)
        with working(start(house)):
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 130)
        assert provider.often() == {1}
        assert len(provider.taken) == 130

    def test_what_is_heard_of_while_it_works_is_sent(
        self, make: Callable[..., Dealership], start: Start, provider: Provider
    ) -> None:
        house = make()
        first = cars(house, 1)
        with working(start(house)):
            until(lambda: statuses(house, first)[Status.ACCEPTED] == 1)
            more = cars(house, 3, first=2)
            until(lambda: statuses(house, more)[Status.ACCEPTED] == 3)
        assert len(provider.taken) == 4

    def test_what_is_said_about_an_order_leaves_one_at_a_time_and_in_order(
        self, make: Callable[..., Dealership], start: Start, provider: Provider
    ) -> None:
        house = make(rules_text=RULES + THREE)
        names = [f"BX-{number}" for number in range(1, 11)]
        for name in names:
            house.hear(customer(f"c-{name}"), order(name, f"c-{name}"))
            for minute, what in enumerate(("first", "second", "third"), 1):
                house.hear(event(f"x.{what}", name, f"2026-03-12 09:0{minute}", event_id=f"{name}-{what}"))
        most: list[int] = []

        def look() -> None:
            with house.ledger.read() as tx:
                flying = Counter(
                    one.wanted.order
                    for found in tx.entries_of(names).values()
                    for one in found
                    if one.status in {Status.DISPATCHED, Status.SENDING}
                )
            most.append(max(flying.values()))

        provider.meanwhile = look
        with working(start(house)):
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 30)
        said = {one.id: one.wanted for one in entries(house, names)}
        heard: dict[str, list[str]] = {name: [] for name in names}
        keys = {one.key: said[one.id] for one in entries(house, names)}
        for message in provider.taken:
            heard[keys[message.id].order].append(keys[message.id].rule)
        assert heard == {name: ["first", "second", "third"] for name in names}
        assert max(most) == 1

    def test_what_a_crashed_worker_held_is_sent_once_its_lease_is_over_and_not_before(
        self, make: Callable[..., Dealership], start: Start, provider: Provider
    ) -> None:
        house = make()
        names = cars(house, 20)
        with house.ledger.transaction() as tx:
            assert len(tx.claim(START, 20, "somebody who died", LEASE)) == 20
        other = cars(house, 1, first=21)
        with working(start(house)):
            until(lambda: statuses(house, other)[Status.ACCEPTED] == 1)
        assert statuses(house, names) == {Status.DISPATCHED: 20}
        house.clock.advance(LEASE + timedelta(seconds=1))
        again = make(clock=house.clock)
        with working(start(again)):
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 20)
        assert provider.often() == {1}

    def test_what_a_worker_held_whose_process_is_gone_is_sent_without_waiting_for_its_lease(
        self, make: Callable[..., Dealership], start: Start, provider: Provider
    ) -> None:
        house = make()
        names = cars(house, 20)
        with house.ledger.transaction() as tx:
            held = tx.claim(START, 20, dead_worker(), LEASE)
            begun, ended = held[:5], [Finish(held[0].id, held[0].generation, Status.ACCEPTED)]
            tx.begin_many([Begin(one.id, one.generation, "email", f"<{one.id}@x>") for one in begun], START)
            assert not tx.finish_many(ended, START)
        with working(start(house)):
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 20)
        assert provider.often() == {1}
        assert len(provider.taken) == 19  # what may have left is repeated, and what was answered is not
        said = {message.id: message.message_id for message in provider.taken}
        assert all(said[one.key] == f"<{one.id}@x>" for one in begun[1:])

    def test_a_stop_that_arrives_while_others_are_sent_wins(
        self, make: Callable[..., Dealership], start: Start
    ) -> None:
        provider = Provider(one_at_a_time=True)
        house = make(channels={"email": provider})
        names = cars(house, 12)

        def all_others_say_stop() -> None:
            provider.meanwhile = lambda: None
            for name in names:
                house.hear(event("consent.withdrawn", f"c-{name}", START, event_id=f"stop-{name}"))

        provider.meanwhile = all_others_say_stop
        with working(start(house)):
            until(lambda: statuses(house, names)[Status.SUPPRESSED] == 11)
        assert len(provider.taken) == 1

    def test_told_to_stop_it_hears_what_was_asked_and_gives_the_rest_back(
        self, make: Callable[..., Dealership], start: Start, provider: Provider
    ) -> None:
        house = make()
        names = cars(house, 60)
        provider.answers.clear()
        with working(start(house)) as end:
            assert provider.asked.wait(PATIENCE)
            ending = threading.Thread(target=end)
            ending.start()
            until(lambda: house.dispatcher.stopping)
            provider.answers.set()
            ending.join(PATIENCE)
        before = statuses(house, names)
        assert 0 < before[Status.ACCEPTED] == len(provider.taken) < 60
        assert not before[Status.SENDING]
        assert not before[Status.UNKNOWN]
        with working(start(make(clock=house.clock))):  # and no lease is waited for
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 60)
        assert provider.often() == {1}

    def test_what_a_dead_worker_held_is_taken_back_by_the_next_scan_after_its_lease(
        self, make: Callable[..., Dealership], scanning: Start, provider: Provider
    ) -> None:
        house = make()
        names = cars(house, 20)
        with house.ledger.transaction() as tx:
            assert len(tx.claim(START, 20, "somebody who died", LEASE)) == 20
        other = cars(house, 1, first=21)
        with working(scanning(house)):
            until(lambda: statuses(house, other)[Status.ACCEPTED] == 1)
            house.clock.advance(LEASE)
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 20)
        assert provider.often() == {1}

    def test_nothing_of_the_future_is_touched_before_its_time(
        self, make: Callable[..., Dealership], start: Start, provider: Provider
    ) -> None:
        house = make(rules_text=RULES + LATER)
        names = cars(house, 15)
        with working(start(house)):
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 15)
            looks = looks_of(house)
            until(lambda: len(looks) >= 3)
            waiting = [one for one in entries(house, names) if one.wanted.rule == "how-is-it"]
            assert {(one.status, one.generation) for one in waiting} == {(Status.SCHEDULED, 0)}
        assert len(provider.taken) == 15
        house.clock.advance(timedelta(hours=2))
        with working(start(make(rules_text=RULES + LATER, clock=house.clock))):
            until(lambda: statuses(house, names)[Status.ACCEPTED] == 30)
        assert provider.often() == {1}
