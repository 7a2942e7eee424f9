"""What still stands of somebody erased, and the note of it: afterwards no name is known to look for."""

import json
import mmap
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from channels.outbox import is_attached, read
from orchestrator.ledger import Transaction
from orchestrator.ledger.erasing import Standing
from orchestrator.ledger.traces import E164, GAPS, digits_of, pattern

_NOTE = "erased:"
_GAP = b"(?:\\s|\\\\[nrt]|" + b"|".join(re.escape(gap.encode()) for gap in GAPS) + b")*"


@dataclass(frozen=True, slots=True)
class Place:
    """One place, as a person can find it; ``event`` is the fact's (source, id) if it is one."""

    text: str
    event: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What an erasure left, written down when the names were still known."""

    customer: str
    at: datetime
    left: tuple[Place, ...]


def place(found: Standing) -> Place:
    """Say where a row is, by ids alone."""
    row = found.row
    if found.table == "facts":
        source, event_id = row["source"], row["event_id"]
        what = f"fact {source}/{event_id} ({row['type']}) of {row['scope']} {row['subject']}: {found.at}"
        return Place(what, (source, event_id))
    ids = ", ".join(f"{name} {value}" for name, value in row.items() if value)
    return Place(f"{found.table} ({ids}): {found.at}")


def note(tx: Transaction, customers: Iterable[str], at: datetime, left: Iterable[Place]) -> None:
    """Write down what was left of these customers."""
    places = [[one.text, *(one.event or ())] for one in left]
    for customer in customers:
        tx.remember(f"{_NOTE}{customer}", json.dumps({"at": at.isoformat(), "left": places}))


def noted(tx: Transaction, customer: str) -> Note | None:
    """What was left of a customer, without what went since; ``None`` if it was never written down."""
    written = tx.remembered(f"{_NOTE}{customer}")
    return None if written is None else _read(tx, customer, written)


def still_left(tx: Transaction) -> Iterator[Note]:
    """Every note of something that is left, by customer."""
    for name, written in tx.all_remembered(_NOTE):
        found = _read(tx, name.removeprefix(_NOTE), written)
        if found.left:
            yield found


def _read(tx: Transaction, customer: str, written: str) -> Note:
    said = json.loads(written)
    places = [Place(text, (event[0], event[1]) if event else None) for text, *event in said["left"]]
    left = tuple(one for one in places if one.event is None or tx.has_payload(*one.event))
    return Note(customer, datetime.fromisoformat(said["at"]), left)


# ── bytes ────────────────────────────────────────────────────────────────────


def standing_in(files: Iterable[Path], secrets: Collection[str]) -> list[Path]:
    """Name the files whose bytes hold one of *secrets*; messages are read as whoever gets them does."""
    wanted = frozenset(secrets)
    return [path for path in files if any(_holds(path, one) for one in wanted) or _says(path, wanted)]


def _says(path: Path, secrets: frozenset[str]) -> bool:
    if not secrets or path.suffix != ".eml" or is_attached(path) or not path.exists():
        return False
    kept = read(path)
    return any(pattern(secrets).search(text) for text in (kept.to, kept.subject, kept.text))


def _holds(path: Path, secret: str) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if any(content.find(form.encode()) >= 0 for form in {secret, secret.lower(), secret.upper()}):
            return True
        return E164.fullmatch(secret) is not None and _has_number(content, secret)


def _has_number(content: mmap.mmap, phone: str) -> bool:
    """Does the number stand there with gaps or another prefix, and as no part of a longer one?"""
    digits = [digit.encode() for digit in digits_of(phone)[1]]
    for hit in re.finditer(_GAP.join(digits) + b"(?![0-9])", content):  # a mapped file is bytes to it
        around = content[max(0, hit.start() - 24) : hit.end()].decode(errors="replace")
        if pattern(frozenset({phone})).search(around):
            return True
    return False
