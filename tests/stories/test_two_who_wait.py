"""Two wait for the car, the customer and the co-buyer: each is told in their own language and way."""

from typing import Any

from tests.builders import BERLIN
from tests.stories.telling import car, maria_waits, tell

JONAS = {
    "name": "Jonas Weber",
    "email": "jonas.weber@example.com",
    "phone": "+493023125124",
    "locale": "de",
    "time_zone": BERLIN,
    "channels": ["email"],
}


def with_jonas(**more: Any) -> list[dict[str, Any]]:
    """Maria ordered the car, and Jonas Weber pays half of it."""
    customer, order, promise = maria_waits("2026-03-12")
    order["data"]["parties"] = {"co-buyer": {**JONAS, **more}}
    return [customer, order, promise]


ARRIVED = car("milestone.reached", "2026-03-12 11:20", milestone="arrived")


def test_each_hears_of_the_arrival_on_their_own_channel_and_in_their_own_language() -> None:
    told = tell(with_jonas(), ARRIVED, until="2026-03-12 15:00")

    assert told.transcript() == (
        "2026-03-12 11:20  co-buyer  email  arrived\n2026-03-12 11:20  customer  sms    arrived"
    )
    to_jonas, to_maria = sorted(told.messages, key=lambda message: message.channel)
    assert (to_jonas.to, to_jonas.to_name, to_jonas.locale) == (JONAS["email"], "Jonas Weber", "de")
    assert "Guten Tag Jonas Weber" in to_jonas.text
    assert "Hello Maria" in to_maria.text


def test_both_hear_of_the_silent_day_and_the_owner_has_one_task() -> None:
    told = tell(with_jonas(), until="2026-03-13 18:00")

    assert (
        told.transcript()
        == """\
2026-03-12 16:00  owner     email  record-arrival-or-new-date
2026-03-12 17:00  manager   email  record-arrival-or-new-date
2026-03-12 17:30  co-buyer  email  not-arrived-yet
2026-03-12 17:30  customer  sms    not-arrived-yet
2026-03-12 17:30  owner     email  call-the-customer
2026-03-13 11:30  manager   email  call-the-customer
2026-03-13 17:30  co-buyer  email  still-not-arrived
2026-03-13 17:30  customer  sms    still-not-arrived"""
    )


def test_a_new_date_is_told_to_both_and_both_read_what_it_was_before() -> None:
    moved = car("promise.made", "2026-03-05 09:00", milestone="arrived", date="2026-03-19")
    told = tell(with_jonas(locale="en"), moved, until="2026-03-05 20:00")

    assert told.transcript() == (
        "2026-03-05 11:00  co-buyer  email  arrival-moved\n2026-03-05 11:00  customer  email  arrival-moved"
    )
    assert all("12 March" in message.text and "19 March" in message.text for message in told.messages)


def test_a_correction_goes_to_whoever_was_told() -> None:
    told = tell(
        with_jonas(refuses=["email", "sms"]),
        ARRIVED,
        car("milestone.retracted", "2026-03-12 13:00", milestone="arrived"),
        until="2026-03-12 14:00",
    )

    assert told.transcript().splitlines()[:2] == [
        "2026-03-12 11:20  customer  sms    arrived",
        "2026-03-12 13:00  customer  sms    arrival-retracted",
    ]
    assert not told.transcript(to="co-buyer")
    assert "the co-buyer wants to hear nothing by email" in told.why("arrived", "suppressed")


def test_an_order_without_a_co_buyer_plans_nothing_for_one() -> None:
    told = tell(maria_waits("2026-03-12"), ARRIVED, until="2026-03-12 15:00")

    assert {line.role for line in told.lines if line.rule == "arrived"} == {"customer"}
