"""A mail says exactly what the message says, and no field of it can say anything more."""

import email
import email.header
import email.message
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from email_validator import validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from channels.base import Message, Misconfigured, Rejected
from channels.mime import address, compose

HOSTILE = ["\r\n", "\r", "\n", "\v", "\f", "\u2028", "\u2029", "\x85", "\0", "\x1b", "\ud800"]

MESSAGE = Message(
    id="4711/arrived/1/customer",
    message_id="<4711.arrived@example.com>",
    channel="email",
    to="maria.keller@example.com",
    to_name="Maria Keller",
    subject="Ihr neuer Wagen ist da",
    text="Guten Tag Frau Keller,\n\nIhr Wagen ist da.\n",
    html="<p>Guten Tag Frau Keller, Ihr Wagen ist da.</p>\n",
    sender="service@autohaus-lindner.example",
    sender_name="Autohaus Lindner",
    reply_to="nora.brandt@example.com",
    headers={"List-Unsubscribe": "<https://example.com/u/1>"},
    locale="de-DE",
    at=datetime(2026, 3, 12, 17, 30, tzinfo=UTC),
)


def parsed(message: Message) -> email.message.EmailMessage:
    mail = email.message_from_bytes(compose(message), policy=email.policy.default)
    assert isinstance(mail, email.message.EmailMessage)
    return mail


def body(mail: email.message.EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def carried(text: str) -> str:
    """What of *text* a mail body can carry: line breaks become one kind, and the last line ends."""
    text = text.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def numbered(html: str) -> str:
    """*html* as every reader of HTML takes it to be too: what is beyond ASCII by number."""
    return html.encode("ascii", "xmlcharrefreplace").decode()


def heard(text: str) -> str:
    """What of *text* a header can carry: one line without control characters."""
    return re.sub("[\0-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).encode(errors="replace").decode().strip()


def spoken(field: str, raw: bytes) -> str:
    """The display name in *field*, by the older decoder: the newer puts spaces between encoded words."""
    mail = email.message_from_bytes(raw)
    value = re.sub(r"\r\n(?=[ \t])", "", mail[field])
    name = re.sub(r"\s*<[^<>]*>\Z", "", value)
    if name.startswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return str(email.header.make_header(email.header.decode_header(name)))


PIECES = [*'ab .=_?\\",;:<>@-\t€ü🚗', *HOSTILE, "=?utf-8?q?a?=", "word " * 20, "long" * 30]
texts = st.text() | st.lists(st.sampled_from(PIECES)).map("".join)


@given(texts, texts, texts, texts, texts.filter(bool))
@example("=_" * 40, "a" * 2000, "a  b", "=?utf-8?b?YQ==?=", "From me\n.\n..\n--=_\n")
@example("=?utf-8?q?a?= b", "=?utf-8?q?a?= b", "a b", "=?utf-8?q?a?=", "\r\r\n")
@example("🚗" * 300, "Maria (the second), Keller", "\\", '"', "a" * 1200 + " \n\t\n")
def test_every_text_comes_back_from_the_standard_parser_as_it_was(
    subject: str, to_name: str, sender_name: str, text: str, html: str
) -> None:
    message = replace(
        MESSAGE, subject=subject, to_name=to_name, sender_name=sender_name, text=text, html=html
    )
    mail = parsed(message)
    assert mail["Subject"] == heard(subject)
    assert spoken("To", compose(message)) == heard(to_name)
    assert spoken("From", compose(message)) == heard(sender_name)
    assert [a.addr_spec for a in mail["To"].addresses] == [message.to]
    assert [a.addr_spec for a in mail["From"].addresses] == [message.sender]
    assert body(mail, "plain") == carried(text)
    assert body(mail, "html") in {carried(html), numbered(carried(html))}
    assert not [part.defects for part in mail.walk() if part.defects]


@given(texts, texts, texts, texts)
def test_no_line_is_long_bare_or_eight_bit(subject: str, name: str, text: str, html: str) -> None:
    raw = compose(replace(MESSAGE, subject=subject, to_name=name, sender_name=name, text=text, html=html))
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head = raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert all(line.strip() for line in head.split(b"\r\n"))


@given(texts, texts)
def test_a_plain_mail_has_one_part(subject: str, text: str) -> None:
    mail = parsed(replace(MESSAGE, subject=subject, text=text, html=""))
    assert mail.get_content_type() == "text/plain"
    assert body(mail, "plain") == carried(text)


FIELDS = [
    "id",
    "message_id",
    "channel",
    "to",
    "text",
    "to_name",
    "subject",
    "html",
    "title",
    "link",
    "sender",
]
FIELDS += ["sender_name", "reply_to", "locale", "purpose", "collapse_key"]


@pytest.mark.parametrize("separator", HOSTILE, ids=ascii)
@pytest.mark.parametrize("field", FIELDS)
def test_no_field_can_begin_a_header_of_its_own(field: str, separator: str) -> None:
    honest = set(parsed(MESSAGE).keys())
    hostile = f"{getattr(MESSAGE, field)}{separator}Bcc: jonas.weber@example.com{separator}{separator}body"
    try:
        raw = compose(replace(MESSAGE, **{field: hostile}))  # type: ignore[arg-type]
    except (Rejected, Misconfigured):
        return
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert set(mail.keys()) <= honest
    assert b"\r\nBcc" not in raw.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("separator", HOSTILE, ids=ascii)
def test_no_extra_header_can_begin_another(separator: str) -> None:
    raw = compose(replace(MESSAGE, headers={"X-Note": f"a{separator}Bcc: b@example.com"}))
    assert "Bcc" not in email.message_from_bytes(raw)
    with pytest.raises(Rejected):
        compose(replace(MESSAGE, headers={f"X-Note: a{separator}Bcc": "b@example.com"}))


@pytest.mark.parametrize("name", ["From", "bcc", "Resent-To", "Content-Type", "Message-ID", "", "X Y", "X:"])
def test_a_message_may_not_set_the_headers_that_are_ours(name: str) -> None:
    with pytest.raises(Rejected):
        compose(replace(MESSAGE, headers={name: "x"}))


def test_a_mail_says_who_wrote_when_and_that_nobody_should_answer_automatically() -> None:
    mail = parsed(MESSAGE)
    assert mail["From"] == "Autohaus Lindner <service@autohaus-lindner.example>"
    assert mail["To"] == "Maria Keller <maria.keller@example.com>"
    assert mail["Reply-To"] == "nora.brandt@example.com"
    assert mail["Message-ID"] == "<4711.arrived@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["MIME-Version"] == "1.0"
    assert mail["Content-Language"] == "de-DE"
    assert parsedate_to_datetime(mail["Date"]) == MESSAGE.at
    assert mail.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    "name", ["Aylin Demir", "Jörg Müller", "Keller, Maria", 'M. "Mia" Keller \\', "=?utf-8?q?a?="]
)
def test_a_name_reads_as_it_is_written(name: str) -> None:
    assert parsed(replace(MESSAGE, to_name=name))["To"].addresses[0].display_name == name


def test_a_link_to_unsubscribe_is_never_folded_or_encoded() -> None:
    link = f"<https://example.com/u/{'x' * 300}>"
    raw = compose(replace(MESSAGE, headers={"List-Unsubscribe": link}))
    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in raw


def test_the_same_message_is_the_same_bytes() -> None:
    assert compose(MESSAGE) == compose(replace(MESSAGE))


def test_a_body_that_knows_the_boundary_cannot_end_its_part() -> None:
    boundary = parsed(MESSAGE).get_boundary()
    text = f"one\n--{boundary}\nContent-Type: text/html\n\ntwo\n--{boundary}--\n"
    mail = parsed(replace(MESSAGE, text=text))
    assert body(mail, "plain") == text
    assert body(mail, "html") == MESSAGE.html


def test_a_mail_without_a_moment_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match=r"Message\.at"):
        compose(replace(MESSAGE, at=None))


def test_a_bad_sender_is_our_mistake_and_a_bad_recipient_theirs() -> None:
    with pytest.raises(Misconfigured):
        compose(replace(MESSAGE, sender="service"))
    with pytest.raises(Rejected):
        compose(replace(MESSAGE, to="maria.keller"))


def test_a_mail_mostly_of_other_scripts_is_base64_and_one_with_umlauts_stays_readable() -> None:
    assert b"base64" in compose(replace(MESSAGE, text="Машина готова. " * 20, html=""))
    assert b"f=C3=BCr Sie" in compose(replace(MESSAGE, text="Ihr neuer Wagen ist für Sie da.", html=""))


def test_html_with_umlauts_travels_as_it_is_with_the_letters_by_number() -> None:
    raw = compose(replace(MESSAGE, html="<style>a {}</style>\n<p>für Sie</p>\n"))
    assert b"<style>a {}</style>\r\n<p>f&#252;r Sie</p>\r\n" in raw
    assert b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit" in raw


@pytest.mark.parametrize(
    "html",
    [
        "<style>a::before { content: '→' }</style><p>für Sie</p>",  # a style sheet knows no numbers
        f"<p>{'für Sie ' * 200}</p>",  # RFC 5322 2.1.1: no line longer than 998
    ],
)
def test_html_that_numbers_cannot_carry_is_quoted_printable_and_the_same(html: str) -> None:
    message = replace(MESSAGE, html=html)
    assert b"text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable" in compose(message)
    assert body(parsed(message), "html") == carried(html)


@pytest.mark.parametrize(
    ("written", "envelope"),
    [
        ("maria.keller@example.com", "maria.keller@example.com"),
        ("maria@münchen.example", "maria@xn--mnchen-3ya.example"),
        ("jörg@example.com", "jörg@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
    ],
)
def test_a_domain_goes_into_the_envelope_in_ascii(written: str, envelope: str) -> None:
    assert address(written) == envelope


@pytest.mark.parametrize(
    "text",
    [
        "",
        "maria",
        "@example.com",
        "a@b@example.com",
        "a..b@example.com",
        "a@example",
        "a@-b.example",
        "a@example.com\n",
        "<a@example.com>",
        "a b@example.com",
        "a@[127.0.0.1]",
        "a" * 10_000 + "@example.com",
    ],
)
def test_what_is_no_mailbox_is_rejected(text: str) -> None:
    with pytest.raises(Rejected):
        address(text)


@given(st.from_regex(r"[a-zA-Z0-9_+.-]{1,8}@[a-zA-Z0-9-]{1,6}(\.[a-zA-Z0-9-]{1,6}){1,2}", fullmatch=True))
def test_the_short_way_to_an_address_agrees_with_the_long_one(text: str) -> None:
    try:
        short = address(text)
    except Rejected:
        return
    valid = validate_email(text, check_deliverability=False, test_environment=True)
    assert short.lower() == valid.normalized.lower()
