"""The only place that asks what time it is, and the ticks that make the daemon look.

A tick only calls a function; what is due, when and in which order is the ledger's business, so nothing is
lost with a ticker.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Protocol

from orchestrator.errors import LedgerAway

JUMP = 60.0  # seconds; smaller steps are a clock's daily business
log = logging.getLogger(__name__)


class Clock(Protocol):
    """Somebody who knows the time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment by the machine's clock."""
        return datetime.now(UTC)


class SharedClock:
    """The clock of a server that several machines share; *ask* says what it shows, and may fail for a while.

    It is asked again after *every* so long, and between that this machine's monotonic clock counts on.
    """

    def __init__(self, ask: Callable[[], datetime], every: timedelta = timedelta(seconds=30)) -> None:
        self._ask = ask
        self._every = every.total_seconds()
        self._shown, self._at = self._asked()

    def now(self) -> datetime:
        """Return the present moment by the server's clock."""
        since = monotonic() - self._at
        if since > self._every:
            with suppress(LedgerAway):  # whoever wants to write will hear of it
                self._shown, self._at = self._asked()
                since = monotonic() - self._at
        return self._shown + timedelta(seconds=since)

    def _asked(self) -> tuple[datetime, float]:
        before = monotonic()
        shown = self._ask()
        return shown, (before + monotonic()) / 2


class Jumps:
    """Says in the log when a clock jumped: called every so often, it looks at the monotonic one too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shown, self._at = clock.now(), monotonic()

    def __call__(self) -> None:
        """Look once more."""
        shown, at = self._clock.now(), monotonic()
        by = (shown - self._shown).total_seconds() - (at - self._at)
        self._shown, self._at = shown, at
        if abs(by) >= JUMP:
            log.warning(
                "the clock jumped by %+d s: it was set, or the machine slept; what is due by it now leaves "
                "at the rates of its channels, and nothing leaves twice",
                round(by),
            )


class VirtualClock:
    """A clock that stands still until it is moved, for simulations and tests; it never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = _utc(start)

    def now(self) -> datetime:
        """Return the moment it was last moved to."""
        return self._now

    def set(self, moment: datetime) -> None:
        """Move to *moment*; raises ``ValueError`` if that is earlier."""
        moment = _utc(moment)
        if moment < self._now:
            raise ValueError(f"the clock cannot go back from {self._now.isoformat()} to {moment.isoformat()}")
        self._now = moment

    def advance(self, by: timedelta) -> None:
        """Move on by a length of time; raises ``ValueError`` if it is negative."""
        self.set(self._now + by)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without an offset is no moment")
    return moment.astimezone(UTC)


def _log(name: str, error: Exception) -> None:
    if isinstance(error, LedgerAway):
        log.warning("%s waits for the next tick: %s", name, error)
        return
    log.error("%s failed; it is tried again at the next tick", name, exc_info=error)


class Ticker:
    """Calls functions every so often, each in a thread and never twice at once, from start to stop.

    A call that takes longer than its interval swallows the ticks it missed; one that fails is given to
    *report* (the log, unless told otherwise) and comes again at the next tick. That it works again is said
    in the log, too.
    """

    def __init__(self, report: Callable[[str, Exception], None] = _log) -> None:
        self._report = report
        self._scheduler = _scheduler()

    def every(self, interval: timedelta, call: Callable[[], object], name: str) -> None:
        """Call *call* every *interval*, the first time at once; *name* is unique and goes to *report*."""
        failed = False

        def tick() -> None:
            nonlocal failed
            try:
                call()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next tick must come
                failed = True
                self._report(name, error)
            else:
                if failed:
                    failed = False
                    log.warning("%s works again", name)

        first = datetime.now(UTC)
        self._scheduler.add_job(
            tick, "interval", seconds=interval.total_seconds(), id=name, next_run_time=first
        )

    def start(self) -> None:
        """Begin to tick, in the background."""
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more, and return when the calls in flight have ended; harmless before the start."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


def _scheduler() -> Any:
    """An APScheduler in memory that neither drops late ticks nor stops when the clock is put back."""
    from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

    class Scheduler(BackgroundScheduler):  # type: ignore[misc]
        def _process_jobs(self) -> float | None:
            # A clock put back by an hour would otherwise silence every tick for that hour.
            now = datetime.now(UTC)
            for job in self.get_jobs():
                if job.next_run_time - now > job.trigger.interval:
                    job.modify(next_run_time=now)
            wait: float | None = super()._process_jobs()
            return wait

    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a slow call swallowed a tick is no news
    # At its own default, APScheduler drops what is a second late.
    return Scheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
