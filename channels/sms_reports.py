"""What Twilio calls back: status callbacks of texts, and texts that people write to us.

Both are forms signed with ``X-Twilio-Signature`` (twilio.com/docs/usage/security): HMAC-SHA1 with the
account's token over the public address and the sorted form, so that no host a request names plays a part.
Callbacks come twice and in any order; a status is said once for each text.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from twilio.request_validator import RequestValidator

from channels import sms_callback, sms_codes
from channels.base import Misconfigured, Rejected
from channels.reports import Became, Callback, Forged, Reply, Report, Unreadable

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200  # Twilio sends about twenty

STATUSES: Mapping[str, Became] = {
    "accepted": Became.ACCEPTED,
    "scheduled": Became.ACCEPTED,
    "queued": Became.ACCEPTED,
    "sending": Became.ACCEPTED,
    "sent": Became.ACCEPTED,  # the carrier has it
    "delivered": Became.DELIVERED,
    "read": Became.OPENED,
    "undelivered": Became.FAILED,
    "failed": Became.FAILED,
    "canceled": Became.FAILED,
}
"""Twilio's status of a message (twilio.com/docs/messaging/api/message-resource) → what became of it."""


class _Form(dict[str, list[str]]):
    """A form as the validator asks for it."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def read(callback: Callback, token: str, addresses: Iterable[str]) -> list[Report | Reply]:
    """Return what a callback to one of our public *addresses* says; raises Forged or Unreadable."""
    signature = callback.headers.get("x-twilio-signature", "")
    if not signature:
        raise Forged("it has no signature of Twilio's")
    form = _form(callback)
    validator = RequestValidator(token)
    if not any(validator.validate(address, form, signature) for address in addresses):
        raise Forged("its signature is not Twilio's for this address and this account")
    fields = {name: values[-1] for name, values in form.items()}
    sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
    if not sid:
        raise Unreadable("it names no message")
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    if status in ("received", "receiving"):
        return [_reply(sid, fields)]
    if status not in STATUSES:
        return []  # one that Twilio invented since
    return _reports(sid, status, sms_callback.entry_of(callback.query, token) or "", fields)


def answer(words: Sequence[str]) -> tuple[str, bytes]:
    """TwiML that answers a text with *words*, or with nothing."""
    said = "".join(f"<Message>{escape(text)}</Message>" for text in words)
    return "text/xml", f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'.encode()


def _form(callback: Callback) -> _Form:
    if callback.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unreadable("it is no form")
    try:
        pairs = parse_qsl(
            callback.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:  # UnicodeDecodeError is one, too
        raise Unreadable("its form cannot be read: it is not UTF-8, or far too long") from None
    form = _Form()
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _reports(sid: str, status: str, key: str, fields: Mapping[str, str]) -> list[Report | Reply]:
    became, code = STATUSES[status], fields.get("ErrorCode", "")
    meant = sms_codes.meaning(int(code)) if code.isdecimal() and became is Became.FAILED else None
    dead = isinstance(meant, Rejected) and meant.suppress
    opted_out = isinstance(meant, Rejected) and meant.opted_out
    said = Report(
        id=f"{sid}:{status}",
        became=Became.BOUNCED if dead else became,
        key=key,
        provider_id=sid,
        to=fields.get("To", ""),
        dead=dead,
        ours=isinstance(meant, Misconfigured),
        code=code if became is Became.FAILED else "",
        reason=meant.reason if meant is not None else fields.get("ErrorMessage", ""),
        raw=dict(fields),
    )
    if not opted_out:
        return [said]
    return [
        said,
        Report(
            f"{sid}:opted out", Became.UNSUBSCRIBED, None, key, sid, to=said.to, code=code, reason=said.reason
        ),
    ]


def _reply(sid: str, fields: Mapping[str, str]) -> Reply:
    return Reply(
        id=sid,
        sender=fields.get("From", ""),
        text=fields.get("Body", ""),
        to=fields.get("To", ""),
        wish=fields.get("OptOutType", "").lower(),
        raw=dict(fields),
    )
