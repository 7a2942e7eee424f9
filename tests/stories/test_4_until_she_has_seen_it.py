"""Scene 4, the second half: a push nobody opens told nothing, so the news goes on until somebody has it."""

from typing import Any

from tests.stories.telling import car, maria_waits, tell

MARIA = maria_waits("2026-03-14", on="2026-03-10 10:00", devices=["phone-1"])
HERE = car("milestone.reached", "2026-03-14 09:20", milestone="arrived")
FIRST = "BX-100/arrived/arrived#1/customer"


def reported(became: str, time: str, step: str = "", **more: str) -> dict[str, Any]:
    """What her app or a provider says became of the news, or of a further step of it (`.s2`)."""
    message = FIRST.replace("#1/", f"#1{step}/")
    return car(f"message.{became}", time, message=message, **more)


def told(*events: dict[str, Any], until: str = "2026-03-16 12:00") -> str:
    return tell(MARIA, HERE, *events, until=until, undelivered=True).transcript()


PUSH = "2026-03-14 09:20  customer  push   arrived"
TEXT = "2026-03-14 11:20  customer  sms    arrived"
MAIL = "2026-03-14 13:20  customer  email  arrived"
CALL = "2026-03-16 08:00  owner     email  reach-the-customer"  # on Saturday afternoon nobody is there


def test_nobody_opens_it_so_a_text_follows_then_a_mail_and_then_nora_calls() -> None:
    assert told() == f"{PUSH}\n{TEXT}\n{MAIL}\n{CALL}"


def test_she_opens_the_push_and_hears_nothing_more() -> None:
    assert told(reported("opened", "2026-03-14 10:02", channel="push")) == PUSH


def test_the_text_arrives_and_that_is_enough() -> None:
    delivered = reported("delivered", "2026-03-14 11:21", ".s2", channel="sms")
    opened = reported("opened", "2026-03-14 11:40", ".s2", channel="sms")

    assert told(delivered, opened) == f"{PUSH}\n{TEXT}"


def test_she_opens_the_push_only_when_the_text_has_come_and_gets_no_mail() -> None:
    assert told(reported("opened", "2026-03-14 12:00", channel="push")) == f"{PUSH}\n{TEXT}"


def test_a_push_that_was_opened_before_we_hear_of_it_still_counts() -> None:
    late = reported("opened", "2026-03-14 10:02", channel="push") | {"recordedtime": "2026-03-14T12:30:00Z"}

    assert told(late) == f"{PUSH}\n{TEXT}\n{MAIL}"


def test_a_number_that_is_gone_is_a_mail_at_once() -> None:
    gone = reported("failed", "2026-03-14 11:22", ".s2", channel="sms", code="30006")

    assert told(gone) == "\n".join((PUSH, TEXT, MAIL.replace("13:20", "11:22"), CALL))


def test_when_the_car_is_not_there_after_all_nobody_goes_on_saying_so() -> None:
    back = car("milestone.retracted", "2026-03-14 10:30", milestone="arrived")
    lines = told(back).splitlines()

    assert lines[0] == PUSH
    assert not [line for line in lines[1:] if line.endswith(" arrived")]


def test_the_story_says_why_each_step_was_taken() -> None:
    story = tell(MARIA, HERE, until="2026-03-16 12:00", undelivered=True)
    first, text, mail, call = (line.reason for line in story.lines if line.status == "accepted")

    assert first == "arrived happened on Sat 2026-03-14 09:20"
    assert text == "push took it on Sat 2026-03-14 09:20, and nothing says it was opened within 2h"
    assert mail == "sms took it on Sat 2026-03-14 11:20, and nothing says it was delivered within 2h"
    assert call.startswith(f"{first}; email took it on Sat 2026-03-14 13:20")
