"""A list of addresses nothing is to be sent to → what to suppress, and everything wrong with it. Pure.

It may be what a provider exports (Amazon SES, SendGrid, Mailgun and Postmark are known), somebody's own list,
or the export of another ledger of ours. Columns are known by their names in any spelling.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO

from orchestrator.findings import Wrong, nearest, slip, suggestion
from orchestrator.intake import values
from orchestrator.private import without_addresses
from orchestrator.sending.suppressions import EVERYWHERE
from orchestrator.tables.flaws import Flaw, Flawed
from orchestrator.tables.reading import Lines, Row, Rows

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "address": (
        "address", "email", "emailaddress", "recipient", "mail", "mailbox", "adresse", "emailadresse",
        "phone", "phonenumber", "number", "mobile", "telefon", "telefonnummer", "to",
    ),
    "hash": ("hash", "addresshash"),
    "key": ("key", "keyname"),
    "scope": ("scope", "channel", "kanal"),
    "reason": ("reason", "type", "suppressionreason", "category", "grund"),
    "evidence": ("evidence", "code", "status", "error", "errorcode", "details"),
    "since": (
        "since", "date", "at", "created", "createdat", "timestamp", "time", "lastupdatetime", "bouncedat",
        "datum",
    ),
    "country": ("country", "land"),
}  # fmt: skip
"""What a column may hold, and the names it has in exports: small letters, without separators."""

_HASH = re.compile(r"[0-9a-f]{64}")
_EPOCH = re.compile(r"\d{9,10}(\.\d+)?|\d{13}")
_NUMBER = re.compile(r"[+0-9][\d\s().\-/]+")
_DEVICE = re.compile(r"(fcm|apns|web):\S.*")
_QUOTED = re.compile(r"'(?=[=+\-@\t\r])")  # what a spreadsheet must not take for a formula
_ALL = frozenset({"*", "all", "everywhere", "global"})
LONGEST = 200  # characters of a reason


@dataclass(frozen=True, slots=True)
class Listed:
    """One line: an address, or the hash of one under the ``key`` of that name. ``at`` is its own date."""

    line: int
    scope: str
    address: str = ""
    hash: str = ""
    key: str = ""
    reason: str = ""
    evidence: str = ""
    at: datetime | None = None


_ROLES = {"the address": "address", "the hash": "hash", "the channel": "scope", "the date": "since"}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What is meant where a line does not say: the ``scope``, the ``reason``, numbers' ``country``."""

    channels: Collection[str]
    scope: str = ""
    reason: str = ""
    country: str = ""


class Reading:
    """A file of comma-, semicolon- or tab-separated values; iterating gives its lines and what is wrong.

    *named* says which column holds what, in place of its name. Nothing is made of the ``ignored`` columns.
    """

    def __init__(self, stream: BinaryIO, defaults: Defaults, named: Mapping[str, str], now: datetime) -> None:
        self._defaults = defaults
        self._now = now
        head = stream.readline()
        stream.seek(0)
        self._rows = Rows(Lines(stream, "utf-8"), _delimiter(head), 1, None)
        self.flaws, self._at = _columns(self._rows.names, named)
        used = set(self._at.values())
        self.ignored = tuple(name for n, name in enumerate(self._rows.names) if n not in used and name)

    def __iter__(self) -> Iterator[Listed | Flaw]:
        yield from self.flaws
        if self.flaws:
            return
        for row in self._rows:
            if isinstance(row, Flaw):
                yield row
            elif any(cell.strip() for cell in row.cells):
                yield self._line(row)

    def _line(self, row: Row) -> Listed | Flaw:
        cells = {role: _QUOTED.sub("", row.cells[at].strip(), count=1) for role, at in self._at.items()}
        try:
            return self._listed(row.line, cells)
        except Flawed as flawed:
            at = self._at.get(_ROLES.get(flawed.column, ""))
            return flawed.at(row.line, 0 if at is None else self._rows.place(at))

    def _listed(self, line: int, cells: Mapping[str, str]) -> Listed:
        written, hashed = cells.get("address", ""), cells.get("hash", "").lower()
        if hashed and not _HASH.fullmatch(hashed):
            raise Flawed("M302", "the hash", hashed, "is no hash", "64 digits and letters from a to f")
        if bool(hashed) == bool(written):
            what = "has both an address and a hash" if hashed else "has no address"
            raise Flawed("M302", "", "", what, "each line is about one address")
        address, kind = (
            ("", "") if hashed else _address(written, cells.get("country") or self._defaults.country)
        )
        reason = without_addresses(cells.get("reason") or self._defaults.reason, address)[:LONGEST]
        return Listed(
            line,
            _scope(cells.get("scope") or self._defaults.scope or kind, self._defaults.channels),
            address,
            hashed,
            cells.get("key", ""),
            reason,
            without_addresses(cells.get("evidence", ""), address)[:LONGEST],
            _moment(cells.get("since", ""), self._now),
        )


def place(address: str, scope: str, country: str, channels: Collection[str]) -> tuple[str, str]:
    """The scope and the address, each as it is kept; raises :class:`Flawed` for what cannot be one."""
    to, kind = _address(address.strip(), country)
    return _scope(scope or kind, channels), to


def _scope(chosen: str, channels: Collection[str]) -> str:
    if chosen.lower() in _ALL:
        return EVERYWHERE
    if not chosen:
        raise Flawed("M303", "", "", "does not say on which channel", "say --channel NAME or --everywhere")
    if chosen not in channels:
        hint = suggestion(chosen, sorted(channels))
        raise Flawed("M303", "the channel", chosen, f"{chosen!r} does not exist", hint)
    return chosen


def _address(written: str, country: str) -> tuple[str, str]:
    """The address in one form, and the channel such an address is of."""
    try:
        if _DEVICE.fullmatch(written):
            return written, "push"
        if "@" in written:
            return values.email(written.removeprefix("mailto:")), "email"
        if _NUMBER.fullmatch(written):
            return values.phone(written, values.country(country)), "sms"
    except Wrong as wrong:
        raise Flawed("M302", "the address", written, wrong.message, wrong.hint) from None
    hint = "write maria.keller@example.com, +49 30 23125 123 or a device (fcm:…)"
    raise Flawed("M302", "the address", written, "is no address", hint)


def _moment(written: str, now: datetime) -> datetime | None:
    """The moment that an export means: RFC 3339 or 2822, a date, or seconds (or thousandths) since 1970."""
    if not written:
        return None
    try:
        moment = _read(written)
    except (ValueError, OverflowError, TypeError, OSError):
        raise Flawed("M304", "the date", written, "is no date", "write it like 2026-03-12") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment > now:
        raise Flawed("M304", "the date", written, "has not come yet", "what counts is when it was suppressed")
    return moment


def _read(written: str) -> datetime:
    if _EPOCH.fullmatch(written):
        number = float(written)
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    try:
        return datetime.fromisoformat(written.removesuffix(" UTC"))
    except ValueError:
        return parsedate_to_datetime(written)


def _delimiter(head: bytes) -> str:
    """What separates the names of the columns, most of all."""
    return max(",;\t", key=lambda one: head.count(one.encode()))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _columns(names: list[str], named: Mapping[str, str]) -> tuple[list[Flaw], dict[str, int]]:
    """Which column holds what, and what is wrong with their names."""
    flaws = [_no_column(role, name, names) for role, name in named.items() if name not in names]
    found = {role: names.index(name) for role, name in named.items() if name in names}
    for role, known in COLUMNS.items():
        ranked = [(known.index(_plain(name)), n) for n, name in enumerate(names) if _plain(name) in known]
        if role not in found and ranked:
            found[role] = min(ranked)[1]
    if "address" not in found and "hash" not in found and not flaws:
        known = (*COLUMNS["address"], *COLUMNS["hash"])
        near = next((f"is {name!r} meant?" for name in names if nearest(_plain(name), known)), "")
        hint = f"{near} say --column address=NAME".strip()
        flaws.append(Flaw(1, "the header", "", "M301", "names no column of addresses", hint))
    for name in (name for n, name in enumerate(names) if n not in found.values()):
        for role in COLUMNS.keys() - found.keys():
            if slip(_plain(name), COLUMNS[role]):
                meant = slip(_plain(name), COLUMNS[role])
                hint = f"did you mean {meant!r}? say --column {role}={name} if that is what it holds"
                flaws.append(Flaw(1, "the header", "", "M301", f"names a column {name!r}", hint))
    return flaws, found


def _no_column(role: str, name: str, names: list[str]) -> Flaw:
    if role not in COLUMNS:
        return Flaw(1, "", role, "M301", f"holds nothing called {role!r}", suggestion(role, COLUMNS))
    return Flaw(1, "the header", name, "M301", f"names no column {name!r}", suggestion(name, names))
