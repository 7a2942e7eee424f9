"""The providers of a chaos run: mail, texts and push, which err at random and count what they got."""

import re
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any

import trustme

from channels.contract.http_server import (
    CUT_AFTER,
    CUT_BEFORE,
    CUT_WITHIN,
    NONSENSE,
    SLOW,
    Answer,
    HttpServer,
    Request,
)
from tests.contracts.push_servers import Firebase, TokenServer, fcm_refusal
from tests.contracts.smtp_server import CUT, Mail, SmtpServer
from tests.contracts.smtp_server import SLOW as SLOW_MAIL
from tests.contracts.twilio_server import TwilioServer, refusal

MARK = re.compile(r"\[\[(\S+) (\S+)(?: (\S+))?\]\]")  # order, rule and, of a moved date, the date


@dataclass(frozen=True)
class Told:
    """One message that a provider has: what it says, to whom, and by what a copy of it is known."""

    at: float
    channel: str
    to: str
    order: str
    rule: str
    date: str
    identity: str


class Records:
    """What all providers got, in the order in which they got it."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._lock = threading.Lock()

    def note(self, channel: str, to: str, text: str, identity: str) -> None:
        """A message came; whatever carries no mark is to staff."""
        if found := MARK.search(text):
            with self._lock:
                self._told.append(
                    Told(time.time(), channel, to, found[1], found[2], found[3] or "", identity)
                )

    def all(self) -> list[Told]:
        with self._lock:
            return list(self._told)


class Mood:
    """How a provider feels: mostly well, at random not, and for a while very badly.

    *odds* are misdeeds with how many of a thousand requests meet each.
    """

    def __init__(self, random: Random, *odds: tuple[Any, int]) -> None:
        self._random = random
        self._odds = odds
        self._lock = threading.Lock()
        self.times = 1.0  # 0: flawless
        self.did: Counter[str] = Counter()

    def misdeed(self) -> Any:
        with self._lock:
            throw = self._random.random() * 1000
        for misdeed, odds in self._odds:
            throw -= odds * self.times
            if throw < 0:
                self.did[misdeed if isinstance(misdeed, str) else f"{misdeed.status}"] += 1
                return misdeed
        return None


def let_go_on(server: HttpServer) -> None:
    """Give the answers that somebody still waits for."""
    waiting, server.waiting = server.waiting, []
    for connection, answer in waiting:
        server.loop.call_soon_threadsafe(connection.transport.write, answer.written())


class MailServer(SmtpServer):
    """A mail provider with moods."""

    def __init__(self, records: Records, random: Random) -> None:
        self.records = records
        self.mood = Mood(
            random, (CUT, 20), (SLOW_MAIL, 15), ("421 4.3.2 closing", 5), ("450 4.2.1 busy", 1),
            ("550 5.2.2 full", 3),
        )  # fmt: skip
        super().__init__()

    def ordered(self, at: str, to: str = "") -> str:
        if at in {"RCPT", "dot"}:
            return self.mood.misdeed() or ""
        return ""

    def take(self, mail: Mail) -> None:
        super().take(mail)
        parsed = message_from_bytes(mail.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        body = parsed.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        self.records.note("email", mail.to, text, str(parsed["Message-ID"]))
        self.mails.clear()


class TextServer(TwilioServer):
    """Twilio with moods."""

    def __init__(self, records: Records, random: Random) -> None:
        self.records = records
        self.mood = Mood(
            random,
            (CUT_AFTER, 20), (CUT_BEFORE, 10), (CUT_WITHIN, 5), (NONSENSE, 3), (SLOW, 15),
            (refusal(500, 20500, "Internal Server Error"), 5),
            (refusal(429, 20429, "Too Many Requests", {"Retry-After": "2"}), 5),
            (refusal(400, 21614, "not a mobile number"), 3),
        )  # fmt: skip
        super().__init__()

    def ordered(self, method: str) -> Any:
        return self.mood.misdeed()

    def taken(self, form: Any) -> Answer:
        answer = super().taken(form)
        self.records.note("sms", form["To"], form["Body"], self.texts[-1].sid)
        return answer


class _Tokens(TokenServer):
    """Gives one token to whoever asks: clocks are moved here, and no signature is looked at."""

    def answer(self, request: Request) -> Answer:
        self.given = ["ya29.1"]
        return Answer.of(200, {"access_token": "ya29.1", "expires_in": 3599, "token_type": "Bearer"})


class PushServer(Firebase):
    """Firebase with moods, in HTTPS with a certificate that the file *trusted* vouches for."""

    def __init__(self, records: Records, random: Random, trusted: Path) -> None:
        authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)
        authority.cert_pem.write_to_path(str(trusted))
        self.records = records
        self.mood = Mood(
            random,
            (CUT_AFTER, 20), (CUT_BEFORE, 10), (SLOW, 15),
            (fcm_refusal(503, "UNAVAILABLE", code="UNAVAILABLE", wait="2"), 5),
            (fcm_refusal(500, "INTERNAL", code="INTERNAL"), 5),
        )  # fmt: skip
        super().__init__()
        self.tokens.close()
        self.tokens = _Tokens(self.key.public_key())
        self.refusing()
        self.tls = self._at_once = self.context
        self.accepting()

    def ordered(self, method: str) -> Any:
        return self.mood.misdeed()

    def answer(self, request: Request) -> Answer:
        before = len(self.notices)
        answer = super().answer(request)
        for message in self.notices[before:]:
            notice = message["notification"]
            tag = message["android"]["notification"]["tag"]
            self.records.note("push", message["token"], notice["body"], tag)
        self.requests.clear()
        return answer
