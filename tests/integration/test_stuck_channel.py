"""A mail server that takes a mail and never answers its final dot: everything else flows meanwhile."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Message, Receipt
from channels.email import EmailChannel
from channels.memory import MemoryChannel
from channels.push import PushChannel
from orchestrator.model import Status
from orchestrator.sending import behind, outgoing
from tests.contracts.smtp_server import SLOW, SmtpServer
from tests.integration.dealership import RULES, WORDS, Dealership, arrived, customer, order

FEW = 3  # connections
MANY = 40  # mails: more than are begun at once
AT_ONCE = 5.0  # seconds; a channel that waited for the other would wait for sixty


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "STUCK", 0.1)
    monkeypatch.setattr(behind, "LOOK", 0.02)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, server: SmtpServer) -> Iterator[Dealership]:
    email = EmailChannel(server.host, server.port, "none", connections=FEW, final=60)
    made = Dealership(
        tmp_path,
        {"email": email, "sms": MemoryChannel("sms")},
        rules_text=RULES.replace("channels: [email]", "channels: [sms, email]"),
        live=True,
        batch=10,
    )
    yield made
    made.ledger.close()


def reads(who: str, channel: str) -> list[dict[str, Any]]:
    """A customer whom only this channel reaches, and their car, which has arrived."""
    unknown = {"phone": None} if channel == "email" else {"email": None}
    return [customer(who, **unknown), order(f"BX-{who}", who), arrived(f"BX-{who}")]


def hear(house: Dealership, channel: str, *who: str) -> None:
    house.hear(*[document for one in who for document in reads(one, channel)])


def states(house: Dealership, *who: str) -> set[Status]:
    return {house.entry(order=f"BX-{one}").status for one in who}


async def soon_over(house: Dealership) -> None:
    async with asyncio.timeout(AT_ONCE):
        await house.dispatcher.drain(patient=False)


def test_other_channels_and_orders_flow_while_a_mail_server_is_stuck_at_the_final_dot(
    house: Dealership, server: SmtpServer
) -> None:
    readers = [f"m{number}" for number in range(MANY)]
    server.answering(SLOW, at="dot")
    hear(house, "email", *readers)
    hear(house, "sms", "s1", "s2")

    async def scene() -> None:
        await soon_over(house)
        assert states(house, "s1", "s2") == {Status.ACCEPTED}
        hear(house, "sms", "s3")
        await soon_over(house)
        assert states(house, "s3") == {Status.ACCEPTED}
        assert states(house, *readers) == {Status.SENDING, Status.SCHEDULED}
        waits = [e for e in (house.entry(order=f"BX-{one}") for one in readers) if e.not_before is not None]
        assert {entry.reason for entry in waits} == {"channel email is left alone: it answers nobody"}

        server.accepting()
        while Status.SENDING in states(house, *readers):
            server.going_on()
            await asyncio.sleep(0.01)
        house.clock.advance(timedelta(minutes=31))
        await house.dispatcher.drain()
        await house.dispatcher.close()

    asyncio.run(scene())

    assert states(house, *readers) == {Status.ACCEPTED}
    assert len({house.entry(order=f"BX-{one}").message_id for one in readers}) == len(server.mails) == MANY


def test_the_leases_of_what_is_stuck_are_kept_and_nothing_of_it_is_sent_twice(
    house: Dealership, server: SmtpServer
) -> None:
    server.answering(SLOW, at="dot")
    hear(house, "email", "m1")

    async def scene() -> None:
        await soon_over(house)
        house.clock.advance(timedelta(hours=1))
        assert await house.dispatcher.sweep() == 0
        await soon_over(house)
        assert states(house, "m1") == {Status.SENDING}
        server.accepting()
        server.going_on()
        await house.dispatcher.close()

    asyncio.run(scene())

    assert states(house, "m1") == {Status.SCHEDULED}  # the server lost it, and says so
    assert server.commands["DATA"] == 1


def test_a_slow_channel_that_still_answers_is_waited_for(tmp_path: Path) -> None:
    class Slow(MemoryChannel):
        async def send(self, message: Message) -> Receipt:
            await asyncio.sleep(0.03)
            return await super().send(message)

    house = Dealership(tmp_path, {"email": Slow("email"), "sms": MemoryChannel("sms")}, live=True)
    readers = [f"m{number}" for number in range(MANY)]
    hear(house, "email", *readers)

    asyncio.run(house.dispatcher.drain(patient=False))

    assert states(house, *readers) == {Status.ACCEPTED}
    house.ledger.close()


class Held(MemoryChannel):
    """A service that answers once somebody lets it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.open = asyncio.Event()

    async def send(self, message: Message) -> Receipt:
        await self.open.wait()
        return await super().send(message)


def test_a_push_service_that_does_not_answer_delays_none_of_the_others(tmp_path: Path) -> None:
    firebase, apple = Held("push"), MemoryChannel("push")
    house = Dealership(
        tmp_path,
        {"push": PushChannel({"fcm": firebase, "apns": apple})},
        rules_text=RULES.replace("channels: [email]", "channels: [push]"),
        words={**WORDS, "arrived/push.txt.en": "Title: It is here\n\nHello {{ customer.name }}.\n"},
        live=True,
    )
    androids, phones = ([f"{kind}{number}" for number in range(MANY)] for kind in "fa")
    for who in (*androids, *phones):
        device = f"fcm:token-of-{who}" if who in androids else f"apns:{who[1:]:0>64}"
        house.hear(customer(who, devices=[device]), order(f"BX-{who}", who), arrived(f"BX-{who}"))

    async def scene() -> None:
        await soon_over(house)
        assert states(house, *phones) == {Status.ACCEPTED}
        assert states(house, *androids) <= {Status.SENDING, Status.SCHEDULED}
        firebase.open.set()
        await house.dispatcher.close()

    asyncio.run(scene())
    assert len(apple.messages) == MANY
    house.ledger.close()
