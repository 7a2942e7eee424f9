"""The webhook channel against a real receiver that verifies every signature, and misbehaves."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar

import pytest
import time_machine
import trustme
from aiohttp.abc import AbstractResolver
from standardwebhooks import Webhook, WebhookVerificationError

from channels.base import ChannelError, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract import MESSAGE, Answer, ChannelContract, HttpServer, Request, Seen
from channels.contract.http_server import CUT_AFTER, CUT_BEFORE, CUT_WITHIN, NONSENSE, SLOW
from channels.kinds.webhook import KIND
from channels.public_addresses import public
from channels.webhook import WebhookChannel
from orchestrator import config
from orchestrator.errors import Problems
from orchestrator.model import Status
from tests.integration.dealership import RULES, WORDS, Dealership, arrived, customer, order, run

SECRET = "whsec_" + base64.b64encode(b"a secret of the dealership's").decode()
NEXT = "whsec_" + base64.b64encode(b"the secret of the coming year").decode()
HERE = [ip_network("127.0.0.0/8")]


def verified(request: Request, secret: str) -> bool:
    """What the specification tells a receiver to do, written down here once more."""
    identity, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{identity}.{at}.".encode() + request.body, hashlib.sha256).digest()
    given = request.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(f"v1,{base64.b64encode(mac).decode()}", one) for one in given)


class Receiver(HttpServer):
    """Somebody's program: takes what is signed, each id once."""

    secret = SECRET

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        super().__init__(tls=tls)

    def answer(self, request: Request) -> Answer:
        if not verified(request, self.secret):
            return Answer.of(401, {"error": "the signature does not hold"})
        self.taken.setdefault(request.headers["webhook-id"], json.loads(request.body)["data"])
        return Answer.of(200, {"thanks": True})

    def replying(self, answer: str) -> None:
        if answer[0].isdigit():
            headers = {"Retry-After": "120", "Location": f"{self.url}/elsewhere"}
            self.answering(Answer(int(answer[:3]), answer[4:].encode(), headers))
        elif answer == "refuses connections":
            self.refusing()
            self.dropping_idle()
        else:
            self.answering(answer)

    def slow(self) -> None:
        self.answering(SLOW)

    def cutting_off(self) -> None:
        self.answering(CUT_AFTER)

    def seen(self) -> list[Seen]:
        return [Seen(data["to"], identity, data["text"]) for identity, data in self.taken.items()]


@pytest.fixture
def provider() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def channel_to(receiver: Receiver, *secrets: str, **options: Any) -> WebhookChannel:
    settings = {"allowed": HERE, "timeout": 10.0, **options}
    return WebhookChannel("webhook", f"{receiver.url}/hooks", secrets or [SECRET], **settings)


class TestWebhook(ChannelContract):
    declared: ClassVar = KIND.abilities
    answers: ClassVar = {
        "301 moved": Misconfigured,
        "307 elsewhere": Misconfigured,
        "400 cannot read it": Rejected,
        "401 who are you?": Misconfigured,
        "404 nobody here": Misconfigured,
        "410 no more": Misconfigured,
        "429 slow down": Unavailable,
        "500 sorry": Unavailable,
        "503 later": Unavailable,
        CUT_BEFORE: Unknown,
        CUT_AFTER: Unknown,
        NONSENSE: Unknown,
        "refuses connections": Unavailable,
    }

    @pytest.fixture
    def channel(self, provider: Receiver) -> WebhookChannel:
        return channel_to(provider, timeout=3)

    @pytest.fixture
    def impatient(self, provider: Receiver) -> WebhookChannel:
        return channel_to(provider, timeout=0.5)


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def refusal(channel: WebhookChannel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await channel.send(MESSAGE)
    await channel.close()
    return caught.value


# ── signatures ───────────────────────────────────────────────────────────────


def test_we_sign_as_the_test_vector_of_the_specification_says() -> None:
    key = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = MESSAGE.at.fromtimestamp(1614265330, tz=MESSAGE.at.tzinfo) if MESSAGE.at else None
    assert at is not None
    signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_message_is_signed_over_its_id_its_moment_and_its_very_bytes(provider: Receiver) -> None:
    channel = channel_to(provider)
    receipt = await channel.send(MESSAGE)
    await channel.close()
    (request,) = provider.requests
    assert MESSAGE.at is not None
    assert request.headers["webhook-id"] == receipt.provider_id
    assert "." not in receipt.provider_id
    assert int(request.headers["webhook-timestamp"]) == int(MESSAGE.at.timestamp())
    assert verified(request, SECRET)
    for changed in (
        replace(request, body=request.body.replace(b"Wagen", b"Waren")),
        replace(request, headers={**request.headers, "webhook-id": "msg_other"}),
        replace(request, headers={**request.headers, "webhook-timestamp": "1614265330"}),
    ):
        assert not verified(changed, SECRET)


async def test_a_copy_has_the_same_id_and_a_later_moment(provider: Receiver) -> None:
    channel = channel_to(provider)
    assert MESSAGE.at is not None
    await channel.send(MESSAGE)
    await channel.send(replace(MESSAGE, at=MESSAGE.at + timedelta(minutes=10)))
    await channel.close()
    first, second = provider.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 600


@pytest.mark.parametrize("known", [SECRET, NEXT])
async def test_while_a_secret_changes_either_verifies(provider: Receiver, known: str) -> None:
    provider.secret = known
    channel = channel_to(provider, NEXT, SECRET)
    assert (await channel.send(MESSAGE)).provider_id
    await channel.close()


@pytest.mark.parametrize("known", [SECRET, NEXT])
@pytest.mark.parametrize(
    ("late", "good"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)]
)
async def test_37_whoever_uses_the_published_library_takes_ours_and_nothing_old_or_changed(
    provider: Receiver, known: str, late: int, good: int
) -> None:
    channel = channel_to(provider, NEXT, SECRET)
    await channel.send(MESSAGE)
    await channel.close()
    (request,) = provider.requests
    assert MESSAGE.at is not None
    receiver = Webhook(known)
    with time_machine.travel(MESSAGE.at + timedelta(seconds=late), tick=False):
        if not good:
            with pytest.raises(WebhookVerificationError):
                receiver.verify(request.body, request.headers)
            return
        assert receiver.verify(request.body, request.headers)["data"]["text"] == MESSAGE.text
        with pytest.raises(WebhookVerificationError):
            receiver.verify(request.body[:-1] + b" ", request.headers)


async def test_a_secret_the_receiver_does_not_know_is_our_fault(provider: Receiver) -> None:
    assert isinstance(await refusal(channel_to(provider, NEXT)), Misconfigured)
    assert provider.seen() == []


# ── bad receivers ────────────────────────────────────────────────────────────


async def test_retry_after_is_a_floor(provider: Receiver) -> None:
    provider.replying("429 slow down")
    error = await refusal(channel_to(provider))
    assert isinstance(error, Unavailable)
    assert error.retry_after == timedelta(minutes=2)


async def test_a_redirect_is_not_followed(provider: Receiver) -> None:
    provider.replying("307 elsewhere")
    assert isinstance(await refusal(channel_to(provider)), Misconfigured)
    assert [request.path for request in provider.requests] == ["/hooks"]


async def test_of_an_endless_answer_only_the_beginning_is_read(provider: Receiver) -> None:
    provider.answering(Answer(200, b"x" * 5_000_000))
    channel = channel_to(provider)
    receipt = await channel.send(MESSAGE)
    await channel.close()
    assert len(receipt.raw["answer"]) == 4096


async def test_an_answer_that_was_cut_short_is_asked_about_again(provider: Receiver) -> None:
    provider.answering(CUT_WITHIN)
    assert isinstance(await refusal(channel_to(provider)), Unknown)


async def test_a_message_without_its_moment_is_not_signed(provider: Receiver) -> None:
    with pytest.raises(ValueError, match="is missing"):
        await channel_to(provider).send(replace(MESSAGE, at=None))


# ── where requests may go (SSRF) ─────────────────────────────────────────────

PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
    "168.63.129.16", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:0:7f00:1::", "fec0::1",
    "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fc00::1", "ff02::1", "2001:db8::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_on_the_public_internet_is_known(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_what_is_on_the_public_internet_is_known(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0x7f000001",
        "0177.0.0.1",
    ],
)
async def test_no_way_to_write_this_machine_gets_a_request_to_it(provider: Receiver, host: str) -> None:
    channel = WebhookChannel("webhook", f"http://{host}:{provider.port}/", [SECRET], timeout=10)
    error = await refusal(channel)
    assert isinstance(error, Misconfigured | Unavailable)  # some systems do not resolve the odd ones
    assert provider.connections == 0


class Names(AbstractResolver):
    """A name server that answers each question with the next of its answers, and counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        self.asked += 1
        found = self.answers.pop(0)
        fixed = {"hostname": host, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        return [{**fixed, "host": one} for one in found]

    async def close(self) -> None:
        pass


def named(receiver: Receiver, names: Names) -> WebhookChannel:
    url = f"http://hooks.example:{receiver.port}/"
    return WebhookChannel("webhook", url, [SECRET], allowed=HERE, timeout=10, resolver=names)


async def test_a_name_is_resolved_once_and_the_connection_goes_there(provider: Receiver) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    channel = named(provider, names)
    await channel.send(MESSAGE)
    await channel.send(replace(MESSAGE, message_id="<2@example.com>"))
    await channel.close()
    assert (names.asked, provider.connections, len(provider.seen())) == (1, 1, 2)


async def test_a_name_that_turns_to_a_private_address_is_not_followed(provider: Receiver) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    channel = named(provider, names)
    await channel.send(MESSAGE)
    await channel.close()
    error = await refusal(channel)
    assert (type(error), error.code) == (Misconfigured, "private address")
    assert (names.asked, provider.connections) == (2, 1)
    assert "10.0.0.1" not in error.reason


async def test_one_private_address_among_public_ones_is_enough(provider: Receiver) -> None:
    error = await refusal(named(provider, Names(["127.0.0.1", "192.168.0.7"])))
    assert error.code == "private address"
    assert provider.connections == 0


# ── through the engine ───────────────────────────────────────────────────────


@pytest.fixture
def dealership(tmp_path: Path, provider: Receiver) -> Iterator[Dealership]:
    rules = RULES.replace("channels: [email]", "channels: [webhook]")
    words = {**WORDS, "arrived/webhook.txt.en": "Hello {{ customer.name }}, it is here.\n"}
    made = Dealership(tmp_path, {"webhook": channel_to(provider)}, rules_text=rules, words=words)
    made.hear(customer(), order(), arrived())
    yield made
    made.close()


def drain(house: Dealership) -> None:
    """Send what is due and give the connections back, in one event loop."""

    async def work() -> None:
        await house.dispatcher.drain()
        await house.dispatcher.close()

    run(work())


def test_a_receiver_that_fails_at_first_has_the_message_once_in_the_end(
    dealership: Dealership, provider: Receiver
) -> None:
    provider.answering(Answer(503), times=1)
    provider.answering(CUT_AFTER, times=1)
    for _ in range(3):
        drain(dealership)
        dealership.clock.advance(timedelta(minutes=15))
    (taken,) = provider.taken.values()
    assert (taken["to"], taken["id"]) == ("maria", dealership.entry().wanted.key)
    assert len({request.headers["webhook-id"] for request in provider.requests}) == 1
    assert dealership.entry().status is Status.ACCEPTED
    assert len(dealership.outcomes(dealership.entry())) == 3


def test_a_receiver_that_is_gone_pauses_the_channel_and_keeps_the_message(
    dealership: Dealership, provider: Receiver
) -> None:
    provider.replying("410 gone")
    drain(dealership)
    assert "wants no more messages" in dealership.paused()["webhook"]
    assert dealership.entry().status is not Status.FAILED


# ── settings ─────────────────────────────────────────────────────────────────

URL = '[channels.webhook]\nlive = true\nurl = "https://hooks.example/"\n'
KEY = "BEFOREHAND_CHANNELS__WEBHOOK__SECRET"


def problem(tmp_path: Any, text: str, environ: dict[str, str]) -> tuple[str, str]:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(Problems) as caught:
        config.load(file, environ)
    (found,) = caught.value.problems
    return found.code, found.message


@pytest.mark.parametrize(
    ("text", "secret", "said"),
    [
        (URL.replace("https", "http"), SECRET, "travel unencrypted"),
        (URL.replace("https://", "https://nora:pw@"), SECRET, "must not carry a login"),
        (URL.replace("https://hooks.example/", "hooks"), SECRET, "leads nowhere"),
        (URL.replace("hooks.example", "hooks.example:99999"), SECRET, "leads nowhere"),
        (URL + 'allow = ["10.1.0.1/16"]', SECRET, "is no network"),
        (URL, "whsec_c2hvcnQ=", "cannot sign"),
        (URL, "whsec_!!!", "cannot sign"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Any, text: str, secret: str, said: str) -> None:
    code, message = problem(tmp_path, text, {KEY: secret})
    assert code == "C032"
    assert said in message


def test_a_login_in_an_address_is_not_shown_with_what_is_wrong(tmp_path: Any) -> None:
    file = tmp_path / "config.toml"
    file.write_text(URL.replace("https://", "https://nora:pw@"), encoding="utf-8")
    with pytest.raises(Problems) as caught:
        config.load(file, {KEY: SECRET})

    (found,) = caught.value.problems
    assert "//…@" in found.source
    assert "nora" not in str(found) + found.source + found.message


def test_a_live_webhook_needs_its_address_and_its_secret(tmp_path: Any) -> None:
    assert problem(tmp_path, "[channels.webhook]\nlive = true\n", {})[0] == "C022"


async def test_settings_make_a_channel_that_sends(provider: Receiver) -> None:
    environ = {KEY: NEXT, KEY.replace("SECRET", "PREVIOUS_SECRET"): SECRET}
    ours = {"LIVE": "true", "URL": provider.url, "ALLOW": "127.0.0.0/8, ::1/128"}
    environ |= {f"BEFOREHAND_CHANNELS__WEBHOOK__{key}": value for key, value in ours.items()}
    channel = KIND.make("webhook", config.load(None, environ).channels.named()["webhook"])
    assert (await channel.send(MESSAGE)).provider_id
    await channel.close()


async def test_over_tls_the_name_is_verified_though_the_address_is_pinned() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Receiver(tls=context) as receiver:
        for host, well in (("hooks.example", True), ("other.example", False)):
            channel = WebhookChannel(
                "webhook", f"https://{host}:{receiver.port}/", [SECRET], allowed=HERE, timeout=10,
                resolver=Names(["127.0.0.1"]), tls_context=trusting,
            )  # fmt: skip
            if well:
                assert (await channel.send(MESSAGE)).provider_id
                await channel.close()
            else:
                assert isinstance(await refusal(channel), Misconfigured)
