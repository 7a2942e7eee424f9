"""The day ends, or the window, and the parcel did not come: honest that evening, and a person who asks."""

from tests.stories.parcel import batch, maria_ordered, parcel, window
from tests.stories.telling import tell

THE_DAYS_WITHOUT_IT = """\
2026-03-09 10:00  customer  email  order-confirmed
2026-03-12 19:30  customer  sms    not-delivered-yet
2026-03-13 08:00  owner     email  ask-the-carrier
2026-03-13 10:00  manager   email  ask-the-carrier
2026-03-13 19:30  customer  sms    still-not-delivered
2026-03-16 19:30  customer  sms    your-choice
2026-03-17 08:00  owner     email  decide-on-a-replacement
2026-03-17 12:00  manager   email  decide-on-a-replacement"""


def test_the_evening_the_next_working_day_and_after_three_each_with_words_of_its_own() -> None:
    told = tell(maria_ordered("2026-03-12"), until="2026-03-18 00:00")

    assert told.transcript() == THE_DAYS_WITHOUT_IT
    assert "More by Friday, 13 March" in told.text("not-delivered-yet")
    assert "A new one, or your money back?" in told.text("your-choice")


def test_the_mail_says_what_is_done_and_when_we_speak_again() -> None:
    told = tell(maria_ordered("2026-03-12", phone=""), until="2026-03-13 00:00")

    words = told.text("not-delivered-yet")
    assert "to be with you today, and it has not been delivered. I am sorry" in words
    assert (
        "I am asking Kurier Nord where your parcel is. You will hear from me again by Friday, 13 March"
        in words
    )


def test_a_window_is_over_half_an_hour_after_its_end_and_the_evening_is_still_possible() -> None:
    told = tell(maria_ordered(window("2026-03-12", 9, 11), phone=""), until="2026-03-12 13:00")

    assert (
        told.transcript(to="customer").splitlines()[-1]
        == "2026-03-12 11:30  customer  email  not-delivered-yet"
    )
    words = told.text("not-delivered-yet")
    assert "was to be with you today, 09:00–11:00, and it has not been delivered" in words
    assert "It may still come this evening, but you need not wait in for it." in words


def test_a_new_day_that_is_known_by_then_stands_in_the_same_message() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        parcel(
            "promise.made", "2026-03-12 19:10", milestone="delivered", date="2026-03-14", reason="a full van"
        ),
        until="2026-03-13 23:00",
    )

    assert told.transcript(to="customer") == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-12 19:30  customer  email  not-delivered-yet"
    )
    assert "It is now expected on Saturday, 14 March. The reason I was given: a full van." in told.text(
        "not-delivered-yet"
    )


def test_when_it_comes_after_all_the_message_thanks_for_the_patience_and_the_ladder_stops() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        parcel("milestone.reached", "2026-03-13 11:00", milestone="delivered"),
        until="2026-03-20 00:00",
    )

    assert told.transcript(to="customer").splitlines()[-1] == "2026-03-13 11:00  customer  email  delivered"
    assert "thank you for your patience" in told.text("delivered")


def test_a_parcel_nobody_has_seen_for_three_days_is_a_task_and_no_message() -> None:
    told = tell(
        maria_ordered("2026-03-20"),
        parcel("milestone.reached", "2026-03-10 15:00", milestone="handed_over"),
        until="2026-03-13 18:00",
    )

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-10 15:00  customer  email  on-its-way\n"
        "2026-03-13 15:00  owner     email  ask-the-carrier"
    )
    task = told.text("ask-the-carrier")
    assert "(number KN-7)" in task
    assert "Why: nothing happened for 3d, since handed_over" in task


def test_delivered_by_mistake_is_corrected_and_somebody_asks() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        parcel("milestone.reached", "2026-03-11 11:00", milestone="delivered"),
        parcel("milestone.retracted", "2026-03-11 12:10", milestone="delivered", note="another house"),
        until="2026-03-11 13:00",
    )

    assert told.transcript().splitlines()[1:] == [
        "2026-03-11 11:00  customer  email  delivered",
        "2026-03-11 12:10  customer  email  delivery-retracted",
        "2026-03-11 12:10  owner     email  ask-the-carrier",
    ]
    assert "What went wrong: another house." in told.text("delivery-retracted")


def test_a_failed_attempt_with_its_next_day_is_one_message_that_evening_and_nobody_is_tasked() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        batch(
            "2026-03-12 14:10",
            ("order.upserted", {"attributes": {"attempted": "2026-03-12"}}),
            ("promise.made", {"milestone": "delivered", "date": "2026-03-13"}),
            ("delivery.attempted", {"reason": "nobody opened the door", "next_attempt": "2026-03-13"}),
        ),
        until="2026-03-13 12:00",
    )

    assert told.transcript() == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-12 14:10  customer  email  delivery-attempted"
    )
    words = told.text("delivery-attempted")
    assert "The reason I was given: nobody opened the door." in words
    assert "It is brought to you again on Friday, 13 March" in words


def test_a_failed_attempt_without_a_next_day_makes_somebody_ask_and_keeps_the_word_given() -> None:
    told = tell(
        maria_ordered("2026-03-12"),
        batch(
            "2026-03-12 14:10",
            ("order.upserted", {"attributes": {"attempted": "2026-03-12"}}),
            ("delivery.attempted", {"reason": "nobody opened the door"}),
        ),
        until="2026-03-14 00:00",
    )

    assert told.transcript(to="customer") == (
        "2026-03-09 10:00  customer  email  order-confirmed\n"
        "2026-03-12 14:10  customer  sms    delivery-attempted\n"
        "2026-03-13 19:30  customer  sms    still-not-delivered"  # on the next working day, as it said
    )
    assert told.transcript(to="owner") == "2026-03-12 14:10  owner     email  ask-the-carrier"


def test_the_second_van_is_told_again_when_the_first_was_taken_back() -> None:
    told = tell(
        maria_ordered("2026-03-12", phone=""),
        parcel("milestone.reached", "2026-03-12 08:10", milestone="out_for_delivery"),
        batch(
            "2026-03-12 14:10",
            ("order.upserted", {"attributes": {"attempted": "2026-03-12"}}),
            ("promise.made", {"milestone": "delivered", "date": "2026-03-13"}),
            ("milestone.retracted", {"milestone": "out_for_delivery", "note": "back in the depot"}),
            ("delivery.attempted", {"reason": "nobody opened the door", "next_attempt": "2026-03-13"}),
        ),
        parcel("milestone.reached", "2026-03-13 08:20", milestone="out_for_delivery"),
        until="2026-03-13 12:00",
    )

    assert [line.partition("email  ")[2] for line in told.transcript(to="customer").splitlines()] == [
        "order-confirmed", "out-for-delivery", "delivery-attempted", "out-for-delivery",
    ]  # fmt: skip
