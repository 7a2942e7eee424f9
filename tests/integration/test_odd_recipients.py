"""Customers as they are: without a device or with ten, with odd numbers, letters and long texts.

Through the whole dispatch, to servers that are as strict as the real ones. Each has a clear outcome, and
the next channel goes on where one cannot.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.base import Channel, Message, Receipt
from channels.email import EmailChannel
from channels.fcm import FcmChannel
from channels.inbox import InboxChannel
from channels.push import PushChannel
from channels.sms import SmsChannel
from orchestrator.inbox.store import Inbox
from orchestrator.model import Status
from orchestrator.sending.suppressions import suppress
from tests.contracts.push_servers import Firebase
from tests.contracts.smtp_server import SmtpServer
from tests.contracts.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer
from tests.integration.dealership import (
    RULES,
    START,
    WORDS,
    Dealership,
    arrived,
    customer,
    in_transaction,
    order,
)

TITLED = "Title: It is here\n\nHello {{ customer.name }}, it is here.\n"


class EachTime:
    """A real channel, made anew for each event loop of a test."""

    def __init__(self, name: str, make: Any) -> None:
        self.name, self._make = name, make
        self.abilities = make().abilities

    async def send(self, message: Message) -> Receipt:
        channel: Channel = self._make()
        try:
            return await channel.send(message)
        finally:
            await channel.close()

    async def close(self) -> None:
        """Each message had a channel of its own."""


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def utf8() -> Iterator[SmtpServer]:
    with SmtpServer(extensions="SIZE 8BITMIME SMTPUTF8") as running:
        yield running


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer() as running:
        yield running


@pytest.fixture
def firebase() -> Iterator[Firebase]:
    with Firebase() as running:
        running.now = running.tokens.now = START
        yield running


def push(server: Firebase) -> EachTime:
    return EachTime(
        "push", lambda: PushChannel({"fcm": FcmChannel(server.account, url=server.url, timeout=10)})
    )


def mail(server: SmtpServer) -> EachTime:
    return EachTime(
        "email", lambda: EmailChannel(server.host, server.port, "none", connect=10, answer=10, final=10)
    )


def texts(server: TwilioServer, country: str = "") -> EachTime:
    return EachTime(
        "sms",
        lambda: SmsChannel(
            ACCOUNT, TOKEN, sender=SENDER, url=server.url, country=country, connect=10, answer=10
        ),
    )


def house(folder: Path, *channels: Any, words: dict[str, str] | None = None) -> Dealership:
    """A dealership whose arrival is said by these channels, in this order."""
    named = ", ".join(channel.name for channel in channels)
    said = {**WORDS, "arrived/push.txt.en": TITLED, **(words or {})}
    return Dealership(
        folder,
        {channel.name: channel for channel in channels},
        rules_text=RULES.replace("channels: [email]", f"channels: [{named}]"),
        words=said,
    )


def told(made: Dealership, **known: Any) -> Dealership:
    """The car of a customer of whom this is known arrives, and what is due is sent."""
    made.hear(customer(**known), order(), arrived())
    made.drain()
    return made


@pytest.mark.parametrize(("count", "by"), [(0, "sms"), (1, "push"), (10, "push")])
def test_a_customer_may_have_no_device_or_one_or_ten(
    tmp_path: Path, firebase: Firebase, twilio: TwilioServer, count: int, by: str
) -> None:
    made = told(
        house(tmp_path, push(firebase), texts(twilio)), devices=[f"fcm:phone-{n}" for n in range(count)]
    )
    assert (made.entry().status, made.entry().channel) == (Status.ACCEPTED, by)
    assert sorted(seen.to for seen in firebase.seen()) == sorted(f"fcm:phone-{n}" for n in range(count))
    assert len(twilio.texts) == (0 if count else 1)
    assert made.outcomes(made.entry()) == ["accepted"]  # a missing device is no failed try
    made.close()


@pytest.mark.parametrize(("country", "by", "numbers"), [("DE", "sms", 1), ("", "email", 0)])
def test_a_number_without_its_country_is_that_of_the_settings_or_reaches_nobody(
    tmp_path: Path, smtp: SmtpServer, twilio: TwilioServer, country: str, by: str, numbers: int
) -> None:
    made = house(tmp_path, texts(twilio, country), mail(smtp))
    made.hear(customer(), order())
    in_transaction(made.ledger, lambda tx: _written_before(tx, made))
    made.hear(arrived())
    made.drain()
    assert (made.entry().status, made.entry().channel) == (Status.ACCEPTED, by)
    assert [text.to for text in twilio.texts] == ["+493023125123"] * numbers
    assert len(smtp.mails) == 1 - numbers
    assert made.suppressions() == []  # it is not dead, it is incomplete
    made.close()


def _written_before(tx: Any, made: Dealership) -> None:
    """A number as an older version or another program may have written it: intake refuses it today."""
    from tests.builders import incoming

    item = incoming(customer(time="2026-03-12 08:30"))
    item.fact.data["phone"] = "030 23125123"
    tx.append([item])


def test_a_domain_with_umlauts_gets_its_mail(tmp_path: Path, smtp: SmtpServer) -> None:
    made = told(house(tmp_path, mail(smtp)), email="maria@bücher.example")
    assert made.entry().status is Status.ACCEPTED
    assert [one.to for one in smtp.mails] == ["maria@xn--bcher-kva.example"]
    made.close()


@pytest.mark.parametrize("reported", ["maria@xn--bcher-kva.example", "Maria@BÜCHER.example"])
def test_a_domain_with_umlauts_that_is_struck_off_is_struck_off_however_it_is_written(
    tmp_path: Path, smtp: SmtpServer, reported: str
) -> None:
    made = house(tmp_path, mail(smtp))
    in_transaction(made.ledger, lambda tx: suppress(tx, "email", reported, "it bounced", "", START))
    told(made, email="maria@bücher.example")
    assert made.entry().status is Status.SUPPRESSED
    assert [one for one in smtp.mails if one.to.startswith("maria")] == []  # Nora is asked to call
    assert "it bounced" in made.entry().reason
    made.close()


def test_a_mailbox_with_umlauts_gets_its_mail_where_the_server_can(tmp_path: Path, utf8: SmtpServer) -> None:
    made = told(house(tmp_path, mail(utf8)), email="müller@bücher.example")
    assert made.entry().status is Status.ACCEPTED
    (taken,) = utf8.mails
    assert taken.to == "müller@xn--bcher-kva.example"
    made.close()


def test_where_the_server_cannot_the_next_channel_goes_and_the_mailbox_is_not_called_dead(
    tmp_path: Path, smtp: SmtpServer, twilio: TwilioServer
) -> None:
    made = told(house(tmp_path, mail(smtp), texts(twilio)), email="müller@bücher.example")
    assert (made.entry().status, made.entry().channel) == (Status.ACCEPTED, "sms")
    assert (len(twilio.texts), smtp.mails, made.suppressions()) == (1, [], [])
    assert "müller" not in made.stored_text()
    made.close()


@pytest.mark.parametrize("first", ["push", "inbox"])
def test_a_text_that_is_too_long_goes_by_the_next_channel_whole(
    tmp_path: Path, smtp: SmtpServer, firebase: Firebase, first: str
) -> None:
    feed = InboxChannel()
    channel = {"push": push(firebase), "inbox": feed}[first]
    length = {"push": 501, "inbox": 10_001}[first]
    words = {f"arrived/{first}.txt.en": f"Title: Here\n\n{'x' * length}\n"}
    made = house(tmp_path, channel, mail(smtp), words=words)
    with Inbox(made.engine) as feed.feed:
        told(made, devices=["fcm:phone-1"])
    assert (made.entry().status, made.entry().channel) == (Status.ACCEPTED, "email")
    assert (firebase.seen(), len(smtp.mails), made.suppressions()) == ([], 1, [])
    with made.ledger.read() as tx:
        assert tx.whole_inbox(["maria"]) == []
    made.close()


def test_a_text_of_too_many_segments_waits_for_somebody_who_says_it_shorter(
    tmp_path: Path, smtp: SmtpServer, twilio: TwilioServer
) -> None:
    made = house(tmp_path, texts(twilio), mail(smtp), words={"arrived/sms.txt.en": "x" * 1_601 + "\n"})
    told(made)
    assert made.entry().status is Status.HELD
    assert "it makes 11 SMS, more than 10" in made.entry().reason
    assert (twilio.texts, smtp.mails) == ([], [])
    made.close()
