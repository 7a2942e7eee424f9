"""How far, and which way, one promise is from another. Pure.

========== ========= =========
begins     ends      direction
========== ========= =========
the same   the same  none
earlier    the same  sooner
later      the same  later
any        earlier   sooner
any        later     later
========== ========= =========

The end decides: until then the customer waits, and from then on the promise is broken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from orchestrator.journey import Duration
from orchestrator.model import Promised
from orchestrator.timing import calendar

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Move:
    """From one promise to another, as read by the clocks of ``zone``."""

    was: Promised
    will: Promised
    zone: str

    @property
    def edges(self) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
        """The begins of both, and the ends of both."""
        begins = calendar.begins(self.was, self.zone), calendar.begins(self.will, self.zone)
        return begins, (calendar.ends(self.was, self.zone), calendar.ends(self.will, self.zone))

    @property
    def direction(self) -> str:
        """``later`` or ``sooner`` by the end, by the begin if the end stays; "" for the same time."""
        begins, ends = self.edges
        was, will = ends if ends[0] != ends[1] else begins
        return "" if was == will else "later" if will > was else "sooner"

    @property
    def days(self) -> int:
        """By how many calendar days it moved in its direction, by its last day or else its first."""
        way = -1 if self.direction == "sooner" else 1
        first, last = ((days[1] - days[0]).days * way for days in self._days())
        return max(last or first, 0)

    def at_least(self, by: Duration, add: Callable[[datetime, Duration], datetime]) -> bool:
        """Whether the begins or the ends are apart by *by* or more, as *add* counts it."""
        return any(add(min(edge), by) <= max(edge) for edge in self.edges)

    def _days(self) -> tuple[tuple[date, date], tuple[date, date]]:
        begins, ends = self.edges
        first = calendar.day_of(begins[0], self.zone), calendar.day_of(begins[1], self.zone)
        last = [
            calendar.day_of(max(begin, end - _INSTANT), self.zone)
            for begin, end in zip(begins, ends, strict=True)
        ]
        return first, (last[0], last[1])
