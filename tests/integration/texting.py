"""Texts as tests send them: to Maria Keller, through the server that plays Twilio."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from channels.base import Message, Receipt
from channels.contract import MESSAGE
from channels.sms import SmsChannel
from tests.contracts.twilio_server import ACCOUNT, SENDER, TOKEN, Text, TwilioServer
from tests.integration.dealership import RULES

MARIA = "+493023125123"
TEXT = replace(MESSAGE, channel="sms", to=MARIA, html="", text="Guten Tag Frau Keller, Ihr Wagen ist da.")
PATIENT = {"connect": 10.0, "answer": 10.0}
TEXTED = RULES.replace("[email]", "[sms]")


def to(server: TwilioServer, **settings: Any) -> SmsChannel:
    sender = {} if "service" in settings else {"sender": SENDER}
    return SmsChannel(ACCOUNT, TOKEN, url=server.url, **{**sender, **PATIENT, **settings})


def had(server: TwilioServer, **different: Any) -> Text:
    """Twilio has such a message."""
    text = Text("SM" + f"{len(server.texts) + 1:032x}", MARIA, SENDER, None, TEXT.text, "", datetime.now(UTC))
    for name, value in different.items():
        setattr(text, name, value)
    server.texts.append(text)
    return text


class Texting:
    """The real SMS channel, made anew for each event loop of a test."""

    name = "sms"

    def __init__(self, server: TwilioServer) -> None:
        self._server = server
        self.abilities = self._make().abilities

    def _make(self) -> SmsChannel:
        return to(self._server, connect=5, answer=0.3)

    async def send(self, message: Message) -> Receipt:
        channel = self._make()
        try:
            return await channel.send(message)
        finally:
            await channel.close()

    async def find(self, message: Message, since: datetime, others: Collection[str]) -> Receipt | None:
        channel = self._make()
        try:
            return await channel.find(message, since, others)
        finally:
            await channel.close()

    async def close(self) -> None:
        """Each message had a connection of its own."""
