"""Mailgun's webhooks and its routes that forward mail to an address of ours.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks: an HMAC over time and
token. It does not cover what is told, so a token that comes again must tell the same: it goes along as a
``proof``, and whoever keeps what is told uses it up.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from pydantic import Field, SecretStr

from channels.inbound import reading
from channels.inbound.bounces import gone
from channels.inbound.mail import Mail, assembled, brief, parse
from channels.inbound.signed import Signing
from channels.plugin import Reporter
from channels.reporters.bodies import (
    at,
    document,
    form,
    is_form,
    mapping,
    moment,
    parsed,
    same,
    seconds,
    timely,
    words,
)
from channels.reporters.opens import opened
from channels.reports import Became, Callback, Forged, Reply, Report
from channels.settings import ReporterSettings

EVENTS: Mapping[str, Became] = {
    "accepted": Became.ACCEPTED,
    "rejected": Became.FAILED,
    "delivered": Became.DELIVERED,
    "failed": Became.FAILED,  # or deferred, or bounced: by its severity and reason
    "opened": Became.OPENED,
    "clicked": Became.CLICKED,
    "unsubscribed": Became.UNSUBSCRIBED,
    "complained": Became.COMPLAINED,
}


class Settings(ReporterSettings):
    """What Mailgun tells, proven by an HMAC."""

    needed = ("signing_key",)

    signing_key: SecretStr | None = Field(
        default=None, description="The HTTP webhook signing key of the account; no API key is it."
    )


class Mailgun:
    """Reads what Mailgun signed with *signing_key*."""

    def __init__(self, signing_key: str) -> None:
        self._key = signing_key.encode()
        self.signing = Signing()

    async def read(self, callback: Callback, now: datetime) -> Sequence[Report | Reply]:
        """Return what a callback says; raises :class:`~channels.reports.Refused`."""
        if is_form(callback):
            fields = form(callback)
            proof = self._proven(fields, callback.body, now)
            said = reading.read(_mail(fields), self.signing, name=proof[0])
            return [replace(one, proof=proof) for one in said]
        whole = mapping(document(callback))
        proof = self._proven(at(whole, "signature"), callback.body, now)
        report = _report(mapping(at(whole, "event-data")), proof[0])
        return [] if report is None else [replace(report, proof=proof)]

    def _proven(self, signature: Any, body: bytes, now: datetime) -> tuple[str, str]:
        """The token of a signature that is right, and a hash of what it came with."""
        token, stamp = words(signature, "token"), words(signature, "timestamp")
        expected = hmac.digest(self._key, f"{stamp}{token}".encode(errors="replace"), "sha256").hex()
        if not token or not same(words(signature, "signature"), expected):
            raise Forged("the signature is wrong")
        timely(seconds(stamp), now)
        return token, blake2b(body, digest_size=16).hexdigest()


def _report(event: Mapping[str, Any], token: str) -> Report | None:
    became = EVENTS.get(words(event, "event"))
    if became is None:
        return None
    status = at(event, "delivery-status")
    answer = words(status, "message") or words(status, "description") or words(event, "reject", "reason")
    code = words(status, "enhanced-code") or words(status, "code")
    dead = False
    if words(event, "event") == "failed":
        became, dead = _failed(event, status, answer)
    elif became is Became.OPENED:
        bot = words(event, "client-info", "bot")
        became = Became.MACHINE_OPEN if bot else opened(words(event, "client-info", "user-agent"))
    message_id = words(event, "message", "headers", "message-id")
    return Report(
        id=token,
        became=became,
        at=moment(at(event, "timestamp")),
        message_id=f"<{message_id.strip('<>')}>" if message_id else "",
        to=words(event, "recipient"),
        dead=dead,
        code=code or words(event, "reason"),
        reason=brief(answer),
        raw=event,
    )


def _failed(event: Mapping[str, Any], status: Any, answer: str) -> tuple[Became, bool]:
    """What a failure is, and whether the address is gone."""
    if words(event, "severity") == "temporary":
        return Became.DEFERRED, False
    reason = words(event, "reason")
    if reason == "suppress-bounce":
        return Became.BOUNCED, True
    if reason == "bounce":
        return Became.BOUNCED, gone(f"{words(status, 'code')} {answer}", words(status, "enhanced-code"))
    return Became.FAILED, False


def _mail(fields: Mapping[str, str]) -> Mail:
    to, sender = [fields["recipient"]] if fields.get("recipient") else [], fields.get("sender")
    if raw := fields.get("body-mime"):
        return parse(raw.encode(errors="surrogateescape"), sender=sender, to=to)
    noted = parsed(fields.get("message-headers") or "[]")
    pairs = (
        [one for one in noted if isinstance(one, list) and len(one) == 2] if isinstance(noted, list) else []
    )
    headers = [(str(name), str(value)) for name, value in pairs]
    return assembled(headers, fields.get("body-plain", ""), fields.get("body-html", ""), sender=sender, to=to)


def _make(settings: Settings) -> Mailgun:
    return Mailgun(settings.signing_key.get_secret_value() if settings.signing_key else "")


REPORTER = Reporter(summary="Mailgun's webhooks and routes", settings=Settings, make=_make)
