"""Local time: zones, days, windows, quiet hours, business days and hours. Pure; every result is in UTC.

Moments come in and go out as aware UTC datetimes; a zone is an IANA name that :func:`valid_zone` accepts.
Local times are resolved per occasion: a time that a clock change skips becomes the first instant after
the gap, a repeated one its first occurrence. Windows and quiet hours hold whenever the clock on the
wall reads so, both times if it reads so twice.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from orchestrator.journey import BusinessCalendar, Duration
from orchestrator.model import Promised, Window

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # in reasons, in any locale
EVERY_DAY = frozenset(range(len(WEEKDAYS)))
MIDNIGHT = time(0)
DAY = timedelta(days=1)
HORIZON = timedelta(days=400)  # a year, and the longest holiday after it
CYCLE = timedelta(days=15)  # windows and quiet hours repeat weekly; a clock change can spoil one week


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def valid_zone(name: str) -> bool:
    """Say whether *name* is an IANA time zone, spelled exactly (``Europe/Berlin``)."""
    # Files beside the zones: this machine's own zone, and variants that count leap seconds.
    if name in {"localtime", "posixrules", "Factory"} or name.startswith(("posix/", "right/")):
        return False
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):  # unknown; no relative path; a folder, a file that is no zone
        return False
    return True


# ── days and promises ────────────────────────────────────────────────────────


def local(day: date, at: time, zone: str) -> datetime:
    """Return when the clocks of *zone* read *at* on *day*: after a gap, or the first of two."""
    return _resolve(day, at, zone)


@lru_cache(maxsize=8192)  # orders share their days: 0.3 µs where the zone takes 2
def _resolve(day: date, at: time, zone: str) -> datetime:
    if at.fold:
        at = at.replace(fold=0)
    if zone == "UTC":
        return datetime.combine(day, at, UTC)
    wall = datetime.combine(day, at, _zone(zone))
    moment = wall.astimezone(UTC)
    if moment.astimezone(wall.tzinfo) == wall:  # the same zone object: compares what the clocks read
        return moment
    return _after_gap(wall)


def _after_gap(wall: datetime) -> datetime:
    """The first instant after the gap that *wall* falls in.

    Read by the clocks before the gap and by those after it, *wall* is two instants; the change lies between.
    """
    early = wall.replace(fold=1, microsecond=0).astimezone(UTC)
    late = wall.replace(fold=0).astimezone(UTC)

    def offset(seconds: int) -> timedelta:
        there = (early + timedelta(seconds=seconds)).astimezone(wall.tzinfo).utcoffset()
        assert there is not None
        return there

    span = (late - early) // timedelta(seconds=1)
    return early + timedelta(seconds=bisect_left(range(span), offset(span), key=offset))


@lru_cache(maxsize=8192)  # every rule and gate asks about the same moments, and orders share theirs
def _wall(moment: datetime, zone: str) -> datetime:
    """What the clocks of *zone* read at *moment*."""
    return moment if zone == "UTC" else moment.astimezone(_zone(zone))


def day_of(moment: datetime, zone: str) -> date:
    """Return the date in *zone* at *moment*."""
    return _wall(moment, zone).date()


@lru_cache(maxsize=8192)  # several rules mention a deadline, and orders share theirs
def show(moment: datetime, zone: str) -> str:
    """Return *moment* as the clocks of *zone* read it, for reasons: ``Thu 2026-03-12 17:30``."""
    wall = _wall(moment, zone)
    return f"{WEEKDAYS[wall.weekday()]} {wall.date()} {wall.time().isoformat('minutes')}"


def begins(p: Promised, zone: str) -> datetime:
    """Return a promise's first instant: a date's local midnight, a window's start, an instant itself."""
    if p.day is not None:
        return local(p.day, MIDNIGHT, zone)
    assert p.start is not None
    return p.start


def ends(p: Promised, zone: str, closes: time | None = None) -> datetime:
    """Return the instant from which a promise counts as broken.

    A date ends when the next local day starts, or at *closes* on that very day; a window at its end;
    an instant at itself.
    """
    if p.day is not None:
        return local(p.day + DAY, MIDNIGHT, zone) if closes is None else local(p.day, closes, zone)
    assert p.start is not None
    return p.start if p.end is None else p.end


# ── durations ────────────────────────────────────────────────────────────────


def add(moment: datetime, d: Duration, zone: str, business: BusinessCalendar) -> datetime:
    """Return *moment* plus *d*: days and business days keep the wall clock, seconds are elapsed time.

    Business days count from the day of *moment*, open or not (Saturday + 1bd is Monday); business
    minutes pass only during opening hours. Negative parts count backwards. Raises ``ValueError`` when
    the calendar has no open day, ``OverflowError`` past the year 9999.
    """
    if d.days or d.business_days:
        wall = _wall(moment, zone)
        day = wall.date() + timedelta(days=d.days)
        if d.business_days:
            day = _business_days(day, d.business_days, business)
        moment = local(day, wall.time(), zone)
    if d.business_minutes > 0:
        moment = _work(moment, timedelta(minutes=d.business_minutes), zone, business)
    elif d.business_minutes:
        moment = _work_back(moment, timedelta(minutes=-d.business_minutes), zone, business)
    return moment + timedelta(seconds=d.seconds) if d.seconds else moment


def subtract(moment: datetime, d: Duration, zone: str, business: BusinessCalendar) -> datetime:
    """Return the moment *d* before *moment*, counted as :func:`add` counts."""
    return add(moment, _back(d), zone, business)


@lru_cache(maxsize=256)  # the lengths that rules declare
def _back(d: Duration) -> Duration:
    return Duration(-d.days, -d.business_days, -d.business_minutes, -d.seconds, f"-{d.text}")


@lru_cache(maxsize=8192)  # orders share their days
def business_day(day: date, business: BusinessCalendar) -> bool:
    """Say whether the business opens on *day*."""
    return day.weekday() in business.hours and day not in business.holidays


def _open_days(day: date, step: int, business: BusinessCalendar) -> Iterator[date]:
    """Every open day from *day* on (it included), forwards or backwards."""
    idle = 0
    while idle < HORIZON.days:
        if business_day(day, business):
            idle = 0
            yield day
        else:
            idle += 1
        day += step * DAY
    raise ValueError(f"the business calendar has no open day within {HORIZON.days} days before or at {day}")


@lru_cache(maxsize=8192)
def _business_days(day: date, count: int, business: BusinessCalendar) -> date:
    step = 1 if count > 0 else -1
    days = _open_days(day + step * DAY, step, business)
    for _ in range(abs(count)):
        day = next(days)
    return day


@lru_cache(maxsize=8192)
def opening(day: date, zone: str, business: BusinessCalendar) -> tuple[datetime, datetime]:
    """When the business opens and closes on *day*; closing at or before the opening is past midnight."""
    opens, closes = business.hours[day.weekday()]
    return local(day, opens, zone), local(day if opens < closes else day + DAY, closes, zone)


def _openings(moment: datetime, zone: str, business: BusinessCalendar) -> Iterator[tuple[datetime, datetime]]:
    """The opening hours that end after *moment*, in order."""
    today = day_of(moment, zone)
    yesterday = business.hours.get((today - DAY).weekday())
    past_midnight = yesterday is not None and yesterday[1] <= yesterday[0]
    for day in _open_days(today - DAY if past_midnight else today, 1, business):
        opens, closes = opening(day, zone, business)
        if moment < closes:
            yield opens, closes


def next_business(moment: datetime, zone: str, business: BusinessCalendar) -> datetime:
    """Return *moment* during opening hours, else the next opening; ``ValueError`` if there is none."""
    opens, _ = next(_openings(moment, zone, business))
    return max(moment, opens)


def reads_open(moment: datetime, zone: str, business: BusinessCalendar) -> bool:
    """Say whether the clock on the wall reads a time within the opening hours of that day."""
    wall = _wall(moment, zone)
    hours = business.hours.get(wall.weekday())
    if hours is None or wall.time() < hours[0] or wall.date() in business.holidays:
        return False
    return wall.time() < hours[1] or hours[1] <= hours[0]


@lru_cache(maxsize=8192)  # tasks are due at deadlines, which are the same for the promises of a day
def _work(moment: datetime, left: timedelta, zone: str, business: BusinessCalendar) -> datetime:
    for opens, closes in _openings(moment, zone, business):
        moment = max(moment, opens)
        if moment + left <= closes:
            break
        left -= max(closes - moment, timedelta())
        moment = max(moment, closes)
    return moment + left


def _work_back(moment: datetime, left: timedelta, zone: str, business: BusinessCalendar) -> datetime:
    for day in _open_days(day_of(moment, zone), -1, business):
        opens, closes = opening(day, zone, business)
        moment = min(moment, closes)
        if opens <= moment - left:
            break
        left -= max(moment - opens, timedelta())
        moment = min(moment, opens)
    return moment - left


# ── windows and quiet hours ──────────────────────────────────────────────────


def next_open(moment: datetime, windows: Sequence[Window], zone: str) -> datetime | None:
    """Return *moment*, or the next time one of the windows opens.

    No windows at all means always open. ``None``: there are windows, and none of them ever opens.
    """
    if not windows:
        return moment
    wall = _wall(moment, zone)
    for window in windows:
        if _inside(wall, window):
            return moment
    today, weekday = wall.date(), wall.weekday()
    for ahead in range(CYCLE.days):
        todays = [window for window in windows if (weekday + ahead) % 7 in window.days]
        if todays:
            day = today + timedelta(days=ahead)
            openings = [at for window in todays if (at := _opens(moment, day, window, zone))]
            if openings:
                return min(openings)
    return None


def _inside(wall: datetime, window: Window) -> bool:
    at, weekday = wall.time(), wall.weekday()
    if window.start < window.end:
        return window.start <= at < window.end and weekday in window.days
    if window.start <= at:
        return weekday in window.days
    return at < window.end and (weekday - 1) % 7 in window.days


def _opens(moment: datetime, day: date, window: Window, zone: str) -> datetime | None:
    """When *window* opens on *day*, not before *moment*."""
    at = _not_before(moment, day, window.start, zone)
    if at is not None and _inside(_wall(at, zone), window):
        return at
    return _after_the_gap(moment, day, window, zone)


def _after_the_gap(moment: datetime, day: date, window: Window, zone: str) -> datetime | None:
    """A window that a clock change skips whole opens at the first instant after the gap, as long as ever."""
    opens = local(day, window.start, zone)
    if window.start >= window.end or opens != local(day, window.end, zone):
        return None
    closes = opens + (datetime.combine(day, window.end) - datetime.combine(day, window.start))
    return max(opens, moment) if moment < closes else None


def _not_before(moment: datetime, day: date, at: time, zone: str) -> datetime | None:
    """When the clocks read *at* on *day*, the first time not before *moment*; they may do so twice."""
    first = local(day, at, zone)
    if first >= moment:
        return first
    second = datetime.combine(day, at.replace(fold=1), UTC if zone == "UTC" else _zone(zone)).astimezone(UTC)
    return second if second >= moment else None


def leave_quiet(moment: datetime, quiet: tuple[time, time] | None, zone: str) -> datetime:
    """Return *moment*, or the end of the quiet hours it falls in.

    *quiet* is local: from inclusive, to exclusive; from > to runs past midnight; equal is no quiet at all.
    """
    if quiet is None:
        return moment
    start, end = quiet
    wall = _wall(moment, zone)
    at = wall.time()
    if start <= end:
        if not start <= at < end:
            return moment
        until = wall.date()
    else:
        if end <= at < start:
            return moment
        until = wall.date() if at < end else wall.date() + DAY
    over = _not_before(moment, until, end, zone)
    assert over is not None  # the clocks read earlier than that now
    return leave_quiet(over, quiet, zone)  # an end that a clock change skips may land in the next ones
