"""How often a customer hears from us at most, by their own days and weeks: counted, and where there is room.

Pure, over messages that were counted before. Security messages are neither counted nor kept back. Every other
message counts; service is kept back by a cap of its own alone, for a promise is no advertisement.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import inf
from typing import NamedTuple

from orchestrator.journey import Cap
from orchestrator.model import Purpose, Sent
from orchestrator.timing import calendar

LOOK_BACK = timedelta(days=9)  # a week by the clocks of any zone, and the change of them
WEEK = 7  # days; the first of the year 1 was a Monday

Caps = Mapping[Purpose | None, Cap]


class Tally(NamedTuple):
    """What was sent, by days and weeks of a customer, each by its number since the year 1.

    Of each purpose, and under ``None`` all that counts.
    """

    days: defaultdict[Purpose | None, defaultdict[int, int]]
    weeks: defaultdict[Purpose | None, defaultdict[int, int]]


def tally(sent: Iterable[Sent], zone: str) -> Tally:
    """Count what was sent by the days and weeks of *zone*."""
    found = Tally(defaultdict(_numbers), defaultdict(_numbers))
    for one in sent:
        _count(found, one.at, one.purpose, zone)
    return found


def _count(tally: Tally, at: datetime, purpose: Purpose, zone: str) -> None:
    if purpose is not Purpose.SECURITY:
        day = _number(at, zone)
        week = (day - 1) // WEEK
        for counted in (purpose, None):
            tally.days[counted][day] += 1
            tally.weeks[counted][week] += 1


class Limit:
    """What keeps one more message of a purpose back, beside a tally that may grow meanwhile.

    Only on one of the *days* can room be short.
    """

    __slots__ = ("_beyond", "_bounds", "_days", "_zone")

    def __init__(self, bounds: Sequence["_Bound"], days: Iterable[int], zone: str) -> None:
        self._bounds, self._days, self._zone = bounds, days, zone
        self._beyond: dict[int, int] = {}  # by a full day, one that no free day comes before

    def reached(self) -> str:
        """Say which cap is reached on the first full one of the days, or ""."""
        for day in self._days:
            if self._free(day) != day:
                return _why(self._bounds, day)
        return ""

    def room(self, moment: datetime) -> datetime:
        """Return *moment*, or the start of the first later day on which one more may be sent."""
        day = _number(moment, self._zone)
        free = self._free(day)
        if free == day:
            return moment
        return calendar.local(date.fromordinal(free), calendar.MIDNIGHT, self._zone)

    def _free(self, first: int) -> int:
        """That day, or the first after it that is not full, and not in a full week."""
        day, looked = self._beyond.get(first, first), 0
        while looked != day:
            looked = day
            for _, most, days, most_a_week, weeks in self._bounds:
                while days.get(day, 0) >= most or weeks.get((day - 1) // WEEK, 0) >= most_a_week:
                    day += 1
            if len(self._bounds) < 2:
                break
        if day != first:
            self._beyond[first] = day
        return day


@dataclass(slots=True)
class Had:
    """What a customer had of us and what is planned for them, counted in *zone*.

    What has room today has room on every later day but those ``days`` for which something is planned.
    """

    caps: Caps
    zone: str
    days: dict[int, None]
    tally: Tally = field(default_factory=lambda: tally((), ""))
    messages: list[tuple[datetime, Purpose, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    limits: dict[Purpose, Limit] = field(default_factory=dict)

    def add(self, at: datetime, purpose: Purpose, key: str) -> None:
        """Count one that was sent."""
        self.messages.append((at, purpose, key))
        self.keys.add(key)
        _count(self.tally, at, purpose, self.zone)

    def plan(self, at: datetime, purpose: Purpose, key: str) -> None:
        """Count one that is planned."""
        self.add(at, purpose, key)
        self.days[_number(at, self.zone)] = None

    def limit(self, purpose: Purpose, key: str) -> Limit:
        """What keeps the message of that purpose and that *key* back: all of this but itself."""
        if key in self.keys:
            others = Had(self.caps, self.zone, self.days)
            for message in self.messages:
                if message[-1] != key:
                    others.add(*message)
            return others.limit(purpose, key)
        limit = self.limits.get(purpose)
        if limit is None:
            limit = self.limits[purpose] = Limit(
                _bounds(self.caps, purpose, self.tally), self.days, self.zone
            )
        return limit


def counting(sent: Iterable[Sent], caps: Caps, zone: str, now: datetime) -> Had:
    """Count what a customer had by *now*, to count on from there; what may still be kept back is left out."""
    found = Had(caps, zone, {_number(now, zone): None})
    for one in sent:
        if one.at <= now and not one.waits:
            found.add(one.at, one.purpose, one.key)
    return found


def room(caps: Caps, purpose: Purpose, sent: Tally, moment: datetime, zone: str) -> datetime:
    """Return *moment*, or the start of the first later day on which one more may be sent."""
    return Limit(_bounds(caps, purpose, sent), (), zone).room(moment)


def full(caps: Caps, purpose: Purpose, sent: Tally, moment: datetime, zone: str) -> str:
    """Say which cap is reached at *moment*, or ""."""
    return _why(_bounds(caps, purpose, sent), _number(moment, zone))


class _Bound(NamedTuple):
    """A cap that may keep a message back, with what it counts."""

    counted: Purpose | None
    day: float
    days: Mapping[int, int]
    week: float
    weeks: Mapping[int, int]


def _bounds(caps: Caps, purpose: Purpose, sent: Tally) -> list[_Bound]:
    together = (None,) if purpose is not Purpose.SERVICE else ()
    found: list[_Bound] = []
    for counted in () if purpose is Purpose.SECURITY else (purpose, *together):
        cap = caps.get(counted)
        if cap is not None:
            day, week = inf if cap.day is None else cap.day, inf if cap.week is None else cap.week
            found.append(_Bound(counted, day, sent.days[counted], week, sent.weeks[counted]))
    return found


def _why(bounds: Sequence[_Bound], day: int) -> str:
    for counted, most, days, most_a_week, weeks in bounds:
        today, week = days.get(day, 0), weeks.get((day - 1) // WEEK, 0)
        if today >= most:
            return f"the customer had {_messages(today, counted)} that day, and {most} a day is the most"
        if week >= most_a_week:
            return (
                f"the customer had {_messages(week, counted)} that week, and {most_a_week} a week is the most"
            )
    return ""


def _messages(count: int, counted: Purpose | None) -> str:
    """So many messages of that purpose, or of any."""
    what = "message" if counted is None else f"{counted} message"
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


@lru_cache(maxsize=8192)  # the rules of an order meet the same moments
def _number(moment: datetime, zone: str) -> int:
    return calendar.day_of(moment, zone).toordinal()


def _numbers() -> defaultdict[int, int]:
    return defaultdict(int)
