"""Twilio calling back: signed forms to the address a message named, whatever server really listens there.

It signs as Twilio documents it (twilio.com/docs/usage/security), and not with Twilio's library: that is what
the other side uses.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import httpx

from tests.contracts.twilio_server import ACCOUNT, SENDER, TOKEN, Text

OURS = "https://hooks.lindner.example"


def signature(address: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    """HMAC-SHA1 over the address and the sorted form."""
    said = address + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


class TwilioCalling:
    """Calls :data:`OURS`, which is really at *url*."""

    def __init__(self, url: str, public: str = OURS) -> None:
        self.url, self.public = url, public

    def report(self, text: Text, status: str, **more: str) -> httpx.Response:
        """Say what became of a text, where it asked for that."""
        form = {
            "SmsSid": text.sid, "SmsStatus": status, "MessageStatus": status, "To": text.to,
            "MessageSid": text.sid, "AccountSid": ACCOUNT, "From": text.sender or SENDER,
            "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return self.post(text.callback, form | more)

    def reply(self, sid: str, sender: str, body: str, **more: str) -> httpx.Response:
        """Pass on what somebody wrote to our number."""
        form = {
            "ToCountry": "US", "SmsMessageSid": sid, "NumMedia": "0", "SmsSid": sid, "SmsStatus": "received",
            "FromCountry": "DE", "Body": body, "To": SENDER, "NumSegments": "1", "MessageSid": sid,
            "AccountSid": ACCOUNT, "From": sender, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return self.post(f"{self.public}/callbacks/sms", form | more)

    def post(
        self,
        address: str,
        form: Mapping[str, str],
        *,
        signed: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> httpx.Response:
        """Call *address*, signed by the form unless told."""
        proof = signature(address, form) if signed is None else signed
        split = urlsplit(address)
        sent = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "Host": split.netloc,
            "User-Agent": "TwilioProxy/1.1",
            **({"X-Twilio-Signature": proof} if proof else {}),
            **(headers or {}),
        }
        where = f"{self.url}{split.path}" + (f"?{split.query}" if split.query else "")
        content = urlencode(form).encode() if body is None else body
        return httpx.post(where, content=content, headers=sent, timeout=10)
