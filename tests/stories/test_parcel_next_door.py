"""Nobody was in: the neighbour has it, or it waits in a shop. Maria hears where; nobody else hears a word."""

import pytest

from tests.stories.parcel import batch, maria_ordered, parcel
from tests.stories.telling import tell

JONAS = {"name": "Jonas Weber", "email": "jonas.weber@example.com", "phone": "+493023125141"}
WITH_JONAS = batch(
    "2026-03-12 14:10",
    ("order.upserted", {"attributes": {"left_with": "Jonas Weber"}, "parties": {"neighbour": JONAS}}),
    ("milestone.reached", {"milestone": "delivered"}),
    ("delivery.at_neighbour", {"name": "Jonas Weber"}),
)
AT_THE_KIOSK = batch(
    "2026-03-12 14:10",
    ("order.upserted", {"attributes": {"pickup_point": "Kiosk am Markt"}}),
    ("promise.made", {"milestone": "returned", "date": "2026-03-19", "told": False}),
    ("delivery.at_pickup_point", {"place": "Kiosk am Markt", "until": "2026-03-19"}),
)


def test_the_customer_is_told_with_whom_it_is_and_not_told_twice() -> None:
    told = tell(maria_ordered("2026-03-12"), WITH_JONAS, until="2026-03-30 00:00")

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-12 14:10  customer  sms    left-with-the-neighbour"
    )
    assert "your parcel is next door, with Jonas Weber" in told.text("left-with-the-neighbour")


def test_the_neighbour_hears_nothing_even_where_we_could_reach_them() -> None:
    told = tell(maria_ordered("2026-03-12"), WITH_JONAS, until="2026-03-30 00:00")

    assert {message.to for message in told.messages} == {"maria.keller@example.com", "+493023125123"}
    assert "roof box" not in told.text("left-with-the-neighbour")


def test_a_parcel_in_a_shop_is_told_with_place_and_last_day_and_reminded_of_the_day_before() -> None:
    told = tell(maria_ordered("2026-03-12"), AT_THE_KIOSK, until="2026-03-19 23:00")

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-12 14:10  customer  sms    waiting-at-the-pickup-point\n"
        "2026-03-18 10:00  customer  sms    collect-by-tomorrow"
    )  # and no "not delivered yet", no "five days without a word": it is not late, it waits
    assert "Kiosk am Markt, until Thursday, 19 March" in told.text("waiting-at-the-pickup-point")
    assert "(Kiosk am Markt) until tomorrow, 19 March" in told.text("collect-by-tomorrow")


def test_who_has_collected_it_hears_no_more_of_it() -> None:
    told = tell(
        maria_ordered("2026-03-12"),
        AT_THE_KIOSK,
        parcel("milestone.reached", "2026-03-14 12:00", milestone="delivered"),
        until="2026-03-30 00:00",
    )

    assert told.transcript().splitlines()[-1].endswith("waiting-at-the-pickup-point")
    assert "delivered happened on" in told.why("collect-by-tomorrow", "cancelled")


def test_more_time_at_the_shop_moves_the_reminder() -> None:
    told = tell(
        maria_ordered("2026-03-12"),
        AT_THE_KIOSK,
        parcel("promise.made", "2026-03-16 09:00", milestone="returned", date="2026-03-21"),
        until="2026-03-21 00:00",
    )

    assert told.transcript().splitlines()[-1] == "2026-03-20 10:00  customer  sms    collect-by-tomorrow"


def test_nobody_collected_it_and_the_customer_chooses_what_happens_next() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        AT_THE_KIOSK,
        parcel("milestone.reached", "2026-03-23 11:00", milestone="returned"),
        until="2026-03-23 23:00",
    )

    assert told.transcript().splitlines()[-2:] == [
        "2026-03-23 11:00  customer  email  came-back",
        "2026-03-23 11:00  owner     email  arrange-a-new-delivery",
    ]
    assert "You choose" in told.text("came-back")


@pytest.mark.parametrize("until", ["2026-03-12", "2026-03-13"], ids=["today", "tomorrow"])
@pytest.mark.parametrize("when", ["2026-03-12 09:58", "2026-03-12 14:10"])
def test_who_hears_that_the_last_day_is_near_is_not_reminded_of_it_a_minute_later(
    until: str, when: str
) -> None:
    at_the_kiosk = batch(
        when,
        ("order.upserted", {"attributes": {"pickup_point": "Kiosk am Markt"}}),
        ("promise.made", {"milestone": "returned", "date": until, "told": False}),
        ("delivery.at_pickup_point", {"place": "Kiosk am Markt", "until": until}),
    )
    told = tell(maria_ordered("2026-03-12"), at_the_kiosk, until=f"{until} 23:00")

    assert told.transcript().splitlines()[1:] == [f"{when}  customer  sms    waiting-at-the-pickup-point"]
