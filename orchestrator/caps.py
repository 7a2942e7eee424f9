"""How often a customer hears from us at most, by their own days and weeks: counted, and where there is room.

Pure, over messages that were counted before. Security messages are neither counted nor kept back. Every other
message counts; service is kept back by a cap of its own alone, for a promise is no advertisement.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from orchestrator import calendar
from orchestrator.journey import Cap
from orchestrator.model import Purpose, Sent

LOOK_BACK = timedelta(days=9)  # a week by the clocks of any zone, and the change of them
WEEK = 7
ALL = "messages"

Caps = Mapping[Purpose | None, Cap]


def room(caps: Caps, purpose: Purpose, sent: Sequence[Sent], moment: datetime, zone: str) -> datetime:
    """Return *moment*, or the start of the first later day on which one more may be sent."""
    for cap, _, counted in _concerning(caps, purpose, sent):
        moment = _first_room(cap, [calendar.day_of(one.at, zone) for one in counted], moment, zone)
    return moment


def in_words(caps: Caps, purpose: Purpose) -> str:
    """Say how often such a message may come: ``at most 1 marketing message a day and 5 messages a week``."""
    words = [
        f"{limit} {kind} a {span}"
        for cap, kind in _bounds(caps, purpose)
        for limit, span in ((cap.day, "day"), (cap.week, "week"))
        if limit is not None
    ]
    return f"the customer hears at most {' and '.join(words)}"


def full(caps: Caps, purpose: Purpose, sent: Sequence[Sent], moment: datetime, zone: str) -> str:
    """Say which cap is reached at *moment*, or ""."""
    day = calendar.day_of(moment, zone)
    for cap, kind, counted in _concerning(caps, purpose, sent):
        days = [calendar.day_of(one.at, zone) for one in counted]
        if cap.day is not None and days.count(day) >= cap.day:
            return f"the customer had {days.count(day)} {kind} that day, and {cap.day} a day is the most"
        week = sum(_monday(one) == _monday(day) for one in days)
        if cap.week is not None and week >= cap.week:
            return f"the customer had {week} {kind} that week, and {cap.week} a week is the most"
    return ""


def _concerning(
    caps: Caps, purpose: Purpose, sent: Sequence[Sent]
) -> Iterator[tuple[Cap, str, Sequence[Sent]]]:
    """The caps that may keep such a message back, what they count, and what counts for each."""
    for cap, kind in _bounds(caps, purpose):
        yield cap, kind, [one for one in sent if _counts(one, purpose if kind != ALL else None)]


def _counts(one: Sent, purpose: Purpose | None) -> bool:
    return one.purpose is not Purpose.SECURITY if purpose is None else one.purpose is purpose


def _bounds(caps: Caps, purpose: Purpose) -> Iterator[tuple[Cap, str]]:
    if purpose is Purpose.SECURITY:
        return
    if (own := caps.get(purpose)) is not None:
        yield own, f"{purpose.value} messages"
    if purpose is not Purpose.SERVICE and (together := caps.get(None)) is not None:
        yield together, ALL


def _first_room(cap: Cap, days: Sequence[date], moment: datetime, zone: str) -> datetime:
    by_day, by_week = Counter(days), Counter(map(_monday, days))
    day = first = calendar.day_of(moment, zone)
    while True:
        if cap.week is not None and by_week[_monday(day)] >= cap.week:
            day = _monday(day) + timedelta(days=WEEK)
        elif cap.day is not None and by_day[day] >= cap.day:
            day += calendar.DAY
        else:
            return moment if day == first else calendar.local(day, calendar.MIDNIGHT, zone)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
