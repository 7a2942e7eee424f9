"""Mail that left by SMTP comes back: by a provider's callbacks, as a bounce, as a wish, never forged."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.base import Message, Receipt
from channels.email import EmailChannel
from channels.inbound.signed import Signing
from channels.inbound.signed import Use as Address
from channels.kinds.email import MARKS
from channels.reporters.mailgun import Mailgun
from channels.reporters.postmark import Postmark
from channels.reports import Reporting
from orchestrator.callbacks import Caller
from orchestrator.model import Status
from orchestrator.sending.senders import Sender
from orchestrator.sending.suppressions import listed
from orchestrator.sending.ways_back import WaysBack
from tests.contracts.mail_callbacks import MAILGUN_KEY, basic, mailgun_signature, multipart
from tests.contracts.smtp_server import SmtpServer
from tests.installation import Home, home
from tests.integration.calling_back import became, consent, events, listening
from tests.integration.dealership import MARIA, RULES, START, Dealership, arrived, customer, order

__all__ = ["home"]

KEY = "a key of thirty-two characters!!"
BOUNCES, REPLIES = "bounces@lindner.example", "answer@lindner.example"
SIGNING = Signing((KEY,), ("lindner.example",))
POSTMARK = Caller("postmark", "email")
MAILGUN = Caller("mailgun", "email")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def lindner(tmp_path: Path, server: SmtpServer) -> Iterator[Dealership]:
    made = house(tmp_path, server)
    yield made
    made.close()


def house(folder: Path, server: SmtpServer, **more: Any) -> Dealership:
    ways = WaysBack(SIGNING, BOUNCES, REPLIES)
    return Dealership(folder, {"email": Mailing(server)}, ways=ways, **more)


class Mailing:
    """The channel, made anew for each event loop of a test."""

    name = "email"

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self.abilities = self._make().abilities

    def _make(self) -> EmailChannel:
        return EmailChannel(self._server.host, self._server.port, "none", marks=MARKS["postmark"])

    async def send(self, message: Message) -> Receipt:
        channel = self._make()
        try:
            return await channel.send(message)
        finally:
            await channel.close()

    async def close(self) -> None:
        """Each mail had a connection of its own."""


def mail_maria(made: Dealership, server: SmtpServer) -> Any:
    """Her car arrives, and she gets a mail; returns what the server took."""
    made.hear(customer(), order(), arrived())
    made.drain()
    (mail,) = server.mails
    return mail


@contextmanager
def calls(made: Dealership) -> Iterator[httpx.Client]:
    """The providers' way to us."""
    postmark, mailgun = Postmark("secret", username="postmark"), Mailgun(MAILGUN_KEY)
    postmark.signing = mailgun.signing = SIGNING
    readers: dict[Caller, Reporting] = {POSTMARK: postmark, MAILGUN: mailgun}
    with listening(made, readers) as caller, httpx.Client(base_url=caller.url) as client:
        yield client


def from_postmark(client: httpx.Client, event: Any, password: str = "secret") -> int:
    headers = {"Authorization": basic("postmark", password)}
    return client.post("/callbacks/postmark", json=event, headers=headers).status_code


def message_id(mail: Any) -> str:
    return next(
        line.partition(b": ")[2].decode().strip()
        for line in mail.content.split(b"\r\n")
        if line.lower().startswith(b"message-id:")
    )


def dsn(mail: Any, to: str, action: str = "failed", status: str = "5.1.1") -> str:
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Thu, 12 Mar 2026 10:01:00 +0100
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
Message-Id: <{action}{status}@mx.example.net>

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {mail.to}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{mail.to}>: no such user

--b--
"""


def by_route(client: httpx.Client, raw: str, to: str, token: str = "t", **more: str) -> int:
    fields = {**mailgun_signature(token, START), "recipient": to, "sender": "", "body-mime": raw, **more}
    body, kind = multipart(fields)
    return client.post("/callbacks/mailgun", content=body, headers={"Content-Type": kind}).status_code


# ── by a provider's callbacks ────────────────────────────────────────────────


def test_postmark_names_the_mail_by_what_we_told_it_and_ranks_never_go_back(
    lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    about = {"MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Metadata": {"message": message_id(mail)}}
    delivered = {"RecordType": "Delivery", "Recipient": MARIA, "DeliveredAt": f"{START.isoformat()}", **about}
    with calls(lindner) as client:
        assert from_postmark(client, delivered) == 200
        assert from_postmark(client, delivered) == 200
        assert from_postmark(client, {"RecordType": "Open", "UserAgent": "Mozilla/5.0", **about}) == 200
    assert became(lindner.ledger) == ["delivered", "machine_open"]


def test_a_hard_bounce_by_postmark_takes_the_telling_back_and_the_address_gets_nothing_more(
    lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    bounce = {
        "RecordType": "Bounce", "ID": 1, "Type": "HardBounce", "Email": MARIA, "MessageID": "x",
        "Metadata": {"message": message_id(mail)}, "Details": f"smtp;550 5.1.1 <{MARIA}> unknown",
    }  # fmt: skip
    with calls(lindner) as client:
        assert from_postmark(client, bounce, "wrong") == 403
        assert became(lindner.ledger) == []
        assert from_postmark(client, bounce) == 200
    assert became(lindner.ledger) == ["bounced"]
    (suppressed,) = lindner.suppressions()
    assert MARIA not in suppressed.reason


# ── bounces ──────────────────────────────────────────────────────────────────


def test_every_mail_has_a_return_path_and_a_reply_address_of_its_own(
    lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    assert SIGNING.proven(mail.sender, Address.BOUNCE) == message_id(mail)
    (reply_to,) = (line for line in mail.content.split(b"\r\n") if line.startswith(b"Reply-To:"))
    assert SIGNING.proven(reply_to.decode(), Address.REPLY) == message_id(mail)
    assert b"BX-1" not in mail.content


def test_a_mail_that_is_tried_again_under_other_settings_comes_back_as_the_mail_it_is(
    lindner: Dealership, server: SmtpServer
) -> None:
    server.answering("451 4.3.0 later", at="RCPT", times=1)
    lindner.hear(customer(), order(), arrived())
    lindner.drain()
    assert not server.mails
    lindner.sender = Sender("service@new.example", postal_address="Ludwigstr. 1, 80539 Munich")
    lindner.dispatcher._composer = lindner.composer()
    lindner.pass_time(timedelta(hours=1))
    (mail,) = server.mails
    assert b"<service@new.example>" in mail.content
    assert message_id(mail).endswith("@lindner.example>")
    assert SIGNING.proven(mail.sender, Address.BOUNCE) == message_id(mail)


def test_a_bounce_to_our_signed_return_path_suppresses_the_address(
    lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    with calls(lindner) as client:
        assert by_route(client, dsn(mail, mail.sender), mail.sender) == 200
    assert became(lindner.ledger) == ["bounced"]
    assert len(lindner.suppressions()) == 1


@pytest.mark.parametrize(
    "forged", [BOUNCES, "bounces+aaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa@lindner.example"]
)
def test_a_bounce_to_any_other_address_changes_nothing(
    lindner: Dealership, server: SmtpServer, forged: str
) -> None:
    mail = mail_maria(lindner, server)
    with calls(lindner) as client:
        assert by_route(client, dsn(mail, forged), forged) == 200
        assert by_route(client, dsn(mail, mail.sender), mail.sender, "u", signature="00") == 403
    assert became(lindner.ledger) == []
    assert lindner.suppressions() == []


def test_a_delay_is_no_failure_and_a_bounce_after_it_is_one(lindner: Dealership, server: SmtpServer) -> None:
    mail = mail_maria(lindner, server)
    with calls(lindner) as client:
        by_route(client, dsn(mail, mail.sender, "delayed", "4.4.1"), mail.sender, "one")
        assert lindner.entry().status is Status.ACCEPTED
        by_route(client, dsn(mail, mail.sender, "failed", "4.4.7"), mail.sender, "two")
    assert became(lindner.ledger) == ["deferred", "failed"]
    assert lindner.suppressions() == []


def test_a_bounce_never_suppresses_anybody_but_whom_the_mail_went_to(
    lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    forged = dsn(mail, mail.sender).replace(mail.to, "jonas.weber@example.com")
    with calls(lindner) as client:
        assert by_route(client, forged, mail.sender) == 200
    with lindner.ledger.read() as tx:
        assert listed(tx, [("email", "jonas.weber@example.com")]) == []
        assert listed(tx, [("email", MARIA)])


JONAS = "jonas.weber@example.com"


@pytest.mark.parametrize(("sender", "counts"), [(MARIA, True), (MARIA.upper(), True), (JONAS, False)])
def test_an_unsigned_wish_for_no_more_counts_from_whoever_got_the_mail(
    tmp_path: Path, server: SmtpServer, sender: str, counts: bool
) -> None:
    rules = RULES.replace("say: arrived", "say: arrived\n    purpose: relationship")
    made = house(tmp_path, server, rules_text=rules)
    mail = mail_maria(made, server)
    with calls(made) as client:
        subject = f"unsubscribe {message_id(mail).strip('<>')}"
        raw = f"From: {sender}\nTo: hello@lindner.example\nSubject: {subject}\n\n"
        assert by_route(client, raw, "hello@lindner.example") == 200
    last = consent(made.ledger, purpose="relationship", channel="email")
    made.close()
    assert (last is not None) is counts


def test_an_answer_to_our_signed_address_is_kept_on_the_order_without_what_it_quotes(
    lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    to = SIGNING.address(REPLIES, message_id(mail), Address.REPLY)
    raw = f"From: Maria <{MARIA}>\nTo: {to}\nSubject: Re: It is here\n\nAt ten, please.\n\n> it is here."
    with calls(lindner) as client:
        assert by_route(client, raw, to, sender=MARIA) == 200
        assert by_route(client, raw, to, sender=MARIA) == 200
        assert by_route(client, raw.replace("ten,", "ten?"), to, sender=MARIA) == 403
    (event,) = events(lindner.ledger, kind="message.replied")
    assert (event.data["text"], event.data["message"]) == ("At ten, please.", lindner.entry().key)


def test_an_out_of_office_is_no_answer(lindner: Dealership, server: SmtpServer) -> None:
    mail = mail_maria(lindner, server)
    to = SIGNING.address(REPLIES, message_id(mail), Address.REPLY)
    raw = f"From: {MARIA}\nTo: {to}\nSubject: Away\nAuto-Submitted: auto-replied\n\nI am away. STOP"
    with calls(lindner) as client:
        assert by_route(client, raw, to) == 200
    assert events(lindner.ledger, kind="message.replied") == []
    assert consent(lindner.ledger, channel="email") is None


def test_a_wish_for_no_more_by_mail_is_a_withdrawal(tmp_path: Path, server: SmtpServer) -> None:
    made = house(
        tmp_path, server, rules_text=RULES.replace("say: arrived", "say: arrived\n    purpose: relationship")
    )
    mail = mail_maria(made, server)
    to = SIGNING.address(REPLIES, message_id(mail), Address.UNSUBSCRIBE)
    assert to.replace("+", "%2B").encode() in mail.content or to.encode() in mail.content
    with calls(made) as client:
        raw = f"From: {MARIA}\nTo: {to}\nSubject: unsubscribe {message_id(mail).strip('<>')}\n\n"
        assert by_route(client, raw, to) == 200
    last = consent(made.ledger, purpose="relationship", channel="email")
    made.close()
    assert last is not None
    assert not last.given


@pytest.mark.parametrize(("proven", "taken_back"), [(True, True), (False, False)])
def test_start_by_mail_counts_where_it_answers_a_mail_that_went_to_that_mailbox(
    lindner: Dealership, server: SmtpServer, proven: bool, taken_back: bool
) -> None:
    mail = mail_maria(lindner, server)
    to = SIGNING.address(REPLIES, message_id(mail), Address.REPLY)
    with calls(lindner) as client:
        assert by_route(client, f"From: {MARIA}\nTo: {to}\nSubject: Re\n\nSTOP", to, sender=MARIA) == 200
        lindner.clock.advance(timedelta(minutes=1))
        back = to if proven else REPLIES
        raw = f"From: {MARIA}\nTo: {back}\nSubject: Re\n\nSTART"
        assert by_route(client, raw, back, "second", sender=MARIA) == 200
    last = consent(lindner.ledger, channel="email")
    assert last is not None
    assert last.given is taken_back
    assert len(events(lindner.ledger, kind="message.replied")) == (0 if taken_back else 1)


# ── by the pipe of a mail server ─────────────────────────────────────────────


@pytest.fixture
def installed(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An installation that signs with the same key as the dealership, for a mailbox of the same domain."""
    monkeypatch.setenv("BEFOREHAND_SERVER__SIGNING_KEYS", f"a newer one of as many characters, {KEY}")
    monkeypatch.setenv("BEFOREHAND_SENDER__BOUNCES", BOUNCES)
    monkeypatch.setenv("BEFOREHAND_SENDER__EMAIL", "hello@lindner.example")
    return home


def piped(home: Home, monkeypatch: pytest.MonkeyPatch, raw: str, *options: str) -> tuple[int, str, str]:
    class Stdin:
        buffer = io.BytesIO(raw.encode())

    monkeypatch.setattr(sys, "stdin", Stdin())
    return home.run("receive", *options)


def test_a_bounce_through_the_pipe_counts_once_however_often_the_server_brings_it(
    installed: Home, monkeypatch: pytest.MonkeyPatch, lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", f"sqlite:///{lindner.folder / 'ledger.db'}")
    for said in ("1 event kept\n", "nothing new: it was kept before\n"):
        code, out, _ = piped(installed, monkeypatch, dsn(mail, "postmaster@x.example"), "--to", mail.sender)
        assert (code, out) == (0, said)
    assert became(lindner.ledger) == ["bounced"]
    assert len(lindner.suppressions()) == 1


def test_what_the_pipe_brings_and_nothing_of_ours_proves_changes_nothing(
    installed: Home, monkeypatch: pytest.MonkeyPatch, lindner: Dealership, server: SmtpServer
) -> None:
    mail = mail_maria(lindner, server)
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", f"sqlite:///{lindner.folder / 'ledger.db'}")
    code, out, _ = piped(installed, monkeypatch, dsn(mail, BOUNCES), "--to", BOUNCES)
    assert (code, out) == (0, "nothing in it is proven to be ours\n")
    assert became(lindner.ledger) == []


def test_the_pipe_refuses_what_is_no_mail(installed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = piped(installed, monkeypatch, "")
    assert code == 1
    assert "no mail" in err


def test_while_it_cannot_be_kept_the_mail_server_keeps_it(
    installed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = "From: x@example.com\nTo: bounces@x.example\n\nhello"
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", "sqlite:////nowhere/at/all.db")
    assert piped(installed, monkeypatch, mail)[0] == 75
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", "nonsense")
    assert piped(installed, monkeypatch, mail)[0] == 75
