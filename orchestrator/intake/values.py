"""The single values an event may hold, read strictly and brought into one form.

Every function returns the settled form (which it accepts again, unchanged) or raises :class:`Wrong`.
Messages never repeat a name, an address or a number: they end up in logs.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files

from channels.registry import NAMES, sources
from channels.settings import CHANNEL
from orchestrator.findings import Wrong, did_you_mean, nearest, one_edit_apart, suggestion
from orchestrator.plain_text import one_line
from orchestrator.timing.calendar import valid_zone

CLOSE = 0.75  # so alike must a word be to be what somebody meant
YEARS = range(1970, 2200)  # in which something may be promised; 9999 is a system's way to say never


# ── time ─────────────────────────────────────────────────────────────────────

_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ](?!24)\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(r"(?P<hour>\d\d?):(?P<minute>[0-5]\d)(?::00)?", re.ASCII)
_INSTANT_HINT = "write it like 2026-03-12T17:30:00+01:00 or 2026-03-12T16:30:00Z"


def instant(text: str) -> datetime:
    """Return the moment that an RFC 3339 date-time with its offset names, in UTC."""
    if _INSTANT.fullmatch(text) is None:
        if _NAIVE.fullmatch(text):
            raise Wrong("E105", "has no offset from UTC, so nobody knows when that is", _INSTANT_HINT)
        raise Wrong("E104", "is no date and time as RFC 3339 writes it", _INSTANT_HINT)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Wrong("E106", f"{text} does not exist") from None


def moment_text(moment: datetime) -> str:
    """Write a UTC moment in its settled form, ``2026-03-12T16:30:00Z``."""
    return moment.isoformat()[:-6] + "Z"


def instant_text(text: str) -> str:
    """Settle an RFC 3339 date-time with an offset as UTC, ``2026-03-12T16:30:00Z``."""
    return moment_text(instant(text))


def planned(text: str) -> str:
    """Settle an instant as :func:`instant_text` does, in a year in which something may be promised."""
    moment = instant(text)
    _within_reason(moment)
    return moment_text(moment)


def _within_reason(found: date) -> None:
    if found.year not in YEARS:
        hint = "leave it out, or send no promise, where there is none yet"
        raise Wrong("E124", f"is in no year from {YEARS[0]} to {YEARS[-1]}", hint)


def day(text: str) -> str:
    """Settle a local date, ``2026-03-12``, in a year in which something may be promised."""
    if _DAY.fullmatch(text) is None:
        hint = (
            "an instant belongs in `at`"
            if _INSTANT.fullmatch(text) or _NAIVE.fullmatch(text)
            else "write it like 2026-03-12"
        )
        raise Wrong("E107", "is no date", hint)
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Wrong("E106", f"{text} does not exist") from None
    _within_reason(found)
    return text


def clock(text: str) -> str:
    """Settle a local time of day, ``09:00``; ``24:00`` is the midnight that ends the day."""
    match = _CLOCK.fullmatch(text)
    hour = int(match["hour"]) if match else 25
    if match is None or hour > 24 or (hour == 24 and match["minute"] != "00"):
        raise Wrong("E108", "is no time of day", "write it like 19:00")
    return f"{hour % 24:02}:{match['minute']}"


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = {name[:length]: (n,) for n, name in enumerate(_WEEKDAYS) for length in (3, len(name))} | {
    "weekdays": (0, 1, 2, 3, 4),
    "weekend": (5, 6),
    "daily": (0, 1, 2, 3, 4, 5, 6),
}


OWN_LINE = 300  # characters


def own_line(text: str) -> str:
    """Settle a line somebody wrote for a message: one line, not empty, and no longer than a line is."""
    line = one_line(text, OWN_LINE + 1)
    if not line:
        raise Wrong("E101", "is missing", "")
    if len(line) > OWN_LINE:
        raise Wrong("E109", f"is longer than {OWN_LINE} characters", "say it shorter, or in a mail")
    return line


def days(value: object) -> list[int]:
    """Settle days of the week as sorted numbers, 0 Monday to 6 Sunday.

    Takes names (``mon``, ``Monday``, ``weekdays``, ``weekend``, ``daily``), numbers, or a list of either.
    """
    found: set[int] = set()
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and (named := _DAYS.get(item.lower())):
            found.update(named)
        elif type(item) is int and 0 <= item <= 6:
            found.add(item)
        else:
            hint = "write mon … sun, weekdays, weekend or daily, or 0 (Monday) to 6 (Sunday)"
            raise Wrong("E109", "is no day of the week", hint)
    if not found:
        raise Wrong("E109", "names no day at all", "leave it out to mean every day")
    return sorted(found)


# ── places and languages ─────────────────────────────────────────────────────

_LOCALE = re.compile(
    r"(?P<language>[a-z]{2,3})(?:[-_](?P<script>[a-z]{4}))?(?:[-_](?P<region>[a-z]{2}|\d{3}))?",
    re.ASCII | re.IGNORECASE,
)


def time_zone(text: str) -> str:
    """Check the name of an IANA time zone; "" stays "" (not known)."""
    if text and not valid_zone(text):
        raise Wrong(
            "E110",
            f"{text!r} is no IANA time zone",
            did_you_mean(text, _zones(), CLOSE) or "write it like Europe/Berlin",
        )
    return text


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    from zoneinfo import available_timezones

    return tuple(available_timezones())


@lru_cache(maxsize=1024)
def locale(text: str) -> str:
    """Settle a language tag as BCP 47 writes it: ``de_AT`` → ``de-AT``; "" stays ""."""
    if not text:
        return text
    match = _LOCALE.fullmatch(text)
    if match is None:
        raise Wrong("E111", f"{text!r} is no language tag", "write it like de, de-AT or zh-Hant-TW")
    language, script, region = match.groups(default="")
    return "-".join(filter(None, (language.lower(), script.title(), region.upper())))


def country(text: str) -> str:
    """Settle a country as its ISO 3166 code of two letters: ``de`` → ``DE``; "" stays ""."""
    code = text.upper()
    if code and code not in _countries():
        raise Wrong(
            "E112",
            f"{text!r} is no ISO 3166 code of a country",
            "did you mean GB?" if code == "UK" else "write it like DE",
        )
    return code


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line and not line.startswith("#"))


# ── ways to reach somebody ───────────────────────────────────────────────────


@lru_cache(maxsize=4096)  # an owner's address comes with every one of their orders
def email(text: str) -> str:
    """Settle a mail address by its syntax alone, asking no name server; "" stays ""."""
    if not text:
        return text
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise Wrong("E113", "is no mail address", "write it like name@example.com") from None


@lru_cache(maxsize=4096)
def phone(text: str, region: str) -> str:
    """Settle a phone number as E.164 (``+493023125123``); national ones need the *region*; "" stays "".

    Only the shape is checked: whether a number is in use changes faster than any table, and the
    provider has the last word.
    """
    if not text:
        return text
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and not region:
            hint = "write it like +49 30 23125 123, or say which `country` it belongs to"
            raise Wrong("E115", "is a national number of no known country", hint) from None
        raise Wrong("E114", "is no phone number", "write it like +49 30 23125 123") from None
    if not phonenumbers.is_possible_number(number):
        raise Wrong("E114", "is no phone number: its length is wrong", "write it like +49 30 23125 123")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def channel(text: str) -> str:
    """Check that a channel may be called that; "" stays "" (all of them).

    It may have a name of its own in the settings, but none that only looks like a kind's.
    """
    if not text or text in NAMES or text in (there := [source.name for source in sources()]):
        return text
    if not CHANNEL.fullmatch(text) or any(one_edit_apart(text, known) for known in there):
        raise Wrong("E121", "is no channel", suggestion(text, there))
    return text


# ── words ────────────────────────────────────────────────────────────────────


def as_written(name: str, keys: Iterable[str]) -> str:
    """Return ``you wrote 'typ'`` when one of the *keys* is nearly the missing *name*, else ""."""
    folded = {key.lower().replace("_", ""): key for key in sorted(keys)}
    close = nearest(name.replace("_", ""), folded, CLOSE)
    return f"you wrote {folded[close]!r}" if close else ""
