"""Tokens by which a page reads one customer's inbox: made by the company's backend, or by us. Pure.

A token is ``customer.expires.signature``: the customer's id and the signature in base64url (RFC 4648,
section 5) without ``=``, between them the second since 1970 at which it ends. The signature is HMAC-SHA256
(RFC 2104) over :data:`WHAT_FOR` and what stands before the last dot, with the key as it is in the settings,
in UTF-8. The id can be read by whoever has the token; nothing else is in it.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WHAT_FOR = "beforehand inbox 1:"  # so that a signature over anything else is none of a token
LONGEST = 1_024  # characters; the longest id of a customer fits
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Pass:
    """Whose inbox may be read, and until when."""

    customer: str
    expires: datetime


class Wrong(Exception):
    """Nobody with one of the keys signed this token, or it would be good for too long."""


class Expired(Exception):
    """The token was good once."""


def issue(customer: str, key: str, expires: datetime) -> str:
    """Make the token that opens this customer's inbox until *expires*, a whole second."""
    body = f"{_text(customer.encode())}.{int(expires.timestamp())}"
    return f"{body}.{_signature(body, key)}"


def read(token: str, keys: Sequence[str], now: datetime, longest: timedelta) -> Pass:
    """Say whom a token lets in; raises :class:`Wrong` or :class:`Expired`.

    One that would be good for more than *longest* from *now* on is wrong, whoever signed it.
    """
    found = _TOKEN.fullmatch(token) if len(token) <= LONGEST else None
    if found is None:
        raise Wrong
    body, signature = token.rpartition(".")[::2]
    good = [hmac.compare_digest(signature, _signature(body, key)) for key in keys]
    if not any(good):  # all of them were compared, whichever fits
        raise Wrong
    expires = datetime.fromtimestamp(min(int(found[2]), 253_402_300_799), UTC)
    if expires <= now:
        raise Expired
    if expires > now + longest:
        raise Wrong
    try:
        customer = urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode()
    except ValueError:
        raise Wrong from None
    return Pass(customer, expires)


def _signature(body: str, key: str) -> str:
    return _text(hmac.digest(key.encode(), f"{WHAT_FOR}{body}".encode(), "sha256"))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
