"""Signs mail (DKIM: RFC 6376; Ed25519: RFC 8463), relaxed in its headers and its body.

The keys are the ``cryptography`` library's. dkimpy, which would also write the header, computes RSA in Python
and takes 25 times as long (docs/decisions/0026-dkim.md); the tests verify every signature with it.
"""

import hashlib
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from channels.base import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SIGNED = (
    b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type",
    b"content-transfer-encoding", b"auto-submitted", b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
"""What is signed, there or not: what is signed as missing cannot be added (RFC 6376 8.15)."""

SHORTEST = 1024  # bits; verifiers take no less (RFC 8301)
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r]|\r\n[ \t])*)\r\n")
_SPACE = re.compile(rb"[ \t]{2,}|\t")  # all that is not one space already
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63}){0,5}")


class Signer:
    """Signs with *key*, a private key in PEM, RSA or Ed25519, that DNS shows under *selector*.

    The domain is that of the sender unless one is given. Raises :class:`~channels.base.Misconfigured`.
    """

    def __init__(self, selector: str, key: str, domain: str = "") -> None:
        if not _SELECTOR.fullmatch(selector):
            raise Misconfigured(f"{selector!r} is no DKIM selector")
        self._selector, self._domain = selector, domain
        self._key, self._algorithm = _loaded(key)

    def signed(self, mail: bytes, sender: str) -> bytes:
        """*mail* (with CRLF line ends) with its signature before it; *sender* is the mailbox in From."""
        head, _, body = mail.partition(b"\r\n\r\n")
        fields = _fields(head + b"\r\n")
        names = [*(name for name in SIGNED for _ in fields.get(name, ())), *SIGNED]
        tags = (
            f"v=1; a={self._algorithm}; c=relaxed/relaxed; d={self._domain or sender.rpartition('@')[2]};\r\n"
            f" s={self._selector}; h={':'.join(name.decode() for name in names)};\r\n"
            f" bh={_text(hashlib.sha256(_relaxed(body)).digest())};\r\n b="
        )
        # of a field that stands there twice, the last is signed first (RFC 6376 5.4.2)
        said = b"".join(line for name in SIGNED for line in reversed(fields.get(name, ())))
        said += b"dkim-signature:" + _line(tags.encode())
        signature = _text(self._sign(said))
        folded = "\r\n ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
        return f"DKIM-Signature: {tags}{folded}\r\n".encode() + mail

    def _sign(self, said: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(hashlib.sha256(said).digest())
        return self._key.sign(said, PKCS1v15(), SHA256())


def _loaded(pem: str) -> "tuple[RSAPrivateKey | Ed25519PrivateKey, str]":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise Misconfigured("the DKIM key is no private key in PEM, or has a password") from None
    if isinstance(key, Ed25519PrivateKey):
        return key, "ed25519-sha256"
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("the DKIM key is neither RSA nor Ed25519")
    if key.key_size < SHORTEST:
        raise Misconfigured(f"the DKIM key has {key.key_size} bits: nobody accepts less than {SHORTEST}")
    return key, "rsa-sha256"


def _fields(head: bytes) -> dict[bytes, list[bytes]]:
    """The header fields by their small names, each canonical (RFC 6376 3.4.2)."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in _FIELD.findall(head):
        small = name.lower()
        found.setdefault(small, []).append(small + b":" + _line(value) + b"\r\n")
    return found


def _line(value: bytes) -> bytes:
    return _SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _relaxed(body: bytes) -> bytes:
    """The canonical body (RFC 6376 3.4.4): no space at the ends of lines, no empty lines at its own end."""
    body = _SPACE.sub(b" ", body).replace(b" \r\n", b"\r\n").rstrip(b"\r\n ")
    return body + b"\r\n" if body else b""


def _text(octets: bytes) -> str:
    return b64encode(octets).decode()
