"""Providers that take everything, and bare loops that send to them with the library a channel stands on."""

import json
import ssl
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import http_ece
import httpx
import trustme
from aiosmtplib import SMTP
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from httpx_aiohttp import AiohttpTransport
from py_vapid import Vapid02
from standardwebhooks import Webhook

from bench import sink
from bench.dealership import NOW
from bench.sink import Sink
from channels import devices, mime
from channels.apns import ApnsChannel
from channels.base import Channel, Message
from channels.email import EmailChannel
from channels.fcm import FcmChannel
from channels.file import FileChannel
from channels.push import PushChannel
from channels.sms import SmsChannel
from channels.web_push import WebPushChannel
from channels.webhook import WebhookChannel

Send = Callable[[Message], Awaitable[object]]

ACCOUNT, SENDER = "AC00000000000000000000000000000001", "+12025550100"
CALLBACK = "https://hooks.lindner.example/twilio"
SECRET = f"whsec_{b64encode(bytes(32)).decode()}"
TWILIO = {  # what it answers to a new message
    "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": "x" * 100, "date_created": None,
    "date_sent": None, "date_updated": None, "direction": "outbound-api", "error_code": None,
    "error_message": None, "from": SENDER, "messaging_service_sid": None, "num_media": "0",
    "num_segments": "1", "price": None, "price_unit": "USD", "sid": "SM%d", "status": "queued",
    "subresource_uris": {"media": "/2010-04-01/Accounts/AC/Messages/SM/Media.json"}, "to": "+12025550123",
    "uri": "/2010-04-01/Accounts/AC/Messages/SM.json",
}  # fmt: skip
GOOGLE = {"name": "projects/lindner/messages/%d", "access_token": "ya29.1", "expires_in": 3599}


@dataclass(frozen=True)
class Place:
    """Where a provider is, and a folder of one's own."""

    home: Path
    port: int = 0

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Way:
    """One channel, as it is measured: how a customer is reached, and the two ways to its provider."""

    name: str
    by: str  # what the rules call it
    reach: Callable[[int, Place], Mapping[str, Any]]  # what is known of the customer of that number
    provider: Callable[[Path], AbstractContextManager[Sink | None]]
    channel: Callable[[Place], Channel]
    bare: Callable[[Place, Sequence[Message]], AbstractAsyncContextManager[Send]]  # the library alone
    target: float | None = None


# ── mail and texts ───────────────────────────────────────────────────────────


def _phone(number: int, _place: Place) -> dict[str, Any]:
    return {"phone": f"+49302312{number:05d}"}


def _mailbox(number: int, _place: Place) -> dict[str, Any]:
    return {"email": f"customer{number}@example.com"}


def _email(place: Place) -> Channel:
    return EmailChannel("127.0.0.1", place.port, "none", connections=8)


@asynccontextmanager
async def _smtp(place: Place, messages: Sequence[Message]) -> AsyncIterator[Send]:
    """Kept connections of aiosmtplib, and mails that were written before."""
    free = [SMTP(hostname="127.0.0.1", port=place.port, start_tls=False) for _ in range(8)]
    for client in free:
        await client.connect()
    mails = {message.id: mime.compose(message) for message in messages}

    async def send(message: Message) -> object:
        client = free.pop()
        try:
            return await client.sendmail(message.sender, message.to, mails[message.id])
        finally:
            free.append(client)

    yield send
    for client in free:
        await client.quit()


def _sms(place: Place) -> Channel:
    url = f"http://127.0.0.1:{place.port}"
    return SmsChannel(ACCOUNT, "token", sender=SENDER, callback=CALLBACK, url=url)


@asynccontextmanager
async def _twilio(place: Place, _messages: Sequence[Message]) -> AsyncIterator[Send]:
    """Twilio's library as its documents say: its own asynchronous client."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT, "token", http_client=http)
        client.api.base_url = f"http://127.0.0.1:{place.port}"

        async def send(message: Message) -> object:
            return await client.messages.create_async(
                to=message.to, from_=SENDER, body=message.text, status_callback=f"{CALLBACK}?entry=1"
            )

        yield send


# ── push ─────────────────────────────────────────────────────────────────────


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    _authority().configure_trust(context)
    return context


def _certificate(home: Path) -> str:
    """The file with the certificate of a server here."""
    file = home / "server.pem"
    _authority().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(file))
    return str(file)


@cache
def _curve() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _account() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    kind, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, bare).decode()


def _http() -> httpx.AsyncClient:
    """httpx over aiohttp: how a company would post by itself."""
    return httpx.AsyncClient(transport=AiohttpTransport(verify=_trusting()))


def _subscription(number: int, place: Place) -> dict[str, Any]:
    point = (
        _curve()
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )
    keys = {"p256dh": urlsafe_b64encode(point).decode(), "auth": urlsafe_b64encode(bytes(16)).decode()}
    return {"devices": [{"endpoint": f"{place.origin}/send/{number}", "keys": keys}]}


def _web(place: Place) -> Channel:
    hosts = (f"127.0.0.1:{place.port}",)
    service = WebPushChannel(_pem(_curve()), "mailto:service@example.com", hosts, tls_context=_trusting())
    return PushChannel({"web": service})


@asynccontextmanager
async def _browsers(place: Place, _messages: Sequence[Message]) -> AsyncIterator[Send]:
    """Encrypted by http-ece, signed once, and posted."""
    until = int((NOW + timedelta(hours=12)).timestamp())
    claims = {"sub": "mailto:service@example.com", "aud": place.origin, "exp": until}
    signed = Vapid02.from_pem(_pem(_curve()).encode()).sign(claims)["Authorization"]
    headers = {"Authorization": signed, "Content-Encoding": "aes128gcm", "TTL": "86400"}
    async with _http() as client:

        async def send(message: Message) -> object:
            device = devices.parse(message.to)
            body = http_ece.encrypt(
                json.dumps({"body": message.text}).encode(), dh=device.p256dh, auth_secret=device.auth,
                private_key=ec.generate_private_key(ec.SECP256R1()),
            )  # fmt: skip
            return await client.post(device.token, headers=headers, content=body)

        yield send


def _token(kind: str) -> Callable[[int, Place], dict[str, Any]]:
    return lambda number, _place: {"devices": [{"kind": kind, "token": f"{number:064x}"}]}


def _fcm(place: Place) -> Channel:
    account = {
        "project_id": "lindner", "private_key_id": "key-1", "private_key": _pem(_account()),
        "client_email": "push@lindner.iam.example.com", "token_uri": f"{place.origin}/token",
    }  # fmt: skip
    return PushChannel({"fcm": FcmChannel(json.dumps(account), url=place.origin, tls_context=_trusting())})


@asynccontextmanager
async def _firebase(place: Place, _messages: Sequence[Message]) -> AsyncIterator[Send]:
    headers = {"Authorization": "Bearer ya29.1", "Content-Type": "application/json; charset=utf-8"}
    url = f"{place.origin}/v1/projects/lindner/messages:send"
    async with _http() as client:

        async def send(message: Message) -> object:
            shown = {"title": message.title, "body": message.text}
            told = {"message": {"token": message.to, "notification": shown}}
            return await client.post(url, headers=headers, content=json.dumps(told).encode())

        yield send


def _apns(place: Place) -> Channel:
    key = _pem(_curve())
    service = ApnsChannel(
        key, "KEY0000001", "TEAM000001", "example.app", url=place.origin, tls_context=_trusting()
    )
    return PushChannel({"apns": service})


@asynccontextmanager
async def _apple(place: Place, _messages: Sequence[Message]) -> AsyncIterator[Send]:
    headers = {"authorization": "bearer x", "apns-topic": "example.app", "apns-push-type": "alert"}
    async with httpx.AsyncClient(http1=False, http2=True, verify=_trusting()) as client:

        async def send(message: Message) -> object:
            content = json.dumps({"aps": {"alert": {"title": message.title, "body": message.text}}}).encode()
            url = f"{place.origin}/3/device/{devices.parse(message.to).token}"
            return await client.post(url, headers=headers, content=content)

        yield send


# ── what takes the place of another ──────────────────────────────────────────


def _webhook(place: Place) -> Channel:
    url = f"http://127.0.0.1:{place.port}/hooks"
    return WebhookChannel("sms", url, [SECRET], allowed=[ip_network("127.0.0.0/8")])


@asynccontextmanager
async def _signed(place: Place, _messages: Sequence[Message]) -> AsyncIterator[Send]:
    """Signed by the library of Standard Webhooks, and posted."""
    key = Webhook(SECRET)
    async with _http() as client:

        async def send(message: Message) -> object:
            body = json.dumps({"type": "message", "data": {"to": message.to, "text": message.text}})
            headers = {"webhook-id": message.id, "webhook-signature": key.sign(message.id, NOW, body)}
            return await client.post(
                f"http://127.0.0.1:{place.port}/hooks", headers=headers, content=body.encode()
            )

        yield send


def _file(place: Place) -> Channel:
    return FileChannel(place.home / "outbox", "sms")


@asynccontextmanager
async def _files(place: Place, _messages: Sequence[Message]) -> AsyncIterator[Send]:
    """Files that appear whole: written beside, and moved."""
    folder = place.home / "bare"
    folder.mkdir(exist_ok=True)

    async def send(message: Message) -> object:
        name = message.id.replace("/", "-")
        (folder / f".{name}").write_bytes(message.text.encode())
        return (folder / f".{name}").replace(folder / name)

    yield send


def _answering(
    status: int, content: Any, *, tls: bool = False
) -> Callable[[Path], AbstractContextManager[Sink]]:
    body = json.dumps(content)
    return lambda home: sink.running(
        "bench.http_sink", str(status), body, *([_certificate(home)] if tls else [])
    )


WAYS = (
    Way("email", "email", _mailbox, lambda _home: sink.running(), _email, _smtp, 0.5),
    Way("sms", "sms", _phone, _answering(201, TWILIO), _sms, _twilio, 0.5),
    Way("push: web", "push", _subscription, _answering(201, {}, tls=True), _web, _browsers, 0.5),
    Way("push: fcm", "push", _token("fcm"), _answering(200, GOOGLE, tls=True), _fcm, _firebase, 0.5),
    Way(
        "push: apns", "push", _token("apns"), lambda home: sink.running("bench.h2_sink", _certificate(home)),
        _apns, _apple, 0.5,
    ),
    Way("webhook", "sms", _phone, _answering(200, {}), _webhook, _signed),
    Way("file", "sms", _phone, lambda _home: nullcontext(), _file, _files),
)  # fmt: skip


def way_called(name: str) -> Way:
    """The way of that name."""
    return next(way for way in WAYS if way.name == name)
