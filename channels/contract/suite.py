"""What every channel promises. A new channel subclasses :class:`ChannelContract` and gives two fixtures.

::

    class TestPigeon(ChannelContract):
        declared = KIND.abilities
        answers = {"410 gone": Rejected, "503 later": Unavailable}

        @pytest.fixture
        def provider(self) -> Iterator[FakeProvider]: ...

        @pytest.fixture
        def channel(self, provider) -> Channel: ...

What a channel cannot do it says in its abilities; no test here is skipped.
"""

import asyncio
import contextlib
import ipaddress
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import pytest

from channels.base import (
    Abilities,
    AfterUnknown,
    Channel,
    ChannelError,
    Findable,
    Message,
    Rejected,
    Unavailable,
    Unknown,
)

MESSAGE = Message(
    id="4711/arrived/1/customer",
    message_id="<4711.arrived.1@example.com>",
    channel="email",
    to="maria.keller@example.com",
    to_name="Maria Keller",
    subject="Ihr neuer Wagen ist da",
    text="Guten Tag Frau Keller,\n\nIhr neuer Wagen ist für Sie da.\n",
    html="<p>Guten Tag Frau Keller, Ihr neuer Wagen ist f\u00fcr Sie da.</p>\n",
    title="Ihr neuer Wagen ist da",
    link="https://example.com/o/4711",
    sender="service@autohaus-lindner.example",
    sender_name="Autohaus Lindner",
    locale="de-DE",
    at=datetime(2026, 3, 12, 17, 30, tzinfo=UTC),
)

HOSTILE_TEXTS = {
    "a header": "A\r\nBcc: jonas.weber@example.com\n\nx",
    "the end of a mail": "one\n.\ntwo\n..\n\nQUIT",
    "line separators": "one\u2028two\u2029three\x0bfour",
    "markup": "<script>alert(1)</script> & co",
    "a template": "{{7*7}} {% raw %} ${7*7} %(x)s",
    "10 kB": "x" * 10_000,
    "emoji": "🚗 👩🏽‍🔧 ist da 🎉",
    "a path": "../../etc/passwd",
}


@dataclass(frozen=True)
class Seen:
    """A message as it lies before the recipient; *identity* is what tells two copies from two messages."""

    to: str
    identity: str
    text: str


class FakeProvider(Protocol):
    """The company behind the channel, on this machine, doing what a test tells it to."""

    def accepting(self) -> None:
        """Take everything (from the start, and again after the others)."""

    def replying(self, answer: Any) -> None:
        """Answer every message with one of the contract's ``answers``."""

    def slow(self) -> None:
        """Answer later than the channel waits, or never."""

    def cutting_off(self) -> None:
        """Break off while, or just after, taking a message."""

    def seen(self) -> list[Seen]:
        """What reached recipients, in order."""


_dialled: list[Any] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        _dialled.append(arguments[1])


sys.addaudithook(_note)


def _is_here(target: Any) -> bool:
    return not isinstance(target, tuple) or ipaddress.ip_address(target[0]).is_loopback


def flat(text: str) -> str:
    """*text* with one kind of line break and no blank end: what every channel carries unchanged."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


@pytest.mark.anyio
class ChannelContract:
    """The promises of :class:`channels.base.Channel`."""

    answers: ClassVar[Mapping[str, type[ChannelError]]]  # what a provider may say → the error it means
    declared: ClassVar[Abilities | None] = None  # what its kind says it can do, if it is of a kind
    message: ClassVar[Message] = MESSAGE

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "answer" in metafunc.fixturenames:
            metafunc.parametrize("answer", list(self.answers))

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def impatient(self, channel: Channel) -> Channel:
        """The channel, waiting only a moment for an answer; a suite may give one of its own."""
        return channel

    @pytest.fixture(autouse=True)
    def nothing_leaves_this_machine(self) -> Iterator[None]:
        _dialled.clear()
        yield
        assert all(map(_is_here, _dialled)), _dialled

    @pytest.fixture(autouse=True)
    async def closed_afterwards(self, channel: Channel) -> AsyncIterator[None]:
        yield
        await channel.close()

    def another(self, number: int) -> Message:
        """A different message to somebody else."""
        return replace(
            self.message, id=f"{number}/arrived/1/customer", message_id=f"<{number}.arrived@example.com>"
        )

    async def test_an_accepted_message_gives_a_receipt(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        receipt = await channel.send(self.message)
        assert receipt.provider_id
        (seen,) = provider.seen()
        assert seen.to == self.message.to
        assert flat(self.message.text) in flat(seen.text)

    async def test_the_same_message_twice_is_one_message_to_its_recipient(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        await channel.send(self.message)
        await channel.send(self.message)
        copies = {seen.identity for seen in provider.seen()}
        assert len(copies) == 1 or channel.abilities.after_unknown is not AfterUnknown.REPEAT

    async def test_an_answer_means_the_error_that_is_declared(
        self, channel: Channel, provider: FakeProvider, answer: str
    ) -> None:
        provider.replying(answer)
        with pytest.raises(self.answers[answer]) as caught:
            await channel.send(self.message)
        assert type(caught.value) is self.answers[answer]
        assert caught.value.reason
        assert self.message.to not in caught.value.reason
        assert isinstance(caught.value, Unknown) or not provider.seen()

    async def test_after_any_answer_the_next_message_goes_through(
        self, channel: Channel, provider: FakeProvider, answer: str
    ) -> None:
        provider.replying(answer)
        with pytest.raises(ChannelError):
            await channel.send(self.message)
        provider.accepting()
        assert (await channel.send(self.another(2))).provider_id

    async def test_a_provider_that_breaks_off_is_unknown_or_has_nothing(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        provider.cutting_off()
        with pytest.raises(ChannelError) as caught:
            await channel.send(self.message)
        assert isinstance(caught.value, Unknown) or not provider.seen()
        provider.accepting()
        if channel.abilities.after_unknown is AfterUnknown.REPEAT:
            await channel.send(self.message)
            assert len({seen.identity for seen in provider.seen()}) == 1

    async def test_a_slow_provider_is_not_waited_for_for_ever(
        self, impatient: Channel, provider: FakeProvider
    ) -> None:
        provider.slow()
        with pytest.raises((Unavailable, Unknown)):
            await asyncio.wait_for(impatient.send(self.message), 20)
        await impatient.close()

    @pytest.mark.parametrize("hostile", HOSTILE_TEXTS.values(), ids=list(HOSTILE_TEXTS))
    async def test_hostile_content_is_carried_literally_or_refused_as_too_long(
        self, channel: Channel, provider: FakeProvider, hostile: str
    ) -> None:
        most = channel.abilities.max_length
        if most is not None and len(hostile) > most:
            with pytest.raises(Rejected):  # cut, it would say something else
                await channel.send(replace(self.message, text=hostile))
            assert provider.seen() == []
            return
        await channel.send(replace(self.message, text=hostile))
        (seen,) = provider.seen()
        assert seen.to == self.message.to
        assert flat(hostile) in flat(seen.text)

    @pytest.mark.parametrize("hostile", HOSTILE_TEXTS.values(), ids=list(HOSTILE_TEXTS))
    @pytest.mark.parametrize("field", ["to_name", "sender_name", "subject", "title", "id", "locale", "html"])
    async def test_hostile_fields_change_neither_recipient_nor_text(
        self, channel: Channel, provider: FakeProvider, field: str, hostile: str
    ) -> None:
        await channel.send(replace(self.message, **{field: hostile}))  # type: ignore[arg-type]
        (seen,) = provider.seen()
        assert seen.to == self.message.to
        assert flat(self.message.text) in flat(seen.text)

    @pytest.mark.parametrize("to", ["", "\r\n", "a\r\nRCPT TO:<b@example.com>", "../../x", "\0"])
    async def test_an_impossible_recipient_is_rejected_or_harmless(
        self, channel: Channel, provider: FakeProvider, to: str
    ) -> None:
        with contextlib.suppress(Rejected):
            await channel.send(replace(self.message, to=to))
        assert len(provider.seen()) <= 1

    async def test_as_many_sends_at_once_as_declared_arrive_once_each(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        many = [self.another(number) for number in range(3 * channel.abilities.concurrency)]
        await asyncio.gather(*map(channel.send, many))
        assert len(provider.seen()) == len(many)
        assert len({seen.identity for seen in provider.seen()}) == len(many)

    async def test_a_cancelled_send_leaves_the_channel_usable(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        provider.slow()
        for number in range(channel.abilities.concurrency):
            with contextlib.suppress(TimeoutError, ChannelError):
                await asyncio.wait_for(channel.send(self.another(number)), 0.01)
        provider.accepting()
        sent = await asyncio.gather(
            *(channel.send(self.another(100 + number)) for number in range(channel.abilities.concurrency))
        )
        assert len({receipt.provider_id for receipt in sent}) == channel.abilities.concurrency

    async def test_closing_twice_is_closing_once(self, channel: Channel) -> None:
        await channel.close()
        await channel.send(self.message)
        await channel.close()
        await channel.close()

    async def test_whoever_says_it_can_be_asked_finds_what_the_provider_has_and_nothing_else(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        assert isinstance(channel, Findable) == (channel.abilities.after_unknown is AfterUnknown.RECONCILE)
        if isinstance(channel, Findable):
            began = datetime.now(UTC)
            assert await channel.find(self.message, began, ()) is None
            receipt = await channel.send(self.message)
            found = await channel.find(self.message, began, ())
            assert found is not None
            assert found.provider_id == receipt.provider_id
            assert await channel.find(self.message, began, {receipt.provider_id}) is None  # another's
            assert await channel.find(replace(self.message, text="Etwas anderes."), began, ()) is None
            assert await channel.find(self.message, began + timedelta(days=2), ()) is None
            provider.cutting_off()
            with pytest.raises(ChannelError):  # that it is not there nobody can say
                await channel.find(self.message, began, ())

    async def test_it_has_a_name_and_declares_what_it_can_do(self, channel: Channel) -> None:
        assert channel.name
        assert channel.abilities.concurrency >= 1
        declared = self.declared or channel.abilities
        assert replace(channel.abilities, concurrency=declared.concurrency) == declared
