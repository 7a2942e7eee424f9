"""The files of the outbox, looked at from outside: whom each is to, and what it says."""

import email
import email.policy
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from hashlib import blake2b
from pathlib import Path

_BESIDE = re.compile(r"(.*_email_[0-9a-f]{12})\.(?!eml\Z).")  # 12: what :func:`identity` has
SUFFIXES = (".eml", ".sms", ".json")


@dataclass(frozen=True, slots=True)
class Kept:
    """One message in the outbox."""

    path: Path
    to: str
    subject: str
    text: str


def kept_for(
    directory: Path, addresses: Collection[str], receipts: Collection[str], message_ids: Collection[str]
) -> Iterator[Path]:
    """Find the files to these addresses, those that the channel named so, and those of these messages."""
    known = {address.lower() for address in addresses}
    identities = {identity(name) for name in message_ids if name}
    if not directory.is_dir():
        return
    attached: dict[str, list[Path]] = {}
    messages: list[Path] = []
    for path in sorted(directory.iterdir()):
        mail, beside = _parts(path)
        if beside:
            attached.setdefault(mail, []).append(path)
        elif path.suffix in SUFFIXES:
            messages.append(path)
    for path in messages:
        ours = path.name in receipts or path.stem.rpartition("_")[2] in identities
        if ours or (known and read(path).to.lower() in known):
            yield path
            yield from attached.pop(path.stem, ())
    for mail, paths in attached.items():  # whose mail somebody took away
        if mail.rpartition("_")[2] in identities:
            yield from paths


def is_attached(path: Path) -> bool:
    """Was this file attached to a mail that lies, or lay, beside it?"""
    return _parts(path)[1]


def _parts(path: Path) -> tuple[str, bool]:
    """The name of a message without its ending, and whether this file is one that was attached to it."""
    match = _BESIDE.match(path.name)
    return (match[1], True) if match else (path.stem, False)


def read(path: Path) -> Kept:
    """Read one file; what is in nobody's form is given as text, to nobody."""
    content = path.read_bytes()
    if path.suffix == ".eml":
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        body = parsed.get_body(("plain", "html"))
        text = body.get_content() if body is not None else ""
        return Kept(path, parseaddr(str(parsed["To"] or ""))[1], str(parsed["Subject"] or ""), str(text))
    if path.suffix == ".json":
        try:
            fields = json.loads(content)
        except ValueError:
            fields = {}
        if isinstance(fields, dict):
            return Kept(path, *(str(fields.get(name, "")) for name in ("to", "title", "text")))
    head, _, text = content.decode(errors="replace").partition("\n\n")
    to = next((line.removeprefix("To: ") for line in head.splitlines() if line.startswith("To: ")), "")
    return Kept(path, to, "", text)


def identity(message_id: str) -> str:
    """The short name that ends a file's name, the same in every attempt."""
    return blake2b(message_id.encode(errors="replace"), digest_size=6).hexdigest()
