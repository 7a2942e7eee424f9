"""The kinds of value a setting may have: what a person writes, checked, and as the program uses it."""

import re
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator import literals
from orchestrator.findings import Wrong, did_you_mean
from orchestrator.timing.calendar import valid_zone

_MAILBOX = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_LAYOUT = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_SIZE = re.compile(r"(\d+)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)?")
_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3}


def refused(code: str, message: str, hint: str = "", *, key: str = "") -> PydanticCustomError:
    """Make the error of a value that cannot be: its code (setting_codes), what is wrong, what to write.

    An error of a whole section may lie at one *key* of it.
    """
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint, "key": key})


def _length(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise refused("C010", f"{value!r} is not a length of time", "write a text: 30s, 2m, 24h")
    try:
        length = literals.parse_duration(value)
    except Wrong as wrong:
        raise refused("C010", wrong.message, wrong.hint) from None
    if length.business_days or length.business_minutes:
        raise refused("C010", f"{value!r} counts business time, which no setting can", "write 30s, 2m, 24h")
    return timedelta(days=length.days, seconds=length.seconds)


def _hours(value: Any) -> Any:
    """Opening hours, within one day."""
    if not isinstance(value, str):
        raise refused("C011", f"{value!r} are not hours", "write a text: 09:00-18:00")
    try:
        return literals.parse_hours(value)
    except Wrong as wrong:
        raise refused("C011", wrong.message, wrong.hint) from None


def _quiet(value: Any) -> Any:
    """Quiet hours, which may run past midnight; "none" for none at all."""
    if not isinstance(value, str):
        raise refused("C011", f"{value!r} are not hours", 'write a text: 22:00-08:00, or "none"')
    if value.strip().lower() == "none":
        return None
    start, dash, end = value.replace("–", "-").partition("-")
    if not dash:
        raise refused("C011", f"{value!r} are not hours", 'write from-to, such as 22:00-08:00, or "none"')
    try:
        hours = literals.parse_time(start), literals.parse_end(end)
    except Wrong as wrong:
        raise refused("C011", wrong.message, wrong.hint) from None
    if hours[0] == hours[1]:
        raise refused("C011", f"{value!r} are no hours, or all of them", 'write "none" for no quiet hours')
    return hours


def _zone(value: Any) -> Any:
    if isinstance(value, str) and not valid_zone(value):
        import zoneinfo

        names = sorted(zoneinfo.available_timezones())
        hint = did_you_mean(value, names) or "write Europe/Berlin"
        raise refused("C012", f"no time zone is called {value!r}", hint)
    return value


def _mailbox(value: Any) -> Any:
    if isinstance(value, str) and value and not _MAILBOX.fullmatch(value):
        raise refused(
            "C013", f"{value!r} is not a mail address", "write only the address: service@example.com"
        )
    return value


def _locale(value: Any) -> Any:
    if isinstance(value, str) and not _LOCALE.fullmatch(value):
        raise refused("C014", f"{value!r} is not a language tag", "write en, de or de-AT")
    return value


def _colour(value: Any) -> Any:
    if isinstance(value, str) and value and not _COLOUR.fullmatch(value):
        raise refused("C026", f"{value!r} is not a colour", 'write "#0b6b5d": red, green, blue')
    return value.lower() if isinstance(value, str) else value


def _layout(value: Any) -> Any:
    if isinstance(value, str) and value and not _LAYOUT.fullmatch(value):
        hint = "write small letters, digits and `-`, without .html.j2"
        raise refused("C027", f"{value!r} is not the name of a layout", hint)
    return value


def _address(value: Any) -> Any:
    """An address of the web without a slash at its end."""
    if isinstance(value, str) and value and not _ADDRESS.fullmatch(value):
        raise refused("C039", f"{value!r} is no address", "write https://updates.example.com")
    return value.rstrip("/") if isinstance(value, str) else value


def _size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise refused("C015", f"{value!r} is not a size", "write 64KB, 1MB or a number of bytes")
    return int(match[1]) * _BYTES[(match[2] or "B").upper()]


def _items(value: Any) -> Any:
    """From the environment a list is a text with commas."""
    if not isinstance(value, str):
        return value
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise refused("C016", f"{value!r} is not a date", "write 2026-12-25") from None


def _path(value: Any, info: ValidationInfo) -> Any:
    """A path, seen from the folder of the settings file."""
    folder = (info.context or {}).get("folder", Path())
    return folder / value if isinstance(value, str | Path) else value


def _ledger(value: Any, info: ValidationInfo) -> Any:
    """The URL of a database; the file of a SQLite one is seen from the folder of the settings file."""
    if not isinstance(value, str) or value.startswith("postgresql://"):
        return value
    if not value.startswith("sqlite:"):
        hint = "write sqlite:///beforehand.db, or postgresql://beforehand@db.example.com/beforehand"
        raise refused("C017", "a ledger is in SQLite or in PostgreSQL", hint)
    file = value.removeprefix("sqlite:///")
    if file == value or file.startswith(("/", ":memory:", "file:")) or not file:
        return value
    folder = (info.context or {}).get("folder", Path())
    return f"sqlite:///{folder / file}"


Length = Annotated[timedelta, BeforeValidator(_length)]
Hours = Annotated[tuple[time, time], BeforeValidator(_hours)]
Quiet = Annotated[tuple[time, time] | None, BeforeValidator(_quiet)]
Zone = Annotated[str, BeforeValidator(_zone)]
Mailbox = Annotated[str, BeforeValidator(_mailbox)]
Locale = Annotated[str, BeforeValidator(_locale)]
Colour = Annotated[str, BeforeValidator(_colour)]
Layout = Annotated[str, BeforeValidator(_layout)]
Address = Annotated[str, BeforeValidator(_address)]
Size = Annotated[int, BeforeValidator(_size)]
Days = Annotated[tuple[Annotated[date, BeforeValidator(_day)], ...], BeforeValidator(_items)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_items)]
File = Annotated[Path, BeforeValidator(_path)]
LedgerUrl = Annotated[str, BeforeValidator(_ledger)]
