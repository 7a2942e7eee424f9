"""How long who failed to sign in waits before the next try. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FORGET = timedelta(hours=24)  # after the last failure nothing is held against anybody


@dataclass(frozen=True, slots=True)
class Patience:
    """So many failures are *free*; then the wait doubles from *first* up to *longest*."""

    free: int
    first: timedelta
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """How long to wait after that many failures in a row."""
        if failures < self.free:
            return timedelta()
        doublings = min(failures - self.free, 30)
        return min(self.first * (1 << doublings), self.longest)

    def until(self, failures: int, last_at: datetime | None, now: datetime) -> datetime | None:
        """Up to when nothing is tried, or ``None`` where it may be tried now."""
        if last_at is None or last_at + FORGET <= now:
            return None
        end = last_at + self.wait(failures)
        return end if end > now else None


# somebody who knows an address can keep its owner out only for minutes at a time
OF_AN_ACCOUNT = Patience(5, timedelta(seconds=5), timedelta(minutes=10))
# a whole office may share one address
OF_AN_ADDRESS = Patience(20, timedelta(seconds=5), timedelta(minutes=30))
