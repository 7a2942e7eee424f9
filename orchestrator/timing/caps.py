"""How often a customer hears from us at most, by their own days and weeks: counted, and where there is room.

Pure, over messages that were counted before. Security messages are neither counted nor kept back. Every other
message counts; service is kept back by a cap of its own alone, for a promise is no advertisement.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from orchestrator.journey import Cap
from orchestrator.model import Purpose, Sent
from orchestrator.timing import calendar

LOOK_BACK = timedelta(days=9)  # a week by the clocks of any zone, and the change of them
WEEK = 7

Caps = Mapping[Purpose | None, Cap]


class Tally(NamedTuple):
    """What was sent by days and weeks of a customer: of each purpose, and under ``None`` all that counts."""

    days: dict[Purpose | None, Counter[date]]
    weeks: dict[Purpose | None, Counter[date]]


@lru_cache(maxsize=256)  # asked for every rule of every order of the same customer
def tally(sent: tuple[Sent, ...], zone: str) -> Tally:
    """Count what was sent by the days and weeks of *zone*."""
    found = Tally({}, {})
    for one in sent:
        counted(found, one, zone)
    return found


def counted(tally: Tally, one: Sent, zone: str) -> None:
    """Count one more in a tally of one's own: what :func:`tally` returns belongs to all who asked."""
    if one.purpose is not Purpose.SECURITY:
        day = calendar.day_of(one.at, zone)
        for purpose in (one.purpose, None):
            tally.days.setdefault(purpose, Counter())[day] += 1
            tally.weeks.setdefault(purpose, Counter())[_monday(day)] += 1


def room(caps: Caps, purpose: Purpose, sent: Tally, moment: datetime, zone: str) -> datetime:
    """Return *moment*, or the start of the first later day on which one more may be sent."""
    day = first = calendar.day_of(moment, zone)
    while (until := _full_until(caps, purpose, sent, day)) is not None:
        day = until
    return moment if day == first else calendar.local(day, calendar.MIDNIGHT, zone)


def full(caps: Caps, purpose: Purpose, sent: Tally, moment: datetime, zone: str) -> str:
    """Say which cap is reached at *moment*, or ""."""
    day = calendar.day_of(moment, zone)
    for counted, cap in _bounds(caps, purpose):
        had, this_week = sent.days.get(counted, _NONE)[day], sent.weeks.get(counted, _NONE)[_monday(day)]
        if cap.day is not None and had >= cap.day:
            return f"the customer had {had} {_named(counted)} that day, and {cap.day} a day is the most"
        if cap.week is not None and this_week >= cap.week:
            return (
                f"the customer had {this_week} {_named(counted)} that week, and {cap.week} a week is the most"
            )
    return ""


def _bounds(caps: Caps, purpose: Purpose) -> Iterator[tuple[Purpose | None, Cap]]:
    """The caps that may keep such a message back, with what they count."""
    if purpose is Purpose.SECURITY:
        return
    if (own := caps.get(purpose)) is not None:
        yield purpose, own
    if purpose is not Purpose.SERVICE and (together := caps.get(None)) is not None:
        yield None, together


def _full_until(caps: Caps, purpose: Purpose, sent: Tally, day: date) -> date | None:
    """The day after a full one, or the Monday after a full week; ``None`` if there is room."""
    for counted, cap in _bounds(caps, purpose):
        if cap.week is not None and sent.weeks.get(counted, _NONE)[_monday(day)] >= cap.week:
            return _monday(day) + timedelta(days=WEEK)
        if cap.day is not None and sent.days.get(counted, _NONE)[day] >= cap.day:
            return day + calendar.DAY
    return None


def _named(counted: Purpose | None) -> str:
    return "messages" if counted is None else f"{counted.value} messages"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


_NONE: Counter[date] = Counter()
