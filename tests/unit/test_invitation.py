"""A promise as an entry of a calendar: the same entry for ever, in the newest state (RFC 5545, 5546)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model import (
    Kind,
    Milestone,
    Notification,
    Order,
    Promise,
    Promised,
    Purpose,
    Telling,
    Tells,
)
from orchestrator.render.attachments import File
from orchestrator.render.invitation import (
    LENGTH,
    Invitation,
    Method,
    Somebody,
    Unreadable,
    calendar_file,
    read,
)

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)
TEN = Promised(start=datetime(2026, 3, 17, 9, 0, tzinfo=UTC))
LATER = Promised(start=datetime(2026, 3, 19, 13, 30, tzinfo=UTC))
INVITE = Invitation(Method.REQUEST, "collected", title="Your car", place="Autohaus Lindner")
NORA = Somebody("nora.brandt@example.com", "Nora Brandt")
MARIA = Somebody("maria.keller@example.com", "Maria Keller")
WANTED = Notification(
    "BX-100",
    "hand-over",
    "collected#1",
    "customer",
    "maria",
    Kind.MESSAGE,
    "new-car/x",
    Purpose.SERVICE,
    NOW,
    None,
)


def order(*values: Promised, told: bool = True, episodes: int = 1, **more: Any) -> Order:
    promises = [Promise("collected", n, value, NOW, NOW, told=told) for n, value in enumerate(values, 1)]
    tellings = [Telling(value, NOW) for value in values] if told else []
    collected = Milestone("collected", promises=promises, tellings=tellings)
    return Order(
        "BX-100", milestones={"collected": collected, "arrived": Milestone("arrived", episodes)}, **more
    )


def file(what: Order, invitation: Invitation = INVITE, **more: Any) -> File:
    found = made(what, invitation, **more)
    assert found is not None
    return found


def made(what: Order, invitation: Invitation = INVITE, **more: Any) -> File | None:
    options: dict[str, Any] = {
        "zone": "Europe/Berlin", "now": NOW, "organizer": NORA, "attendee": MARIA, "wanted": WANTED, **more,
    }  # fmt: skip
    return calendar_file(invitation, options.pop("wanted"), what, **options)


def entry(found: File) -> Any:
    (event,) = icalendar.Calendar.from_ical(found.data).walk("VEVENT")
    return event


def test_an_order_and_a_milestone_are_one_entry_whatever_happens_to_them() -> None:
    uid = entry(file(order(TEN)))["UID"]
    assert uid == entry(file(order(TEN, LATER), zone="UTC"))["UID"]
    assert uid == entry(file(order(TEN, cancelled=NOW)))["UID"]
    assert uid != entry(file(replace(order(TEN), id="BX-101")))["UID"]
    assert "BX" not in uid


def test_the_revision_grows_with_each_version_of_the_promise_and_not_with_reminders() -> None:
    assert [
        entry(file(order(*values)))["SEQUENCE"] for values in ((TEN,), (TEN, LATER), (TEN, LATER, TEN))
    ] == [0, 2, 4]
    assert file(order(TEN)).data == file(order(TEN)).data


def test_a_cancelled_order_takes_its_entry_out_whatever_the_template_asks() -> None:
    found = file(order(TEN, cancelled=NOW))
    assert found.type == "text/calendar; charset=utf-8; method=CANCEL"
    assert icalendar.Calendar.from_ical(found.data)["METHOD"] == "CANCEL"
    assert (entry(found)["STATUS"], entry(found)["SEQUENCE"]) == ("CANCELLED", 1)


def test_what_is_taken_back_lies_between_two_invitations() -> None:
    invited = entry(file(order(TEN)))["SEQUENCE"]
    taken_back = entry(file(order(TEN, episodes=2), replace(INVITE, method=Method.CANCEL)))["SEQUENCE"]
    again = entry(file(order(TEN, episodes=2)))["SEQUENCE"]
    assert invited < taken_back < again


@given(st.lists(st.sampled_from(["move", "retract"]), max_size=12))
def test_whatever_happens_the_newest_message_has_the_highest_revision(news: list[str]) -> None:
    values, episodes, last = [TEN], 1, -1
    for what in ["", *news]:
        if what == "move":
            values.append(Promised(start=NOW + timedelta(hours=len(values))))
        elif what == "retract":
            episodes += 1
            cancel = entry(file(order(*values, episodes=episodes), replace(INVITE, method=Method.CANCEL)))
            assert cancel["SEQUENCE"] > last
            last = cancel["SEQUENCE"]
        number = entry(file(order(*values, episodes=episodes)))["SEQUENCE"]
        assert number > last
        last = number
    assert entry(file(order(*values, episodes=episodes, cancelled=NOW)))["SEQUENCE"] > last


def test_the_hour_is_written_in_the_orders_zone_with_its_clock_changes() -> None:
    text = file(order(TEN)).data.decode()
    assert "DTSTART;TZID=Europe/Berlin:20260317T100000" in text
    assert "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin" in text
    assert "DTSTART:20260329T030000" in text  # the clocks change twelve days later
    assert entry(file(order(TEN))).decoded("DTEND") - entry(file(order(TEN))).decoded("DTSTART") == LENGTH


def test_a_day_is_a_whole_day_and_blocks_nobody() -> None:
    event = entry(file(order(Promised(day=date(2026, 3, 17)))))
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (date(2026, 3, 17), date(2026, 3, 18))
    assert event["TRANSP"] == "TRANSPARENT"


def test_a_window_lasts_as_long_as_it_does() -> None:
    window = Promised(start=TEN.start, end=datetime(2026, 3, 17, 11, 30, tzinfo=UTC))
    event = entry(file(order(window)))
    assert event.decoded("DTEND").astimezone(UTC) == window.end


def test_what_is_published_asks_nobody_to_come() -> None:
    found = file(order(TEN), replace(INVITE, method=Method.PUBLISH))
    assert "method=PUBLISH" in found.type
    assert "ATTENDEE" not in entry(found)


def test_an_internal_promise_stands_in_no_customers_calendar_but_in_the_owners() -> None:
    assert made(order(TEN, told=False)) is None
    assert made(order(TEN, told=False), wanted=replace(WANTED, kind=Kind.TASK, role="owner")) is not None
    assert made(order(TEN, told=False), wanted=replace(WANTED, tells=(Tells("collected", TEN),))) is not None
    assert made(Order("BX-100")) is None


@pytest.mark.parametrize(
    "title", ["Übergabe: Ihr Wagen; am Tag, mit \\ und " * 6, "سيارتك " * 30, "a\r\nBEGIN:VALARM"]
)
def test_lines_are_folded_and_quoted_and_nothing_begins_a_line_of_its_own(title: str) -> None:
    found = file(order(TEN), replace(INVITE, title=title), organizer=replace(NORA, name='Nora "B;,:" Brandt'))
    lines = found.data.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(line.startswith(b"BEGIN:VALARM") for line in lines)
    assert str(entry(found)["SUMMARY"]).split() == title.split()
    assert entry(found)["ORGANIZER"] == "mailto:nora.brandt@example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("invite collected", (Method.REQUEST, "collected", LENGTH)),
        ("publish delivered for 45m", (Method.PUBLISH, "delivered", timedelta(minutes=45))),
        ("cancel first_service for 2h", (Method.CANCEL, "first_service", timedelta(hours=2))),
    ],
)
def test_a_calendar_line_reads_as_it_is_said(text: str, expected: tuple[Method, str, timedelta]) -> None:
    found = read(text)
    assert (found.method, found.milestone, found.length) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("collected", "not read as"),
        ("", "not read as"),
        ("ask collected", "cannot be asked to 'ask'"),
        ("invite collected for 3d", "minutes or hours"),
        ("invite collected for 2bh", "minutes or hours"),
        ("invite collected for ever", "ever"),
        ("invite collected for 30h", "at most a day"),
    ],
)
def test_a_calendar_line_that_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(text)
