"""Clocks that go forward only, and ticks that keep coming."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from orchestrator.clock import Clock, Jumps, SystemClock, Ticker, VirtualClock
from orchestrator.errors import LedgerAway

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
OFTEN = timedelta(milliseconds=10)
PATIENCE = 10  # seconds; a tick comes within some milliseconds


def test_the_system_clock_says_the_time_in_utc() -> None:
    clock: Clock = SystemClock()
    with time_machine.travel(NOON, tick=False):
        assert clock.now() == NOON
        assert clock.now().tzinfo is UTC


def test_a_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(hours=2))
    assert clock.now() == NOON + timedelta(hours=2)
    clock.set(NOON + timedelta(days=1))
    assert clock.now() == NOON + timedelta(days=1)


def test_a_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock(NOON)
    with pytest.raises(ValueError, match="cannot go back from 2026-03-12T12:00:00"):
        clock.set(NOON - timedelta(seconds=1))
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(timedelta(seconds=-1))
    clock.set(NOON)
    assert clock.now() == NOON


def test_a_virtual_clock_speaks_utc_whatever_it_is_given() -> None:
    clock = VirtualClock(datetime(2026, 3, 12, 13, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_moment_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        VirtualClock(NOON.replace(tzinfo=None))


class Counter:
    """A call to tick, and a way to wait until it was called so many times."""

    def __init__(self) -> None:
        self._calls = threading.Semaphore(0)

    def __call__(self) -> None:
        self._calls.release()

    def comes(self, times: int = 1) -> bool:
        return all(self._calls.acquire(timeout=PATIENCE) for _ in range(times))


@pytest.fixture
def reports() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def ticker(reports: list[tuple[str, str]]) -> Iterator[Ticker]:
    ticker = Ticker(lambda name, error: reports.append((name, str(error))))
    yield ticker
    ticker.stop()


def test_a_tick_comes_again_and_again(ticker: Ticker) -> None:
    scan = Counter()
    ticker.every(OFTEN, scan, "due scan")
    ticker.start()
    assert scan.comes(3)


def test_the_first_tick_does_not_wait_for_its_interval(ticker: Ticker) -> None:
    retention = Counter()
    ticker.every(timedelta(hours=24), retention, "retention")
    ticker.start()
    assert retention.comes()


def test_nothing_ticks_before_the_start_or_after_the_stop(ticker: Ticker) -> None:
    calls: list[datetime] = []
    ticked = Counter()

    def scan() -> None:
        calls.append(SystemClock().now())
        ticked()

    ticker.every(OFTEN, scan, "due scan")
    assert calls == []
    ticker.start()
    assert ticked.comes()
    ticker.stop()
    seen = len(calls)
    assert not threading.Event().wait(0.05)
    assert len(calls) == seen


def test_a_failing_tick_is_reported_and_the_next_one_still_comes(
    ticker: Ticker, reports: list[tuple[str, str]]
) -> None:
    called, neighbour = Counter(), Counter()

    def fail() -> None:
        called()
        raise RuntimeError("the ledger is away")

    ticker.every(OFTEN, fail, "due scan")
    ticker.every(OFTEN, neighbour, "lease sweep")
    ticker.start()
    assert called.comes(3)
    assert neighbour.comes(3)
    ticker.stop()
    assert set(reports) == {("due scan", "the ledger is away")}
    assert len(reports) >= 3


def test_what_failed_and_works_again_is_said_once(ticker: Ticker, caplog: pytest.LogCaptureFixture) -> None:
    called, failures = Counter(), iter(range(2))

    def fail_twice() -> None:
        called()
        if next(failures, None) is not None:
            raise RuntimeError("the ledger is away")

    ticker.every(OFTEN, fail_twice, "heartbeat")
    ticker.start()
    assert called.comes(5)
    ticker.stop()
    assert [record.message for record in caplog.records] == ["heartbeat works again"]


def test_unless_told_otherwise_a_failure_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    ticker, called = Ticker(), Counter()

    def fail() -> None:
        called()
        raise RuntimeError("the ledger is away")

    ticker.every(OFTEN, fail, "due scan")
    ticker.start()
    assert called.comes(2)
    ticker.stop()
    assert "due scan failed" in caplog.text
    assert "the ledger is away" in caplog.text


def test_that_the_ledger_is_away_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    ticker, called = Ticker(), Counter()

    def fail() -> None:
        called()
        raise LedgerAway("the ledger does not answer")

    ticker.every(OFTEN, fail, "due scan")
    ticker.start()
    assert called.comes(2)
    ticker.stop()
    assert "due scan waits for the next tick: the ledger does not answer" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("jump", "told"), [(3600, "+3600"), (-3600, "-3600"), (30, "")])
def test_a_clock_that_jumps_is_in_the_log(jump: int, told: str, caplog: pytest.LogCaptureFixture) -> None:
    class Set:
        ahead = 0

        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=self.ahead)

    clock = Set()
    watch = Jumps(clock)
    watch()
    clock.ahead = jump
    watch()
    watch()
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(":")[0] for line in lines] == ([f"the clock jumped by {told} s"] if told else [])


def test_a_slow_call_is_never_started_twice_at_once(ticker: Ticker) -> None:
    started, go_on, neighbour = Counter(), threading.Event(), Counter()

    def slow() -> None:
        started()
        go_on.wait(PATIENCE)

    ticker.every(OFTEN, slow, "due scan")
    ticker.every(OFTEN, neighbour, "lease sweep")
    ticker.start()
    assert started.comes()
    assert neighbour.comes(5)
    assert not started._calls.acquire(blocking=False)
    go_on.set()
    assert started.comes()


def test_stopping_waits_for_the_call_in_flight(ticker: Ticker) -> None:
    started, finished = Counter(), []

    def slow() -> None:
        started()
        threading.Event().wait(0.05)
        finished.append(True)

    ticker.every(timedelta(hours=1), slow, "due scan")
    ticker.start()
    assert started.comes()
    ticker.stop()
    assert finished == [True]


def test_stopping_what_never_started_is_harmless() -> None:
    Ticker().stop()


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)])
def test_ticks_keep_coming_when_the_machines_clock_is_moved(ticker: Ticker, jump: timedelta) -> None:
    """FACTS case 12: a clock that is put back by an hour must not mean an hour of silence."""
    scan = Counter()
    with time_machine.travel(NOON) as machine:
        ticker.every(timedelta(milliseconds=50), scan, "due scan")
        ticker.start()
        assert scan.comes(2)
        machine.shift(jump)
        assert scan.comes(3)
        ticker.stop()


def test_the_scheduler_is_imported_by_the_ticker_alone() -> None:
    """A command that only reads the clock must not pay for it."""
    code = (
        "import sys, orchestrator.clock as c; c.SystemClock().now(); sys.exit('apscheduler' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
