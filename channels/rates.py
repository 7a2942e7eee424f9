"""How much a provider takes: so many messages in so much time, of which some at once.

A rate is kept with a single moment (GCRA, ITU-T I.371 Annex A): the one up to which it is used. Each message
moves it on by the time it takes at that rate, and it may be ahead of now by as many as may leave at once.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MICROSECOND = timedelta(microseconds=1)
AT_ONCE = timedelta(seconds=0.1)  # what accrues in this time may leave at once: a sender need not run faster
_RATE = re.compile(r"\s*([1-9]\d{0,6})\s*/\s*([smhd])\s*")


@dataclass(frozen=True)
class Rate:
    """At most *count* messages in *seconds*, and *burst* at once: in a time t, burst + t · count/seconds."""

    count: int
    seconds: int
    burst: int = 0  # 0: what accrues in AT_ONCE, at least one

    @classmethod
    def read(cls, text: str) -> "Rate":
        """Read ``10/s``, ``600/m``, ``5000/h`` or ``100000/d``; raises ``ValueError`` for anything else."""
        found = _RATE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no rate")
        return cls(int(found[1]), UNITS[found[2]])

    def __str__(self) -> str:
        unit = next(unit for unit, seconds in UNITS.items() if seconds == self.seconds)
        return f"{self.count}/{unit}"

    @cached_property
    def at_once(self) -> int:
        """How many may leave at the same moment."""
        return self.burst or max(1, AT_ONCE // self.each)

    @cached_property
    def each(self) -> timedelta:
        """The time one message takes at this rate, never shorter than it is."""
        return max(MICROSECOND, -(timedelta(seconds=-self.seconds) // self.count))

    def room(self, used_to: datetime | None, now: datetime) -> int:
        """How many may leave *now*, if the rate is used up to *used_to*."""
        return int((now + self.at_once * self.each - self._used(used_to, now)) // self.each)

    def use(self, used_to: datetime | None, now: datetime, count: int = 1) -> datetime:
        """Up to when it is used once *count* have left *now*."""
        return self._used(used_to, now) + count * self.each

    def when(self, used_to: datetime | None, now: datetime, count: int = 1) -> datetime:
        """The moment at which there is room for *count*, at most as many as may leave at once."""
        ahead = (self.at_once - min(count, self.at_once)) * self.each
        return max(now, self._used(used_to, now) - ahead)

    def _used(self, used_to: datetime | None, now: datetime) -> datetime:
        """Never before now; and never further ahead than it can be, for a clock may have been put back."""
        return now if used_to is None else min(max(used_to, now), now + self.at_once * self.each)


@dataclass(frozen=True)
class Limits:
    """What a channel may send: in all, and for each sender; or it shares what another may."""

    whole: Rate | None = None
    sender: Rate | None = None
    shares: str = ""  # that channel, which leaves by the same account
