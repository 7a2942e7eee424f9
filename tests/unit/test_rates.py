"""A rate: what a person writes, and that no window of time ever sees more than rate × time + burst."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.rates import Rate
from tests.builders import at

NOW = at("2026-03-12 10:00")
RATES = st.builds(
    Rate,
    st.integers(1, 5000),
    st.sampled_from([1, 60, 3600, 86_400]),
    st.one_of(st.just(0), st.integers(1, 50)),
)


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("10/s", 100_000),
        ("600/m", 100_000),
        ("3/s", 333_334),
        ("1/h", 3_600_000_000),
        (" 5 / d ", 17_280_000_000),
    ],
)
def test_a_rate_is_read_as_it_is_spoken(text: str, each: int) -> None:
    assert Rate.read(text).each == timedelta(microseconds=each)


@pytest.mark.parametrize("text", ["", "10", "0/s", "10/w", "-1/s", "1.5/s", "10/s/s", "ten/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        Rate.read(text)


def test_what_accrues_in_a_tenth_of_a_second_may_leave_at_once_unless_told() -> None:
    assert [Rate.read(text).at_once for text in ("1/s", "10/s", "100/s", "1000/s")] == [1, 1, 10, 100]
    assert Rate(10, 1, burst=7).at_once == 7


@given(RATES, st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 80)), max_size=40))
def test_no_window_sees_more_than_its_time_and_one_burst(rate: Rate, wants: list[tuple[int, int]]) -> None:
    now, used = NOW, None
    sent: list[datetime] = []
    for pause, want in wants:
        now += timedelta(microseconds=pause)
        count = min(want, rate.room(used, now))
        if count > 0:
            used = rate.use(used, now, count)
            sent += [now] * count

    for first, start in enumerate(sent):
        for last in range(first, len(sent)):
            took = sent[last] - start
            assert last - first + 1 <= rate.at_once + took / rate.each + 1e-6


@given(RATES, st.integers(0, 60), st.integers(1, 60))
def test_there_is_room_when_it_is_promised_and_not_before(rate: Rate, taken: int, want: int) -> None:
    taken, want = min(taken, rate.at_once), min(want, rate.at_once)
    used = rate.use(None, NOW, taken) if taken else None
    moment = rate.when(used, NOW, want)

    assert rate.room(used, moment) >= want
    if moment > NOW:
        assert rate.room(used, moment - timedelta(microseconds=1)) < want


def test_a_clock_that_is_put_back_stops_nobody_for_longer_than_a_burst() -> None:
    rate = Rate(10, 1, burst=5)
    used = rate.use(None, NOW, 5)
    earlier = NOW - timedelta(hours=1)

    assert rate.when(used, earlier) - earlier <= 5 * rate.each
