"""Cases 1 to 7: workers that are killed, frozen and doubled, at every step of claim, send and record.

Each is a process of its own. What counts is what the providers have.
"""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from channels.contract.http_server import SLOW
from orchestrator.model import Entry, Status
from tests.builders import incoming
from tests.contracts.smtp_server import SLOW as SLOW_MAIL
from tests.contracts.smtp_server import SmtpServer
from tests.contracts.twilio_server import TwilioServer
from tests.dying import Dying, Ended, dying
from tests.integration import dealership
from tests.integration.dealership import RULES, Dealership, arrived, customer, order
from tests.integration.texting import TEXTED

ALSO_ON_POSTGRES = True
AT_RANDOM = (
    8  # points of death in a test; there are some two thousand (`python -m tests.chaos.kills` takes more)
)
PATIENCE = 60.0

# the steps of one message, each with whether it may have left when somebody dies there
BEFORE = ["enter Dispatcher._claim", "leave Sending.claim", "enter Dispatcher._rendered",
          "enter Dispatcher._begin", "enter Records.begin", "leave Records.begin"]  # fmt: skip
BEGUN = [
    "enter Outgoing.send",
    "enter Dispatcher._recorded",
    "enter Records.answered",
    "leave Records.answered",
]


@pytest.fixture(scope="module")
def worker() -> Iterator[Dying]:
    with dying() as found:
        yield found


@pytest.fixture(scope="module")
def other() -> Iterator[Dying]:
    with dying() as found:
        yield found


@dataclass
class World:
    """A ledger, its providers, and workers that come and go."""

    folder: Path
    worker: Dying
    mail: SmtpServer
    texts: TwilioServer
    channel: str
    house: Dealership
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return dealership.KEPT_IN(self.folder)

    def arrives(self) -> str:
        """A car of somebody's own arrives."""
        number = next(self.numbers)
        name, who = f"BX-{number}", f"C-{number}"
        person = customer(who, email=f"{who}@example.com", phone=f"+4930231250{number:02d}")
        self.house.hear(person, order(name, who), arrived(name))
        return name

    def does(self, work: str, **more: Any) -> Ended:
        return self.worker.do(work, self.url, self.house.clock.now(), **self.providers, **more)

    def begins(self, work: str, **more: Any) -> int:
        return self.worker.begin(work, self.url, self.house.clock.now(), **self.providers, **more)

    @property
    def providers(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder), "channel": self.channel,
            "mail": self.mail.port, "texts": self.texts.url,
        }  # fmt: skip

    def rescued(self) -> None:
        """The lease runs out, somebody else looks, and looks again after the back-off."""
        for wait in (timedelta(minutes=16), timedelta(minutes=1)):
            self.house.clock.advance(wait)
            self.does("rescue")

    def entry(self, name: str) -> Entry:
        return self.house.entry(order=name)

    def has(self, name: str) -> Counter[str]:
        """The copies that a provider has, by what it knows each by."""
        number = name.removeprefix("BX-")
        mails = [mail for mail in self.mail.mails if mail.to == f"C-{number}@example.com"]
        found = [re.search(rb"(?i)message-id: *(\S+)", mail.content) for mail in mails]
        texts = [text.sid for text in self.texts.texts if text.to == f"+4930231250{int(number):02d}"]
        return Counter([*(one[1].decode() for one in found if one), *texts])


@pytest.fixture(params=["email", "sms"])
def world(request: pytest.FixtureRequest, tmp_path: Path, worker: Dying) -> Iterator[World]:
    with SmtpServer() as mail, TwilioServer() as texts:
        house = Dealership(tmp_path, rules_text=TEXTED if request.param == "sms" else RULES)
        texts.now = house.clock.now
        yield World(tmp_path, worker, mail, texts, request.param, house)
        house.close()


def said_once(world: World, name: str) -> None:
    """By one text, or by mails under one name."""
    assert world.entry(name).status is Status.ACCEPTED, world.entry(name)
    copies = world.has(name)
    assert len(copies) == 1, copies
    if world.channel == "sms":
        assert copies.total() == 1


def test_1_killed_before_sending_it_is_sent_once_after_the_lease(world: World) -> None:
    names = []
    for step in BEFORE:
        names.append(world.arrives())
        assert world.does("send", name=step).killed, step
        assert world.entry(names[-1]).status in {Status.SCHEDULED, Status.DISPATCHED}, step
    assert not any(map(world.has, names))
    world.rescued()
    for name in names:
        said_once(world, name)
        assert world.has(name).total() == 1


def test_2_killed_between_request_and_answer_it_is_looked_for_and_never_doubled(world: World) -> None:
    name = world.arrives()
    world.mail.answering(SLOW_MAIL, at="dot", times=1)
    world.texts.answering(SLOW, method="POST", times=1)
    pid = world.begins("send")
    until(lambda: world.texts.waiting or world.mail.waiting)
    os.kill(pid, signal.SIGKILL)
    assert world.worker.end().killed
    assert world.entry(name).status is Status.SENDING
    world.rescued()
    said_once(world, name)
    assert world.house.outcomes(world.entry(name))[0] == Status.UNKNOWN


def test_3_killed_after_the_providers_yes_it_is_reconciled(world: World) -> None:
    names = []
    for step in BEGUN:
        names.append(world.arrives())
        assert world.does("send", name=step).killed, step
        assert world.entry(names[-1]).status is Status.SENDING, step
    world.rescued()
    for name in names:
        said_once(world, name)


def test_1_to_3_wherever_a_worker_is_killed_the_customer_hears_it_once(world: World) -> None:
    world.arrives()
    points = world.does("send").said["points"]
    names = []
    for number in range(1, points, points // AT_RANDOM):
        names.append(world.arrives())
        assert world.does("send", number=number).killed
    world.rescued()
    for name in names:
        said_once(world, name)


def until(true: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_4_a_worker_that_thaws_after_its_lease_is_refused_and_says_so(world: World, other: Dying) -> None:
    name = world.arrives()
    world.mail.answering(SLOW_MAIL, at="dot", times=1)
    world.texts.answering(SLOW, method="POST", times=1)
    pid = world.begins("send")
    until(lambda: world.texts.waiting or world.mail.waiting)
    os.kill(pid, signal.SIGSTOP)
    other.do("rescue", world.url, world.house.clock.now(), **world.providers)
    assert world.entry(name).status is Status.SENDING  # whoever stands still has not died
    for wait in (timedelta(minutes=16), timedelta(minutes=1)):
        world.house.clock.advance(wait)
        other.do("rescue", world.url, world.house.clock.now(), **world.providers)
    before = world.entry(name)
    assert before.status is Status.ACCEPTED
    os.kill(pid, signal.SIGCONT)
    world.mail.going_on()
    for connection, answer in world.texts.waiting:
        world.texts.loop.call_soon_threadsafe(connection.transport.write, answer.written())
    ended = world.worker.end()
    assert ended.said["counts"].get("refused as too late") == 1
    assert world.entry(name) == before
    said_once(world, name)


def test_4_a_worker_that_froze_before_the_first_byte_and_thaws_after_its_lease_sends_nothing(
    world: World, other: Dying
) -> None:
    name = world.arrives()
    shown = world.folder / "shown"
    shown.write_text(world.house.clock.now().isoformat())
    pid = world.begins("send", name="enter Outgoing.send", freezes=True, shown=str(shown), live=True)
    until(lambda: Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "T")
    world.house.clock.advance(timedelta(minutes=16))
    shown.write_text(world.house.clock.now().isoformat())
    other.do("rescue", world.url, world.house.clock.now(), **world.providers)
    os.kill(pid, signal.SIGCONT)
    assert not world.worker.end().killed
    assert not world.has(name)
    world.rescued()
    said_once(world, name)
    assert world.has(name).total() == 1


def test_6_a_worker_on_the_same_machine_takes_over_at_once_what_the_last_one_held(world: World) -> None:
    """Nothing but its end is waited for: neither its lease, nor a back-off of a provider that did no harm."""
    names = [world.arrives()]
    assert world.does("send", name="enter Dispatcher._rendered").killed
    names.append(world.arrives())
    assert world.does("send", name="enter Outgoing.send").killed
    assert world.entry(names[1]).status is Status.SENDING
    mails = names if world.channel == "email" else names[:1]  # a text in doubt is looked for, and later

    def rescued() -> bool:
        world.does("rescue")
        return all(world.entry(name).status is Status.ACCEPTED for name in mails)

    until(rescued)
    for name in mails:
        said_once(world, name)
    world.rescued()
    said_once(world, names[1])


@pytest.mark.parametrize("world", ["email"], indirect=True)
def test_5_two_workers_claim_ten_thousand_once_each(world: World, other: Dying) -> None:
    house = world.house
    name = world.arrives()
    wanted = house.entry(order=name).wanted
    with house.ledger.transaction() as tx:
        tx.create([replace(wanted, order=f"MANY-{n}") for n in range(10_000)], house.clock.now())
    now = house.clock.now() + timedelta(minutes=1)
    for one in (world.worker, other):
        one.begin("claim", world.url, now)
    taken = [one.end().said["taken"] for one in (world.worker, other)]
    assert sum(map(len, taken)) == 10_001
    assert len(set(taken[0]) | set(taken[1])) == 10_001


@pytest.mark.parametrize("world", ["email"], indirect=True)
def test_7_two_that_plan_the_same_at_once_make_one_row_for_each(world: World, other: Dying) -> None:
    names = [f"BX-{number}" for number in range(1, 201)]
    for name in names:
        world.house.hear(customer(f"C-{name}"), order(name, f"C-{name}"))
    with world.house.ledger.transaction() as tx:
        tx.append([incoming(arrived(name)) for name in names])
        tx.mark(names, world.house.clock.now())
    for one in (world.worker, other):
        one.begin("plan", world.url, world.house.clock.now(), **world.providers)
    planned = [one.end().said["planned"] for one in (world.worker, other)]
    assert sum(planned) >= len(names)
    assert all(len(world.house.entries(name)) == 1 for name in names)
