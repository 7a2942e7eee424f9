"""Scene 1: arrival was promised for the 12th, and it arrives on the 12th."""

from tests.stories.telling import car, maria_waits, tell

ARRIVES = car("milestone.reached", "2026-03-12 11:20", milestone="arrived")


def test_the_customer_hears_the_same_day_and_nobody_is_asked_about_it() -> None:
    told = tell(maria_waits("2026-03-12"), ARRIVES, until="2026-03-13 00:00")

    assert told.transcript() == "2026-03-12 11:20  customer  sms    arrived"


def test_the_words_are_about_her_and_say_what_happens_next_and_who_looks_after_her() -> None:
    told = tell(maria_waits("2026-03-12", phone=""), ARRIVES, until="2026-03-13 00:00")

    words = told.text("arrived")
    assert "Maria" in words
    assert "Nora Brandt" in words
    assert "Monday" in words  # ready three business days after Thursday: Friday, Saturday, Monday


def test_a_car_that_arrives_at_night_is_told_when_people_are_up() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        car("milestone.reached", "2026-03-11 23:40", milestone="arrived"),
        until="2026-03-13 00:00",
    )

    assert told.transcript() == "2026-03-12 08:00  customer  sms    arrived"


def test_two_systems_that_report_the_same_arrival_are_one_message() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        ARRIVES,
        car("milestone.reached", "2026-03-12 11:31", milestone="arrived"),
        until="2026-03-13 00:00",
    )

    assert told.transcript() == "2026-03-12 11:20  customer  sms    arrived"
