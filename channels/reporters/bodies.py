"""Bodies of callbacks, read with care; what is wrong with one is :class:`~channels.reports.Unreadable`."""

import hmac
import json
import math
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from channels.reports import Callback, Forged, Unreadable

OLDEST = timedelta(hours=25)  # providers repeat a callback for a day at most
AHEAD = timedelta(minutes=5)  # how far a provider's clock may be ahead of ours
_FIELDS = 200  # of a form
_AS_IT_IS = "surrogateescape"  # so that a whole mail in a form keeps its octets


def document(callback: Callback) -> Any:
    """The body as JSON."""
    return parsed(callback.body)


def parsed(text: bytes | str) -> Any:
    """What a text in JSON says; its octets are UTF-8 (RFC 8259 §8.1)."""
    try:
        said = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(said, parse_constant=_no_number)
    except (ValueError, RecursionError):  # UnicodeDecodeError is one of them
        raise Unreadable("the body is no JSON") from None


def mapping(value: Any) -> Mapping[str, Any]:
    """*value*, if it is an object."""
    if not isinstance(value, dict):
        raise Unreadable("the body has no object where there must be one")
    return value


def at(value: Any, *path: str) -> Any:
    """What stands at *path* within objects, or ``None``."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def words(value: Any, *path: str) -> str:
    """The text or number at *path* as text, or ""."""
    found = at(value, *path)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else ""


def items(value: Any, *path: str) -> list[Any]:
    """The list at *path*, or none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def moment(value: Any) -> datetime | None:
    """A moment in ISO 8601 or in seconds since 1970, or ``None``; without a zone it is UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        read = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def seconds(text: str) -> datetime | None:
    """A moment that is written as seconds since 1970, or ``None``."""
    try:
        count = float(text)
    except ValueError:
        return None
    return moment(count) if math.isfinite(count) else None


def timely(signed: datetime | None, now: datetime) -> None:
    """Raise :class:`~channels.reports.Forged` unless a callback was signed lately."""
    if signed is None or not now - OLDEST <= signed <= now + AHEAD:
        raise Forged("the callback is too old, or from the future")


def form(callback: Callback) -> dict[str, str]:
    """The fields of a form, ``multipart/form-data`` or ``x-www-form-urlencoded``; files are left out.

    Of a name that comes twice, the last one counts.
    """
    kind = callback.headers.get("content-type", "")
    if kind.lower().startswith("application/x-www-form-urlencoded"):
        try:
            text = callback.body.decode()
            pairs = parse_qsl(text, keep_blank_values=True, errors=_AS_IT_IS, max_num_fields=_FIELDS)
        except ValueError:
            raise Unreadable("the body is no form") from None
        return dict(pairs)
    if not kind.lower().startswith("multipart/form-data") or "\n" in kind or "\r" in kind:
        raise Unreadable("the body is neither a form nor JSON")
    try:
        whole = message_from_bytes(b"Content-Type: %b\r\n\r\n%b" % (kind.encode("latin-1"), callback.body))
    except (ValueError, RecursionError):
        raise Unreadable("the body is no form") from None
    parts = whole.get_payload()
    if not whole.is_multipart() or not isinstance(parts, list) or len(parts) > _FIELDS:
        raise Unreadable("the body is no form")
    fields = (_field(part) for part in parts if isinstance(part, Message))
    texts = {name: octets for name, octets in fields if name}
    charsets = _charsets(texts.get("charsets", b""))
    return {name: _decoded(octets, charsets.get(name, "utf-8")) for name, octets in texts.items()}


def is_form(callback: Callback) -> bool:
    """Is the body a form?"""
    return (
        callback.headers.get("content-type", "").lower().startswith(("multipart/", "application/x-www-form"))
    )


def credentials(callback: Callback) -> tuple[str, str]:
    """Name and password of HTTP Basic (RFC 7617), or two empty texts."""
    scheme, _, packed = callback.headers.get("authorization", "").partition(" ")
    try:
        name, _, password = b64decode(packed, validate=True).decode().partition(":")
    except (NoBase64, ValueError):
        return "", ""
    return (name, password) if scheme.lower() == "basic" else ("", "")


def same(given: str, expected: str) -> bool:
    """Are these secrets the same? It takes as long whether they are or not; an empty one is nobody's."""
    return bool(expected) and hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _field(part: Message) -> tuple[str, bytes]:
    """Name and content of a field of a form; of a file only nothing."""
    name = part.get_param("name", header="content-disposition")
    if not isinstance(name, str) or part.get_filename() is not None or part.is_multipart():
        return "", b""
    octets = part.get_payload(decode=True)
    return name, octets if isinstance(octets, bytes) else b""


def _charsets(octets: bytes) -> dict[str, str]:
    """SendGrid says beside a form in which character set each field is."""
    try:
        said = json.loads(octets)
    except (ValueError, RecursionError):
        return {}
    return (
        {name: charset for name, charset in said.items() if isinstance(charset, str)}
        if isinstance(said, dict)
        else {}
    )


def _decoded(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(charset, errors=_AS_IT_IS)
    except (LookupError, ValueError):
        return octets.decode(errors=_AS_IT_IS)


def _no_number(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
