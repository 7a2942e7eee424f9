"""A customer's device as one text: the service that reaches it, and what that service knows it by.

::

    fcm:TOKEN                      Firebase: Android, and whatever else registered there
    apns:TOKEN [REGISTERED]        Apple; REGISTERED is when the app got the token, 2026-03-12T16:30:00Z
    web:ENDPOINT P256DH AUTH       the subscription of a browser (RFC 8030, RFC 8291)

A text that names no service is a token of Firebase: so the tokens of most apps have always been passed on.
"""

import re
from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

KINDS = ("fcm", "apns", "web")

_FORMS = {
    "fcm": re.compile(r"[\w:.-]{1,4096}", re.ASCII),
    "apns": re.compile(r"(?:[0-9A-Fa-f]{2}){16,100}"),
}
_PRINTABLE = re.compile(r"[!-~]{1,2048}")


@dataclass(frozen=True, slots=True)
class Device:
    """One device; ``token`` is the endpoint of a browser, which has the two keys besides."""

    kind: str
    token: str
    p256dh: bytes = b""
    auth: bytes = b""
    registered: datetime | None = None


@lru_cache(maxsize=256)  # whose service it is asks first, and then the service itself
def parse(text: str) -> Device:
    """Read the text of a device; ``ValueError`` says what is wrong, without repeating any of it."""
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        kind, rest = "fcm", text
    token, *more = rest.split(" ")
    if kind == "web":
        if len(more) != 2:
            raise ValueError("a browser's subscription is its endpoint and two keys")
        return Device(kind, _endpoint(token), _key(more[0], 65, "p256dh"), _key(more[1], 16, "auth"))
    if not _FORMS[kind].fullmatch(token) or len(more) > (kind == "apns"):
        raise ValueError(f"no token of {kind} looks like that")
    return Device(kind, token, registered=_moment(more[0]) if more else None)


def settled(given: Mapping[str, Any]) -> str:
    """The text of a device that was given as an object; ``ValueError`` says what is wrong.

    An object is ``{"kind": "fcm", "token": …}``, with ``registered`` for Apple's, or a browser's
    ``PushSubscription`` just as its ``toJSON()`` writes it. One without a kind stays a plain token.
    """
    endpoint, keys = given.get("endpoint"), given.get("keys")
    kind, token, registered = given.get("kind"), given.get("token"), given.get("registered")
    if endpoint is not None or kind == "web":
        if not isinstance(endpoint, str) or not isinstance(keys, Mapping):
            raise ValueError("a browser's subscription has `endpoint` and `keys`")
        p256dh, auth = (str(keys.get(name, "")).rstrip("=") for name in ("p256dh", "auth"))
        text = f"web:{endpoint} {p256dh} {auth}"
        parse(text)
        return text
    if kind is not None and kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}")
    if not isinstance(token, str) or not token:
        raise ValueError("a device has a `token`, or the `endpoint` and `keys` of a browser")
    if kind is None:
        return token
    text = f"{kind}:{token}" + (f" {registered}" if kind == "apns" and registered is not None else "")
    parse(text)
    return text


def _endpoint(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = _PRINTABLE.fullmatch(url) and parts.scheme == "https" and parts.hostname
        _ = parts.port  # raises when it is none
    except ValueError:
        good = False
    if not good:
        raise ValueError("an endpoint is an https address")
    return url


def _key(text: str, size: int, name: str) -> bytes:
    try:
        key = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Error, ValueError):
        key = b""
    if len(key) != size:
        raise ValueError(f"`{name}` must be {size} bytes in base64url")
    return key


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("`registered` must be a moment with its offset from UTC")
    return moment
