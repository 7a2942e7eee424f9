"""Text messages through Twilio's Programmable Messaging (2010-04-01/Accounts/…/Messages).

A text is posted without Twilio's library, which takes longer over it than the request itself; the library
reads the lists, of which there are few.

Twilio knows no idempotency key. Once the request has left, an answer that does not come, or a 5xx, is
:class:`~channels.base.Unknown`: :meth:`SmsChannel.find` looks among the messages that Twilio has before
anything is sent again.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import phonenumbers
from twilio.base.exceptions import TwilioException

from channels import sms_callback, sms_reports
from channels.base import Message, Misconfigured, Receipt, Rejected, Unknown
from channels.http_client import HttpClient
from channels.kinds.sms import KIND
from channels.reports import Callback, Reply, Report
from channels.sms_requests import Requests, form_of, taken

LONGEST = KIND.abilities.max_length or 0  # characters; Twilio refuses more (21617)
HISTORY = 1000  # the most that one list has; no customer gets as many
SKEW = timedelta(days=1)  # how far ours may run ahead of Twilio's: one set wrong is wrong by hours
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NONSENSE = (ValueError, TypeError, AttributeError, KeyError, TwilioException)


class SmsChannel:
    """Sends from one number or sender id, or through one messaging service, in one event loop.

    *country* (ISO 3166) is where numbers without a country belong. *callback* is where Twilio reports what
    became of a message. *url* is where Twilio is. Timeouts in seconds: *connect* for TCP and TLS, *answer*
    for Twilio's answer; at most *connections* requests are under way at once.
    """

    name = "sms"

    def __init__(
        self,
        account: str,
        token: str,
        *,
        sender: str = "",
        service: str = "",
        country: str = "",
        callback: str = "",
        url: str = "https://api.twilio.com",
        connections: int = 16,
        connect: float = 10,
        answer: float = 30,
    ) -> None:
        if not (account and token):
            raise Misconfigured("sms: Twilio's account and its token are needed")
        if not (sender or service):
            raise Misconfigured("sms: a sender or a messaging service is needed")
        if country and country not in phonenumbers.SUPPORTED_REGIONS:
            raise Misconfigured("sms: the country is no ISO 3166 code, such as DE")
        self.abilities = replace(KIND.abilities, concurrency=connections)
        sender_or_service = {"From": sender, "MessagingServiceSid": service}
        self._from = {name: value for name, value in sender_or_service.items() if value}
        self._account, self._token = account, token
        self._country, self._callback, self._url = country, callback, url
        self._http = HttpClient(answer, connect=connect, at_once=connections)
        self._texts = f"{url}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._headers = {
            "Accept": "application/json",
            "Authorization": aiohttp.encode_basic_auth(account, token),
            "Content-Type": "application/x-www-form-urlencoded",
        }

    async def send(self, message: Message) -> Receipt:
        """Hand *message* over as one text, in as many segments as it takes; the receipt has Twilio's SID."""
        form = {"To": e164(message.to, self._country), "Body": message.text, **self._from}
        if len(message.text) > LONGEST:
            raise Rejected(f"the text has more than {LONGEST} characters")
        if self._callback:
            form["StatusCallback"] = sms_callback.signed(self._callback, message.id, self._token)
        answer = taken(await self._http.post(self._texts, self._headers, form_of(form)))
        try:
            told = orjson.loads(answer)
            return _receipt(told["sid"], told["status"], told["num_segments"])
        except _NONSENSE as nonsense:
            raise Unknown("Twilio's answer makes no sense", raw=type(nonsense).__name__) from None

    async def find(self, message: Message, since: datetime, others: Collection[str]) -> Receipt | None:
        """Look for *message*, tried *since* then, among what Twilio has: the same text to the same number.

        A text whose SID is one of *others* belongs to another message, whatever it says.

        All that Twilio has for that number is asked for: what still waits in its queue has no ``DateSent`` to
        be found by.
        """
        try:
            to = e164(message.to, self._country)
            listed = await self._client().messages.list_async(to=to, limit=HISTORY)
            recent = [
                one
                for one in listed
                if one.direction != "inbound" and one.date_created >= since - SKEW and one.sid not in others
            ]
            found = next((one for one in recent if _words(one.body) == _words(message.text)), None)
            if found is not None:
                return _receipt(found.sid, found.status, found.num_segments)
        except _NONSENSE as nonsense:
            raise Unknown("Twilio's list makes no sense", raw=type(nonsense).__name__) from None
        if any(not one.body for one in recent):
            raise Unknown("Twilio does not keep what texts say: nobody can tell if this is one of them")
        return None

    async def read(self, callback: Callback, now: datetime) -> list[Report | Reply]:  # noqa: ARG002
        """Return what Twilio calls back; raises Forged or Unreadable. Its signatures never grow old."""
        _, mark, query = callback.url.partition("?")
        own = [f"{self._callback}{mark}{query}"] if self._callback else []
        return sms_reports.read(callback, self._token, dict.fromkeys((callback.url, *own)))

    def answer(self, words: Sequence[str]) -> tuple[str, bytes]:
        """What makes Twilio answer a text with *words*."""
        return sms_reports.answer(words)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()

    def _client(self) -> Any:
        """Twilio's library, over our connections."""
        from twilio.rest import Client  # 0.3 s

        nowhere = {"TWILIO_REGION": ""}  # so that nothing of the environment redirects us
        client = Client(self._account, self._token, http_client=Requests(self._http), environment=nowhere)
        client.api.base_url = self._url
        return client


def e164(number: str, country: str) -> str:
    """*number* as ``+493023125123``; a national one belongs to *country*. One that is so already is kept."""
    if _E164.fullmatch(number):
        return number
    try:
        parsed = phonenumbers.parse(number, country or None)
    except phonenumbers.NumberParseException as error:
        national = error.error_type == error.INVALID_COUNTRY_CODE and not number.strip().startswith("+")
        if national and not country:
            raise Rejected("a number without its country", raw=number) from None
        raise Rejected("no telephone number", raw=number) from None
    if not phonenumbers.is_possible_number(parsed):
        raise Rejected("no telephone number: its length is wrong", raw=number)
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _receipt(sid: Any, status: Any, segments: Any) -> Receipt:
    if not isinstance(sid, str) or not sid:
        raise ValueError("no SID")
    return Receipt(sid, {"status": status, "segments": segments})


def _words(text: str | None) -> list[str]:
    return (text or "").split()
