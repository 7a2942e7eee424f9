"""How often a customer hears from us at most, by their own days and weeks."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.journey import Cap
from orchestrator.model import Purpose, Sent
from orchestrator.timing import calendar
from orchestrator.timing.caps import Caps, full, room, tally
from tests.builders import BERLIN, at

ONE_A_DAY: Caps = {None: Cap(day=1)}
NEWS = Purpose.MARKETING


def sent(*moments: str, purpose: Purpose = NEWS) -> list[Sent]:
    return [Sent(at(moment), purpose, f"key-{number}", number) for number, moment in enumerate(moments)]


def next_room(caps: Caps, had: list[Sent], moment: str, purpose: Purpose = NEWS, zone: str = BERLIN) -> str:
    found = room(caps, purpose, tally(tuple(had), zone), at(moment), zone)
    return calendar.show(found, zone)


def test_while_there_is_room_nothing_waits() -> None:
    assert (
        next_room({None: Cap(day=2)}, sent("2026-03-12 09:00"), "2026-03-12 11:00") == "Thu 2026-03-12 11:00"
    )


def test_on_a_full_day_it_waits_for_the_next() -> None:
    assert next_room(ONE_A_DAY, sent("2026-03-12 09:00"), "2026-03-12 11:00") == "Fri 2026-03-13 00:00"


def test_in_a_full_week_it_waits_for_monday() -> None:
    had = sent("2026-03-09 00:00", "2026-03-12 09:00")

    assert next_room({None: Cap(week=2)}, had, "2026-03-12 11:00") == "Mon 2026-03-16 00:00"
    assert next_room({None: Cap(week=2)}, had, "2026-03-16 00:00") == "Mon 2026-03-16 00:00"


def test_last_weeks_messages_do_not_count_for_this_week() -> None:
    had = sent("2026-03-08 23:59", "2026-03-08 12:00")

    assert next_room({None: Cap(week=2)}, had, "2026-03-09 08:00") == "Mon 2026-03-09 08:00"


def test_a_day_is_the_customers_own() -> None:
    had = sent("2026-03-12 01:00")  # still the 11th in New York

    assert next_room(ONE_A_DAY, had, "2026-03-12 12:00", zone="America/New_York") == "Thu 2026-03-12 07:00"
    assert next_room(ONE_A_DAY, had, "2026-03-12 12:00") == "Fri 2026-03-13 00:00"


def test_the_day_on_which_the_clocks_change_is_one_day() -> None:
    had = sent("2026-03-29 01:30")

    assert next_room(ONE_A_DAY, had, "2026-03-29 23:30") == "Mon 2026-03-30 00:00"


def test_a_day_across_the_date_line_is_counted_on_its_own_side() -> None:
    had = sent("2026-03-12 11:30")  # 23:30 in Auckland, and the 13th has begun on Kiritimati

    assert next_room(ONE_A_DAY, had, "2026-03-12 11:45", zone="Pacific/Kiritimati") == "Sat 2026-03-14 00:00"
    assert next_room(ONE_A_DAY, had, "2026-03-12 12:15", zone="Pacific/Auckland") == "Fri 2026-03-13 00:15"


def test_a_cap_of_one_purpose_counts_that_purpose_alone() -> None:
    caps: Caps = {NEWS: Cap(day=1)}
    service = sent("2026-03-12 09:00", purpose=Purpose.SERVICE)

    assert next_room(caps, service, "2026-03-12 11:00") == "Thu 2026-03-12 11:00"
    assert next_room(caps, sent("2026-03-12 09:00"), "2026-03-12 11:00") == "Fri 2026-03-13 00:00"


def test_service_counts_for_everybodys_cap_and_is_not_kept_back_by_it() -> None:
    service = sent("2026-03-12 09:00", purpose=Purpose.SERVICE)

    assert next_room(ONE_A_DAY, service, "2026-03-12 11:00") == "Fri 2026-03-13 00:00"
    assert next_room(ONE_A_DAY, service, "2026-03-12 11:00", Purpose.SERVICE) == "Thu 2026-03-12 11:00"


def test_service_is_kept_back_by_a_cap_of_its_own() -> None:
    caps: Caps = {Purpose.SERVICE: Cap(day=1)}
    service = sent("2026-03-12 09:00", purpose=Purpose.SERVICE)

    assert next_room(caps, service, "2026-03-12 11:00", Purpose.SERVICE) == "Fri 2026-03-13 00:00"


def test_security_is_neither_counted_nor_kept_back() -> None:
    security = sent("2026-03-12 09:00", purpose=Purpose.SECURITY)

    assert next_room(ONE_A_DAY, security, "2026-03-12 11:00") == "Thu 2026-03-12 11:00"
    assert next_room(ONE_A_DAY, sent("2026-03-12 09:00"), "2026-03-12 11:00", Purpose.SECURITY) == (
        "Thu 2026-03-12 11:00"
    )


@pytest.mark.parametrize(
    ("caps", "words"),
    [
        ({NEWS: Cap(day=1)}, "the customer had 1 marketing message that day, and 1 a day is the most"),
        ({None: Cap(week=1)}, "the customer had 1 message that week, and 1 a week is the most"),
        ({None: Cap(day=2)}, ""),
    ],
)
def test_which_cap_is_full_is_said(caps: Caps, words: str) -> None:
    assert (
        full(caps, NEWS, tally(tuple(sent("2026-03-12 09:00")), BERLIN), at("2026-03-12 11:00"), BERLIN)
        == words
    )


moments = st.integers(0, 60 * 24 * 60).map(lambda minute: at("2026-03-01 00:00") + timedelta(minutes=minute))


@given(
    st.lists(moments, max_size=12),
    moments,
    st.none() | st.integers(1, 3),
    st.none() | st.integers(1, 6),
    st.sampled_from([BERLIN, "America/Los_Angeles", "Pacific/Kiritimati"]),
)
def test_where_there_is_room_no_cap_is_full_and_everywhere_before_one_is(
    had: list[datetime], moment: datetime, day: int | None, week: int | None, zone: str
) -> None:
    caps: Caps = {None: Cap(day, week)}
    counted = tally(tuple(Sent(one, NEWS, str(number), number) for number, one in enumerate(had)), zone)
    found = room(caps, NEWS, counted, moment, zone)

    assert full(caps, NEWS, counted, found, zone) == ""
    assert room(caps, NEWS, counted, found, zone) == found
    while moment < found:
        assert full(caps, NEWS, counted, moment, zone)
        moment += timedelta(hours=6)
