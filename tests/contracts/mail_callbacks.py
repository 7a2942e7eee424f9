"""Callbacks as the four providers of mail send them, signed with keys that the tests make.

The bodies are their documented examples with our people in them.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from channels.reports import Callback, Refused, Reply, Report, Reporting

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MARIA = "maria.keller@example.com"
OURS = "<0b7c6f7e-3d2c-5b53-9b6c-1d2f3a4b5c6d@autohaus-lindner.example>"
GONE = "550 5.1.1 The email account that you tried to reach does not exist."
ANSWER = f"""Received: from mail.example.org by mx.example.net
From: Maria Keller <{MARIA}>
To: reply@autohaus-lindner.example
Subject: =?utf-8?q?Re=3A_Ihr_Wagen_ist_da_=E2=9C=93?=
Message-ID: <CAEPk3R+4Zr@mail.example.org>
In-Reply-To: {OURS}
Date: Mon, 2 Mar 2026 12:31:04 +0100
"""
URL = "https://updates.example.com/callbacks/mail"


def callback(body: Any, kind: str = "application/json", **headers: str) -> Callback:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Callback(URL, {"content-type": kind, **named}, {}, octets)


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def multipart(fields: Mapping[str, str | bytes], files: Iterable[str] = ()) -> tuple[bytes, str]:
    """A form as providers post it, and its content type."""
    mark = b"xYzZY"
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (mark, name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in fields.items()
    ]
    parts += [
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="x"\r\n\r\n\x89PNG\r\n'
        % (mark, name.encode())
        for name in files
    ]
    return b"".join(parts) + b"--" + mark + b"--\r\n", f"multipart/form-data; boundary={mark.decode()}"


# ── SendGrid ─────────────────────────────────────────────────────────────────


class SendGridSigner:
    """An account of SendGrid with a signed webhook."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        self.public_key = b64encode(
            public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        ).decode()

    def signed(self, body: Any, at: datetime = NOW, kind: str = "application/json") -> Callback:
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp = str(int(at.timestamp()))
        signature = self._key.sign(stamp.encode() + octets, ec.ECDSA(hashes.SHA256()))
        return callback(
            octets,
            kind,
            x_twilio_email_event_webhook_signature=b64encode(signature).decode(),
            x_twilio_email_event_webhook_timestamp=stamp,
        )


# ── Mailgun ──────────────────────────────────────────────────────────────────

MAILGUN_KEY = "not a secret"


def mailgun_signature(token: str, at: datetime = NOW, key: str = MAILGUN_KEY) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    proof = hmac.digest(key.encode(), f"{stamp}{token}".encode(), "sha256").hex()
    return {"timestamp": stamp, "token": token, "signature": proof}


# ── Amazon SNS ───────────────────────────────────────────────────────────────

TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip


class Sns:
    """SNS of one region: signs with its own key, and shows the certificate."""

    def __init__(self, since: datetime = NOW - timedelta(days=30)) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(since)
            .not_valid_after(since + timedelta(days=365))
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = made.public_bytes(serialization.Encoding.PEM)

    def signed(self, kind: str = "Notification", *, version: str = "2", **fields: str) -> dict[str, str]:
        message = {
            "Type": kind,
            "MessageId": "19ba9823-d7f2-53c1-860e-cb10e0d13dfc",
            "TopicArn": TOPIC,
            "Timestamp": f"{NOW:%Y-%m-%dT%H:%M:%S}.675Z",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE,
            **fields,
        }
        said = "".join(f"{name}\n{message[name]}\n" for name in _FIELDS[kind] if name in message)
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = self._key.sign(said.encode(), padding.PKCS1v15(), algorithm)
        return {**message, "Signature": b64encode(signature).decode()}

    def notification(self, event: Any, **fields: str) -> Callback:
        text = event if isinstance(event, str) else json.dumps(event)
        return callback(self.signed(Message=text, **fields))


# ── reading them ─────────────────────────────────────────────────────────────


async def reports(reporter: Reporting, said: Callback, now: datetime = NOW) -> list[Report]:
    found = await reporter.read(said, now)
    assert all(isinstance(one, Report) for one in found)
    return list(found)  # type: ignore[arg-type]


async def only(reporter: Reporting, said: Callback) -> Report:
    (one,) = await reports(reporter, said)
    return one


async def reply(reporter: Reporting, said: Callback) -> Reply:
    (one,) = await reporter.read(said, NOW)
    assert isinstance(one, Reply)
    return one


async def refused(reporter: Reporting, said: Callback, now: datetime = NOW) -> Refused:
    with pytest.raises(Refused) as caught:
        await reporter.read(said, now)
    return caught.value
