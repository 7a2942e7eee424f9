"""Scene 3, the appointment: she hears on the evening before, and her calendar has it, also when it moves.

Choosing with one tap belongs to the customer's pages; here Nora Brandt recorded the hour they agreed on.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar

from channels.base import Attachment
from tests.stories.telling import Told, car, maria_waits, tell

READY = [
    car("milestone.reached", "2026-03-12 11:20", milestone="arrived"),
    car("milestone.reached", "2026-03-13 15:00", milestone="prepared"),
]


def agreed(when: str, *, on: str, **more: Any) -> dict[str, Any]:
    """They agreed on a day and an hour, in Munich's winter time."""
    return car("promise.made", on, milestone="collected", at=f"{when}:00+01:00", **more)


def story(*events: dict[str, Any], until: str, **customer: Any) -> Told:
    return tell(maria_waits("2026-03-12", **customer), READY, *events, until=until)


def files(told: Told, template: str) -> list[Attachment]:
    """What was attached to the mails made of that template."""
    return [one for message in told.messages if f"/{template}/" in message.id for one in message.attachments]


def calendars(told: Told, template: str) -> list[Attachment]:
    """Those that a calendar takes."""
    return [one for one in files(told, template) if one.content_type.startswith("text/calendar")]


def entry(file: Attachment) -> Any:
    (event,) = icalendar.Calendar.from_ical(file.data).walk("VEVENT")
    return event


AGREED = agreed("2026-03-17T10:00", on="2026-03-14 09:00")


def test_she_hears_on_the_evening_before_and_at_no_other_time() -> None:
    told = story(AGREED, until="2026-03-17 10:00")

    assert (
        told.transcript(to="customer").splitlines()[-1]
        == "2026-03-16 18:00  customer  email  hand-over-tomorrow"
    )
    assert told.transcript().count("hand-over") == 1


def test_the_words_name_the_hour_the_person_and_how_to_choose_another() -> None:
    words = story(AGREED, until="2026-03-17 10:00").text("hand-over-tomorrow")

    assert "Tomorrow at 10:00" in words
    assert "Tuesday, 17 March at 10:00" in words
    assert "Nora Brandt" in words
    assert "Just reply, also tonight" in words


def test_the_reminder_brings_the_appointment_for_her_calendar() -> None:
    (file,) = calendars(story(AGREED, until="2026-03-17 10:00"), "hand-over-tomorrow")
    event = entry(file)

    assert file.content_type == "text/calendar; charset=utf-8; method=REQUEST"
    assert icalendar.Calendar.from_ical(file.data)["METHOD"] == "REQUEST"
    assert event.decoded("DTSTART").astimezone(UTC) == datetime(2026, 3, 17, 9, 0, tzinfo=UTC)
    assert event["DTSTART"].params["TZID"] == "Europe/Berlin"
    assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(hours=1)
    assert event["ORGANIZER"] == "mailto:nora.brandt@example.com"
    assert event["ATTENDEE"] == "mailto:maria.keller@example.com"
    assert event["SEQUENCE"] == 0


def test_an_appointment_that_moves_is_the_same_entry_of_her_calendar() -> None:
    told = story(
        AGREED,
        agreed("2026-03-19T14:30", on="2026-03-16 19:00", reason="the number plates come a day later"),
        until="2026-03-19 15:00",
    )

    assert [
        line[:16] + line[35:] for line in told.transcript(to="customer").splitlines() if "hand-over" in line
    ] == [
        "2026-03-16 18:00hand-over-tomorrow",
        "2026-03-16 19:15hand-over-moved",
        "2026-03-18 18:00hand-over-tomorrow",
    ]
    first, last = (entry(file) for file in calendars(told, "hand-over-tomorrow"))
    (moved,) = (entry(file) for file in calendars(told, "hand-over-moved"))
    assert first["UID"] == moved["UID"] == last["UID"]
    assert first["SEQUENCE"] < moved["SEQUENCE"] == last["SEQUENCE"]
    assert moved.decoded("DTSTART").astimezone(UTC) == datetime(2026, 3, 19, 13, 30, tzinfo=UTC)
    assert "instead of Tuesday, 17 March, 10:00" in told.text("hand-over-moved")


def test_a_cancelled_order_takes_the_entry_out_of_her_calendar_once_and_somebody_calls_her() -> None:
    cancelled = [car("order.cancelled", f"2026-03-16 19:0{n}", reason="financing") for n in (0, 5)]
    told = story(AGREED, *cancelled, until="2026-03-19 15:00")
    (before,) = (entry(file) for file in calendars(told, "hand-over-tomorrow"))
    (file,) = calendars(told, "hand-over-cancelled")

    assert file.content_type == "text/calendar; charset=utf-8; method=CANCEL"
    assert entry(file)["UID"] == before["UID"]
    assert entry(file)["SEQUENCE"] > before["SEQUENCE"]
    assert entry(file)["STATUS"] == "CANCELLED"
    assert told.transcript(to="customer").splitlines()[-1].endswith("hand-over-cancelled")
    words = told.text("hand-over-cancelled")
    assert "The hand-over on Tuesday, 17 March at 10:00 will not take place, so you need not come." in words
    assert "financing" not in words
    assert "settle-the-cancellation" in told.transcript()


def test_an_hour_that_is_put_back_before_she_heard_of_it_moves_nothing() -> None:
    told = story(
        AGREED,
        agreed("2026-03-17T16:00", on="2026-03-14 12:00"),
        agreed("2026-03-17T10:00", on="2026-03-14 12:10"),
        until="2026-03-17 10:00",
    )

    assert told.transcript(to="customer").count("hand-over") == 1


def test_who_reads_no_mail_hears_the_hour_by_sms_without_a_file() -> None:
    told = story(AGREED, until="2026-03-17 10:00", email="")

    assert told.transcript().splitlines()[-1] == "2026-03-16 18:00  customer  sms    hand-over-tomorrow"
    assert files(told, "hand-over-tomorrow") == []


def test_the_list_of_what_to_bring_is_made_for_her_and_names_what_is_still_open_as_she_writes_sums() -> None:
    bring = {"model": "Aria Touring", "balance": {"amount": "1250.00", "currency": "EUR"}}
    told = story(
        AGREED,
        car("order.upserted", "2026-03-14 09:05", customer="maria", journey="new-car", attributes=bring),
        until="2026-03-17 10:00",
        locale="de-AT",
    )
    (made,) = [one for one in files(told, "hand-over-tomorrow") if one.name == "what-to-bring.txt"]

    assert "- womit Sie bezahlen, was noch offen ist: €\u00a01.250,00" in made.data.decode()
    assert "Dienstag, 17. März um 10:00 Uhr" in made.data.decode()
    assert "vor Ort zu bezahlen: €\u00a01.250,00." in told.text("hand-over-tomorrow")


def test_an_order_of_another_brand_comes_in_its_name_and_colours() -> None:
    place = {"id": "munich", "name": "Autohaus Lindner", "time_zone": "Europe/Berlin", "brand": "linea"}
    told = story(
        AGREED,
        car("order.upserted", "2026-03-14 09:05", customer="maria", journey="new-car", location=place),
        until="2026-03-17 10:00",
    )
    mail = next(message for message in told.messages if "/hand-over-tomorrow/" in message.id)

    assert mail.sender_name == "Linea by Lindner"
    assert "Linea, eine Marke des Autohauses Lindner" in mail.text
    assert "#7a3b9e" in mail.html
    assert "#0b6b5d" not in mail.html


def test_if_the_car_is_not_ready_after_all_she_does_not_come_for_nothing_and_hears_again_when_it_is() -> None:
    not_ready = car("milestone.retracted", "2026-03-16 09:00", milestone="prepared", note="a scratched door")
    told = story(AGREED, not_ready, until="2026-03-17 10:00", phone="")

    assert "2026-03-16 09:00  customer  email  ready-retracted" in told.transcript()
    assert "2026-03-16 09:00  owner     email  call-the-customer" in told.transcript()
    assert "Please do not set out on Tuesday, 17 March before we have spoken" in told.text("ready-retracted")
    assert "hand-over-tomorrow" not in told.transcript()

    ready = car("milestone.reached", "2026-03-16 15:00", milestone="prepared")
    told = story(AGREED, not_ready, ready, until="2026-03-17 10:00", phone="")
    assert told.transcript(to="customer").splitlines()[-2:] == [
        "2026-03-16 15:00  customer  email  ready-to-collect",
        "2026-03-16 18:00  customer  email  hand-over-tomorrow",
    ]


def test_a_retraction_after_the_promised_day_is_one_message_and_one_task() -> None:
    told = story(
        car("milestone.retracted", "2026-03-17 09:00", milestone="prepared"), until="2026-03-17 10:59"
    )

    assert told.transcript().splitlines()[-2:] == [
        "2026-03-17 09:00  customer  sms    ready-retracted",
        "2026-03-17 09:00  owner     email  call-the-customer",
    ]
