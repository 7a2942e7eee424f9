"""The files of the outbox, looked at from outside: whom each is to, and what it says."""

import email
import email.policy
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from hashlib import blake2b
from pathlib import Path

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
    for path in sorted(directory.iterdir()):
        if path.suffix not in SUFFIXES:
            continue
        ours = path.name in receipts or path.stem.rpartition("_")[2] in identities
        if ours or (known and read(path).to.lower() in known):
            yield path


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
