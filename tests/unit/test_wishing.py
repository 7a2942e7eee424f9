"""A message leaves when somebody of ours wants it to, within what the law and the house allow."""

from datetime import datetime
from typing import Any

from orchestrator.model import Decision, Fact
from tests.builders import at, event, promised, reached
from tests.deciding import QUIET, book, decide, one, outcome

KEY = "O-1/arrived/arrived#1/customer"
HERE = reached("O-1", "arrived", "2026-03-12 11:20")
AT_SIX = (
    "{id: arrived, on: {reached: arrived}, say: here, channels: [sms, email], "
    'timing: {at: "18:00", within: 12h}}'
)
RULES = book(AT_SIX, quiet=QUIET)


def wish(moment: str, said: str = "2026-03-12 12:00", **more: Any) -> dict[str, Any]:
    data = {"message": KEY, "at": at(moment).isoformat(), "by": "Nora Brandt"}
    return event("message.rescheduled", "O-1", said, **data | more)


def asked(*told: dict[str, Any] | Fact, now: str = "2026-03-12 12:00") -> Decision:
    return decide(RULES, HERE, *told, now=now)


def due(*told: dict[str, Any]) -> tuple[datetime, str]:
    note = one(asked(*told))
    return note.due_at, note.steps[0].why


def test_it_leaves_then_instead_of_at_the_rules_hour_and_says_whose_wish_that_is() -> None:
    assert due()[0] == at("2026-03-12 18:00")
    assert due(wish("2026-03-12 12:00")) == (at("2026-03-12 12:00"), "Nora Brandt wants it then")
    assert due(wish("2026-03-13 09:30"))[0] == at("2026-03-13 09:30")


def test_it_is_useful_as_long_after_the_wish_as_it_was_after_the_news() -> None:
    assert one(asked()).expires_at == at("2026-03-12 23:20")
    assert one(asked(wish("2026-03-13 09:30"))).expires_at == at("2026-03-13 21:30")


def test_no_wish_beats_the_quiet_hours() -> None:
    moment, why = due(wish("2026-03-12 22:15"))
    assert moment == at("2026-03-13 08:00")
    assert why == "Nora Brandt wants it then; in the quiet hours"


def test_the_last_wish_counts() -> None:
    later = wish("2026-03-13 09:30"), wish("2026-03-13 10:30", "2026-03-12 12:10")
    assert due(*later)[0] == at("2026-03-13 10:30")


def test_a_wish_about_one_message_moves_no_other() -> None:
    other = wish("2026-03-13 09:30", message="O-1/other/arrived#1/customer")
    assert due(other)[0] == at("2026-03-12 18:00")


def test_a_reminder_is_never_said_after_what_it_reminds_of() -> None:
    rules = book("{id: soon, on: {upcoming: arrived, before: 1d}, say: soon, timing: {at: now, within: 2d}}")
    key = "O-1/soon/arrived#1.2026-03-12/customer"
    told = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    note = one(decide(rules, told, wish("2026-03-11 10:00", message=key), now="2026-03-10 12:00"))
    assert (note.due_at, note.expires_at) == (at("2026-03-11 10:00"), at("2026-03-13 00:00"))


def test_what_was_said_is_said_once_whatever_is_wished_of_it_later() -> None:
    said = outcome(one(asked()), "2026-03-12 18:00", "accepted", channel="sms")
    decision = asked(said, wish("2026-03-12 20:00", "2026-03-12 19:00"), now="2026-03-12 19:00")
    assert [note.key for note in decision.wanted] == [KEY]
