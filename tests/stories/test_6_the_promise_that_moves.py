"""Scene 6: 12th, then 19th, then 14th in one afternoon: one message, compared with what she was told."""

from tests.stories.telling import car, maria_waits, tell


def moves(when: str, to: str) -> dict[str, object]:
    """The internal date of the arrival changes."""
    return car("promise.made", when, milestone="arrived", date=to)


def test_three_dates_in_one_afternoon_are_one_message_about_the_net_change() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        moves("2026-03-05 13:00", "2026-03-19"),
        moves("2026-03-05 14:30", "2026-03-14"),
        until="2026-03-06 00:00",
    )

    assert told.transcript() == "2026-03-05 16:30  customer  email  arrival-moved"
    words = told.text("arrival-moved")
    assert "14" in words
    assert "12" in words
    assert "19" not in words


def test_back_to_the_date_she_was_told_says_nothing() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        moves("2026-03-05 13:00", "2026-03-19"),
        moves("2026-03-05 14:30", "2026-03-12"),
        until="2026-03-06 00:00",
    )

    assert told.transcript() == ""
    assert told.why("arrival-moved", "cancelled") == "the customer knows: arrived on 2026-03-12"


def test_back_again_after_she_was_told_is_news_again() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        moves("2026-03-05 09:00", "2026-03-19"),
        moves("2026-03-06 09:00", "2026-03-12"),
        moves("2026-03-07 09:00", "2026-03-19"),
        until="2026-03-08 00:00",
    )

    assert told.transcript() == (
        "2026-03-05 11:00  customer  email  arrival-moved\n"
        "2026-03-06 11:00  customer  email  arrival-moved\n"
        "2026-03-07 11:00  customer  email  arrival-moved"
    )


def test_the_timers_move_with_the_promise_she_was_told() -> None:
    told = tell(maria_waits("2026-03-12"), moves("2026-03-05 13:00", "2026-03-14"), until="2026-03-14 23:00")

    assert told.transcript(to="customer") == (
        "2026-03-05 15:00  customer  email  arrival-moved\n2026-03-14 17:30  customer  sms    not-arrived-yet"
    )


def test_settling_never_outlasts_the_told_promise() -> None:
    told = tell(maria_waits("2026-03-12"), moves("2026-03-12 15:00", "2026-03-19"), until="2026-03-13 00:00")

    assert told.transcript(to="customer").splitlines()[-1].startswith("2026-03-12 17:")


def test_a_nightly_import_of_the_same_date_changes_nothing() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        moves("2026-03-05 02:00", "2026-03-12"),
        moves("2026-03-06 02:00", "2026-03-12"),
        until="2026-03-07 00:00",
    )

    assert told.lines == tell(maria_waits("2026-03-12"), until="2026-03-07 00:00").lines
