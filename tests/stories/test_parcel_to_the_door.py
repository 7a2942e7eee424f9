"""A parcel that comes: confirmed, on its way, in the van, at the door; and one that comes another day."""

from tests.stories.parcel import batch, maria_ordered, parcel, window
from tests.stories.telling import tell


def test_four_messages_from_the_order_to_the_door() -> None:
    told = tell(
        maria_ordered("2026-03-12"),
        parcel("milestone.reached", "2026-03-10 15:00", milestone="packed"),
        parcel("milestone.reached", "2026-03-10 21:40", milestone="handed_over"),
        parcel("milestone.reached", "2026-03-12 07:10", milestone="out_for_delivery"),
        parcel("milestone.reached", "2026-03-12 14:32", milestone="delivered"),
        until="2026-03-30 00:00",
    )

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-11 08:00  customer  email  on-its-way\n"  # at night nobody wants to hear it
        "2026-03-12 08:00  customer  sms    out-for-delivery\n"
        "2026-03-12 14:32  customer  sms    delivered"
    )
    assert "In it: a roof box." in told.text("order-confirmed")
    assert "you will hear from me either way" in told.text("on-its-way")
    assert "14:32" in told.text("delivered")


def test_what_is_in_it_is_in_the_mail_that_confirms_the_order_and_nowhere_else() -> None:
    told = tell(
        maria_ordered("2026-03-12"),
        batch(
            "2026-03-10 18:00",
            ("milestone.reached", {"milestone": "handed_over"}),
        ),
        parcel("milestone.reached", "2026-03-12 07:10", milestone="out_for_delivery"),
        until="2026-03-20 00:00",
    )

    assert len(told.messages) > 5
    assert [message.subject for message in told.messages if "roof box" in message.text] == [
        "Your order is confirmed: with you on 12 March"
    ]


def test_the_window_of_the_day_is_told_with_the_van_and_only_once() -> None:
    told = tell(
        maria_ordered("2026-03-12"),
        batch(
            "2026-03-12 08:05",
            ("promise.made", {"milestone": "delivered", **window("2026-03-12", 14, 17)}),
            ("milestone.reached", {"milestone": "out_for_delivery"}),
        ),
        parcel("milestone.reached", "2026-03-12 15:20", milestone="delivered"),
        until="2026-03-20 00:00",
    )

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-12 08:05  customer  sms    out-for-delivery\n"
        "2026-03-12 15:20  customer  sms    delivered"
    )
    assert "your parcel comes today, 14:00-17:00" in told.text("out-for-delivery")


def test_hours_that_are_known_the_evening_before_are_told_then() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        parcel("promise.made", "2026-03-11 16:00", milestone="delivered", **window("2026-03-12", 14, 17)),
        until="2026-03-11 23:00",
    )

    assert told.transcript().splitlines()[-1] == "2026-03-11 16:30  customer  email  delivery-moved"
    words = told.text("delivery-moved")
    assert words.startswith("The hours for your parcel: 14:00–17:00")
    assert "sorry" not in words


def test_a_delay_is_told_once_when_the_date_stands_still_and_names_the_day_told_before() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        parcel("promise.made", "2026-03-11 09:00", milestone="delivered", date="2026-03-13"),
        parcel(
            "promise.made", "2026-03-11 09:20", milestone="delivered", date="2026-03-16", reason="a strike"
        ),
        until="2026-03-12 23:00",
    )

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-11 09:50  customer  email  delivery-moved"
    )
    words = told.text("delivery-moved")
    assert words.startswith("A new day for your parcel: 16 March")
    assert "instead of Thursday, 12 March. I am sorry about the 4 days." in words
    assert "a strike" in words


def test_an_earlier_day_is_good_news_and_says_so() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        parcel("promise.made", "2026-03-10 09:00", milestone="delivered", date="2026-03-11"),
        until="2026-03-10 23:00",
    )

    words = told.text("delivery-moved")
    assert words.startswith("Good news: your parcel comes sooner, on 11 March")
    assert "sorry" not in words


def test_other_hours_of_the_same_day_are_news_and_so_is_that_nobody_names_them_any_more() -> None:
    told = tell(
        maria_ordered(window("2026-03-12", 9, 11), phone=""),
        parcel("promise.made", "2026-03-11 09:00", milestone="delivered", **window("2026-03-12", 15, 18)),
        until="2026-03-11 23:00",
    )
    assert told.text("delivery-moved").startswith("Other hours for your parcel: 15:00–18:00")

    told = tell(
        maria_ordered(window("2026-03-12", 9, 11), phone=""),
        parcel("promise.made", "2026-03-11 09:00", milestone="delivered", date="2026-03-12"),
        until="2026-03-11 23:00",
    )
    assert told.text("delivery-moved").startswith("Your parcel: the hours are no longer certain")


def test_five_days_of_silence_are_too_long() -> None:
    told = tell(maria_ordered("2026-03-23"), until="2026-03-16 00:00")

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-14 10:00  customer  email  where-things-stand"
    )
    assert "it will be with you on Monday, 23 March" in told.text("where-things-stand")


def test_the_mail_of_the_morning_shows_the_hours_and_promises_a_word_before_the_night() -> None:
    told = tell(
        maria_ordered(window("2026-03-12", 14, 17), phone=""),
        parcel("milestone.reached", "2026-03-12 08:05", milestone="out_for_delivery"),
        until="2026-03-12 09:00",
    )

    assert told.text("out-for-delivery").startswith("Your parcel comes today, 14:00–17:00")
    assert "You will hear from me again today, either way" in told.text("out-for-delivery")
    assert ">14:00–17:00</p>" in told.messages[-1].html  # alone in its box
