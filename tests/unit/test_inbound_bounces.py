"""A bounce counts if an address of ours in it proves which mail it is about, and for what it says."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Misconfigured
from channels.inbound.mail import parse
from channels.inbound.reading import read
from channels.inbound.signed import Signing, Use
from channels.reports import Became, Refused, Reply, Report

MARIA = "maria.keller@example.com"
OURS = "<0b7c6f7e-3d2c-5b53-9b6c-1d2f3a4b5c6d@autohaus-lindner.example>"
BOUNCES = "bounces@mail.autohaus-lindner.example"
SIGNING = Signing(("new key", "old key"), ("lindner.example", "autohaus-lindner.example"))
RETURN_PATH = SIGNING.address(BOUNCES, OURS, Use.BOUNCE)
ANOTHER = SIGNING.address(BOUNCES, OURS.replace("0b7c", "ffff"), Use.BOUNCE)


def dsn(
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "smtp; 550 5.1.1 <maria.keller@example.com>: Recipient address rejected: User unknown",
    *,
    to: str = RETURN_PATH,
    original: str = f"Message-ID: {OURS}",
    kind: str = "text/rfc822-headers",
) -> bytes:
    """A report as Postfix writes it."""
    return f"""Return-Path: <>
Received: by mx.example.net (Postfix) id 4F9D195432C; Mon,  2 Mar 2026 12:46:03 +0100
Date: Mon,  2 Mar 2026 12:46:03 +0100
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="0C5A3195432C.1772452763/mx.example.net"
Message-Id: <20260302114603.4F9D195432C@mx.example.net>

This is a MIME-encapsulated message.

--0C5A3195432C.1772452763/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.net.

--0C5A3195432C.1772452763/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 0C5A3195432C
Arrival-Date: Mon,  2 Mar 2026 12:46:02 +0100

Final-Recipient: rfc822; {MARIA}
Original-Recipient: rfc822;{MARIA}
Action: {action}
Status: {status}
Remote-MTA: dns; aspmx.example.com
Diagnostic-Code: {said}

--0C5A3195432C.1772452763/mx.example.net
Content-Description: Undelivered Message Headers
Content-Type: {kind}

Return-Path: <{RETURN_PATH}>
From: Autohaus Lindner <service@autohaus-lindner.example>
To: {MARIA}
{original}
Subject: Ihr Wagen ist da

--0C5A3195432C.1772452763/mx.example.net--
""".encode()


def reports(raw: bytes, **envelope: object) -> list[Report]:
    found = read(parse(raw, **envelope), SIGNING)  # type: ignore[arg-type]
    assert all(isinstance(one, Report) for one in found)
    return list(found)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_a_bounce_names_the_mail_and_the_reason_and_no_address_that_anybody_could_write(kind: str) -> None:
    (bounced,) = reports(dsn(kind=kind))
    assert bounced.became is Became.BOUNCED
    assert bounced.message_id == OURS
    assert (bounced.to, bounced.dead, bounced.code) == ("", True, "5.1.1")
    assert bounced.reason == f"550 5.1.1 <{MARIA}>: Recipient address rejected: User unknown"
    assert bounced.at is not None
    assert bounced.at.isoformat() == "2026-03-02T12:46:03+01:00"


@pytest.mark.parametrize(
    ("action", "status", "said", "became", "dead"),
    [
        ("failed", "5.1.2", "X-Postfix; Host or domain name not found", Became.BOUNCED, True),
        ("failed", "5.1.10", "smtp; 556 5.1.10 Null MX", Became.BOUNCED, True),
        ("failed", "5.0.0", "smtp; 550-5.1.1 The email account does not exist", Became.BOUNCED, True),
        ("failed", "5.0.0", "smtp; 550 No such user here", Became.BOUNCED, True),
        ("failed (bounced)", "5.1.1 (unknown)", "smtp; 550 no", Became.BOUNCED, True),
        ("failed", "5.2.2", "smtp; 552 5.2.2 mailbox full", Became.BOUNCED, False),
        ("failed", "5.7.1", "smtp; 550 5.7.1 blocked", Became.BOUNCED, False),
        ("failed", "5.7.1", "smtp; 550 5.7.1 user unknown to this list", Became.BOUNCED, False),
        ("failed", "4.4.7", "smtp; 451 4.4.7 gave up after five days", Became.FAILED, False),
        ("delayed", "4.4.1", "X-Postfix; connection timed out", Became.DEFERRED, False),
        ("delayed", "5.1.1", "smtp; 550 5.1.1 no", Became.DEFERRED, False),
        ("delivered", "2.0.0", "smtp; 250 ok", Became.DELIVERED, False),
        ("relayed", "2.0.0", "smtp; 250 ok", Became.ACCEPTED, False),
        ("expanded", "2.0.0", "smtp; 250 ok", Became.ACCEPTED, False),
    ],
)
def test_what_a_report_means(action: str, status: str, said: str, became: Became, dead: bool) -> None:
    (one,) = reports(dsn(action, status, said))
    assert (one.became, one.dead) == (became, dead)


def test_whoever_got_a_mail_cannot_say_that_the_fault_is_ours() -> None:
    (one,) = reports(dsn("failed", "5.7.26", "smtp; 550 5.7.26 not authenticated"))
    assert not one.ours


def test_an_action_nobody_knows_says_nothing() -> None:
    assert reports(dsn("exploded")) == []


@pytest.mark.parametrize(
    "to",
    [
        BOUNCES,
        "",
        RETURN_PATH.replace("bounces+", "bounces+a"),
        RETURN_PATH[:-40] + "a" * 40,
        SIGNING.address(BOUNCES, OURS, Use.REPLY),
        SIGNING.address(BOUNCES, OURS, Use.UNSUBSCRIBE),
        Signing(("another key",)).address(BOUNCES, OURS, Use.BOUNCE),
        RETURN_PATH.partition(".")[0] + "." + ANOTHER.partition(".")[2],
    ],
)
def test_a_bounce_that_no_address_of_ours_proves_changes_nothing(to: str) -> None:
    assert reports(dsn(to=to)) == []


def test_a_proof_for_one_mail_says_nothing_of_another_that_the_report_shows() -> None:
    other = OURS.replace("0b7c", "ffff")
    (one,) = reports(dsn(original=f"Message-ID: {other}"))
    assert one.message_id == OURS


def test_the_envelope_proves_it_too_in_any_case_of_letters_and_by_the_older_key() -> None:
    old = Signing(("old key",)).address(BOUNCES, OURS, Use.BOUNCE)
    (one,) = reports(dsn(to="postmaster@example.net"), to=[old.upper()], sender="")
    assert one.message_id == OURS


def test_a_sender_whose_domain_is_ours_no_more_is_known_by_what_the_report_shows() -> None:
    gone = OURS.replace("autohaus-lindner", "alt")
    to = SIGNING.address(BOUNCES, gone, Use.BOUNCE)
    assert [one.message_id for one in reports(dsn(to=to, original=f"Message-ID: {gone}"))] == [gone]
    assert reports(dsn(to=to)) == []


def test_the_same_report_has_the_same_name_however_often_it_comes() -> None:
    again = dsn().replace(
        b"4F9D195432C; Mon,  2 Mar 2026 12:46:03", b"4F9D195432C; Mon,  2 Mar 2026 13:46:03"
    )
    assert [one.id for one in reports(dsn())] == [one.id for one in reports(again)]


def test_the_signed_address_fits_and_holds_nothing_of_anybody() -> None:
    local = RETURN_PATH.partition("@")[0]
    assert len(local) <= 64
    assert RETURN_PATH.lower() == RETURN_PATH
    for wrong in ("somebody.with.a.long.name@example.com", "twenty-one-characters@example.com"):
        with pytest.raises(Misconfigured):
            SIGNING.address(wrong, OURS, Use.BOUNCE)
    with pytest.raises(Misconfigured):
        Signing().address(BOUNCES, OURS, Use.BOUNCE)


def test_a_complaint_in_the_format_of_feedback_loops_is_known_by_our_return_path() -> None:
    raw = f"""From: <abuse@example.net>
To: <fbl@autohaus-lindner.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{RETURN_PATH}>
Arrival-Date: Mon, 2 Mar 2026 13:00:00 +0100

--b
Content-Type: message/rfc822

From: <service@autohaus-lindner.example>
Message-ID: {OURS}

Hello
--b--
"""
    (one,) = reports(raw.encode())
    assert (one.became, one.message_id) == (Became.COMPLAINED, OURS)
    assert reports(raw.replace(RETURN_PATH, BOUNCES).encode()) == []


def test_an_out_of_office_to_the_return_path_is_no_bounce_and_no_reply() -> None:
    raw = f"From: {MARIA}\nTo: {RETURN_PATH}\nSubject: Urlaub\nAuto-Submitted: auto-replied\n\nIch bin weg."
    assert reports(raw.encode()) == []


def test_a_report_of_the_standard_librarys_own_making_is_read() -> None:
    mail = EmailMessage()
    mail["To"] = RETURN_PATH
    mail["From"] = "mailer-daemon@example.net"
    mail.make_mixed()
    mail.set_type("multipart/report")
    mail.set_param("report-type", "delivery-status")
    status = EmailMessage()
    status["Content-Type"] = "message/delivery-status"
    block = EmailMessage()
    block["Final-Recipient"] = f"rfc822; {MARIA}"
    block["Action"], block["Status"] = "failed", "5.1.1"
    status.set_payload([EmailMessage(), block])
    mail.attach(status)
    (one,) = reports(mail.as_bytes())
    assert (one.became, one.dead) == (Became.BOUNCED, True)


@given(
    st.binary(max_size=400) | st.text(max_size=200).map(lambda text: dsn() + text.encode(errors="replace"))
)
def test_whatever_comes_in_is_read_or_refused(raw: bytes) -> None:
    try:
        found = read(parse(raw), SIGNING)
    except Refused:
        return
    for one in found:
        assert isinstance(one, Report | Reply)
        if isinstance(one, Reply):
            one.text.encode()
            one.subject.encode()


@given(st.integers(0, len(dsn()) - 1), st.binary(max_size=8))
def test_a_damaged_report_never_speaks_of_another_mail(at: int, put: bytes) -> None:
    raw = dsn()
    try:
        found = read(parse(raw[:at] + put + raw[at + len(put) :]), SIGNING)
    except Refused:
        return
    assert all(one.message_id == OURS for one in found if isinstance(one, Report))


def test_the_last_word_is_no_repetition_of_a_delay_where_neither_has_a_name_or_a_date() -> None:
    def told(action: str, status: str) -> str:
        lines = dsn(action, status, "smtp; said").decode().splitlines(keepends=True)
        bare = "".join(line for line in lines if not line.startswith(("Date:", "Message-Id:")))
        (one,) = read(parse(bare.encode()), SIGNING)
        return one.id

    assert told("delayed", "4.4.1") != told("failed", "5.4.7")
    assert told("failed", "5.4.7") == told("failed", "5.4.7")
