"""How often a customer hears from us at most, by their own days and weeks: counted, and where there is room.

Pure, over messages that were counted before. Security messages are neither counted nor kept back. Every other
message counts; service is kept back by a cap of its own alone, for a promise is no advertisement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

from orchestrator.journey import Cap
from orchestrator.model import Purpose, Sent
from orchestrator.timing import calendar

LOOK_BACK = timedelta(days=9)  # a week by the clocks of any zone, and the change of them
WEEK = 7

Caps = Mapping[Purpose | None, Cap]
Bounds = Sequence[tuple[Purpose | None, Cap]]


class Tally(NamedTuple):
    """What was sent, by days and weeks of a customer, each by its number since the year 1.

    Of each purpose, and under ``None`` all that counts.
    """

    days: dict[Purpose | None, dict[int, int]]
    weeks: dict[Purpose | None, dict[int, int]]


def tally(sent: Iterable[Sent], zone: str) -> Tally:
    """Count what was sent by the days and weeks of *zone*."""
    found = Tally({}, {})
    for one in sent:
        _count(found, one, zone)
    return found


def _count(tally: Tally, one: Sent, zone: str) -> None:
    if one.purpose is not Purpose.SECURITY:
        day = _number(one.at, zone)
        for counts, number in ((tally.days, day), (tally.weeks, _week(day))):
            for purpose in (one.purpose, None):
                mine = counts.setdefault(purpose, {})
                mine[number] = mine.get(number, 0) + 1


@dataclass(slots=True)
class Had:
    """What a customer had of us and what is planned for them, counted in *zone*.

    Only on one of the ``days`` may room be short: what has room now has room on every later day but those
    for which something is planned.
    """

    zone: str
    days: dict[int, None]
    tally: Tally = field(default_factory=lambda: Tally({}, {}))
    messages: list[Sent] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def add(self, one: Sent) -> None:
        """Count one that was sent."""
        self.messages.append(one)
        self.keys.add(one.key)
        _count(self.tally, one, self.zone)

    def plan(self, one: Sent) -> None:
        """Count one that is planned."""
        self.add(one)
        self.days[_number(one.at, self.zone)] = None

    def besides(self, key: str) -> "Had":
        """The same without the message of that key, which does not stand in its own way."""
        if key not in self.keys:
            return self
        others = Had(self.zone, self.days)
        for one in self.messages:
            if one.key != key:
                others.add(one)
        return others

    def limit(self, caps: Caps, purpose: Purpose) -> tuple[str, Callable[[datetime], datetime]] | None:
        """Which cap is reached on the first full one of the days, and what tells when there is room."""
        bounds = _bounds(caps, purpose)
        why = _full_on(self.days, bounds, self.tally)
        return (why, partial(_room, bounds, self.tally, self.zone)) if why else None


def counting(sent: Iterable[Sent], zone: str, now: datetime) -> Had:
    """Count what a customer had by *now*, to count on from there; what may still be kept back is left out."""
    found = Had(zone, {_number(now, zone): None})
    for one in sent:
        if one.at <= now and not one.waits:
            found.add(one)
    return found


@lru_cache(maxsize=256)  # asked for every rule of every order of the same customer
def had(sent: tuple[Sent, ...], zone: str, now: datetime) -> Had:
    """The same as :func:`counting`, for those who only read it: it belongs to all who asked."""
    return counting(sent, zone, now)


def room(caps: Caps, purpose: Purpose, sent: Tally, moment: datetime, zone: str) -> datetime:
    """Return *moment*, or the start of the first later day on which one more may be sent."""
    return _room(_bounds(caps, purpose), sent, zone, moment)


def _room(bounds: Bounds, sent: Tally, zone: str, moment: datetime) -> datetime:
    day = first = _number(moment, zone)
    while until := _full_until(bounds, sent, day):
        day = until
    return moment if day == first else calendar.local(date.fromordinal(day), calendar.MIDNIGHT, zone)


def full(caps: Caps, purpose: Purpose, sent: Tally, moment: datetime, zone: str) -> str:
    """Say which cap is reached at *moment*, or ""."""
    return _full_on((_number(moment, zone),), _bounds(caps, purpose), sent)


def _full_on(days: Iterable[int], bounds: Bounds, sent: Tally) -> str:
    for day in days:
        for counted, cap in bounds:
            today = sent.days.get(counted, _NONE).get(day, 0)
            if cap.day is not None and today >= cap.day:
                return f"the customer had {today} {_named(counted)} that day, and {cap.day} a day is the most"
            week = sent.weeks.get(counted, _NONE).get(_week(day), 0)
            if cap.week is not None and week >= cap.week:
                had, most = f"{week} {_named(counted)}", f"{cap.week} a week"
                return f"the customer had {had} that week, and {most} is the most"
    return ""


def _bounds(caps: Caps, purpose: Purpose) -> Bounds:
    """The caps that may keep such a message back, with what they count."""
    together = (None,) if purpose is not Purpose.SERVICE else ()
    counts = () if purpose is Purpose.SECURITY else (purpose, *together)
    return [(counted, caps[counted]) for counted in counts if counted in caps]


def _full_until(bounds: Bounds, sent: Tally, day: int) -> int:
    """The day after a full one, or the Monday after a full week; 0 if there is room."""
    for counted, cap in bounds:
        if cap.week is not None and sent.weeks.get(counted, _NONE).get(_week(day), 0) >= cap.week:
            return (_week(day) + 1) * WEEK + 1
        if cap.day is not None and sent.days.get(counted, _NONE).get(day, 0) >= cap.day:
            return day + 1
    return 0


def _named(counted: Purpose | None) -> str:
    return "messages" if counted is None else f"{counted.value} messages"


def _number(moment: datetime, zone: str) -> int:
    return calendar.day_of(moment, zone).toordinal()


def _week(day: int) -> int:
    """The number of a day's week: the first day of the year 1 was a Monday."""
    return (day - 1) // WEEK


_NONE: Mapping[int, int] = {}
