"""Postmark's webhooks: delivery, bounce, spam complaint, open, click, subscription change, inbound.

https://postmarkapp.com/developer/webhooks/webhooks-overview; Postmark signs nothing: it sends the name and
password of the address it was given, or a header of one's own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field, SecretStr

from channels.inbound import reading
from channels.inbound.mail import Mail, assembled, brief, digest, parse
from channels.inbound.signed import Signing
from channels.plugin import Reporter
from channels.reporters.bodies import at, credentials, document, items, mapping, moment, same, words
from channels.reporters.opens import opened
from channels.reports import Became, Callback, Forged, Reply, Report
from channels.settings import ReporterSettings

NOBODY = "00000000-0000-0000-0000-000000000000"
MARK = "message"  # our Message-ID among the metadata of a mail (X-PM-Metadata-message)

TYPES: Mapping[str, Became | None] = {
    "HardBounce": Became.BOUNCED,
    "BadEmailAddress": Became.BOUNCED,
    "Transient": Became.DEFERRED,
    "DnsError": Became.DEFERRED,
    "OpenRelayTest": Became.DEFERRED,
    "Unknown": Became.DEFERRED,  # it may be somebody's automatic answer
    "SoftBounce": Became.FAILED,
    "VirusNotification": Became.FAILED,
    "ManuallyDeactivated": Became.FAILED,
    "Unconfirmed": Became.FAILED,
    "Blocked": Became.FAILED,
    "SMTPApiError": Became.FAILED,
    "DMARCPolicy": Became.FAILED,
    "TemplateRenderingFailed": Became.FAILED,
    "SpamNotification": Became.COMPLAINED,
    "SpamComplaint": Became.COMPLAINED,
    "Unsubscribe": Became.UNSUBSCRIBED,
    "ManualSuppression": Became.UNSUBSCRIBED,
    "AutoResponder": None,
    "AddressChange": None,
    "ChallengeVerification": None,
    "Subscribe": None,
    "InboundError": None,
}
"""A bounce's type, or why an address is suppressed → what became of the message."""


class Settings(ReporterSettings):
    """What Postmark tells, proven by a name and a password in the address it was given, or by a header."""

    needed = ("password",)

    username: str = Field(
        default="",
        description="The name before the @ of the address: `https://NAME:PASSWORD@updates.example.com/…`.",
    )
    header: str = Field(default="", description="Or the header of one's own that carries the password.")
    password: SecretStr | None = Field(default=None, description="The password.")


class Postmark:
    """Reads what Postmark tells to who knows the *password*, sent with *username* or in *header*."""

    def __init__(self, password: str, *, username: str = "", header: str = "") -> None:
        self._password, self._username, self._header = password, username, header.lower()
        self.signing = Signing()

    async def read(self, callback: Callback, _now: datetime) -> Sequence[Report | Reply]:
        """Return what a callback says; raises :class:`~channels.reports.Refused`."""
        name, password = credentials(callback)
        by_header = self._header and same(callback.headers.get(self._header, ""), self._password)
        if not by_header and not (
            (self._username or not self._header) and name == self._username and same(password, self._password)
        ):
            raise Forged("the name or the password is wrong")
        event = mapping(document(callback))
        if "FromFull" in event or event.get("RecordType") == "Inbound":
            return reading.read(_mail(event), self.signing, name=words(event, "MessageID"))
        report = _report(event)
        return [] if report is None else [report]


def _report(event: Mapping[str, Any]) -> Report | None:
    became, kind = _became(event)
    if became is None:
        return None
    when = (
        words(event, "BouncedAt")
        or words(event, "DeliveredAt")
        or words(event, "ReceivedAt")
        or words(event, "ChangedAt")
    )
    to = words(event, "Email") or words(event, "Recipient")
    own = words(event, "MessageID")
    record = words(event, "RecordType")
    return Report(
        id=words(event, "ID") or digest(record, own, when, to, words(event, "OriginalLink")),
        became=became,
        at=moment(when),
        provider_id="" if own == NOBODY else own,
        message_id=words(event, "Metadata", MARK),
        to=to,
        dead=became is Became.BOUNCED,
        code=kind,
        reason=brief(words(event, "Details") or words(event, "Description")),
        raw=event,
    )


def _became(event: Mapping[str, Any]) -> tuple[Became | None, str]:
    """What it became, and Postmark's word for why."""
    match words(event, "RecordType"):
        case "Delivery":
            return Became.DELIVERED, ""
        case "Open":
            return opened(words(event, "UserAgent")), ""
        case "Click":
            return Became.CLICKED, ""
        case "Bounce" | "SpamComplaint":
            kind = words(event, "Type")
            return TYPES.get(kind), kind
        case "SubscriptionChange" if at(event, "SuppressSending") is True:
            kind = words(event, "SuppressionReason")
            ours = kind == "ManualSuppression" and words(event, "Origin") != "Recipient"
            return None if ours else TYPES.get(kind), kind
    return None, ""


def _mail(event: Mapping[str, Any]) -> Mail:
    to = [words(event, "OriginalRecipient"), *(words(one, "Email") for one in items(event, "ToFull"))]
    noted = [(words(one, "Name"), words(one, "Value")) for one in items(event, "Headers")]
    back = noted[0][1] if noted and noted[0][0].lower() == "return-path" else None
    if raw := words(event, "RawEmail"):
        return parse(raw.encode(errors="surrogateescape"), sender=back, to=filter(None, to))
    headers = [*noted, ("From", words(event, "FromFull", "Email")), ("Subject", words(event, "Subject"))]
    headers.append(("Date", words(event, "Date")))
    return assembled(
        headers, words(event, "TextBody"), words(event, "HtmlBody"), sender=back, to=filter(None, to)
    )


def _make(settings: Settings) -> Postmark:
    password = settings.password.get_secret_value() if settings.password else ""
    return Postmark(password, username=settings.username, header=settings.header)


REPORTER = Reporter(summary="Postmark's webhooks and inbound mail", settings=Settings, make=_make)
