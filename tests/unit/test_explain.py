"""Why each thing was or was not said, and what comes next, in words an employee understands (scene 13)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from orchestrator.model import Entry, Promised, Status
from orchestrator.planning.case import show
from orchestrator.planning.explain import Explanation, explain
from orchestrator.planning.planner import wanted
from orchestrator.reasons.recognised import recognised
from orchestrator.reasons.sending import FROZEN
from tests.builders import BERLIN, at, car_order, event, maria, promised, reached
from tests.deciding import Told, book, decide, entry, facts, fold, one

RULES = book("{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms], timing: {within: 6h}}")
HERE = reached("O-1", "arrived", "2026-03-12 11:20")
NOTE = one(decide(RULES, HERE, now="2026-03-12 11:20"))


def story(
    *told: Told, entries: tuple[Entry, ...] = (), now: str = "2026-03-12 11:20", rules: Any = RULES
) -> Explanation:
    heard = facts(car_order(), maria(), *told)
    order, customer = fold(*heard)
    return explain(order, customer, heard, entries, wanted(order, customer, rules, at(now)), rules)


def row(status: Status, **more: Any) -> Entry:
    moment: datetime = at("2026-03-12 11:21")
    reason = recognised(more.pop("reason", ""))
    return entry(NOTE, status, updated_at=moment, reason=reason, **more)


def last(*told: Told, entries: tuple[Entry, ...] = ()) -> tuple[str, str, str]:
    moment = story(*told, entries=entries).timeline[-1]
    return moment.kind, moment.text, moment.detail


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (
            promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00"),
            ("promised", "arrived for 2026-03-12", ""),
        ),
        (
            promised("O-1", "arrived", "2026-03-12 17:30", "2026-03-02 10:00", reason="strike"),
            ("promised", "arrived for Thu 2026-03-12 17:30 (strike)", ""),
        ),
        (HERE, ("happened", "arrived", "")),
        (
            reached("O-1", "arrived", "2026-03-12 11:20", heard="2026-03-13 12:00"),
            ("happened", "arrived", "heard 1 d later"),
        ),
        (
            event("milestone.retracted", "O-1", "2026-03-12 12:00", milestone="arrived"),
            ("happened", "arrived taken back", ""),
        ),
        (
            event("order.held", "O-1", "2026-03-12 12:00", reason="bank"),
            ("happened", "the order was put on hold: bank", ""),
        ),
        (
            event("consent.withdrawn", "C-1", "2026-03-12 12:00", channel="sms"),
            ("heard", "the customer withdrew consent", ""),
        ),
        (
            event(
                "task.done", "O-1", "2026-03-12 12:00", task="O-1/ask/arrived#1.task/owner", by="Nora Brandt"
            ),
            ("happened", "Nora Brandt finished the task of ask", ""),
        ),
        (
            event("task.done", "O-1", "2026-03-12 12:00", task="elsewhere"),
            ("happened", "somebody finished the task of elsewhere", ""),
        ),
        (
            event(
                "contact.logged",
                "O-1",
                "2026-03-12 12:00",
                direction="out",
                by="Nora Brandt",
                note="After six.",
            ),
            ("happened", "Nora Brandt spoke with the customer: After six.", ""),
        ),
        (
            event("contact.logged", "O-1", "2026-03-12 12:00", direction="in", reason="where is it?"),
            ("happened", "the customer turned to us: where is it?", ""),
        ),
        (event("contact.logged", "O-1", "2026-03-12 12:00"), ("happened", "staff and customer spoke", "")),
        (
            event(
                "milestone.reached", "O-1", "2026-03-12 12:00", milestone="arrived", note="at the back gate"
            ),
            ("happened", "arrived: at the back gate", ""),
        ),
        (
            event("task.done", "O-1", "2026-03-12 12:00", task="elsewhere", outcome="She comes on Saturday."),
            ("happened", "somebody finished the task of elsewhere: She comes on Saturday.", ""),
        ),
        (event("yard.note", "O-1", "2026-03-12 12:00"), ("happened", "yard.note", "")),
    ],
)
def test_every_fact_is_a_line_in_plain_words(fact: Told, line: tuple[str, str, str]) -> None:
    assert last(fact) == line


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (
            row(Status.ACCEPTED, channel="sms"),
            ("said", "new-car/arrived to the customer by sms", NOTE.because),
        ),
        (
            row(Status.CANCELLED, reason="it came back"),
            ("not said", "new-car/arrived to the customer: cancelled", "it came back"),
        ),
        (row(Status.SENDING), ("said", "new-car/arrived to the customer: on its way", NOTE.because)),
        (
            row(Status.UNKNOWN, channel="sms", reason="timeout"),
            ("said", "new-car/arrived to the customer by sms: nobody can say whether it arrived", "timeout"),
        ),
    ],
)
def test_every_entry_that_came_to_something_is_a_line_with_its_reason(
    state: Entry, line: tuple[str, str, str]
) -> None:
    assert last(HERE, entries=(state,)) == line


def test_by_which_channels_it_was_tried_before_is_said() -> None:
    heard = facts(car_order(), maria(), HERE)
    order, customer = fold(*heard)
    decision = wanted(order, customer, RULES, at("2026-03-12 11:30"))
    tries = {1: [("push", "failed (the device is gone)"), ("sms", "failed"), ("email", "accepted")]}

    for status, more in (
        (Status.ACCEPTED, {"channel": "email"}),
        (Status.EXPIRED, {"channel": "email", "reason": "late"}),
    ):
        told = explain(order, customer, heard, (row(status, **more),), decision, RULES, tries).timeline[-1]
        assert told.detail.endswith("; tried before by push: failed (the device is gone), sms: failed")
    alone = explain(
        order,
        customer,
        heard,
        (row(Status.ACCEPTED, channel="sms"),),
        decision,
        RULES,
        {1: [("sms", "accepted")]},
    )
    assert "tried" not in alone.timeline[-1].detail


def test_a_promise_that_follows_from_another_milestone_stands_where_that_happened() -> None:
    rules = book(
        "{id: late, on: {missed: prepared}, say: sorry, channels: [sms]}",
        head="\npromises: {prepared: arrived + 3d}",
    )
    before = promised("O-1", "prepared", "2026-03-20", "2026-03-02 10:00")

    lines = [(one.kind, one.text, one.detail) for one in story(HERE, rules=rules).timeline]
    assert lines[-2:] == [
        ("happened", "arrived", ""),
        ("promised", "prepared for 2026-03-15", "3d after arrived, as the journey has it"),
    ]
    assert not [one for one in story(before, HERE, rules=rules).timeline if "as the journey" in one.detail]


def test_forwards_it_says_what_comes_next_when_and_unless_what() -> None:
    rules = book(
        '{id: late, on: {missed: arrived, closes: "17:30"}, say: late, channels: [sms, email], timing: now}'
    )
    promise = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    (coming,) = story(promise, rules=rules, now="2026-03-02 10:00").next

    assert (coming.at, coming.rule, coming.channels) == (at("2026-03-12 17:30"), "late", ("sms", "email"))
    assert coming.because == "if arrived, promised for 2026-03-12, has not happened by Thu 2026-03-12 17:30"
    assert coming.unless == "arrived happens before, or the promise moves"


def test_a_later_rung_says_what_was_missed_as_it_is_once_its_hour_is_over() -> None:
    rules = book(
        "{id: late, on: {missed: arrived}, channels: [sms], rungs: [{say: late}, {after: 1d, say: later}]}"
    )
    promise = promised("O-1", "arrived", "2026-03-11", "2026-03-02 10:00")
    hour = "2026-03-12 08:00"
    later = next(one for one in story(promise, rules=rules, now=hour).next if one.occasion.endswith(".r2"))

    assert later.template.endswith("later")
    assert later.because == "arrived was promised for 2026-03-11 and had not happened by Thu 2026-03-12 00:00"


def test_what_was_said_is_over_does_not_come_next() -> None:
    assert story(HERE).next
    assert not story(HERE, entries=(row(Status.ACCEPTED),)).next
    assert story(HERE, entries=(row(Status.CANCELLED),)).next


def test_a_retry_comes_next_when_it_may_and_why_then() -> None:
    later = row(Status.SCHEDULED, not_before=at("2026-03-12 11:30"), reason="421 slow down")
    (coming,) = story(HERE, entries=(later,)).next

    assert (coming.at, coming.why_then) == (at("2026-03-12 11:30"), "421 slow down")


def test_a_retry_of_what_failed_says_when_again_and_what_went_wrong() -> None:
    later = row(
        Status.SCHEDULED,
        not_before=at("2026-03-12 14:30"),
        reason="the mail server did not answer",
        attempts=1,
    )
    (coming,) = story(HERE, entries=(later,)).next

    assert coming.why_then == "again at Thu 2026-03-12 14:30: the mail server did not answer"


@pytest.mark.parametrize(
    ("reason", "then"),
    [
        (FROZEN, "`beforehand apply --release` or `--reject` lets it go on"),
        ("held: no text", "it goes on once its text, or the facts, are mended"),
    ],
)
def test_what_is_held_comes_next_with_what_it_waits_for_and_what_lets_it_go_on(
    reason: str, then: str
) -> None:
    told = story(HERE, entries=(row(Status.HELD, reason=reason),))

    (coming,) = told.next
    assert (coming.kind, coming.template, coming.why_then) == ("held", NOTE.template, f"{reason}; {then}")
    assert [moment.kind for moment in told.timeline if "held" in moment.text] == []


def test_what_is_held_and_asked_for_no_more_does_not_come_next() -> None:
    told = story(entries=(row(Status.HELD, reason=FROZEN),))

    assert not told.next
    assert (told.timeline[-1].kind, told.timeline[-1].detail) == ("not said", FROZEN)


def test_what_was_cancelled_by_a_person_does_not_come_next() -> None:
    told = story(HERE, entries=(row(Status.CANCELLED, by_person=True),))

    assert not told.next
    assert told.timeline[-1].kind == "not said"


def test_what_a_newer_message_replaced_is_a_line_of_its_own_kind() -> None:
    replaced = row(Status.CANCELLED, reason="replaced: the customer heard from us")

    assert last(HERE, entries=(replaced,)) == (
        "replaced", "new-car/arrived to the customer", "the customer heard from us",
    )  # fmt: skip


def test_old_news_does_not_come_next() -> None:
    assert not story(reached("O-1", "arrived", "2026-03-01 11:20", heard="2026-03-12 11:20")).next


def test_what_waits_for_its_customer_says_so() -> None:
    heard = facts(car_order(), HERE)
    order, customer = fold(*heard)
    decision = wanted(order, customer, RULES, at("2026-03-12 11:20"))
    (coming,) = explain(order, customer, heard, (), decision, RULES).next

    assert coming.why_then == "no address is known for the customer yet"


def test_what_no_channel_can_carry_in_time_does_not_blame_the_address() -> None:
    late = replace(NOTE, due_at=NOTE.expires_at or NOTE.due_at, steps=())
    heard = facts(car_order(), maria(), HERE)
    order, customer = fold(*heard)
    decision = replace(wanted(order, customer, RULES, at("2026-03-12 11:20")), wanted=(late,), silences=())
    (coming,) = explain(order, customer, heard, (), decision, RULES).next

    assert coming.why_then == "no channel can carry it in time"


def test_a_rule_that_spoke_has_nothing_more_to_say() -> None:
    later = event("milestone.retracted", "O-1", "2026-03-12 12:00", milestone="arrived")
    (silent,) = story(HERE, later, entries=(row(Status.ACCEPTED),)).not_said
    assert silent.spoke
    (silent,) = story(HERE, later, entries=(row(Status.CANCELLED),)).not_said
    assert not silent.spoke


def test_what_is_not_said_comes_with_what_its_condition_saw() -> None:
    rules = book(
        "{id: arrived, on: {reached: arrived}, when: 'order.attributes.model == \"demo\"', say: arrived}"
    )
    (silent,) = story(HERE, rules=rules).not_said

    assert silent.reason == 'order.attributes.model == "demo" does not hold'
    assert silent.values == (("order.attributes.model", "Corsa"),)


def test_a_task_that_may_go_on_is_told_as_a_condition_before_its_time_is_up() -> None:
    rules = book(
        '{id: ask, on: {upcoming: arrived, before: 0d, at: "16:00"}, '
        "task: {for: owner, do: ask, within: 1h, then: manager}}"
    )
    promise = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    owner, manager = story(promise, rules=rules, now="2026-03-02 10:00").next

    assert owner.because == "arrived is promised for 2026-03-12"
    assert manager.because == "if the owner does not acknowledge 'ask' by Thu 2026-03-12 17:00"
    assert manager.unless.startswith("the owner acknowledges it, ")


def test_the_head_says_when_the_order_is_complete_and_when_nobody_announced_it() -> None:
    assert story(reached("O-1", "collected", "2026-03-12 10:00")).status == "complete"

    heard = facts(HERE)
    order, customer = fold(*heard)
    lone = explain(order, customer, heard, (), wanted(order, customer, RULES, at("2026-03-12 12:00")), RULES)
    assert (lone.status, lone.journey, lone.not_said) == ("not announced", "", ())
    assert lone.problems == ("order O-1 is not known yet: no order.upserted was heard",)


def test_the_head_names_customer_journey_and_clock() -> None:
    told = story(HERE)

    assert (told.customer, told.journey, told.status, told.zone) == (
        "Maria Keller",
        "new-car",
        "open",
        BERLIN,
    )
    assert [moment.at for moment in told.timeline] == sorted(moment.at for moment in told.timeline)


def test_promises_are_shown_by_the_clocks_of_the_place() -> None:
    start = at("2026-03-12 10:00")

    assert show(Promised(start=start), BERLIN) == "Thu 2026-03-12 10:00"
    assert (
        show(replace(Promised(start=start), end=at("2026-03-12 12:00")), BERLIN)
        == "Thu 2026-03-12 10:00 to Thu 2026-03-12 12:00"
    )


def test_what_no_channel_can_carry_in_time_is_not_announced_but_told_with_its_reason() -> None:
    rules = book(
        "{id: offer, on: {reached: arrived}, say: offer, purpose: relationship, channels: [sms], "
        'timing: {hours: "08:00-10:00", within: 2h}}'
    )
    told = story(HERE, rules=rules)

    assert told.next == ()
    assert [one.reason for one in told.not_said] == [
        "no channel in time: sms: not before Fri 2026-03-13 08:00, outside the default hours"
    ]


def test_what_a_customer_hears_by_a_channel_they_did_not_list_says_so() -> None:
    wants_push = event("preference.set", "C-1", "2026-03-02 09:00", channels=["push"])
    note = one(decide(RULES, HERE, wants_push, now="2026-03-12 11:20"))
    said = entry(note, Status.ACCEPTED, updated_at=at("2026-03-12 11:21"), channel="sms")

    assert last(HERE, wants_push, entries=(said,))[2] == (
        "arrived happened on Thu 2026-03-12 11:20; by sms, though the customer listed push"
    )
