"""Scene 2: the 12th ends and nothing arrived. Silence is the worst answer."""

from typing import Any

import pytest

from tests.builders import NORA
from tests.stories.telling import car, maria_waits, tell

THE_SILENT_DAYS = """\
2026-03-12 16:00  owner     email  record-arrival-or-new-date
2026-03-12 17:00  manager   email  record-arrival-or-new-date
2026-03-12 17:30  customer  sms    not-arrived-yet
2026-03-12 17:30  owner     email  call-the-customer
2026-03-13 11:30  manager   email  call-the-customer
2026-03-13 17:30  customer  sms    still-not-arrived"""


def test_owner_is_asked_customer_is_told_manager_gets_what_nobody_acknowledged() -> None:
    told = tell(maria_waits("2026-03-12"), until="2026-03-14 00:00")

    assert told.transcript() == THE_SILENT_DAYS


def test_when_the_car_does_come_the_message_acknowledges_the_wait_and_the_ladder_stops() -> None:
    told = tell(
        maria_waits("2026-03-12", phone=""),
        car("milestone.reached", "2026-03-14 10:15", milestone="arrived"),
        until="2026-03-17 00:00",
    )

    assert told.transcript().splitlines()[-1] == "2026-03-14 10:15  customer  email  arrived"
    words = told.text("arrived").lower()
    assert "sorry" in words or "patience" in words or "wait" in words
    assert "late, and nothing more is missing" in told.why("not-arrived", "cancelled")


def test_no_text_is_ever_the_same_again() -> None:
    told = tell(maria_waits("2026-03-12"), until="2026-05-30 00:00")

    said = [line.occasion for line in told.lines if line.rule == "not-arrived" and line.role == "customer"]
    assert len(said) == len(set(said)) == 8  # the evening itself, the day after, six times every three days
    texts = [message.text for message in told.messages if message.to == "+493023125123"]
    assert len(texts) == len(set(texts))


def test_a_task_that_the_owner_acknowledged_does_not_go_to_the_manager() -> None:
    task = "BX-100/has-it-arrived/arrived#1.2026-03-12.task/owner"
    told = tell(
        maria_waits("2026-03-12"),
        car("task.acknowledged", "2026-03-12 16:20", task=task, by="Nora Brandt"),
        until="2026-03-12 17:10",
    )

    assert told.transcript() == "2026-03-12 16:00  owner     email  record-arrival-or-new-date"


def test_the_owner_records_the_arrival_after_the_question_and_only_the_good_news_goes_out() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        car("milestone.reached", "2026-03-12 16:12", milestone="arrived"),
        until="2026-03-13 00:00",
    )

    assert told.transcript() == (
        "2026-03-12 16:00  owner     email  record-arrival-or-new-date\n"
        "2026-03-12 16:12  customer  sms    arrived"
    )


def test_an_arrival_heard_of_after_the_apology_stops_the_ladder_and_is_told() -> None:
    late_news = car("milestone.reached", "2026-03-12 15:00", heard="2026-03-13 09:00", milestone="arrived")
    told = tell(maria_waits("2026-03-12"), late_news, until="2026-03-20 00:00")

    assert told.transcript(to="customer").splitlines() == [
        "2026-03-12 17:30  customer  sms    not-arrived-yet",
        "2026-03-13 09:00  customer  sms    arrived",
        *told.transcript(to="customer").splitlines()[2:],
    ]
    assert "still-not-arrived" not in told.transcript()


def test_a_second_promise_missed_again_goes_on_with_the_next_rung() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        car("promise.made", "2026-03-13 09:00", milestone="arrived", date="2026-03-19"),
        until="2026-03-20 00:00",
    )

    assert told.transcript(to="customer") == (
        "2026-03-12 17:30  customer  sms    not-arrived-yet\n"
        "2026-03-13 09:00  customer  email  arrival-moved\n"
        "2026-03-19 17:30  customer  sms    still-not-arrived"
    )


ASKED_AT_ONCE_AND_CALLING_IN_THE_MORNING = """\
2026-03-12 16:00  owner     email  record-arrival-or-new-date
2026-03-12 17:00  manager   email  record-arrival-or-new-date
2026-03-12 17:30  customer  sms    not-arrived-yet
2026-03-13 08:00  owner     email  call-the-customer
2026-03-13 12:00  manager   email  call-the-customer
2026-03-13 17:30  customer  sms    still-not-arrived"""


def test_an_owner_who_works_mornings_is_asked_that_afternoon_and_may_call_in_the_morning() -> None:
    mornings = {**NORA, "working_hours": [{"days": "weekdays", "from": "08:00", "to": "12:00"}]}
    told = tell(maria_waits("2026-03-12", owner=mornings), until="2026-03-14 00:00")

    assert told.transcript() == ASKED_AT_ONCE_AND_CALLING_IN_THE_MORNING


def test_on_a_day_on_which_the_house_closes_early_the_owner_is_asked_before_it_does() -> None:
    told = tell(maria_waits("2026-03-14"), until="2026-03-16 09:30")  # a Saturday: open from nine to one

    assert told.transcript() == (
        "2026-03-14 11:00  owner     email  record-arrival-or-new-date\n"
        "2026-03-14 12:00  manager   email  record-arrival-or-new-date\n"
        "2026-03-14 17:30  customer  sms    not-arrived-yet\n"
        "2026-03-16 08:00  owner     email  call-the-customer"
    )


def test_the_wrong_car_taken_back_in_the_evening_is_one_message_and_one_task() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        car("milestone.reached", "2026-03-12 11:20", milestone="arrived"),
        car("milestone.retracted", "2026-03-12 18:30", milestone="arrived", note="it was another blue one"),
        until="2026-03-13 18:00",
    )

    assert (
        told.transcript()
        == """\
2026-03-12 11:20  customer  sms    arrived
2026-03-12 18:30  customer  sms    arrival-retracted
2026-03-13 08:00  owner     email  call-the-customer
2026-03-13 10:00  manager   email  call-the-customer
2026-03-13 17:30  customer  sms    still-not-arrived"""
    )


def test_a_promise_that_is_past_when_it_is_heard_of_is_one_task_for_the_owner() -> None:
    told = tell(maria_waits("2026-03-12", on="2026-03-13 10:00"), until="2026-03-13 12:00")

    assert told.transcript() == (
        "2026-03-13 10:00  customer  sms    not-arrived-yet\n"
        "2026-03-13 10:00  owner     email  call-the-customer"
    )


def test_a_revision_to_a_day_that_is_over_is_told_nobody_and_brings_no_text_forward() -> None:
    told = tell(
        maria_waits("2026-03-19"),
        car("promise.made", "2026-03-16 10:00", milestone="arrived", date="2026-03-12"),
        until="2026-03-20 18:00",
    )

    assert [line for line in told.transcript().splitlines() if "quiet-update" not in line] == [
        "2026-03-16 10:00  owner     email  record-arrival-or-new-date",
        "2026-03-16 11:00  manager   email  record-arrival-or-new-date",
        "2026-03-19 17:30  customer  sms    not-arrived-yet",
        "2026-03-19 17:30  owner     email  call-the-customer",
        "2026-03-20 11:30  manager   email  call-the-customer",
        "2026-03-20 17:30  customer  sms    still-not-arrived",
    ]


def test_a_new_date_is_no_call_and_the_manager_hears_that_nobody_called() -> None:
    told = tell(
        maria_waits("2026-03-12"),
        car("promise.made", "2026-03-12 20:30", milestone="arrived", date="2026-03-19"),
        until="2026-03-13 12:00",
    )

    assert told.transcript().splitlines()[2:] == [
        "2026-03-12 17:30  customer  sms    not-arrived-yet",
        "2026-03-12 17:30  owner     email  call-the-customer",
        "2026-03-13 08:00  customer  email  arrival-moved",
        "2026-03-13 11:30  manager   email  call-the-customer",
    ]
    (to_paul,) = [message.text for message in told.messages if message.id.endswith("r1.task/manager")]
    assert "the car is not here; the day the customer knows now is Thursday, 19 March." in to_paul


@pytest.mark.parametrize(
    "answer",
    [
        car("contact.logged", "2026-03-13 10:00", direction="out", note="told her myself"),
        car("promise.made", "2026-03-13 10:00", milestone="arrived", date="2026-03-20", told=True),
        car("milestone.reached", "2026-03-13 10:00", milestone="arrived"),
        car(
            "task.acknowledged", "2026-03-13 10:00", by="Nora Brandt",
            task="BX-100/not-arrived/arrived#1.2026-03-12.r1.task/owner",
        ),
    ],
    ids=["a call", "a date told by a person", "the arrival", "an acknowledgement"],
)  # fmt: skip
def test_after_a_new_date_the_call_is_no_longer_owed_after(answer: dict[str, Any]) -> None:
    told = tell(
        maria_waits("2026-03-12"),
        car("promise.made", "2026-03-12 20:30", milestone="arrived", date="2026-03-19"),
        answer,
        until="2026-03-13 12:00",
    )

    assert "manager   email  call-the-customer" not in told.transcript()


def test_a_text_that_names_the_new_date_leaves_the_owner_to_call_in_the_morning() -> None:
    mornings = {**NORA, "working_hours": [{"days": "weekdays", "from": "08:00", "to": "12:00"}]}
    told = tell(
        maria_waits("2026-03-12", owner=mornings),
        car("promise.made", "2026-03-12 17:00", milestone="arrived", date="2026-03-19"),
        until="2026-03-13 08:30",
    )

    assert told.transcript().splitlines()[-2:] == [
        "2026-03-12 17:30  customer  sms    not-arrived-yet",
        "2026-03-13 08:00  owner     email  call-the-customer",
    ]
