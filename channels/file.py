"""The outbox: messages as files that a person can read, and nothing leaves the machine."""

import glob
import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC
from pathlib import Path

from channels.base import Abilities, AfterUnknown, Message, Misconfigured, Receipt, Unavailable
from channels.mime import compose, one_line, well_formed
from channels.outbox import identity

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


def _sms(message: Message) -> bytes:
    head = {"To": message.to, "From": message.sender_name or message.sender, "Id": message.id}
    lines = [f"{field}: {one_line(value)}\n" for field, value in head.items()]
    return well_formed("".join([*lines, "\n", message.text, "\n"])).encode()


def _push(message: Message) -> bytes:
    fields = ("id", "message_id", "to", "title", "text", "link", "collapse_key", "locale", "purpose")
    content = {field: getattr(message, field) for field in fields} | {"others": message.others}
    return well_formed(json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


_OTHERS: tuple[str, Callable[[Message], bytes]] = (".json", _push)
_WRITERS: dict[str, tuple[str, Callable[[Message], bytes]]] = {
    "email": (".eml", compose),  # the very bytes that SMTP would send
    "sms": (".sms", _sms),
}


def _attached(mail: Path, message: Message) -> Iterator[tuple[Path, bytes]]:
    """The files that a reader would open, each with its place beside the mail; pictures stand in its HTML."""
    names: set[str] = set()
    for attachment in message.attachments:
        if not attachment.cid:
            name = attachment.name  # no path: a mail with such a name is refused before
            while name in names:
                name = f"{len(names) + 1}-{name}"
            names.add(name)
            yield mail.with_name(f"{mail.stem}.{name}"), attachment.data


def _put(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


class FileChannel:
    """Keeps messages of one channel in *directory*, one file each: mails as mails, all others to be read.

    Names sort by time and can be read: ``2026-03-12T173000Z_4711-arrived-1-customer_email_<id>.eml``. What
    is attached to a mail lies beside it, to be opened: ``…_<id>.appointment.ics``. A file appears whole or
    not at all; a message sent again overwrites its own files. Nothing is synced: after a power cut the
    newest may be gone.
    """

    def __init__(self, directory: Path | str, name: str, *, kind: str = "") -> None:
        self.name = name
        mail = (kind or name) == "email"
        self.abilities = Abilities(rich=mail, attachments=mail, after_unknown=AfterUnknown.REPEAT)
        self._directory = Path(directory)
        self._suffix, self._write = _WRITERS.get(kind or name, _OTHERS)
        self._known: dict[str, str] | None = None  # identity → name of its file; read from the directory once

    async def send(self, message: Message) -> Receipt:
        """Write *message* to its file; the receipt names it. ``ValueError`` without ``message.at``."""
        content = self._write(message)
        path = self._path(message)
        attached = dict(_attached(path, message)) if self.abilities.attachments else {}
        try:
            for place, data in attached.items():
                _put(place, data)
            _put(path, content)
            if self.abilities.attachments:
                self._tidy(path, message, attached)
        except OSError as error:
            self._known = None
            if isinstance(error, NotADirectoryError | PermissionError):
                raise Misconfigured("the outbox may not be written", raw=str(error)) from error
            raise Unavailable("the outbox cannot be written", raw=str(error)) from error
        self._files()[identity(message.message_id)] = path.name
        return Receipt(provider_id=path.name, raw={"file": str(path)})

    def _tidy(self, mail: Path, message: Message, attached: Collection[Path]) -> None:
        """Take away what was attached when the mail was written before, and is not any more."""
        if identity(message.message_id) in self._files():
            for old in mail.parent.glob(f"{glob.escape(mail.stem)}.*"):
                if old != mail and old not in attached:
                    old.unlink(missing_ok=True)

    async def close(self) -> None:
        """Nothing to give back."""

    def _path(self, message: Message) -> Path:
        """Where *message* is, or will be."""
        if message.at is None:
            raise ValueError("the outbox is sorted by time: Message.at is missing")
        name = identity(message.message_id)
        moment = f"{message.at.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
        what = _UNSAFE.sub("-", message.id)[:80].strip("-")
        known = self._files().get(name)
        return self._directory / (known or f"{moment}_{what}_{self.name}_{name}{self._suffix}")

    def _files(self) -> dict[str, str]:
        if self._known is None:
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                files = self._directory.glob(f"*_{self.name}_*{self._suffix}")
                self._known = {path.stem.rpartition("_")[2]: path.name for path in files}
            except OSError as error:
                raise Misconfigured(
                    f"the outbox {self._directory} is no directory", raw=str(error)
                ) from error
        return self._known
