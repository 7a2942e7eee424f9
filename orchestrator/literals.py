"""Durations, times of day and hours as people write them; standard library only."""

import re
from datetime import time

from orchestrator.findings import Wrong
from orchestrator.journey import Duration

UNITS = ("w", "d", "h", "m", "s", "bd", "bh")
LONGEST = 36_500 * 86_400  # a hundred years in seconds; more is a slip of the finger and overflows dates

_PARTS = re.compile(r"(?:\d+(?:bd|bh|[wdhms])\s*)+")
_PART = re.compile(r"(\d+)(bd|bh|[wdhms])")
MIDNIGHT = "24:00"  # as the end of a day
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_SPAN = re.compile(r"\s*(\S+?)\s*[-–]\s*(\S+)\s*")  # people type an en dash, too
_WORDS = re.compile(
    r"(\d+)\s*(business\s+days?|business\s+hours?|weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?)"
)
_CALENDAR = re.compile(r"\d+\s*(?:M|(?i:mo|mon|months?|y|yr|years?))\b")
_SECONDS = {"w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1, "bd": 86_400, "bh": 3_600}


def parse_duration(text: str) -> Duration:
    """Return the length that *text* says: ``15m``, ``6h``, ``2d``, ``1w``, ``3bd``, ``4bh``, ``1d12h``.

    Raises :class:`Wrong` (a ``ValueError``), also for months and years: their length depends on
    the date, so no two people would count them alike.
    """
    written = text.strip()
    if _PARTS.fullmatch(written):
        return _duration(written)
    if written.startswith("-"):
        raise Wrong("R020", f"a duration cannot be negative: {_short(written)}", "write how long, not when")
    if _CALENDAR.search(written) and not _WORDS.fullmatch(written):
        raise Wrong(
            "R021", f"months and years are not durations: {_short(written)}", "count days or weeks: 30d, 4w"
        )
    raise Wrong("R020", f"{_short(written)} is not a duration", _duration_hint(written))


def _duration(written: str) -> Duration:
    total = dict.fromkeys(UNITS, 0)
    length = 0
    for number, unit in _PART.findall(written):
        if len(number) > 12:
            raise Wrong("R020", f"{_short(written)} is longer than a hundred years", "")
        total[unit] += int(number)
        length += int(number) * _SECONDS[unit]
    if length > LONGEST:
        raise Wrong("R020", f"{_short(written)} is longer than a hundred years", "")
    return Duration(
        days=total["w"] * 7 + total["d"],
        business_days=total["bd"],
        business_minutes=total["bh"] * 60,
        seconds=total["h"] * 3_600 + total["m"] * 60 + total["s"],
        text="".join(written.split()),
    )


def _duration_hint(written: str) -> str:
    if words := _WORDS.fullmatch(written.lower()):
        unit = words[2]
        short = "b" + unit.split()[1][0] if unit.startswith("business") else unit[0]
        return f"write {words[1]}{short}"
    if written.isdigit():
        return f"say of what: {written}m, {written}h, {written}d, {written}bd"
    if re.fullmatch(r"\d+[.,]\d+\s*[a-z]+", written):
        return "write whole parts: 1h30m, 1d12h"
    return "write a number and w, d, h, m, s, bd (business days) or bh (business hours): 15m, 2d, 3bd, 1d12h"


def parse_time(text: str) -> time:
    """Return the local time that *text* says (``16:00``); raises :class:`Wrong`."""
    written = text.strip()
    match = _CLOCK.fullmatch(written)
    if match and int(match[1]) < 24 and int(match[2]) < 60:
        return time(int(match[1]), int(match[2]))
    raise Wrong("R022", f"{_short(written)} is not a time of day", _time_hint(written))


def _time_hint(written: str) -> str:
    if written == MIDNIGHT:
        return "the day ends at 23:59; the next begins at 00:00"
    if spoken := re.fullmatch(r"(\d{1,2})(?:[:.](\d{2}))?\s*([ap])\.?m\.?", written.lower()):
        hour = int(spoken[1]) % 12 + (12 if spoken[3] == "p" else 0)
        return f"write {hour:02}:{spoken[2] or '00'}"
    if dotted := re.fullmatch(r"(\d{1,2})[.h](\d{2})", written):
        return f"write {int(dotted[1]):02}:{dotted[2]}"
    if written.isdigit() and int(written) < 24:
        return f"write {int(written):02}:00"
    return "write hours and minutes on the 24-hour clock: 08:00, 17:30"


def parse_hours(text: str) -> tuple[time, time]:
    """Return the daily hours that *text* says (``08:00-20:00``); raises :class:`Wrong`.

    ``24:00`` is the midnight that ends the day, returned as 00:00: ``00:00-24:00`` is the whole day.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise Wrong("R023", f"{_short(text)} are not hours", "write from-to: 08:00-20:00")
    try:
        start, end = parse_time(match[1]), parse_end(match[2])
    except Wrong as wrong:
        raise Wrong("R023", wrong.message, wrong.hint) from None
    if start >= end and match[2].strip() != MIDNIGHT:
        raise Wrong("R023", f"the hours {text.strip()} end before they begin", "write from-to within one day")
    return start, end


def parse_end(text: str) -> time:
    """Return the local time at which hours end, where ``24:00`` is 00:00; raises :class:`Wrong`."""
    return time() if text.strip() == MIDNIGHT else parse_time(text)


def hours_text(start: time, end: time) -> str:
    """Write hours as :func:`parse_hours` reads them."""
    return f"{start:%H:%M}-{f'{end:%H:%M}' if end > time() else MIDNIGHT}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")
