"""Days and moments of an order as its reader says them. Pure."""

from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from orchestrator.facts import value
from orchestrator.model import Promised
from orchestrator.render.words import When


@value(frozen=True, slots=True)
class Dates:
    """Makes :class:`When` of what the model has."""

    zone: str
    locale: str
    today: date
    reader: str = ""  # the zone of whoever reads it, if it is known

    def on(self, day: date | None) -> When:
        """A day, or none."""
        return When(day, None, None, self.today, self.locale) if day is not None else _never(self.locale)

    def moment(self, moment: datetime | None) -> When:
        """A moment on the clocks of the order's place, and on the reader's own."""
        if moment is None:
            return self.on(None)
        wall = moment.astimezone(ZoneInfo(self.zone))
        when = When(wall.date(), wall.time(), None, self.today, self.locale)
        if self.reader in ("", self.zone):
            return when
        there = moment.astimezone(ZoneInfo(self.reader))
        if there.replace(tzinfo=None) == wall.replace(tzinfo=None):
            return when
        own = replace(when, day=there.date(), clock=there.time())
        return replace(when, zone=self.zone, own=own)

    def promised(self, value: Promised | None) -> When:
        """A promise: its day, its instant or its window."""
        if value is None or value.day is not None:
            return self.on(value.day if value is not None else None)
        begins = self.moment(value.start)
        if value.end is None:
            return begins
        ends = self.moment(value.end)
        own = begins.own and replace(begins.own, until=ends.own.clock if ends.own else None)
        return replace(begins, until=ends.clock, own=own)


@lru_cache(maxsize=64)
def _never(locale: str) -> When:
    """No day: what most messages have to say of most milestones."""
    return When(locale=locale)
