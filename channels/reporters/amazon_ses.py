"""Amazon SES through SNS: its notifications and event publishing, and mail it receives.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html: each message is signed with a
certificate of SNS, fetched from SNS itself; and anybody has a topic, so the topic must be ours.
"""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from channels.base import Unavailable
from channels.inbound import reading
from channels.inbound.mail import brief, parse
from channels.inbound.signed import Signing
from channels.plugin import Reporter
from channels.reporters.bodies import at, document, items, mapping, moment, parsed, timely, words
from channels.reporters.opens import opened
from channels.reports import Became, Callback, Forged, Reply, Report, Unreadable
from channels.settings import ReporterSettings, Texts, refused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from httpx import AsyncBaseTransport

Fetch = Callable[[str], Awaitable[bytes]]

PATIENCE = 10  # seconds; SNS itself waits 15 for our answer
LARGEST = 65_536  # bytes of a certificate
KEPT = 8  # certificates; SNS uses one a region at a time
HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?")
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:[A-Za-z0-9_.-]+")
SIGNED: Mapping[str, Sequence[str]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        ("SubscriptionConfirmation", "UnsubscribeConfirmation"),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
"""A type of SNS message → the fields that its signature covers, in order; one that is missing is left out."""

EVENTS: Mapping[str, tuple[Became, str, str]] = {
    "Send": (Became.ACCEPTED, "send", ""),
    "Delivery": (Became.DELIVERED, "delivery", "recipients"),
    "DeliveryDelay": (Became.DEFERRED, "deliveryDelay", "delayedRecipients"),
    "Bounce": (Became.BOUNCED, "bounce", "bouncedRecipients"),  # or failed or deferred, by its type
    "Complaint": (Became.COMPLAINED, "complaint", "complainedRecipients"),
    "Open": (Became.OPENED, "open", ""),
    "Click": (Became.CLICKED, "click", ""),
    "Reject": (Became.FAILED, "reject", ""),
    "Rendering Failure": (Became.FAILED, "failure", ""),
}
"""An event of SES → what became of the message, where it says more, and whom it names there."""


class Settings(ReporterSettings):
    """What Amazon SES tells through SNS, proven by the signature and by the topic."""

    topics: Texts = Field(
        default=(),
        validate_default=True,
        description="The ARNs of the SNS topics it comes by: `arn:aws:sns:eu-central-1:…:mail`.",
    )

    @field_validator("topics")
    @classmethod
    def _ours(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        if not topics or not all(TOPIC.fullmatch(topic) for topic in topics):
            hint = 'write topics = ["arn:aws:sns:eu-central-1:123456789012:mail"]'
            raise refused(
                "anybody has a topic: name yours, or no callback can be believed", hint, code="C022"
            )
        return topics


class AmazonSes:
    """Reads what SNS signed and sent by one of *topics*; confirms the subscription of those by itself.

    *fetch* gets a document of SNS over HTTPS, without following redirects.
    """

    def __init__(self, topics: Sequence[str], fetch: Fetch | None = None) -> None:
        self._topics, self._fetch = frozenset(topics), fetch or fetched
        self._certificates: dict[str, Certificate] = {}
        self.signing = Signing()

    async def read(self, callback: Callback, now: datetime) -> Sequence[Report | Reply]:
        """Return what a callback says; raises :class:`~channels.reports.Refused`."""
        message = mapping(document(callback))
        kind = words(message, "Type")
        if words(message, "TopicArn") not in self._topics:
            raise Forged("the topic is none of ours")
        await self._proven(message, SIGNED.get(kind, ()), now)
        if kind == "SubscriptionConfirmation":
            await self._fetch(_of_sns(words(message, "SubscribeURL")))
        if kind != "Notification":
            return []
        text = words(message, "Message")
        if text.startswith("Successfully validated SNS topic"):
            return []  # the first message of a new configuration set
        event, name = mapping(parsed(text)), words(message, "MessageId")
        if (words(event, "notificationType") or words(event, "eventType")) == "Received":
            return self._received(event, name)
        return list(_reports(event, name, moment(words(message, "Timestamp"))))

    def _received(self, event: Mapping[str, Any], name: str) -> Sequence[Report | Reply]:
        content = words(event, "content")
        if not content:
            raise Unreadable(
                "the mail is not in the notification: let the receipt rule publish it to SNS, not to S3"
            )
        raw = content.encode(errors="surrogateescape")
        if words(event, "receipt", "action", "encoding") == "BASE64":
            try:
                raw = b64decode(raw, validate=True)
            except NoBase64:
                raise Unreadable("the mail is no base64") from None
        to = [one for one in items(event, "receipt", "recipients") if isinstance(one, str)]
        return reading.read(parse(raw, sender=words(event, "mail", "source"), to=to), self.signing, name=name)

    async def _proven(self, message: Mapping[str, Any], fields: Sequence[str], now: datetime) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.hashes import SHA1, SHA256

        algorithm = {"1": SHA1, "2": SHA256}.get(words(message, "SignatureVersion"))
        if algorithm is None or not fields:
            raise Forged("it is signed in no way we know")
        timely(moment(words(message, "Timestamp")), now)
        certificate = await self._certificate(_of_sns(words(message, "SigningCertURL")))
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Forged("the certificate is not valid now")
        said = "".join(f"{name}\n{message[name]}\n" for name in fields if isinstance(message.get(name), str))
        key = certificate.public_key()
        try:
            if not isinstance(key, RSAPublicKey):
                raise Forged("the certificate has another kind of key than SNS uses")
            signature = b64decode(words(message, "Signature"), validate=True)
            key.verify(signature, said.encode(errors="replace"), PKCS1v15(), algorithm())
        except (InvalidSignature, NoBase64, ValueError):
            raise Forged("the signature is wrong") from None

    async def _certificate(self, url: str) -> "Certificate":
        from cryptography.x509 import load_pem_x509_certificate

        if url not in self._certificates:
            try:
                certificate = load_pem_x509_certificate(await self._fetch(url))
            except ValueError:
                raise Forged("what should be a certificate is none") from None
            while len(self._certificates) >= KEPT:
                del self._certificates[next(iter(self._certificates))]
            self._certificates[url] = certificate
        return self._certificates[url]


def _reports(event: Mapping[str, Any], name: str, told: datetime | None) -> Iterator[Report]:
    kind = words(event, "eventType") or words(event, "notificationType")
    if kind not in EVENTS:
        return
    became, place, whom = EVENTS[kind]
    detail = at(event, place)
    headers = {words(one, "name").lower(): words(one, "value") for one in items(event, "mail", "headers")}
    message_id = headers.get("message-id") or words(event, "mail", "commonHeaders", "messageId")
    for number, recipient in enumerate(
        items(detail, whom) or items(event, "mail", "destination")[:1] or [""]
    ):
        to = recipient if isinstance(recipient, str) else words(recipient, "emailAddress")
        answer = (
            words(recipient, "diagnosticCode") or words(detail, "smtpResponse") or words(detail, "reason")
        )
        one, dead = became, False
        if kind == "Bounce":
            one, dead = _bounced(detail, recipient)
        elif kind == "Open":
            one = opened(words(detail, "userAgent"))
        elif kind == "Complaint" and words(detail, "complaintFeedbackType") == "not-spam":
            return
        yield Report(
            id=f"{name}/{number}",
            became=one,
            at=moment(words(detail, "timestamp")) or told,
            provider_id=words(event, "mail", "messageId"),
            message_id=message_id if message_id.startswith("<") else "",
            to=to,
            dead=dead,
            code=words(recipient, "status") or words(detail, "bounceSubType") or words(detail, "delayType"),
            reason=brief(answer or words(detail, "errorMessage") or words(detail, "bounceSubType")),
            raw=event,
        )


def _bounced(detail: Any, recipient: Any) -> tuple[Became, bool]:
    """What a bounce is, and whether the address is gone.

    SES takes automatic answers for transient bounces, without a server's word that anything failed.
    """
    kind, status = words(detail, "bounceType"), words(recipient, "status")
    if kind == "Permanent":
        return Became.BOUNCED, not status.startswith(("5.2.", "5.3.", "5.6.", "5.7."))
    failed = words(recipient, "action") == "failed" or words(detail, "bounceSubType") != "General"
    return (Became.FAILED if failed else Became.DEFERRED), False


def _of_sns(url: str) -> str:
    """*url*, if it is one of SNS itself."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forged("an address in it is none") from None
    plain = parts.netloc == parts.hostname and port is None and url.isascii() and url.isprintable()
    if parts.scheme != "https" or not plain or not HOST.fullmatch(parts.netloc):
        raise Forged("an address in it is not of SNS")
    return url


async def fetched(url: str, transport: "AsyncBaseTransport | None" = None) -> bytes:
    """The document at *url*; raises :class:`~channels.base.Unavailable` if it is not to be had now."""
    import httpx

    document = bytearray()
    try:
        async with (
            httpx.AsyncClient(transport=transport, timeout=PATIENCE, trust_env=False) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != 200:
                raise Unavailable(f"SNS answered {answer.status_code}")
            async for chunk in answer.aiter_bytes():
                document += chunk
                if len(document) > LARGEST:
                    raise Unavailable("SNS answered more than a document of its own has")
    except httpx.HTTPError as broken:
        raise Unavailable("SNS cannot be reached", raw=type(broken).__name__) from None
    return bytes(document)


def _make(settings: Settings) -> AmazonSes:
    return AmazonSes(settings.topics)


REPORTER = Reporter(summary="Amazon SES through SNS", settings=Settings, make=_make)
