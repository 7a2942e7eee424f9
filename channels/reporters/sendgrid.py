"""SendGrid's signed event webhook and Inbound Parse.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features:
ECDSA on P-256 over the time and the raw body, with the public key that SendGrid shows.
"""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from channels.base import Misconfigured
from channels.inbound import reading
from channels.inbound.bounces import gone
from channels.inbound.mail import Mail, assembled, brief, digest, parse
from channels.inbound.signed import Signing
from channels.plugin import Reporter
from channels.reporters.bodies import (
    at,
    credentials,
    document,
    form,
    is_form,
    moment,
    parsed,
    same,
    seconds,
    timely,
    words,
)  # fmt: skip
from channels.reporters.opens import opened
from channels.reports import Became, Callback, Forged, Reply, Report, Unreadable
from channels.settings import ReporterSettings, Texts, elsewhere, refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIME = "x-twilio-email-event-webhook-timestamp"

EVENTS: Mapping[str, Became] = {
    "processed": Became.ACCEPTED,
    "deferred": Became.DEFERRED,
    "delivered": Became.DELIVERED,
    "bounce": Became.BOUNCED,  # or failed, if it was blocked
    "dropped": Became.FAILED,
    "open": Became.OPENED,
    "click": Became.CLICKED,
    "spamreport": Became.COMPLAINED,
    "unsubscribe": Became.UNSUBSCRIBED,
    "group_unsubscribe": Became.UNSUBSCRIBED,
}
DROPPED: Mapping[str, Became] = {
    "bounced address": Became.BOUNCED,
    "spam reporting address": Became.COMPLAINED,
    "unsubscribed address": Became.UNSUBSCRIBED,
}
"""Why SendGrid did not even try → what it knew of the address before."""

_OWN = re.compile(r"(.+?)\.(?:filter|recvd|ismtpd)")  # the id of the answer to DATA, within sg_message_id


class Settings(ReporterSettings):
    """What SendGrid tells, proven by its signature; mail that comes in also by a password."""

    public_keys: Texts = Field(
        default=(),
        description="The verification keys of the event webhook and of Inbound Parse.",
    )
    username: str = Field(
        default="", description="Inbound Parse without a signature: the name in the address."
    )
    password: SecretStr | None = Field(default=None, description="… and the password in the address.")

    @field_validator("public_keys")
    @classmethod
    def _readable(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for text in keys:
            try:
                _key(text)
            except Misconfigured as wrong:
                raise refused(wrong.reason, "copy the whole verification key from SendGrid") from None
        return keys

    @model_validator(mode="after")
    def _proven_by_something(self, info: ValidationInfo) -> "Settings":
        if not self.public_keys and not self.password and not elsewhere(info):
            hint = 'write public_keys = ["MFkw…"]; for Inbound Parse alone a password in the environment does'
            key = "public_keys" if "public_keys" in self.model_fields_set else ""
            message = "without public_keys or password no callback can be believed"
            raise refused(message, hint, key=key, code="C022")
        return self


class SendGrid:
    """Reads what SendGrid signed for one of *public_keys*, and mail that comes with the password."""

    def __init__(self, public_keys: Sequence[str], *, username: str = "", password: str = "") -> None:
        self._keys = [_key(text) for text in public_keys]
        self._username, self._password = username, password
        self.signing = Signing()

    async def read(self, callback: Callback, now: datetime) -> Sequence[Report | Reply]:
        """Return what a callback says; raises :class:`~channels.reports.Refused`."""
        if is_form(callback):
            name, password = credentials(callback)
            if SIGNATURE in callback.headers or not (
                name == self._username and same(password, self._password)
            ):
                self._proven(callback, now)
            return reading.read(_mail(form(callback)), self.signing)
        self._proven(callback, now)
        events = document(callback)
        if not isinstance(events, list):
            raise Unreadable("the body is no list of events")
        return [report for event in events for report in _reports(event)]

    def _proven(self, callback: Callback, now: datetime) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        time = callback.headers.get(TIME, "")
        try:
            signature = b64decode(callback.headers.get(SIGNATURE, ""), validate=True)
        except (NoBase64, ValueError):
            raise Forged("the signature is wrong") from None
        for key in self._keys:
            try:
                key.verify(signature, time.encode(errors="replace") + callback.body, ECDSA(SHA256()))
            except InvalidSignature:
                continue
            return timely(seconds(time), now)
        raise Forged("the signature is wrong")


def _reports(event: Any) -> Iterator[Report]:
    kind = words(event, "event")
    became = EVENTS.get(kind)
    if became is None:
        return
    own = words(event, "sg_message_id")
    given = _OWN.match(own)
    name = words(event, "sg_event_id") or digest(own, kind, words(event, "timestamp"), words(event, "email"))
    answer = words(event, "reason") or words(event, "response")
    before = DROPPED.get(words(event, "reason").lower()) if kind == "dropped" else None
    told, dead = [became], False
    if kind == "bounce":
        told, dead = [_bounced(event)], _gone(event, answer)
    elif kind == "open":
        told = [
            Became.MACHINE_OPEN if at(event, "sg_machine_open") is True else opened(words(event, "useragent"))
        ]
    elif before is Became.BOUNCED:
        told, dead = [before], True
    elif before is not None:
        told = [became, before]
    for number, one in enumerate(told):
        yield Report(
            id=name if not number else f"{name}/{number}",
            became=one,
            at=moment(at(event, "timestamp")),
            provider_id=given[1] if given else own,
            message_id=words(event, "smtp-id"),
            to=words(event, "email"),
            dead=dead,
            code=words(event, "status"),
            reason=brief(answer),
            raw=event,
        )


def _bounced(event: Any) -> Became:
    return Became.FAILED if words(event, "type") == "blocked" else Became.BOUNCED


def _gone(event: Any, answer: str) -> bool:
    """Is the address to blame? SendGrid's classification says so, or else the server's answer."""
    if words(event, "type") == "blocked":
        return False
    classified = words(event, "bounce_classification")
    if classified:
        return classified == "Invalid Address"
    status = words(event, "status")
    return gone(answer, status)


def _mail(fields: Mapping[str, str]) -> Mail:
    envelope = parsed(fields.get("envelope") or "{}")
    to = [one for one in at(envelope, "to") or () if isinstance(one, str)]
    sender = at(envelope, "from")
    sender = sender if isinstance(sender, str) else None
    if raw := fields.get("email"):
        return parse(raw.encode(errors="surrogateescape"), sender=sender, to=to)
    if "headers" not in fields:
        raise Unreadable("the form has neither headers nor a whole mail")
    headers = parse(fields["headers"].encode(errors="surrogateescape") + b"\r\n\r\n").headers.items()
    named = [(name, str(value)) for name, value in headers]
    return assembled(named, fields.get("text", ""), fields.get("html", ""), sender=sender, to=to)


def _key(text: str) -> "EllipticCurvePublicKey":
    """A public key in base64 or PEM; raises :class:`~channels.base.Misconfigured`."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    packed = "".join(
        line for line in text.split() if "-" not in line and line not in ("PUBLIC", "BEGIN", "END")
    )
    try:
        key = load_der_public_key(b64decode(packed))
    except ValueError:  # NoBase64 is one
        raise Misconfigured("a verification key cannot be read") from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise Misconfigured("a verification key is of another kind than SendGrid's")
    return key


def _make(settings: Settings) -> SendGrid:
    password = settings.password.get_secret_value() if settings.password else ""
    return SendGrid(settings.public_keys, username=settings.username, password=password)


REPORTER = Reporter(summary="SendGrid's event webhook and Inbound Parse", settings=Settings, make=_make)
