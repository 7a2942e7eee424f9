"""A real HTTP server on loopback that plays Twilio's Programmable Messaging, and misbehaves on command.

Paths, login, forms, JSON and codes are Twilio's (api.twilio.com, version 2010-04-01); it is strict about what
Twilio is strict about. Whoever takes a message by it finds it in its list, whatever the answer was.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from channels.contract.http_server import Answer, HttpServer, Request

ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "not a secret"
SENDER = "+12025550100"
SERVICE = "MG00000000000000000000000000000001"
SMALLEST_PAGE, LARGEST_PAGE = 1, 1000

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_KNOWN = {"To", "From", "MessagingServiceSid", "Body", "StatusCallback"}


@dataclass
class Text:
    """One message that Twilio has."""

    sid: str
    to: str
    sender: str | None
    service: str | None
    body: str
    callback: str
    created: datetime
    sent: datetime | None = None
    status: str = "queued"
    direction: str = "outbound-api"
    error: int | None = None

    def resource(self) -> dict[str, Any]:
        """The Message resource, as Twilio writes it."""
        return {
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": format_datetime(self.sent) if self.sent else None,
            "date_updated": format_datetime(self.sent or self.created),
            "direction": self.direction,
            "error_code": self.error,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": "0" if self.service else "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{self.sid}/Media.json"},
            "to": self.to,
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{self.sid}.json",
        }


def refusal(status: int, code: int, words: str, headers: Mapping[str, str] | None = None) -> Answer:
    """What Twilio answers to a request it does not carry out."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    content = {"code": code, "message": words, "more_info": more, "status": status}
    return Answer.of(status, content, headers)


class TwilioServer(HttpServer):
    """One account with one number and one messaging service. ``now`` is its clock."""

    def __init__(self) -> None:
        self.texts: list[Text] = []
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.keeps_bodies = True  # or message redaction is on
        self.page = 50
        super().__init__()

    def refuse(self, code: int, *, status: int = 400, times: int = 0, wait: str = "") -> None:
        """Answer each new message with *code*."""
        headers = {"Retry-After": wait} if wait else {}
        self.answering(refusal(status, code, f"no, said of {SENDER}", headers), method="POST", times=times)

    def answer(self, request: Request) -> Answer:
        """Answer as Twilio does."""
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        if (
            request.headers.get("authorization")
            != "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        ):
            return refusal(401, 20003, "Authenticate")
        if request.path != path:
            return refusal(404, 20404, f"The requested resource {request.path} was not found")
        if request.method == "GET":
            return self.listed(path, request.query)
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return refusal(415, 20415, "Unsupported Media Type")
        form = request.form
        assert set(form) <= _KNOWN, form
        return self.refused(form) or self.taken(form)

    def refused(self, form: Mapping[str, str]) -> Answer | None:
        """What is wrong with a new message, if anything is."""
        body, callback = form.get("Body", ""), form.get("StatusCallback", "")
        units = len(body.encode("utf-16-le")) // 2
        if not form.get("To"):
            return refusal(400, 21604, "A 'To' phone number is required.")
        if not _NUMBER.fullmatch(form["To"]):
            return refusal(400, 21211, f"Invalid 'To' Phone Number: {form['To']}")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return refusal(400, 21603, "A 'From' phone number is required.")
        if form.get("From", SENDER) != SENDER:
            return refusal(400, 21659, f"'From' {form['From']} is not a Twilio phone number")
        if form.get("MessagingServiceSid", SERVICE) != SERVICE:
            return refusal(404, 21701, "The Messaging Service does not exist")
        if not body.strip():
            return refusal(400, 21602, "Message body is required.")
        if units > 1600:
            return refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if callback and (not urlsplit(callback).hostname or "_" in str(urlsplit(callback).hostname)):
            return refusal(400, 21609, f"The StatusCallback URL {callback} is not a valid URL.")
        return None

    def taken(self, form: Mapping[str, str]) -> Answer:
        """Keep a new message, and say so."""
        service = form.get("MessagingServiceSid")
        text = Text(
            sid=f"SM{len(self.texts) + 1:032x}",
            to=form["To"],
            sender=None if service else form["From"],
            service=service,
            body=form["Body"],
            callback=form.get("StatusCallback", ""),
            created=self.now(),
            status="accepted" if service else "queued",
        )
        self.texts.append(text)
        return Answer.of(201, text.resource())

    def listed(self, path: str, query: Mapping[str, str]) -> Answer:
        """One page of the messages, the newest first."""
        size, number = int(query.get("PageSize", self.page)), int(query.get("Page", "0"))
        if not SMALLEST_PAGE <= size <= LARGEST_PAGE:
            return refusal(400, 20006, "Page size must be between 1 and 1000")
        size = min(size, self.page)
        found = [text for text in reversed(self.texts) if _fits(text, query)]
        part = found[number * size : (number + 1) * size]
        resources = [text.resource() | ({} if self.keeps_bodies else {"body": ""}) for text in part]

        def at(page: int) -> str:
            return f"{path}?{urlencode({**query, 'PageSize': size, 'Page': page, 'PageToken': f'PT{page}'})}"

        more = (number + 1) * size < len(found)
        return Answer.of(
            200,
            {
                "end": number * size + len(part) - 1,
                "first_page_uri": at(0),
                "messages": resources,
                "next_page_uri": at(number + 1) if more else None,
                "page": number,
                "page_size": size,
                "previous_page_uri": at(number - 1) if number else None,
                "start": number * size,
                "uri": at(number),
            },
        )


def _fits(text: Text, query: Mapping[str, str]) -> bool:
    """Do To, From and DateSent ask for this one? Dates are days in GMT; what was not sent yet has none."""
    day = text.sent.date().isoformat() if text.sent else ""
    return (
        query.get("To", text.to) == text.to
        and query.get("From", text.sender) == text.sender
        and ("DateSent" not in query or day == query["DateSent"][:10])
        and ("DateSent>" not in query or (day != "" and day >= query["DateSent>"][:10]))
        and ("DateSent<" not in query or (day != "" and day <= query["DateSent<"][:10]))
    )
