"""Files that go with a mail: what a template may name in ``Attach:``, and what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EACH = 2_000_000  # bytes of one file
ALL = 5_000_000  # bytes of all files of one mail; many servers refuse 10 MB, and base64 adds a third


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file's ending means: its content type, and the bytes it begins with."""

    type: str
    begins: bytes = b""


KINDS: Mapping[str, Kind] = {
    ".pdf": Kind("application/pdf", b"%PDF-"),
    ".png": Kind("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": Kind("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": Kind("image/jpeg", b"\xff\xd8\xff"),
    ".txt": Kind("text/plain; charset=utf-8"),
    ".csv": Kind("text/csv; charset=utf-8"),
}
"""What may be attached. No kind that a computer would run, and no document that can hold a program."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes with a mail; with ``cid`` it is shown inside the HTML and not listed."""

    name: str
    type: str
    data: bytes
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file cannot be attached: a code of docs/reference/codes.md, and the reason."""

    code: str
    message: str
    hint: str = ""


def read(directory: Path) -> dict[str, bytes]:
    """Return every file under *directory* that could be attached, by its path inside it.

    A link that leads out of the directory is not followed. Of a file that is too large only so much is read
    as shows it.
    """
    root = directory.resolve()
    found: dict[str, bytes] = {}
    for file in sorted(root.glob("*/**/*")):
        if file.suffix.lower() in KINDS and file.is_file() and file.resolve().is_relative_to(root):
            with file.open("rb") as handle:
                found[file.relative_to(root).as_posix()] = handle.read(EACH + 1)
    return found


def taken(path: str, files: Mapping[str, bytes]) -> File | Refusal:
    """Return the file at *path* as a mail carries it, or why not."""
    name = path.rpartition("/")[2]
    ending = f".{name.rpartition('.')[2].lower()}"
    kind = KINDS.get(ending)
    if kind is None:
        return Refusal("T041", f"a file called '{name}' is not attached", f"kinds: {', '.join(KINDS)}")
    data = files.get(path)
    if data is None:
        return Refusal("T040", f"there is no file '{path}' among the templates")
    if len(data) > EACH:
        return Refusal("T042", f"'{path}' is larger than {EACH // 1_000_000} MB", "make it smaller")
    if not data.startswith(kind.begins):
        return Refusal(
            "T041", f"'{path}' does not begin as a {ending} file does", "save it again as what it is"
        )
    return File(name, kind.type, data)


def too_large(size: int) -> Refusal | None:
    """Refuse what is too large for one mail."""
    if size <= ALL:
        return None
    return Refusal("T042", f"together they are larger than {ALL // 1_000_000} MB", "attach fewer, or smaller")
