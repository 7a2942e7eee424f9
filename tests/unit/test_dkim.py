"""What we sign, another implementation of DKIM verifies, and whoever changes it is found out."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.base import Attachment, Message, Misconfigured, Rejected
from channels.dkim import SIGNED, Signer
from channels.mime import compose

MESSAGE = Message(
    id="o-1/arrived",
    message_id="<1@autohaus-lindner.example>",
    channel="email",
    to="maria.keller@example.com",
    to_name="Maria Keller",
    subject="Ihr Wagen ist da",
    text="Guten Tag Maria,\n\nIhr  Wagen\tist da.  \n\n\n",
    html="<p>Ihr Wagen ist da.</p>",
    sender="news@autohaus-lindner.example",
    sender_name="Autohaus Lindner, München",
    headers={
        "List-Unsubscribe": "<https://updates.example.com/unsubscribe/token>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
    at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_RECORD = b"v=DKIM1; k=rsa; p=" + b"".join(
    RSA.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .splitlines()[1:-1]
)
SIGNER = Signer("summer26", pem(RSA))


def record(name: bytes, timeout: int = 5) -> bytes:
    """What DNS says."""
    assert name == b"summer26._domainkey.autohaus-lindner.example.", name
    return RSA_RECORD


def verified(mail: bytes) -> bool:
    return bool(dkim.verify(mail, dnsfunc=record))


def signed(message: Message = MESSAGE) -> bytes:
    return SIGNER.signed(compose(message), message.sender)


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE,
        replace(MESSAGE, html=""),
        replace(MESSAGE, text="", html=""),
        replace(MESSAGE, headers={}, reply_to="nora.brandt@example.com"),
        replace(MESSAGE, subject="Ihr Wagen, der lange unterwegs war, steht bereit: " + "ä" * 200),
        replace(MESSAGE, attachments=(Attachment("a.txt", "text/plain; charset=utf-8", b"x" * 500),)),
        replace(MESSAGE, text="." * 3 + "\n..\n--=_x\n" + "€" * 2000),
    ],
)
def test_a_signed_mail_is_verified(message: Message) -> None:
    assert verified(signed(message))


@settings(max_examples=40)
@given(text=st.text(max_size=80), subject=st.text(max_size=60), name=st.text(max_size=30))
def test_whatever_a_mail_says_its_signature_is_right(text: str, subject: str, name: str) -> None:
    try:
        mail = signed(replace(MESSAGE, text=text, subject=subject, to_name=name))
    except Rejected:
        return
    assert verified(mail)


def test_ed25519_signs_too() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    mail = Signer("s", pem(key)).signed(compose(MESSAGE), MESSAGE.sender)
    assert b"a=ed25519-sha256" in mail
    assert dkim.verify(mail, dnsfunc=lambda _name, timeout=5: b"v=DKIM1; k=ed25519; p=" + b64encode(raw))
    other = b64encode(bytes(reversed(raw)))
    assert not dkim.verify(mail, dnsfunc=lambda _name, timeout=5: b"v=DKIM1; k=ed25519; p=" + other)


@pytest.mark.parametrize(
    ("what", "by"),
    [
        (b"Ihr Wagen ist da.", b"Ihr Wagen ist weg."),
        (b"Subject: Ihr", b"Subject: Kein"),
        (b"From: =", b"From: x="),
        (b"/unsubscribe/token", b"/unsubscribe/other"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        (b"Message-ID: <1@", b"Message-ID: <2@"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nReply-To: <x@example.net>\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nSubject: another\r\n"),
        (b"MIME-Version: 1.0\r\n", b"From: <x@example.net>\r\nMIME-Version: 1.0\r\n"),
    ],
)
def test_what_is_changed_or_added_on_the_way_is_found_out(what: bytes, by: bytes) -> None:
    mail = signed()
    assert what in mail
    assert not verified(mail.replace(what, by))


def test_what_servers_change_on_the_way_is_not() -> None:
    mail = signed()
    assert verified(b"Received: from somewhere\r\n" + mail)
    assert verified(mail.replace(b"Subject: Ihr Wagen", b"subject:  Ihr\t Wagen"))
    assert verified(mail + b"\r\n\r\n")


def test_equal_mails_have_equal_signatures() -> None:
    assert signed() == signed()


def test_every_header_that_mailbox_providers_ask_for_is_signed() -> None:
    for name in (b"from", b"list-unsubscribe", b"list-unsubscribe-post"):
        assert name in SIGNED
        assert signed().count(name + b":") >= 1


def test_a_domain_of_its_own_is_named() -> None:
    mail = Signer("s", pem(RSA), "example.com").signed(compose(MESSAGE), MESSAGE.sender)
    assert b"d=example.com;" in mail


@pytest.mark.parametrize(
    ("selector", "key"),
    [
        ("", pem(RSA)),
        ("a b", pem(RSA)),
        ("s; d=example.net", pem(RSA)),
        ("s", ""),
        ("s", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        ("s", pem(ec.generate_private_key(ec.SECP256R1()))),
        (
            "s",
            RSA.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"x"),
            ).decode(),
        ),
    ],
)
def test_a_key_or_selector_that_cannot_be_is_refused_at_the_start(selector: str, key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Signer(selector, key)
    assert "BEGIN" not in str(caught.value)
