"""A mail as it came in: headers as text, what it says, and its envelope (RFC 5322, 2045–2047)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import blake2b

from channels.inbound.html import plain
from channels.mime import one_line, well_formed
from channels.reports import Unreadable

LARGEST = 40_000_000  # bytes; mail servers take less
_DEEPEST = 30  # parts within parts
_ID = re.compile(r"<[^<>\s]{1,400}@[^<>\s]{1,400}>")
_ENVELOPE_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")


@dataclass(frozen=True, slots=True)
class Mail:
    """What came in. ``sender`` and ``to`` are the envelope's, ``None`` and empty if nobody says."""

    headers: Message
    text: str = ""
    sender: str | None = None
    to: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """The first header of that name as text, or ""."""
        return next(self.every(name), "")

    def every(self, name: str) -> Iterator[str]:
        """Each header of that name as text, encoded words decoded and folding undone."""
        yield from map(_text, self.headers.get_all(name, []))

    def addresses(self, *names: str) -> list[str]:
        """The mailboxes in these headers."""
        found = getaddresses([line for name in names for line in self.every(name)])
        return [address for _, address in found if "@" in address]

    def ids(self, *names: str) -> tuple[str, ...]:
        """The Message-IDs in these headers, as they stand there."""
        found = [one for name in names for line in self.every(name) for one in _ID.findall(line)]
        return tuple(dict.fromkeys(found))

    @property
    def came_to(self) -> list[str]:
        """Where it came to: the envelope's recipients, else what servers noted, and what the sender wrote."""
        noted = self.addresses(*_ENVELOPE_TO, "to", "cc")
        return list(dict.fromkeys([*self.to, *noted]))

    @property
    def returns_to(self) -> str | None:
        """The envelope's sender: "" for mail that nobody may answer, ``None`` if nobody says."""
        if self.sender is not None:
            return self.sender.strip("<> ")
        noted = next(self.every("return-path"), None)
        return None if noted is None else noted.strip("<> ")

    @property
    def dated(self) -> datetime | None:
        """When its sender says that it was written."""
        return date_of(self.header("date"))


def parse(raw: bytes, *, sender: str | None = None, to: Iterable[str] = ()) -> Mail:
    """Read a whole mail; raises :class:`~channels.reports.Unreadable`.

    A line ``From …`` that a mail server's pipe puts first is not part of it.
    """
    if len(raw) > LARGEST:
        raise Unreadable(f"the mail is larger than {LARGEST:,} bytes")
    if raw.startswith(b"From ") and (end := raw.find(b"\n")) > 0:
        raw = raw[end + 1 :]
    try:
        message = message_from_bytes(raw)
        text = _what_it_says(message)
    except RecursionError:
        raise Unreadable("the mail has too many parts within parts") from None
    if not message.keys():
        raise Unreadable("this is no mail: it has no headers")
    return Mail(message, well_formed(text), sender, tuple(to))


def assembled(
    headers: Iterable[tuple[str, str]],
    text: str,
    html: str = "",
    *,
    sender: str | None = None,
    to: Iterable[str] = (),
) -> Mail:
    """A mail that a provider took apart."""
    message = Message()
    for name, value in headers:
        if name and name.isascii() and not set(name) & set(":\r\n "):
            message[name] = well_formed(re.sub(r"[\r\n]+", " ", value))
    return Mail(message, well_formed(text or plain(html)), sender, tuple(to))


def parts(message: Message, depth: int = 0) -> Iterator[Message]:
    """The parts that hold something, in order; those of mails within the mail are theirs."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        if depth < _DEEPEST:
            for part in message.get_payload():
                if isinstance(part, Message):
                    yield from parts(part, depth + 1)
    else:
        yield message


def decoded(part: Message) -> str:
    """The text of a part, whatever its character set claims to be."""
    octets = part.get_payload(decode=True)
    if not isinstance(octets, bytes):
        return ""
    charset = str(part.get_content_charset("utf-8"))
    try:
        return octets.decode(charset, errors="replace")
    except (LookupError, ValueError):
        return octets.decode("utf-8", errors="replace")


def date_of(field: str) -> datetime | None:
    """A date of RFC 5322, or ``None``; one without a zone is UTC."""
    try:
        read = parsedate_to_datetime(field)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def brief(words: str) -> str:
    """Words of a provider or server on one line, at most 300 characters; they may quote an address."""
    return one_line(words)[:300]


def digest(*parts: str) -> str:
    """A name made of these texts: the same for the same, and nothing of them can be read in it."""
    hashed = blake2b(digest_size=16)
    for part in parts:
        octets = part.encode(errors="replace")
        hashed.update(len(octets).to_bytes(8, "big") + octets)
    return hashed.hexdigest()


def _what_it_says(message: Message) -> str:
    html = ""
    for part in parts(message):
        if part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain" and (text := decoded(part)).strip():
            return text
        if part.get_content_type() == "text/html":
            html = html or decoded(part)
    return plain(html)


def _text(value: object) -> str:
    line = re.sub(r"[\r\n]+[ \t]*", " ", str(value))
    try:
        return well_formed(str(make_header(decode_header(line)))).strip()
    except (LookupError, ValueError, UnicodeError):
        return well_formed(line).strip()
