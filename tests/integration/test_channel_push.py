"""Push as rules name it, with Firebase behind it: what one service promises, all of them together promise."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from channels.apns import ApnsChannel
from channels.base import Channel, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract import MESSAGE, Answer, ChannelContract
from channels.fcm import FcmChannel
from channels.kinds.push import KIND
from channels.push import PushChannel
from channels.web_push import WebPushChannel
from orchestrator.model import Status
from tests.contracts.push_servers import Apple, Browsers, Firebase
from tests.integration.dealership import RULES, START, WORDS, Dealership, arrived, customer, order, run


class TestPush(ChannelContract):
    declared = KIND.abilities
    message = replace(MESSAGE, to="fcm:d7Jk2:APA91b_maria")
    answers: ClassVar = {
        "404 UNREGISTERED": Rejected,
        "403 PERMISSION_DENIED": Misconfigured,
        "429 QUOTA_EXCEEDED": Unavailable,
        "503 UNAVAILABLE": Unavailable,
        "200 <html>": Unknown,
        "cut within": Unknown,
    }

    @pytest.fixture
    def provider(self) -> Iterator[Firebase]:
        with Firebase() as running:
            yield running

    @pytest.fixture
    def channel(self, provider: Firebase) -> Channel:
        return PushChannel({"fcm": FcmChannel(provider.account, url=provider.url, timeout=3)})

    @pytest.fixture
    def impatient(self, provider: Firebase) -> Channel:
        return PushChannel({"fcm": FcmChannel(provider.account, url=provider.url, timeout=0.5)})


# ── through the whole dispatch, to all three services ────────────────────────

RULE = RULES.replace("[email]", "[push]")
TEXTS = {**WORDS, "arrived/push.txt.en": "Title: It is here\nLink: https://example.com/o\n\nIt is here.\n"}
PHONE = "ab" * 32


class Three:
    """All three services, and a customer with a device of each."""

    def __init__(self, folder: Path) -> None:
        self.firebase, self.apple, self.browsers = Firebase(), Apple(), Browsers()
        self.firebase.now = self.firebase.tokens.now = self.apple.now = self.browsers.now = START
        self.channel = PushChannel({
            "fcm": FcmChannel(self.firebase.account, url=self.firebase.url),
            "apns": ApnsChannel(
                self.apple.pem, "KEY1234567", "TEAM123456", "com.example.lindner",
                url=self.apple.url, tls_context=self.apple.trusting,
            ),
            "web": WebPushChannel(
                self.browsers.vapid_key, "mailto:service@example.com", (f"127.0.0.1:{self.browsers.port}",),
                tls_context=self.browsers.trusting,
            ),
        })  # fmt: skip
        self.house = Dealership(folder, {"push": self.channel}, rules_text=RULE, words=TEXTS)
        devices = ["fcm:d7Jk2", f"apns:{PHONE}", self.browsers.device()]
        self.house.hear(customer(devices=devices), order(), arrived())

    def drain(self) -> None:
        async def drained() -> None:
            await self.house.dispatcher.drain()
            await self.channel.close()
            await asyncio.to_thread(self.browsers.dropping_idle)
            await asyncio.to_thread(self.apple.dropping_idle)
            loop = asyncio.get_running_loop()
            while len(loop._selector.get_map()) > 1:  # type: ignore[attr-defined]  # noqa: ASYNC110
                await asyncio.sleep(0)

        run(drained())

    def close(self) -> None:
        self.house.close()
        for service in (self.firebase, self.apple, self.browsers):
            service.close()

    @property
    def shown(self) -> list[int]:
        return [len(one.seen()) for one in (self.firebase, self.apple, self.browsers)]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Three]:
    made = Three(tmp_path)
    yield made
    made.close()


def test_a_message_reaches_a_device_of_each_service_once(three: Three) -> None:
    three.drain()

    assert three.shown == [1, 1, 1]
    assert three.house.entry().status is Status.ACCEPTED
    assert not three.house.suppressions()


def test_410_strikes_off_that_device_and_no_other(three: Three) -> None:
    three.apple.gone[PHONE] = START
    three.browsers.gone = True
    three.drain()

    assert three.shown == [1, 0, 0]
    assert three.house.entry().status is Status.ACCEPTED
    assert len(three.house.suppressions()) == 2


def test_403_strikes_nobody_off_and_stops_push(three: Three) -> None:
    for service in (three.firebase, three.apple, three.browsers):
        service.answering(Answer(403))
    three.drain()

    assert not three.house.suppressions()
    assert "push" in three.house.paused()
    assert three.house.entry().status is Status.SCHEDULED
    assert PHONE not in three.house.stored_text()
