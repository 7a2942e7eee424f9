"""APNs against a server that speaks HTTP/2, checks the token and answers with Apple's reasons."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from channels.apns import ApnsChannel
from channels.base import Channel, ChannelError, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract import MESSAGE, ChannelContract
from channels.contract.http_server import CUT_AFTER, CUT_BEFORE, CUT_WITHIN
from tests.contracts.push_servers import NOON, Apple

TOKEN = "ab" * 32
TO = f"apns:{TOKEN}"


def channel_to(apple: Apple, **more: Any) -> ApnsChannel:
    options = {"url": apple.url, "timeout": 5.0, "tls_context": apple.trusting, **more}
    return ApnsChannel(apple.pem, "KEY1234567", "TEAM123456", "com.example.lindner", **options)


class TestApns(ChannelContract):
    declared = ApnsChannel.abilities
    message = replace(MESSAGE, to=TO)
    answers: ClassVar = {
        "BadDeviceToken": Rejected,
        "DeviceTokenNotForTopic": Rejected,
        "BadCollapseId": Rejected,
        "BadExpirationDate": Rejected,
        "PayloadEmpty": Rejected,
        "PayloadTooLarge": Rejected,
        "Unregistered": Rejected,
        "ExpiredToken": Rejected,
        "BadTopic": Misconfigured,
        "TopicDisallowed": Misconfigured,
        "ExpiredProviderToken": Misconfigured,
        "InvalidProviderToken": Misconfigured,
        "Forbidden": Misconfigured,
        "BadPath": Misconfigured,
        "TooManyProviderTokenUpdates": Unavailable,
        "TooManyRequests": Unavailable,
        "InternalServerError": Unavailable,
        "ServiceUnavailable": Unavailable,
        "Shutdown": Unavailable,
        "503 <html>": Unavailable,
        CUT_BEFORE: Unknown,
        CUT_AFTER: Unknown,
        CUT_WITHIN: Unknown,
        "nonsense": Unknown,
    }

    @pytest.fixture
    def provider(self) -> Iterator[Apple]:
        with Apple() as running:
            yield running

    @pytest.fixture
    def channel(self, provider: Apple) -> Channel:
        return channel_to(provider, timeout=3)

    @pytest.fixture
    def impatient(self, provider: Apple) -> Channel:
        return channel_to(provider, timeout=0.5)


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def apple() -> Iterator[Apple]:
    with Apple() as running:
        yield running


async def sent(apple: Apple, **fields: Any) -> dict[str, Any]:
    channel = channel_to(apple)
    await channel.send(replace(MESSAGE, to=TO, **fields))
    await channel.close()
    return apple.notices[-1]


async def refused(apple: Apple, channel: ApnsChannel | None = None, to: str = TO) -> ChannelError:
    channel = channel or channel_to(apple)
    with pytest.raises(ChannelError) as caught:
        await channel.send(replace(MESSAGE, to=to))
    await channel.close()
    return caught.value


async def test_the_phone_shows_title_and_text_and_the_app_gets_the_link(apple: Apple) -> None:
    shown = await sent(apple, title="It is here")
    assert shown["aps"] == {"alert": {"title": "It is here", "body": MESSAGE.text}, "sound": "default"}
    assert (shown["link"], shown["message"]) == (MESSAGE.link, MESSAGE.id)


async def test_it_is_kept_as_long_as_it_is_useful_in_seconds_since_1970(apple: Apple) -> None:
    until = NOON + timedelta(hours=2)
    assert (await sent(apple, expires_at=until))["headers"]["apns-expiration"] == str(int(until.timestamp()))
    assert (await sent(apple, expires_at=NOON))["headers"]["apns-expiration"] == "0"


async def test_a_newer_message_about_the_same_takes_the_place_of_the_older(apple: Apple) -> None:
    first = await sent(apple, collapse_key="BX-1/arrived" + "x" * 100)
    second = await sent(apple, collapse_key="BX-1/arrived" + "x" * 100, message_id="<2@example.com>")
    ids = {shown["headers"]["apns-collapse-id"] for shown in (first, second)}
    assert len(ids) == 1
    assert len(ids.pop()) <= 64


async def test_a_message_has_one_id_in_every_attempt(apple: Apple) -> None:
    assert (await sent(apple))["headers"]["apns-id"] == (await sent(apple))["headers"]["apns-id"]


async def test_marketing_wakes_nobody(apple: Apple) -> None:
    shown = await sent(apple, purpose="marketing")
    assert shown["headers"]["apns-priority"] == "5"
    assert "sound" not in shown["aps"]


async def test_one_token_serves_for_most_of_an_hour_and_is_renewed_before_it_ends(apple: Apple) -> None:
    channel = channel_to(apple)
    for minutes in (0, 1, 30, 49, 51, 90, 105, 300):
        apple.now = NOON + timedelta(minutes=minutes)
        await channel.send(replace(MESSAGE, to=TO, at=apple.now))
    await channel.close()
    assert [int((at - NOON).total_seconds()) // 60 for at in apple.signed] == [0, 51, 105, 300]


async def test_a_token_that_apple_calls_expired_is_signed_anew_once_and_the_message_goes(
    apple: Apple,
) -> None:
    apple.answering(apple.refusal("ExpiredProviderToken"), times=1)
    assert (await sent(apple))["headers"]["authorization"]
    assert len(apple.requests) == 2


async def test_all_messages_share_one_connection(apple: Apple) -> None:
    import asyncio

    channel = channel_to(apple)
    await channel.send(replace(MESSAGE, to=TO))
    await asyncio.gather(*(channel.send(replace(MESSAGE, to=TO, message_id=f"<{n}>")) for n in range(40)))
    await channel.close()
    assert apple.connections == 1
    assert len(apple.seen()) == 41


async def test_a_connection_that_answers_nobody_is_left_for_another(apple: Apple) -> None:
    channel = channel_to(apple, timeout=0.2)
    apple.slow()
    with pytest.raises(Unknown):
        await channel.send(replace(MESSAGE, to=TO))
    apple.accepting()
    await channel.send(replace(MESSAGE, to=TO))
    await channel.close()
    assert apple.connections == 2


async def test_a_phone_without_the_app_is_struck_off(apple: Apple) -> None:
    apple.gone[TOKEN] = NOON
    error = await refused(apple)
    assert isinstance(error, Rejected)
    assert (error.suppress, error.code) == (True, "Unregistered")


async def test_a_phone_that_registered_again_since_is_not(apple: Apple) -> None:
    apple.gone[TOKEN] = NOON
    before = await refused(apple, to=f"{TO} 2026-03-12T17:29:59Z")
    since = await refused(apple, to=f"{TO} 2026-03-12T17:30:01Z")
    assert isinstance(before, Rejected)
    assert isinstance(since, Rejected)
    assert (before.suppress, since.suppress) == (True, False)


async def test_a_quarter_of_bad_tokens_is_told_and_nothing_is_struck_off(apple: Apple) -> None:
    channel, errors = channel_to(apple), []
    apple.strangers = {TOKEN}
    for number in range(100):
        to = TO if number % 4 == 0 else f"apns:{number:064x}"
        try:
            await channel.send(replace(MESSAGE, to=to, message_id=f"<{number}@example.com>"))
        except ChannelError as error:
            errors.append(error)
    await channel.close()
    assert not any(getattr(error, "suppress", False) for error in errors)
    assert isinstance(errors[-1], Misconfigured)
    assert errors[-1].reason.startswith("apns does not know 26% of the devices")


async def test_one_bad_token_among_many_good_ones_is_struck_off(apple: Apple) -> None:
    channel = channel_to(apple)
    for number in range(30):
        await channel.send(replace(MESSAGE, to=f"apns:{number:064x}", message_id=f"<{number}>"))
    apple.strangers = {TOKEN}
    error = await refused(apple, channel)
    assert isinstance(error, Rejected)
    assert error.suppress


@pytest.mark.parametrize("reason", ["TooManyRequests", "ServiceUnavailable"])
async def test_too_many_are_waited_for(apple: Apple, reason: str) -> None:
    apple.answering(replace(apple.refusal(reason), headers={"Retry-After": "30"}))
    error = await refused(apple)
    assert isinstance(error, Unavailable)
    assert error.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    "key", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
)
def test_a_key_that_cannot_be_used_is_refused_at_once(key: str) -> None:
    with pytest.raises(Misconfigured):
        ApnsChannel(key, "KEY1234567", "TEAM123456", "com.example.lindner")


async def test_another_teams_key_is_ours_to_mend(apple: Apple) -> None:
    with Apple() as other:
        channel = ApnsChannel(
            other.pem, "KEY1234567", "TEAM123456", "com.example.lindner",
            url=apple.url, tls_context=apple.trusting,
        )  # fmt: skip
        assert isinstance(await refused(apple, channel), Misconfigured)
