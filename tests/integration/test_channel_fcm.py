"""FCM against a server that speaks HTTP v1, and a token server that checks who asks."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from channels.base import Channel, ChannelError, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract import MESSAGE, ChannelContract
from channels.contract.http_server import CUT_AFTER, CUT_BEFORE, CUT_WITHIN, SLOW, Answer
from channels.fcm import FcmChannel
from tests.contracts.push_servers import NOON, Firebase

TO = "fcm:d7Jk2:APA91b_maria"


class TestFcm(ChannelContract):
    declared = FcmChannel.abilities
    message = replace(MESSAGE, to=TO)
    answers: ClassVar = {
        "404 UNREGISTERED": Rejected,
        "400 INVALID_ARGUMENT token": Rejected,
        "400 INVALID_ARGUMENT": Rejected,
        "400 BadRequest": Rejected,
        "403 SENDER_ID_MISMATCH": Rejected,
        "403 PERMISSION_DENIED": Misconfigured,
        "401 UNAUTHENTICATED": Misconfigured,
        "401 THIRD_PARTY_AUTH_ERROR": Misconfigured,
        "404 NOT_FOUND": Misconfigured,
        "429 QUOTA_EXCEEDED": Unavailable,
        "500 INTERNAL": Unavailable,
        "503 UNAVAILABLE": Unavailable,
        "502 <html>": Unavailable,
        "200 <html>": Unknown,
        "200 []": Unknown,
        CUT_BEFORE: Unknown,
        CUT_WITHIN: Unknown,
        "nonsense": Unknown,
    }

    @pytest.fixture
    def provider(self) -> Iterator[Firebase]:
        with Firebase() as running:
            yield running

    @pytest.fixture
    def channel(self, provider: Firebase) -> Channel:
        return FcmChannel(provider.account, url=provider.url, timeout=3)

    @pytest.fixture
    def impatient(self, provider: Firebase) -> Channel:
        return FcmChannel(provider.account, url=provider.url, timeout=0.5)


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def firebase() -> Iterator[Firebase]:
    with Firebase() as running:
        yield running


def channel_to(firebase: Firebase) -> FcmChannel:
    return FcmChannel(firebase.account, url=firebase.url, timeout=2)


async def sent(firebase: Firebase, **fields: Any) -> dict[str, Any]:
    channel = channel_to(firebase)
    await channel.send(replace(MESSAGE, to=TO, **fields))
    await channel.close()
    return firebase.notices[-1]


async def refused(firebase: Firebase, channel: FcmChannel | None = None) -> ChannelError:
    channel = channel or channel_to(firebase)
    with pytest.raises(ChannelError) as caught:
        await channel.send(replace(MESSAGE, to=TO))
    await channel.close()
    return caught.value


async def test_the_device_shows_title_and_text_and_the_app_gets_the_link(firebase: Firebase) -> None:
    message = await sent(firebase, title="It is here")
    assert message["notification"] == {"title": "It is here", "body": MESSAGE.text}
    assert message["data"] == {"link": MESSAGE.link, "message": MESSAGE.id}
    assert message["webpush"]["fcm_options"] == {"link": MESSAGE.link}


async def test_a_link_that_fcm_would_refuse_goes_to_the_app_only(firebase: Firebase) -> None:
    message = await sent(firebase, link="lindner://orders/4711")
    assert message["data"] == {"link": "lindner://orders/4711", "message": MESSAGE.id}


async def test_it_is_kept_as_long_as_it_is_useful_and_replaced_by_what_is_newer(firebase: Firebase) -> None:
    message = await sent(firebase, expires_at=NOON + timedelta(hours=2), collapse_key="BX-1/arrived")
    android, apple = message["android"], message["apns"]["headers"]
    assert (android["ttl"], android["priority"]) == ("7200s", "HIGH")
    assert android["collapse_key"] == android["notification"]["tag"] == apple["apns-collapse-id"]
    assert apple["apns-expiration"] == str(int((NOON + timedelta(hours=2)).timestamp()))
    newer = await sent(firebase, collapse_key="BX-1/arrived", message_id="<2@example.com>")
    assert newer["android"]["collapse_key"] == android["collapse_key"]


async def test_marketing_wakes_nobody(firebase: Firebase) -> None:
    message = await sent(firebase, purpose="marketing")
    assert message["android"]["priority"] == "NORMAL"
    assert message["apns"]["headers"]["apns-priority"] == "5"
    assert message["apns"]["payload"] == {"aps": {}}


async def test_one_access_token_serves_all_until_it_nears_its_end(firebase: Firebase) -> None:
    channel = channel_to(firebase)
    await asyncio.gather(*(channel.send(replace(MESSAGE, to=TO, message_id=f"<{n}>")) for n in range(20)))
    assert len(firebase.tokens.given) == 1
    firebase.tokens.now = NOON + timedelta(minutes=56)
    await channel.send(replace(MESSAGE, to=TO, at=firebase.tokens.now))
    await channel.close()
    assert len(firebase.tokens.given) == 2


async def test_a_revoked_access_token_is_fetched_anew_once_and_the_message_goes(firebase: Firebase) -> None:
    channel = channel_to(firebase)
    await channel.send(replace(MESSAGE, to=TO))
    firebase.tokens.given.append("ya29.somebody-elses")
    await channel.send(replace(MESSAGE, to=TO, message_id="<2@example.com>"))
    await channel.close()
    assert len(firebase.seen()) == 2


async def test_a_token_that_is_never_taken_is_asked_for_twice_and_no_more(firebase: Firebase) -> None:
    firebase.replying("401 UNAUTHENTICATED")
    assert isinstance(await refused(firebase), Misconfigured)
    assert len(firebase.requests) == 2
    assert len(firebase.tokens.given) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer.of(400, {"error": "invalid_grant"}), Misconfigured),
        (Answer.of(401, {"error": "invalid_client"}), Misconfigured),
        (Answer.of(429, {}, {"Retry-After": "60"}), Unavailable),
        (Answer(503), Unavailable),
        (Answer(200, b"<html>"), Unavailable),
        (Answer.of(200, {"access_token": "", "expires_in": 3599}), Unavailable),
        (Answer.of(200, {"access_token": "x", "expires_in": "soon"}), Unavailable),
        (SLOW, Unavailable),
        (CUT_AFTER, Unavailable),
        (CUT_BEFORE, Unavailable),
    ],
)
async def test_without_an_access_token_no_message_leaves(
    firebase: Firebase, answer: Answer | str, error: type[ChannelError]
) -> None:
    firebase.tokens.answering(answer)
    assert type(await refused(firebase)) is error
    assert firebase.requests == []


async def test_an_app_that_is_gone_is_struck_off_at_once(firebase: Firebase) -> None:
    firebase.replying("404 UNREGISTERED")
    error = await refused(firebase)
    assert isinstance(error, Rejected)
    assert error.suppress


@pytest.mark.parametrize("answer", ["400 BadRequest", "404 NOT_FOUND", "401 THIRD_PARTY_AUTH_ERROR"])
async def test_our_own_mistakes_strike_nobody_off(firebase: Firebase, answer: str) -> None:
    channel = channel_to(firebase)
    for number in range(30):
        await channel.send(replace(MESSAGE, to=TO, message_id=f"<{number}>"))
    firebase.replying(answer)
    assert not getattr(await refused(firebase, channel), "suppress", False)


async def test_a_quota_is_waited_for_as_long_as_it_says(firebase: Firebase) -> None:
    firebase.replying("429 QUOTA_EXCEEDED")
    error = await refused(firebase)
    assert isinstance(error, Unavailable)
    assert error.retry_after == timedelta(minutes=1)


async def test_one_wrong_token_among_many_good_ones_is_struck_off(firebase: Firebase) -> None:
    channel = channel_to(firebase)
    for number in range(30):
        await channel.send(replace(MESSAGE, to=TO, message_id=f"<{number}>"))
    firebase.replying("400 INVALID_ARGUMENT token")
    error = await refused(firebase, channel)
    assert isinstance(error, Rejected)
    assert error.suppress


async def test_tokens_of_another_project_strike_nobody_off_and_stop_the_channel(firebase: Firebase) -> None:
    channel = channel_to(firebase)
    firebase.replying("403 SENDER_ID_MISMATCH")
    errors = [await refused(firebase, channel) for _ in range(25)]
    assert not any(getattr(error, "suppress", False) for error in errors)
    assert isinstance(errors[-1], Misconfigured)


@pytest.mark.parametrize("account", ["", "{}", "[]", '{"client_email": 1, "private_key": "x"}'])
def test_an_account_that_cannot_be_used_is_refused_at_once(account: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        FcmChannel(account)
    assert "x" not in caught.value.raw or account == ""


async def test_another_accounts_key_is_refused_by_the_token_server(firebase: Firebase) -> None:
    with Firebase(rsa.generate_private_key(65537, 2048)) as other:
        account = {**json.loads(firebase.account), "private_key": json.loads(other.account)["private_key"]}
        channel = FcmChannel(json.dumps(account), url=firebase.url)
        assert isinstance(await refused(firebase, channel), Misconfigured)
