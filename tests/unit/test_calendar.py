"""Local time, business time, windows and quiet hours; every row was worked out by hand on a calendar."""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.journey import WEEKDAYS_9_TO_17, BusinessCalendar, Duration
from orchestrator.model import Promised, Window
from orchestrator.timing import calendar, gates

BERLIN = "Europe/Berlin"
OFFICE = BusinessCalendar(WEEKDAYS_9_TO_17.hours, frozenset({date(2026, 12, 25)}))
BAR = BusinessCalendar({4: (time(18), time(2))})  # Friday evening into Saturday
NIGHT_SHIFT = BusinessCalendar({5: (time(22), time(6))})  # Saturday into Sunday
CLOSED = BusinessCalendar({})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def clock(text: str) -> tuple[time, time]:
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def window(days: str, hours: str) -> Window:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return Window(frozenset(names.index(day) for day in days.split()), *clock(hours))


def every_day(hours: str) -> Window:
    return Window(frozenset(range(7)), *clock(hours))


def next_allowed(
    moment: datetime,
    windows: list[Window],
    quiet: tuple[time, time] | None,
    zone: str,
    business: BusinessCalendar | None = None,
) -> datetime | None:
    """The first moment inside a window, outside the quiet hours, on a business day."""
    asked = [
        gates.Gate("window", partial(calendar.next_open, windows=windows, zone=zone)),
        gates.Gate("quiet", partial(calendar.leave_quiet, quiet=quiet, zone=zone)),
    ]
    if business is not None:
        asked.append(gates.business_days(zone, business))
    return gates.through(moment, asked)[0]


# ── local times ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("UTC", "2026-03-03 12:00", "2026-03-03T12:00Z"),
        (BERLIN, "2026-01-15 09:00", "2026-01-15T08:00Z"),
        (BERLIN, "2026-07-15 09:00", "2026-07-15T07:00Z"),
        (BERLIN, "2026-03-29 01:59", "2026-03-29T00:59Z"),  # the last minute before the gap
        (BERLIN, "2026-03-29 02:00", "2026-03-29T01:00Z"),  # the gap's first minute
        (BERLIN, "2026-03-29 02:59:59.5", "2026-03-29T01:00Z"),  # and its last
        (BERLIN, "2026-03-29 03:00", "2026-03-29T01:00Z"),
        (BERLIN, "2026-10-25 01:59", "2026-10-24T23:59Z"),
        (BERLIN, "2026-10-25 02:00", "2026-10-25T00:00Z"),  # read twice, at 00:00 and 01:00 UTC
        (BERLIN, "2026-10-25 03:00", "2026-10-25T02:00Z"),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:00Z"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01T05:30Z"),
        ("America/Los_Angeles", "2026-03-02 20:30", "2026-03-03T04:30Z"),  # Monday there, Tuesday in UTC
        ("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04T03:00Z"),  # the day began at 01:00
        ("America/Havana", "2026-11-01 00:30", "2026-11-01T04:30Z"),  # midnight came twice
        ("America/St_Johns", "2010-11-07 00:00", "2010-11-07T02:30Z"),  # at 00:01 it was yesterday again
        ("Asia/Kolkata", "2026-05-01 10:00", "2026-05-01T04:30Z"),
        ("Asia/Kathmandu", "2026-05-01 10:00", "2026-05-01T04:15Z"),
        ("Pacific/Chatham", "2026-01-01 00:00", "2025-12-31T10:15Z"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:30Z"),  # a gap of half an hour
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45Z"),  # an overlap of half an hour
        ("Pacific/Kiritimati", "2026-01-01 00:00", "2025-12-31T10:00Z"),  # first to the new year
        ("Pacific/Pago_Pago", "2026-01-01 00:00", "2026-01-01T11:00Z"),  # a day later
        ("Pacific/Apia", "2011-12-30 09:00", "2011-12-30T10:00Z"),  # a day that did not exist
    ],
)
def test_a_local_time_is_resolved_on_its_day(zone: str, wall: str, instant: str) -> None:
    wanted = datetime.fromisoformat(wall)
    assert calendar.local(wanted.date(), wanted.time(), zone) == at(instant)


def test_a_time_in_a_clock_gap_is_due_once_at_the_first_instant_after_it() -> None:
    """FACTS case 14."""
    due = calendar.local(date(2026, 3, 29), time(2, 30), BERLIN)
    assert due == at("2026-03-29T03:00+02:00")
    assert calendar.local(date(2026, 3, 30), time(2, 30), BERLIN) == at("2026-03-30T02:30+02:00")


def test_a_time_in_a_clock_overlap_is_due_once_at_its_first_occurrence() -> None:
    """FACTS case 15, also when the time was itself read off the second occurrence."""
    read_off_the_second, plain = time(2, 20, fold=1), time(2, 20)
    for wanted in (read_off_the_second, plain):
        assert calendar.local(date(2026, 10, 25), wanted, BERLIN) == at("2026-10-25T02:20+02:00")


def test_the_result_is_in_utc_so_that_later_sums_are_elapsed_time() -> None:
    assert calendar.local(date(2026, 3, 3), time(9), BERLIN).tzinfo is UTC
    assert calendar.local(date(2026, 3, 29), time(2, 30), BERLIN).tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-03-03T23:59Z", "2026-03-03"),
        (BERLIN, "2026-03-03T23:30Z", "2026-03-04"),
        ("America/Los_Angeles", "2026-03-03T04:30Z", "2026-03-02"),
        ("Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00Z", "2011-12-31"),
        ("America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07"),
        ("America/St_Johns", "2010-11-07T02:31Z", "2010-11-06"),
    ],
)
def test_a_moment_has_the_date_the_clocks_there_show(zone: str, moment: str, day: str) -> None:
    assert calendar.day_of(at(moment), zone) == date.fromisoformat(day)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"])
def test_an_iana_name_is_a_zone(name: str) -> None:
    assert calendar.valid_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "Europe", "europe/berlin", "Berlin", "+01:00", "../../etc/passwd", "/etc/localtime"),
        *("localtime", "right/UTC", "zone.tab", "a\0b", "\ud800", "x" * 5000),
    ],
)
def test_anything_else_is_not(name: str) -> None:
    assert not calendar.valid_zone(name)


# ── promises ─────────────────────────────────────────────────────────────────

DAY = Promised(day=date(2026, 3, 28))
INSTANT = Promised(start=at("2026-03-28T09:00Z"))
WINDOW = Promised(start=at("2026-03-28T09:00Z"), end=at("2026-03-28T12:00Z"))


@pytest.mark.parametrize(
    ("promised", "zone", "closes", "start", "end"),
    [
        (DAY, BERLIN, None, "2026-03-28T00:00+01:00", "2026-03-29T00:00+01:00"),
        (DAY, BERLIN, time(17, 30), "2026-03-28T00:00+01:00", "2026-03-28T17:30+01:00"),
        (DAY, "Asia/Kolkata", None, "2026-03-28T00:00+05:30", "2026-03-29T00:00+05:30"),
        (INSTANT, BERLIN, time(17, 30), "2026-03-28T09:00Z", "2026-03-28T09:00Z"),
        (WINDOW, BERLIN, time(17, 30), "2026-03-28T09:00Z", "2026-03-28T12:00Z"),
        # the day of the clock change has 23 hours; Samoa's 29th is followed by the 31st
        (Promised(day=date(2026, 3, 29)), BERLIN, None, "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),
        (
            Promised(day=date(2011, 12, 29)),
            "Pacific/Apia",
            None,
            "2011-12-29T00:00-10:00",
            "2011-12-31T00:00+14:00",
        ),
        (
            Promised(day=date(2018, 11, 3)),
            "America/Sao_Paulo",
            None,
            "2018-11-03T00:00-03:00",
            "2018-11-04T01:00-02:00",
        ),
    ],
)
def test_a_promise_begins_and_ends(
    promised: Promised, zone: str, closes: time | None, start: str, end: str
) -> None:
    assert calendar.begins(promised, zone) == at(start)
    assert calendar.ends(promised, zone, closes) == at(end)


# ── durations ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("business", "start", "duration", "end"),
    [
        # days keep the wall clock, hours are elapsed time (2026-03-28 is a Saturday)
        (OFFICE, "2026-10-25T02:30+01:00", Duration(), "2026-10-25T02:30+01:00"),
        (OFFICE, "2026-03-28T12:00+01:00", Duration(days=1), "2026-03-29T12:00+02:00"),
        (OFFICE, "2026-03-28T12:00+01:00", Duration(seconds=86400), "2026-03-29T13:00+02:00"),
        (OFFICE, "2026-03-28T02:30+01:00", Duration(days=1), "2026-03-29T03:00+02:00"),
        (OFFICE, "2026-03-28T02:30+01:00", Duration(days=2), "2026-03-30T02:30+02:00"),
        (OFFICE, "2026-10-24T02:30+02:00", Duration(days=1), "2026-10-25T02:30+02:00"),
        (OFFICE, "2026-10-25T02:30+01:00", Duration(days=1), "2026-10-26T02:30+01:00"),
        (OFFICE, "2026-03-28T02:30+01:00", Duration(days=1, seconds=43200), "2026-03-29T15:00+02:00"),
        (OFFICE, "2026-02-28T10:00+01:00", Duration(days=1), "2026-03-01T10:00+01:00"),
        (OFFICE, "2026-03-28T12:00+01:00", Duration(days=-7), "2026-03-21T12:00+01:00"),
        # business days count from the day, open or not (2026-03-06 is a Friday)
        (OFFICE, "2026-03-05T16:00+01:00", Duration(business_days=1), "2026-03-06T16:00+01:00"),
        (OFFICE, "2026-03-06T16:00+01:00", Duration(business_days=1), "2026-03-09T16:00+01:00"),
        (OFFICE, "2026-03-07T15:00+01:00", Duration(business_days=1), "2026-03-09T15:00+01:00"),
        (OFFICE, "2026-03-08T23:30+01:00", Duration(business_days=1), "2026-03-09T23:30+01:00"),
        (OFFICE, "2026-03-04T08:00+01:00", Duration(business_days=3), "2026-03-09T08:00+01:00"),
        (OFFICE, "2026-03-06T16:00+01:00", Duration(days=1, business_days=1), "2026-03-09T16:00+01:00"),
        (OFFICE, "2026-12-24T10:00+01:00", Duration(business_days=1), "2026-12-28T10:00+01:00"),
        (OFFICE, "2026-03-27T10:00+01:00", Duration(business_days=1), "2026-03-30T10:00+02:00"),
        (OFFICE, "2026-03-09T10:00+01:00", Duration(business_days=-1), "2026-03-06T10:00+01:00"),
        (OFFICE, "2026-03-08T10:00+01:00", Duration(business_days=-1), "2026-03-06T10:00+01:00"),
        (BAR, "2026-03-06T20:00+01:00", Duration(business_days=1), "2026-03-13T20:00+01:00"),
        # business minutes pass only while open
        (OFFICE, "2026-03-05T10:00+01:00", Duration(business_minutes=60), "2026-03-05T11:00+01:00"),
        (OFFICE, "2026-03-06T16:00+01:00", Duration(business_minutes=60), "2026-03-06T17:00+01:00"),
        (OFFICE, "2026-03-06T16:30+01:00", Duration(business_minutes=60), "2026-03-09T09:30+01:00"),
        (OFFICE, "2026-03-06T17:00+01:00", Duration(business_minutes=60), "2026-03-09T10:00+01:00"),
        (OFFICE, "2026-03-06T07:00+01:00", Duration(business_minutes=60), "2026-03-06T10:00+01:00"),
        (OFFICE, "2026-03-07T12:00+01:00", Duration(business_minutes=60), "2026-03-09T10:00+01:00"),
        (OFFICE, "2026-03-06T09:00+01:00", Duration(business_minutes=960), "2026-03-09T17:00+01:00"),
        (OFFICE, "2026-12-24T16:00+01:00", Duration(business_minutes=120), "2026-12-28T10:00+01:00"),
        (OFFICE, "2026-03-09T09:30+01:00", Duration(business_minutes=-60), "2026-03-06T16:30+01:00"),
        (OFFICE, "2026-03-09T10:00+01:00", Duration(business_minutes=-60), "2026-03-09T09:00+01:00"),
        (OFFICE, "2026-03-07T12:00+01:00", Duration(business_minutes=-60), "2026-03-06T16:00+01:00"),
        (BAR, "2026-03-07T01:00+01:00", Duration(business_minutes=120), "2026-03-13T19:00+01:00"),
        (NIGHT_SHIFT, "2026-03-28T22:00+01:00", Duration(business_minutes=420), "2026-03-29T06:00+02:00"),
        (NIGHT_SHIFT, "2026-10-24T22:00+02:00", Duration(business_minutes=540), "2026-10-25T06:00+01:00"),
    ],
)
def test_a_duration_is_added(business: BusinessCalendar, start: str, duration: Duration, end: str) -> None:
    assert calendar.add(at(start), duration, BERLIN, business) == at(end)


def test_subtracting_counts_as_adding_does() -> None:
    two_days = Duration(days=2, text="2d")
    assert calendar.subtract(at("2026-03-30T12:00+02:00"), two_days, BERLIN, OFFICE) == at(
        "2026-03-28T12:00+01:00"
    )


@pytest.mark.parametrize(
    "d",
    [
        *(Duration(business_days=1), Duration(business_days=-1)),
        *(Duration(business_minutes=1), Duration(business_minutes=-1)),
    ],
)
def test_a_calendar_that_never_opens_is_refused_and_not_searched_for_ever(d: Duration) -> None:
    with pytest.raises(ValueError, match="no open day within 400 days"):
        calendar.add(at("2026-03-06T12:00Z"), d, BERLIN, CLOSED)


def test_a_calendar_that_never_opens_has_no_next_opening() -> None:
    with pytest.raises(ValueError, match="no open day within 400 days"):
        calendar.next_business(at("2026-03-06T12:00Z"), BERLIN, CLOSED)


@pytest.mark.parametrize(
    ("business", "moment", "opening"),
    [
        (OFFICE, "2026-03-06T09:00+01:00", "2026-03-06T09:00+01:00"),
        (OFFICE, "2026-03-06T16:59+01:00", "2026-03-06T16:59+01:00"),
        (OFFICE, "2026-03-06T17:00+01:00", "2026-03-09T09:00+01:00"),
        (OFFICE, "2026-03-06T00:00+01:00", "2026-03-06T09:00+01:00"),
        (OFFICE, "2026-12-25T12:00+01:00", "2026-12-28T09:00+01:00"),
        (BAR, "2026-03-07T01:59+01:00", "2026-03-07T01:59+01:00"),
        (BAR, "2026-03-07T02:00+01:00", "2026-03-13T18:00+01:00"),
    ],
)
def test_the_next_business_moment_is_now_or_the_next_opening(
    business: BusinessCalendar, moment: str, opening: str
) -> None:
    assert calendar.next_business(at(moment), BERLIN, business) == at(opening)


# ── windows and quiet hours ──────────────────────────────────────────────────

MONDAY_EVENING = window("mon", "19:00-21:00")
LATE_FRIDAY = window("fri", "22:00-02:00")


@pytest.mark.parametrize(
    ("windows", "moment", "opening"),
    [
        ([MONDAY_EVENING], "2026-03-02T19:00+01:00", "2026-03-02T19:00+01:00"),
        ([MONDAY_EVENING], "2026-03-02T20:59+01:00", "2026-03-02T20:59+01:00"),
        ([MONDAY_EVENING], "2026-03-02T21:00+01:00", "2026-03-09T19:00+01:00"),
        ([MONDAY_EVENING], "2026-03-02T18:59+01:00", "2026-03-02T19:00+01:00"),
        ([MONDAY_EVENING, LATE_FRIDAY], "2026-03-03T12:00+01:00", "2026-03-06T22:00+01:00"),
        ([LATE_FRIDAY], "2026-03-07T01:59+01:00", "2026-03-07T01:59+01:00"),
        ([LATE_FRIDAY], "2026-03-07T02:00+01:00", "2026-03-13T22:00+01:00"),
        (
            [LATE_FRIDAY],
            "2026-03-06T01:00+01:00",
            "2026-03-06T22:00+01:00",
        ),  # Thursday's night is not Friday's
        ([every_day("18:00-19:00"), every_day("08:00-09:00")], "2026-03-03T12:00Z", "2026-03-03T18:00+01:00"),
        ([every_day("09:00-09:00")], "2026-03-03T08:59+01:00", "2026-03-03T08:59+01:00"),  # round the clock
        ([], "2026-03-03T12:00Z", "2026-03-03T12:00Z"),
        # clock changes: a window half skipped, one skipped whole, one that opens twice
        ([window("sun", "02:30-04:00")], "2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00"),
        ([window("sun", "02:10-02:50")], "2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00"),
        (
            [window("sun", "02:10-02:50")],
            "2026-03-29T03:39+02:00",
            "2026-03-29T03:39+02:00",
        ),  # as long as ever
        ([window("sun", "02:10-02:50")], "2026-03-29T03:40+02:00", "2026-04-05T02:10+02:00"),
        ([window("sun", "02:10-02:50")], "2026-10-25T02:55+02:00", "2026-10-25T02:10+01:00"),
    ],
)
def test_a_moment_waits_for_the_next_open_window(windows: list[Window], moment: str, opening: str) -> None:
    assert calendar.next_open(at(moment), windows, BERLIN) == at(opening)


def test_a_window_is_in_the_customers_own_week_not_in_utcs() -> None:
    """20:30 on Monday in Los Angeles is Tuesday in UTC."""
    los_angeles = "America/Los_Angeles"
    opening = calendar.next_open(at("2026-03-01T12:00-08:00"), [window("mon", "20:30-21:00")], los_angeles)
    assert opening == at("2026-03-02T20:30-08:00")


def test_windows_without_days_never_open() -> None:
    assert calendar.next_open(at("2026-03-03T12:00Z"), [window("", "08:00-09:00")], BERLIN) is None


@pytest.mark.parametrize(
    ("quiet", "moment", "end"),
    [
        ("22:00-08:00", "2026-03-03T21:59+01:00", "2026-03-03T21:59+01:00"),
        ("22:00-08:00", "2026-03-03T22:00+01:00", "2026-03-04T08:00+01:00"),
        ("22:00-08:00", "2026-03-04T00:00+01:00", "2026-03-04T08:00+01:00"),
        ("22:00-08:00", "2026-03-04T12:00+01:00", "2026-03-04T12:00+01:00"),
        ("12:00-14:00", "2026-03-04T12:00+01:00", "2026-03-04T14:00+01:00"),
        ("12:00-14:00", "2026-03-04T14:00+01:00", "2026-03-04T14:00+01:00"),
        ("12:00-14:00", "2026-03-04T11:59+01:00", "2026-03-04T11:59+01:00"),
        ("00:00-00:00", "2026-03-04T11:59+01:00", "2026-03-04T11:59+01:00"),
        ("22:00-08:00", "2026-03-28T23:00+01:00", "2026-03-29T08:00+02:00"),
        ("22:00-02:30", "2026-03-28T23:00+01:00", "2026-03-29T03:00+02:00"),  # ends inside the gap
        ("22:00-02:30", "2026-10-24T23:00+02:00", "2026-10-25T02:30+02:00"),  # ends twice
        ("22:00-02:30", "2026-10-25T02:15+01:00", "2026-10-25T02:30+01:00"),  # and is quiet twice
        ("02:45-02:30", "2026-03-28T23:00+01:00", "2026-03-30T02:30+02:00"),  # the only loud time was skipped
    ],
)
def test_quiet_hours_hold_a_message_until_they_end(quiet: str, moment: str, end: str) -> None:
    assert calendar.leave_quiet(at(moment), clock(quiet), BERLIN) == at(end)


def test_quiet_until_eight_holds_at_seven_fifty_nine_and_sends_at_eight() -> None:
    """FACTS case 16."""
    quiet, eight = clock("22:00-08:00"), at("2026-03-04T08:00+01:00")
    assert calendar.leave_quiet(at("2026-03-04T07:59+01:00"), quiet, BERLIN) == eight
    assert calendar.leave_quiet(eight, quiet, BERLIN) == eight


def test_no_quiet_hours_hold_nothing() -> None:
    assert calendar.leave_quiet(at("2026-03-04T03:00Z"), None, BERLIN) == at("2026-03-04T03:00Z")


@pytest.mark.parametrize(
    ("windows", "quiet", "business", "moment", "allowed"),
    [
        ([], None, None, "2026-03-07T03:00+01:00", "2026-03-07T03:00+01:00"),
        ([], "22:00-08:00", None, "2026-03-07T03:00+01:00", "2026-03-07T08:00+01:00"),
        ([], "22:00-08:00", OFFICE, "2026-03-07T03:00+01:00", "2026-03-09T08:00+01:00"),
        ([every_day("06:00-09:00")], "22:00-08:00", None, "2026-03-07T03:00+01:00", "2026-03-07T08:00+01:00"),
        ([every_day("20:00-23:00")], "22:00-08:00", None, "2026-03-07T22:30+01:00", "2026-03-08T20:00+01:00"),
        ([MONDAY_EVENING], "22:00-08:00", OFFICE, "2026-03-03T12:00+01:00", "2026-03-09T19:00+01:00"),
        (
            [window("fri", "10:00-11:00")],
            None,
            OFFICE,
            "2026-12-21T12:00+01:00",
            "2027-01-01T10:00+01:00",
        ),
        ([MONDAY_EVENING], "18:00-08:00", None, "2026-03-03T12:00+01:00", None),
        ([window("sun", "10:00-11:00")], None, OFFICE, "2026-03-03T12:00+01:00", None),
        ([], None, CLOSED, "2026-03-03T12:00+01:00", None),
    ],
)
def test_the_next_allowed_moment_meets_window_quiet_hours_and_business_day(
    windows: list[Window],
    quiet: str | None,
    business: BusinessCalendar | None,
    moment: str,
    allowed: str | None,
) -> None:
    found = next_allowed(at(moment), windows, clock(quiet) if quiet else None, BERLIN, business)
    assert found == (at(allowed) if allowed else None)


def test_a_day_that_was_left_and_came_back_is_still_closed() -> None:
    """At 00:01 on that Sunday the clocks of Newfoundland went back to 23:01 on Saturday."""
    sundays = BusinessCalendar({6: (time(9), time(17))})
    saturday_again = at("2010-11-06T23:30-03:30")
    found = next_allowed(saturday_again, [], None, "America/St_Johns", sundays)
    assert found == at("2010-11-07T00:00-03:30")


# ── what holds always ────────────────────────────────────────────────────────

ZONES = ["UTC", BERLIN, "America/New_York", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe"]
ZONES += ["Pacific/Apia", "Pacific/Chatham", "America/Sao_Paulo", "America/Havana"]
CHANGES = ["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-03-08T07:00Z", "2010-11-07T02:31Z"]
CHANGES += ["2026-10-03T15:30Z", "2026-04-04T15:00Z", "2011-12-30T10:00Z", "2018-11-04T03:00Z"]

zones = st.sampled_from(ZONES)
near_a_change = st.builds(
    lambda change, minutes: at(change) + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-3000, 3000),
)
moments = near_a_change | st.integers(0, 28 * 365 * 1440).map(
    lambda minutes: at("2009-01-01T00:00Z") + timedelta(minutes=minutes)
)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
all_windows = st.lists(
    st.builds(Window, st.frozensets(st.integers(0, 6), min_size=1), times, times), min_size=0, max_size=3
)
quiets = st.none() | st.tuples(times, times)
day_hours = st.tuples(times, times).filter(lambda hours: hours[0] < hours[1])
businesses = st.builds(
    BusinessCalendar,
    st.dictionaries(st.integers(0, 6), day_hours, min_size=1),
    st.frozensets(st.dates(date(2026, 3, 1), date(2026, 4, 30)), max_size=5),
)
durations = st.builds(
    Duration, st.integers(0, 40), st.integers(0, 10), st.integers(0, 3000), st.integers(0, 500_000)
)


def reads_open(wall: datetime, window: Window) -> bool:
    """Whether a clock that reads *wall* is inside the window, said as plainly as possible."""
    minutes = wall.hour * 60 + wall.minute
    start, end = (t.hour * 60 + t.minute for t in (window.start, window.end))
    length = (end - start) % 1440 or 1440
    return any(
        (wall.weekday() - back) % 7 in window.days and 0 <= minutes + 1440 * back - start < length
        for back in (0, 1)
    )


def swallowed(found: datetime, window: Window, zone: str) -> bool:
    """Whether a clock change skipped all of the window, and *found* is within its length after the gap."""
    wall = found.astimezone(ZoneInfo(zone))
    length = datetime.combine(wall, window.end) - datetime.combine(wall, window.start)
    return window.start < window.end and any(
        day.weekday() in window.days
        and calendar.local(day, window.start, zone) == calendar.local(day, window.end, zone)
        and timedelta() <= found - calendar.local(day, window.start, zone) < length
        for day in (wall.date(), wall.date() - timedelta(days=1))
    )


def reads_quiet(wall: datetime, quiet: tuple[time, time] | None) -> bool:
    if quiet is None or quiet[0] == quiet[1]:
        return False
    return reads_open(wall, Window(frozenset(range(7)), *quiet))


@given(st.dates(date(2009, 1, 1), date(2037, 1, 1)), times, zones)
def test_a_local_time_is_what_the_clocks_read_then_for_the_first_time(
    day: date, wanted: time, zone: str
) -> None:
    moment = calendar.local(day, wanted, zone)
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if wall == datetime.combine(day, wanted):
        assert (moment - timedelta(hours=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall
    else:
        just_before = (moment - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert just_before < datetime.combine(day, wanted) < wall


@given(moments, all_windows, quiets, zones, st.none() | businesses)
def test_an_allowed_moment_is_not_early_not_shut_not_quiet_and_stays_allowed(
    moment: datetime,
    windows: list[Window],
    quiet: tuple[time, time] | None,
    zone: str,
    business: BusinessCalendar | None,
) -> None:
    found = next_allowed(moment, windows, quiet, zone, business)
    assume(found is not None)
    assert found is not None
    wall = found.astimezone(ZoneInfo(zone))
    assert found >= moment
    assert not windows or any(
        reads_open(wall, window) or swallowed(found, window, zone) for window in windows
    )
    assert not reads_quiet(wall, quiet)
    assert business is None or calendar.business_day(wall.date(), business)
    assert next_allowed(found, windows, quiet, zone, business) == found


@given(moments, all_windows, quiets, zones, st.floats(0, 1, exclude_max=True))
def test_nothing_earlier_was_allowed(
    moment: datetime, windows: list[Window], quiet: tuple[time, time] | None, zone: str, share: float
) -> None:
    found = next_allowed(moment, windows, quiet, zone)
    earlier = moment + ((found or moment + timedelta(days=15)) - moment) * share
    wall = earlier.astimezone(ZoneInfo(zone))
    # Across a clock change the hours between may read open a second time; there, later is right too.
    assume(found is None or found.astimezone(ZoneInfo(zone)).utcoffset() == wall.utcoffset())
    assume(earlier != found)
    assert reads_quiet(wall, quiet) or (windows and not any(reads_open(wall, window) for window in windows))


@given(moments, durations, zones, businesses)
def test_adding_never_goes_back(moment: datetime, d: Duration, zone: str, business: BusinessCalendar) -> None:
    later = calendar.add(moment, d, zone, business)
    assert later >= moment
    assert later.tzinfo is UTC


@given(moments, durations, durations, zones, businesses)
def test_more_of_everything_is_never_sooner(
    moment: datetime, d: Duration, more: Duration, zone: str, business: BusinessCalendar
) -> None:
    whole_days = Duration(d.days, d.business_days)
    more_days = Duration(d.days + more.days, d.business_days)
    more_business = Duration(d.days, d.business_days + more.business_days)
    start = calendar.add(moment, whole_days, zone, business)
    assert start <= calendar.add(moment, more_business, zone, business)
    assert calendar.day_of(start, zone) <= calendar.day_of(
        calendar.add(moment, more_days, zone, business), zone
    )


@given(moments, st.integers(0, 20_000), st.integers(0, 3000), zones, businesses)
def test_a_later_start_never_ends_sooner(
    moment: datetime, wait: int, work: int, zone: str, business: BusinessCalendar
) -> None:
    later = moment + timedelta(minutes=wait)
    for d in (Duration(business_minutes=work), Duration(seconds=work)):
        assert calendar.add(moment, d, zone, business) <= calendar.add(later, d, zone, business)
    by_day = Duration(days=work % 10, business_days=work % 7)
    first, second = (calendar.day_of(calendar.add(m, by_day, zone, business), zone) for m in (moment, later))
    assert first <= second or calendar.day_of(later, zone) < calendar.day_of(moment, zone)


@given(moments, st.integers(1, 2000), businesses)
def test_business_minutes_are_the_minutes_the_doors_were_open(
    moment: datetime, minutes: int, business: BusinessCalendar
) -> None:
    moment = moment.replace(second=0, microsecond=0)
    end = calendar.add(moment, Duration(business_minutes=minutes), "Asia/Kolkata", business)
    assume(end - moment < timedelta(days=30))
    wall = moment.astimezone(ZoneInfo("Asia/Kolkata"))
    last = end.astimezone(ZoneInfo("Asia/Kolkata"))
    counted = 0
    while wall < last:
        hours = business.hours.get(wall.weekday())
        counted += bool(hours and hours[0] <= wall.time() < hours[1] and wall.date() not in business.holidays)
        wall += timedelta(minutes=1)
    assert counted == minutes


# ── all day ──────────────────────────────────────────────────────────────────

ROUND_THE_CLOCK = BusinessCalendar(dict.fromkeys(range(7), (time(), time())))  # 00:00-24:00
EVENINGS = BusinessCalendar(dict.fromkeys(range(7), (time(18), time())))  # 18:00-24:00


@given(moments, zones)
def test_a_business_that_never_closes_is_always_open_and_its_hours_are_those_of_the_clock(
    moment: datetime, zone: str
) -> None:
    assert calendar.reads_open(moment, zone, ROUND_THE_CLOCK)
    assert calendar.next_business(moment, zone, ROUND_THE_CLOCK) == moment
    later = calendar.add(moment, Duration(business_minutes=90), zone, ROUND_THE_CLOCK)
    assert later == moment + timedelta(minutes=90)


@pytest.mark.parametrize(
    ("wall", "open_"), [("17:59", False), ("18:00", True), ("23:59", True), ("00:00", False)]
)
def test_hours_that_end_with_the_day_are_open_until_midnight(wall: str, open_: bool) -> None:
    moment = at(f"2026-03-10T{wall}+01:00")
    assert calendar.reads_open(moment, BERLIN, EVENINGS) is open_
