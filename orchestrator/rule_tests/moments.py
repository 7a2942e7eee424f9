"""Times as people write them in tests, read by the clocks of one place."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestrator.findings import Wrong
from orchestrator.timing.calendar import local

_MOMENT = re.compile(
    r"(?:(?P<weekday>[A-Za-z]{2,9})\.?,? +)?(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTE = timedelta(minutes=1)


def parse_moment(text: str, zone: str, *, end: bool | None = None) -> datetime:
    """Return the UTC moment when the clocks of *zone* read *text*: ``2026-03-12 17:30``, weekday welcome.

    A day alone is refused, unless *end* says what it means: its beginning (False) or its end (True).
    Raises :class:`Wrong`.
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise Wrong("X020", f"{text!r} is not a time", _hint(text))
    day = _day(match["day"], match["weekday"])
    if match["hour"] is None:
        if end is None:
            raise Wrong("X020", f"{text!r} is a day without a time", f"write {match['day']} 17:30")
        return local(day + timedelta(days=1), time(), zone) - MINUTE if end else local(day, time(), zone)
    try:
        at = time(int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
    except ValueError:
        hint = (
            f"the next day begins at 00:00: {day + timedelta(days=1)} 00:00" if match["hour"] == "24" else ""
        )
        raise Wrong("X021", f"no clock reads {text.rsplit(maxsplit=1)[-1]}", hint) from None
    moment = local(day, at, zone)
    if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != datetime.combine(day, at):
        later = f"{moment.astimezone(ZoneInfo(zone)):%H:%M}"
        raise Wrong("X021", f"the clocks of {zone} skip {at:%H:%M} on {day}", f"they go on at {later}")
    return moment


def _day(text: str, weekday: str | None) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Wrong("X021", f"the calendar has no {text}") from None
    if not 1970 <= day.year <= 2200:
        raise Wrong("X021", f"{text} is out of reach", "is it the year?")
    named = _WEEKDAYS[day.weekday()]
    if weekday is not None and not named.startswith(weekday.lower()):
        raise Wrong("X021", f"{text} is a {named.title()}", f"write {named[:3].title()} {text}")
    return day


def _hint(text: str) -> str:
    if re.search(r"[+-]\d\d:?\d\d$|Z$", text.strip()):
        return "leave the offset out: times are those of the order's location"
    return "write it like 2026-03-12 17:30"


def shown(moment: datetime, zone: str) -> str:
    """Return *moment* as a test writes it: ``2026-03-12 17:30``."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def minute(moment: datetime) -> datetime:
    """Return the minute *moment* falls in: tests are not about seconds."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
