"""Web push against a push service that checks what it is told, and a browser that decrypts what it gets."""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from channels.base import Channel, ChannelError, Message, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract import MESSAGE, ChannelContract
from channels.contract.http_server import CUT_BEFORE, CUT_WITHIN, Answer
from channels.devices import parse
from channels.notice import SERVICES
from channels.web_push import WebPushChannel, encrypted
from tests.contracts.push_servers import NOON, Browsers, base64url, pem, point

CONTACT = "mailto:service@lindner.example.com"


def channel_to(browsers: Browsers, **more: Any) -> WebPushChannel:
    options = {"timeout": 10.0, "tls_context": browsers.trusting, **more}
    return WebPushChannel(browsers.vapid_key, CONTACT, (f"127.0.0.1:{browsers.port}",), **options)


async def hung_up(channel: Channel, browsers: Browsers) -> None:
    """Close, and let TLS say its goodbyes, which closing only begins."""
    await channel.close()
    await asyncio.to_thread(browsers.dropping_idle)
    loop = asyncio.get_running_loop()
    while len(loop._selector.get_map()) > 1:  # type: ignore[attr-defined]  # noqa: ASYNC110 -- its own pipe stays
        await asyncio.sleep(0)


class TestWebPush(ChannelContract):
    declared = WebPushChannel.abilities
    answers: ClassVar = {
        "400 bad request": Rejected,
        "401 who are you": Misconfigured,
        "403 not your subscription": Misconfigured,
        "404 no such subscription": Rejected,
        "410 gone": Rejected,
        "413 too large": Rejected,
        "429 slow down": Unavailable,
        "500 oops": Unavailable,
        "503 later": Unavailable,
        "302 elsewhere": Misconfigured,
        CUT_BEFORE: Unknown,
        CUT_WITHIN: Unknown,
        "nonsense": Unknown,
    }

    @pytest.fixture
    def provider(self) -> Iterator[Browsers]:
        with Browsers() as running:
            self.message = replace(MESSAGE, to=running.device())  # type: ignore[misc]
            yield running

    @pytest.fixture
    def channel(self, provider: Browsers) -> Channel:
        return channel_to(provider, timeout=3)

    @pytest.fixture
    def impatient(self, provider: Browsers) -> Channel:
        return channel_to(provider, timeout=0.5)

    @pytest.fixture(autouse=True)
    async def closed_afterwards(self, channel: Channel, provider: Browsers) -> AsyncIterator[None]:
        yield
        await hung_up(channel, provider)


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def browsers() -> Iterator[Browsers]:
    with Browsers() as running:
        yield running


async def sent(browsers: Browsers, **fields: Any) -> dict[str, Any]:
    channel = channel_to(browsers)
    try:
        await channel.send(replace(MESSAGE, to=browsers.device(), **fields))
    finally:
        await hung_up(channel, browsers)
    return browsers.notices[-1]


async def refused(browsers: Browsers, message: Message) -> ChannelError:
    channel = channel_to(browsers)
    with pytest.raises(ChannelError) as caught:
        await channel.send(message)
    await hung_up(channel, browsers)
    return caught.value


def test_the_encryption_is_that_of_the_example_in_rfc_8291() -> None:
    def raw(text: str) -> bytes:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))

    device = parse(
        "web:https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV "
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4 "
        "BTBZMqHH6r4Tts7J_aSIgg"
    )
    key = ec.derive_private_key(
        int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    body = encrypted(
        device, b"When I grow up, I want to be a watermelon", key=key, salt=raw("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert body == raw(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_the_receipt_has_the_services_name_for_the_message(browsers: Browsers) -> None:
    channel = channel_to(browsers)
    receipt = await channel.send(replace(MESSAGE, to=browsers.device()))
    await hung_up(channel, browsers)
    assert receipt.provider_id == f"{browsers.url}/message/1"


async def test_the_browser_shows_title_text_and_link(browsers: Browsers) -> None:
    shown = await sent(browsers, title="It is\nhere")
    assert (shown["title"], shown["body"], shown["navigate"]) == ("It is here", MESSAGE.text, MESSAGE.link)
    assert shown["data"] == {"message": MESSAGE.id}
    assert shown["lang"] == "de-DE"


@pytest.mark.parametrize(
    ("useful", "ttl"),
    [
        (None, "86400"),
        (timedelta(hours=2), "7200"),
        (timedelta(seconds=-5), "0"),
        (timedelta(days=90), "2419200"),
    ],
)
async def test_the_service_keeps_it_as_long_as_it_is_useful(
    browsers: Browsers, useful: timedelta | None, ttl: str
) -> None:
    shown = await sent(browsers, expires_at=None if useful is None else NOON + useful)
    assert shown["headers"]["ttl"] == ttl


@pytest.mark.parametrize(("purpose", "urgency"), [("service", "high"), ("marketing", "low")])
async def test_only_what_somebody_waits_for_is_urgent(browsers: Browsers, purpose: str, urgency: str) -> None:
    assert (await sent(browsers, purpose=purpose))["headers"]["urgency"] == urgency


async def test_a_newer_message_about_the_same_takes_the_place_of_the_older(browsers: Browsers) -> None:
    first = await sent(browsers, collapse_key="BX-1/arrived")
    second = await sent(browsers, collapse_key="BX-1/arrived", message_id="<2@example.com>")
    other = await sent(browsers, collapse_key="BX-2/arrived")
    topics = [shown["headers"]["topic"] for shown in (first, second, other)]
    assert topics[0] == topics[1] != topics[2]
    assert "BX" not in topics[0]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_struck_off(browsers: Browsers, status: int) -> None:
    browsers.answering(Answer(status))
    error = await refused(browsers, replace(MESSAGE, to=browsers.device()))
    assert isinstance(error, Rejected)
    assert error.suppress


@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500])
async def test_no_other_answer_strikes_anybody_off(browsers: Browsers, status: int) -> None:
    browsers.answering(Answer(status))
    error = await refused(browsers, replace(MESSAGE, to=browsers.device()))
    assert not getattr(error, "suppress", False)


async def test_429_is_waited_for_as_long_as_it_says(browsers: Browsers) -> None:
    browsers.answering(Answer(429, b"", {"Retry-After": "120"}))
    error = await refused(browsers, replace(MESSAGE, to=browsers.device()))
    assert isinstance(error, Unavailable)
    assert error.retry_after == timedelta(minutes=2)


async def test_one_signature_serves_many_messages_and_is_renewed_in_time(browsers: Browsers) -> None:
    channel = channel_to(browsers)
    for hours in (0, 1, 10, 12, 30):
        browsers.now = NOON + timedelta(hours=hours)
        await channel.send(replace(MESSAGE, to=browsers.device(), at=browsers.now))
    await hung_up(channel, browsers)
    signed = [shown["headers"]["authorization"] for shown in browsers.notices]
    assert signed[0] == signed[1] == signed[2]
    assert len(set(signed)) == 3


async def test_a_key_in_pem_is_the_same_key(browsers: Browsers) -> None:
    channel = WebPushChannel(
        pem(browsers.vapid), CONTACT, (f"127.0.0.1:{browsers.port}",), tls_context=browsers.trusting
    )
    await channel.send(replace(MESSAGE, to=browsers.device()))
    await hung_up(channel, browsers)
    assert len(browsers.seen()) == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1/send/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/send/x",
        "https://localhost/x",
        "https://fcm.googleapis.com.example.net/x",
        "https://evilpush.apple.com/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://push.apple.com@127.0.0.1/x",
        "http://fcm.googleapis.com/x",
    ],
)
async def test_nothing_but_a_push_service_is_ever_called(endpoint: str, browsers: Browsers) -> None:
    channel = WebPushChannel(browsers.vapid_key, CONTACT, SERVICES)
    key = base64url(point(browsers.own.public_key()))
    with pytest.raises(Rejected) as caught:
        await channel.send(replace(MESSAGE, to=f"web:{endpoint} {key} {base64url(browsers.auth)}"))
    await hung_up(channel, browsers)
    assert not caught.value.suppress


async def test_no_redirect_is_followed(browsers: Browsers) -> None:
    browsers.answering(Answer(307, b"", {"Location": f"{browsers.url}/send/elsewhere"}))
    error = await refused(browsers, replace(MESSAGE, to=browsers.device()))
    assert isinstance(error, Misconfigured)
    assert [request.path for request in browsers.requests] == ["/send/maria"]


async def test_a_key_that_is_no_point_of_the_curve_is_refused(browsers: Browsers) -> None:
    endpoint = browsers.device().split(" ")[0]
    nowhere = base64url(b"\x04" + bytes(64))
    bad = f"{endpoint} {nowhere} {base64url(browsers.auth)}"
    assert isinstance(await refused(browsers, replace(MESSAGE, to=bad)), Rejected)


async def test_a_certificate_that_does_not_hold_is_ours_to_mend(browsers: Browsers) -> None:
    channel = channel_to(browsers, tls_context=None)
    with pytest.raises(Misconfigured):
        await channel.send(replace(MESSAGE, to=browsers.device()))
    await hung_up(channel, browsers)


@pytest.mark.parametrize(
    ("key", "contact"), [("", CONTACT), ("not a key", CONTACT), ("A" * 43, CONTACT), (None, "nobody")]
)
def test_wrong_settings_are_refused_at_once(browsers: Browsers, key: str | None, contact: str) -> None:
    with pytest.raises(Misconfigured):
        WebPushChannel(browsers.vapid_key if key is None else key, contact)


async def test_a_long_text_in_any_script_fits_with_its_title_and_link(browsers: Browsers) -> None:
    shown = await sent(browsers, text="🚗" * 500, title="🚗" * 300, link=f"https://example.com/{'o' * 900}")
    assert shown["body"] == "🚗" * 500
