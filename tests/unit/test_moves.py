"""How far, and which way, one promise is from another: at either edge, and by the end."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.journey import Duration
from orchestrator.model import Promised
from orchestrator.timing.moves import Move

ZONE = "Europe/Berlin"
DAY = datetime(2026, 3, 11, 23, 0, tzinfo=UTC)  # the 12th begins, in Munich


def hours(start: float, end: float | None = None) -> Promised:
    """A window, or an instant, in hours since the 12th began."""
    return Promised(
        start=DAY + timedelta(hours=start), end=None if end is None else DAY + timedelta(hours=end)
    )


def day(number: int) -> Promised:
    return Promised(day=date(2026, 3, number))


def add(moment: datetime, by: Duration) -> datetime:
    return moment + timedelta(seconds=by.seconds)


@pytest.mark.parametrize(
    ("was", "will", "direction", "days"),
    [
        (hours(10, 12), hours(10, 12), "", 0),
        (day(12), hours(0, 24), "", 0),
        (hours(10, 12), hours(8, 12), "sooner", 0),
        (hours(10, 12), hours(11, 12), "later", 0),
        (hours(10, 12), hours(10, 11), "sooner", 0),
        (hours(10, 12), hours(10, 17), "later", 0),
        (hours(10, 12), hours(10.5, 17), "later", 0),
        (hours(8, 20), hours(9.5, 10), "sooner", 0),
        (hours(10, 12), hours(7, 13), "later", 0),
        (day(12), hours(10, 12), "sooner", 0),
        (hours(10, 12), day(12), "later", 0),
        (day(12), day(14), "later", 2),
        (day(12), day(11), "sooner", 1),
        (hours(10), hours(34), "later", 1),
        (hours(10, 12), hours(10, 41), "later", 1),
        (hours(22, 24), hours(22, 25), "later", 1),
        (hours(-6, 12), hours(8, 10), "sooner", 0),
        (day(12), hours(-6, 12), "sooner", 1),
    ],
)
def test_the_end_decides_the_way_and_the_begin_where_the_end_stays(
    was: Promised, will: Promised, direction: str, days: int
) -> None:
    move = Move(was, will, ZONE)

    assert (move.direction, move.days) == (direction, days)


minutes = st.integers(0, 3000)
windows = st.tuples(minutes, minutes).map(lambda two: hours(min(two) / 60, max(two) / 60))


@given(windows, windows, minutes)
def test_apart_by_that_much_at_either_edge_is_apart(was: Promised, will: Promised, by: int) -> None:
    move = Move(was, will, ZONE)
    apart = max(abs(new - old) for old, new in move.edges) >= timedelta(minutes=by)

    assert move.at_least(Duration(seconds=60 * by), add) is apart


@given(windows, windows)
def test_the_way_back_is_the_other_way_by_as_many_days(was: Promised, will: Promised) -> None:
    there, back = Move(was, will, ZONE), Move(will, was, ZONE)
    other = {"": "", "later": "sooner", "sooner": "later"}

    assert (back.direction, back.days) == (other[there.direction], there.days)
