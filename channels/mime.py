"""Write a :class:`~channels.base.Message` as the bytes of a mail (RFC 5322, 2045–2047, 3834).

By hand, because ``email`` takes seven times as long (docs/decisions/0003-mime-by-hand.md); a property test
holds every line of it against the standard library's parser. Every field is somebody else's text: control
characters and line breaks in a header become one space before anything is written, and what cannot be
written is :class:`~channels.base.Rejected`, so no field can begin a header or a line of its own.
"""

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b

from channels.base import Attachment, Message, Misconfigured, Rejected

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROLS = bytes({*range(32), 127} - set(b"\t\r\n"))
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,400}@[!-;=?-~]{1,400}>\Z")
_FIELD = re.compile(r"[A-Za-z0-9-]{1,60}\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*\Z")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?!-)){0,60}(?<!-)"
_ADDRESS = re.compile(rf"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:{_LABEL}\.)+[A-Za-z]{{2,24}}\Z")

_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}(?:; [a-z]+=[A-Za-z0-9-]{1,40}){0,3}\Z")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}\Z")
_CID = re.compile(r"[A-Za-z0-9._-]{1,80}@[A-Za-z0-9.-]{1,80}\Z")

_FOLD = "\r\n "
LINE = 76  # RFC 2047 2: a line that holds an encoded word is no longer
OURS = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "mime-version"}
    | {"auto-submitted", "content-language", "content-type", "content-transfer-encoding"}
    | {"return-path", "received"}
)
"""Header fields that ``Message.headers`` may not set."""


def compose(message: Message) -> bytes:
    """Write *message* as a mail with CRLF line ends, ready for DATA (dots not yet doubled).

    Seven-bit, unless an address needs SMTPUTF8. Equal messages give equal bytes. Raises
    :class:`~channels.base.Rejected` for what cannot be written, :class:`~channels.base.Misconfigured`
    for a bad sender, ``ValueError`` without ``at``.
    """
    if message.at is None:
        raise ValueError("a mail is dated: Message.at is missing")
    lines = [
        _sender(message.sender, message.sender_name),
        _mailbox("To", address(message.to), message.to_name),
        _text("Subject", message.subject),
        f"Date: {format_datetime(message.at)}",
        f"Message-ID: {_message_id(message.message_id)}",
        "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated",
    ]
    if message.reply_to:
        lines.append(_mailbox("Reply-To", address(message.reply_to), ""))
    language = message.locale.partition(".")[0].replace("_", "-")
    if _LANGUAGE.match(language):
        lines.append(f"Content-Language: {language}")
    lines.extend(_extra(name, value) for name, value in message.headers.items())
    head = "\r\n".join(lines).encode()
    if message.attachments:
        return head + b"\r\n" + _with_files(message)
    if not message.html:
        return head + b"\r\n" + _part("plain", message.text)
    boundary = (
        b"=_" + blake2b(message.message_id.encode(errors="replace"), digest_size=12).hexdigest().encode()
    )
    return (
        b'%(head)s\r\nContent-Type: multipart/alternative;\r\n boundary="%(mark)s"\r\n\r\n'
        b"--%(mark)s\r\n%(text)s\r\n--%(mark)s\r\n%(html)s\r\n--%(mark)s--\r\n"
    ) % {
        b"head": head,
        b"mark": boundary,
        b"text": _part("plain", message.text),
        b"html": _part("html", message.html),
    }


def _with_files(message: Message) -> bytes:
    """The body of a mail with files: mixed (alternative (text, HTML and its pictures, invitation), files)."""
    inline = [one for one in message.attachments if one.cid]
    files = [one for one in message.attachments if not one.cid]
    html = _part("html", message.html) if message.html else b""
    if html and inline:
        html = _multipart("related", message, [html, *map(_file, inline)])
    # Outlook takes an invitation for one where it is another way to say the same, and not only a file.
    asked = [
        one for one in files if one.content_type.startswith("text/calendar") and "method=" in one.content_type
    ]
    ways = [_part("plain", message.text), *([html] if html else []), *(_file(one, way=True) for one in asked)]
    body = _multipart("alternative", message, ways) if len(ways) > 1 else ways[0]
    return _multipart("mixed", message, [body, *map(_file, files)]) if files else body


def _multipart(kind: str, message: Message, parts: list[bytes]) -> bytes:
    digest = blake2b(f"{kind} {message.message_id}".encode(errors="replace"), digest_size=12).hexdigest()
    mark = f"=_{digest}".encode()
    head = f'Content-Type: multipart/{kind};\r\n boundary="=_{digest}"\r\n\r\n'.encode()
    return head + b"".join(b"--%b\r\n%b\r\n" % (mark, part) for part in parts) + b"--%b--\r\n" % mark


def _file(file: Attachment, *, way: bool = False) -> bytes:
    """One attachment, in base64: with its name, or as another *way* to say what the text says."""
    if not _TYPE.match(file.content_type) or not _FILE.match(file.name):
        raise Rejected(f"the attachment {one_line(file.name)[:60]!r} cannot be written")
    if file.cid and not _CID.match(file.cid):
        raise Rejected(f"the attachment {one_line(file.cid)[:60]!r} cannot be named")
    lines = [f"Content-Type: {file.content_type}", "Content-Transfer-Encoding: base64"]
    if file.cid:
        lines += [f"Content-ID: <{file.cid}>", f'Content-Disposition: inline; filename="{file.name}"']
    elif not way:
        lines.append(f'Content-Disposition: attachment; filename="{file.name}"')
    packed = b2a_base64(file.data, newline=False)
    rows = (packed[at : at + LINE] + b"\r\n" for at in range(0, len(packed), LINE))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + b"".join(rows)


def address(text: str) -> str:
    """Return the mailbox as it stands in an envelope: the domain in A-labels, the local part as it is.

    Without DNS. Raises :class:`~channels.base.Rejected` if it is no mailbox.
    """
    if len(text) <= 64 and _ADDRESS.match(text):  # 0.4 µs for nearly everybody, 40 µs for the rest
        return text
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise Rejected("the address is no mailbox", raw=one_line(str(error))) from None
    return f"{valid.local_part}@{valid.ascii_domain}"


def one_line(text: str) -> str:
    """Return *text* with every run of line breaks and control characters as one space, trimmed."""
    return well_formed(_BREAKS.sub(" ", text)).strip()


def well_formed(text: str) -> str:
    """Return *text* with each half of a surrogate pair, which no encoding can write, as a question mark."""
    return text if text.isascii() else text.encode(errors="replace").decode()


@lru_cache(maxsize=256)
def _sender(mailbox: str, name: str) -> str:
    """The From line; the same few senders write everything."""
    try:
        return _mailbox("From", address(mailbox), name)
    except Rejected as error:
        raise Misconfigured("the sender is no mailbox", raw=error.raw) from None


def _mailbox(field: str, mailbox: str, name: str) -> str:
    name = one_line(name)
    if not name:
        return f"{field}: <{mailbox}>"
    if not name.isascii() or len(name) > 60 or "=?" in name or "  " in name:
        name = _encoded(name, len(field) + 2)
    elif not _ATOMS.match(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    last = len(name) - name.rfind("\n") + len(mailbox)
    return f"{field}: {name}{' ' if last < LINE - 14 else _FOLD}<{mailbox}>"


def _text(field: str, text: str, *, longest: int = 60) -> str:
    """An unstructured header: folded where it is plain, else in encoded words."""
    text = one_line(text)
    if text.isascii() and "=?" not in text and len(text) < LINE - len(field):
        return f"{field}: {text}"
    words = text.split(" ")
    if not text.isascii() or "=?" in text or "" in words or max(map(len, words)) > longest:
        return f"{field}: {_encoded(text, len(field) + 2)}"
    lines = [f"{field}: {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return "\r\n".join(lines)


def _extra(field: str, value: str) -> str:
    if not _FIELD.match(field) or field.lower() in OURS or field.lower().startswith("resent-"):
        raise Rejected(f"a message may not set the header {one_line(field)[:60]!r}")
    return _text(field, value, longest=900)  # the links of List-Unsubscribe cannot be folded


class _Quoted(dict[str, str]):
    """Character → how a Q-encoded word writes it, also inside a phrase (RFC 2047 5.3)."""

    def __missing__(self, char: str) -> str:
        keep = char.isascii() and (char.isalnum() or char in "!*+-/")
        self[char] = char if keep else "".join(f"={byte:02X}" for byte in char.encode())
        return self[char]


_QUOTED = _Quoted({" ": "_"})


def _encoded(text: str, taken: int) -> str:
    """*text* as encoded words on as many lines as they need, *taken* columns being used of the first."""
    return _FOLD.join(f"=?utf-8?q?{word}?=" for word in _words(text, LINE - 12 - taken))


def _words(text: str, room: int) -> Iterator[str]:
    word = ""
    for char in text:
        quoted = _QUOTED[char]
        if len(word) + len(quoted) > room:
            yield word
            word, room = "", LINE - 13
        word += quoted
    yield word


def _message_id(stored: str) -> str:
    identity = stored if stored.startswith("<") else f"<{stored}>"
    if not _MESSAGE_ID.match(identity):
        raise Rejected("the Message-ID cannot be written")
    return identity


def _part(subtype: str, text: str) -> bytes:
    """One body with its own headers: as it is if it can be, else in whichever encoding is shorter."""
    raw = _numbered(text) if subtype == "html" else text.encode(errors="replace")
    octets, encoding = _lines(raw), "7bit"
    if len(raw) > 1.2 * len(text) or not _is_plain(octets):
        raw = text.encode(errors="replace")
        octets = _lines(raw)
        if len(raw) > 1.2 * len(text):
            encoding = "base64"
            packed = b2a_base64(octets, newline=False)
            octets = b"".join(packed[at : at + LINE] + b"\r\n" for at in range(0, len(packed), LINE))
        elif not _is_plain(octets):
            encoding = "quoted-printable"
            octets = b2a_qp(octets, istext=True)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + octets


def _lines(octets: bytes) -> bytes:
    """*octets* with CRLF at the end of each line and of the last."""
    if b"\r" in octets:
        octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    octets = octets.replace(b"\n", b"\r\n")
    return octets if octets.endswith(b"\n") else octets + b"\r\n"


def _numbered(html: str) -> bytes:
    """*html* with what is beyond ASCII by number (``&#252;``), which readers undo but in a style sheet.

    It takes a fraction of the time of quoted-printable, and less room.
    """
    styles = html[: html.rfind("</style") + 1]
    if not styles.isascii():
        return html.encode(errors="replace")
    octets = html.encode("ascii", "xmlcharrefreplace")
    if b"&#5" in octets:  # halves of a surrogate pair are numbers of that range, and no characters
        octets = well_formed(html).encode("ascii", "xmlcharrefreplace")
    return octets


def _is_plain(octets: bytes) -> bool:
    """Whether *octets* may travel unencoded. ``--=_`` opens our boundaries, and both encodings hide it."""
    return (
        octets.isascii()
        and b"\n--=_" not in octets
        and not octets.startswith(b"--=_")
        and len(octets.translate(None, _CONTROLS)) == len(octets)
        and max(map(len, octets.split(b"\r\n"))) <= 998  # RFC 5322 2.1.1
    )
