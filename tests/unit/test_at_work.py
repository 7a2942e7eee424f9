"""When staff see what they must do: a table a person can check by hand, and what follows from it."""

from datetime import time
from typing import Any

import pytest

from orchestrator.journey import BusinessCalendar, RuleBook
from orchestrator.model import Kind, Notification, Status, Window
from orchestrator.planning.explain import explain
from orchestrator.planning.planner import wanted
from orchestrator.planning.reconcile import reconcile
from orchestrator.sending.guard import Blocks, Send, Wait, guard
from tests.builders import BERLIN, LINDNER, NORA, PAUL, at, event, maria, promised, reached
from tests.deciding import book, decide, entry, fold, outcome, report

WEEKDAYS = [{"days": "weekdays", "from": "09:00", "to": "17:00"}]
MORNINGS = [{"days": "weekdays", "from": "08:00", "to": "12:00"}]
NIGHTS = [{"days": ["mon", "tue", "wed", "thu"], "from": "22:00", "to": "06:00"}]
ALWAYS = [{"from": "00:00", "to": "24:00"}]
OPEN = BusinessCalendar({**{day: (time(8), time(18)) for day in range(5)}, 5: (time(9), time(13))})
DENT = "event: yard.note"


def stuck(task: str = "", timing: str = "", **more: Any) -> RuleBook:
    """A rule whose task falls due when a note comes from the yard."""
    timed = f", timing: {timing}" if timing else ""
    what = f"for: owner, do: look{f', {task}' if task else ''}"
    return book(f"{{id: look, on: {{{DENT}}}, task: {{{what}}}{timed}}}", **more)


def order(time: str = "2026-03-01 09:00", **more: Any) -> dict[str, Any]:
    """The order of a new car, with whatever a test says of those who look after it."""
    known = {"customer": "C-1", "journey": "new-car", "owner": NORA, "manager": PAUL, "location": LINDNER}
    return event("order.upserted", "O-1", time, **known | more)


def nora(hours: Any, **more: Any) -> dict[str, Any]:
    return {**NORA, "working_hours": hours, **more}


def tasks(rules: RuleBook, *told: Any, now: str) -> list[Notification]:
    decision = decide(rules, maria(), *told, now=now, known=False)
    return [note for note in decision.wanted if note.kind is Kind.TASK]


def note(moment: str, **more: Any) -> dict[str, Any]:
    return event("yard.note", "O-1", moment, **more)


CASES = [  # hours of Nora, the location's calendar, the rule, due, leaves
    ("at work, at once", WEEKDAYS, None, "", "Thu 03-12 11:00", "Thu 03-12 11:00"),
    ("the evening waits for the morning", WEEKDAYS, None, "", "Thu 03-12 20:00", "Fri 03-13 09:00"),
    ("the night too", WEEKDAYS, None, "", "Thu 03-12 03:00", "Thu 03-12 09:00"),
    ("the end of the hours is none", WEEKDAYS, None, "", "Thu 03-12 17:00", "Fri 03-13 09:00"),
    ("Friday evening is Monday", WEEKDAYS, None, "", "Fri 03-13 17:30", "Mon 03-16 09:00"),
    ("her hours before the location's", MORNINGS, OPEN, "", "Thu 03-12 14:00", "Fri 03-13 08:00"),
    ("hours past midnight", NIGHTS, OPEN, "", "Fri 03-13 03:00", "Fri 03-13 03:00"),
    ("… and the day between", NIGHTS, OPEN, "", "Thu 03-12 07:00", "Thu 03-12 22:00"),
    ("round the clock", ALWAYS, OPEN, "", "Sun 03-15 03:00", "Sun 03-15 03:00"),
    ("a clock change in the night", WEEKDAYS, None, "", "Sat 03-28 20:00", "Mon 03-30 09:00"),
    ("no hours: the location's", [], OPEN, "", "Thu 03-12 20:00", "Fri 03-13 08:00"),
    ("… on Saturday", [], OPEN, "", "Sat 03-14 07:00", "Sat 03-14 09:00"),
    ("… and not on Sunday", [], OPEN, "", "Sat 03-14 13:00", "Mon 03-16 08:00"),
    ("no hours, no calendar: at once", [], None, "", "Sun 03-15 03:00", "Sun 03-15 03:00"),
    ("four hours are not urgent", WEEKDAYS, OPEN, "within: 4h", "Thu 03-12 20:00", "Fri 03-13 09:00"),
    ("a day is not", WEEKDAYS, OPEN, "within: 1d", "Thu 03-12 20:00", "Fri 03-13 09:00"),
    ("61 minutes are not", WEEKDAYS, OPEN, "within: 61m", "Thu 03-12 20:00", "Fri 03-13 09:00"),
    ("an hour is", WEEKDAYS, OPEN, "within: 1h", "Thu 03-12 20:00", "Thu 03-12 20:00"),
    ("half an hour is", WEEKDAYS, OPEN, "within: 30m", "Sun 03-15 03:00", "Sun 03-15 03:00"),
    ("a business hour: while open", MORNINGS, OPEN, "within: 1bh", "Thu 03-12 14:00", "Thu 03-12 14:00"),
    ("… and not while closed", MORNINGS, OPEN, "within: 1bh", "Sat 03-14 15:00", "Mon 03-16 08:00"),
    ("… always where nobody closes", MORNINGS, None, "within: 1bh", "Sat 03-14 15:00", "Sat 03-14 15:00"),
    ("four business hours wait", MORNINGS, OPEN, "within: 4bh", "Thu 03-12 14:00", "Fri 03-13 08:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "calendar", "task", "due", "leaves"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_a_task_leaves_when_its_owner_is_at_work(
    hours: Any, calendar: BusinessCalendar | None, task: str, due: str, leaves: str
) -> None:
    due, leaves = f"2026-{due[4:]}", f"2026-{leaves[4:]}"
    rules = stuck(task, calendars={"default": calendar} if calendar else {})
    (found,) = tasks(rules, order(owner=nora(hours)), note(due), now=due)

    assert found.due_at == at(leaves)
    assert {step.at for step in found.steps} == {at(leaves)}
    assert found.trigger_at == at(due), "what it is about stays when it was"


def test_a_rule_that_sends_now_tasks_now() -> None:
    (found,) = tasks(
        stuck(timing="now"), order(owner=nora(WEEKDAYS)), note("2026-03-12 03:00"), now="2026-03-12 03:00"
    )

    assert found.due_at == at("2026-03-12 03:00")
    assert not found.steps[0].why


def test_her_hours_are_read_in_her_own_zone() -> None:
    abroad = order(owner=nora(WEEKDAYS, time_zone="America/New_York"))
    (found,) = tasks(stuck(), abroad, note("2026-03-12 11:00"), now="2026-03-12 11:00")

    assert found.due_at == at("2026-03-12 14:00")  # nine in New York, where summer time began on the 8th
    assert found.steps[0].why == "Nora Brandt works from Thu 14:00"  # explanations are by the order's clocks


def test_the_location_s_calendar_is_read_in_the_order_s_zone() -> None:
    lisbon = order(location={"id": "lisbon", "time_zone": "Europe/Lisbon", "calendar": "lisbon"})
    rules = stuck(calendars={"lisbon": OPEN})
    (found,) = tasks(rules, lisbon, note("2026-03-12 03:00"), now="2026-03-12 03:00")

    assert found.due_at == at("2026-03-12 08:00", "Europe/Lisbon")
    assert found.steps[0].why == "the location opens Thu 08:00"


def test_a_location_that_never_opens_keeps_no_task_back() -> None:
    (found,) = tasks(
        stuck(calendars={"default": BusinessCalendar({})}),
        order(),
        note("2026-03-12 03:00"),
        now="2026-03-12 03:00",
    )

    assert found.due_at == at("2026-03-12 03:00")


# ── about a promise ──────────────────────────────────────────────────────────

ASK = (
    "{{id: ask, on: {{upcoming: arrived, before: {before}, at: '16:00'}}, "
    "task: {{for: owner, do: ask, within: 4bh, then: manager}}}}"
)
PROMISE = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")


@pytest.mark.parametrize(
    ("before", "leaves"), [("0d", "2026-03-12 16:00"), ("1d", "2026-03-12 08:00"), ("2d", "2026-03-11 08:00")]
)
def test_what_is_asked_about_a_day_is_asked_before_that_day_is_over(before: str, leaves: str) -> None:
    rules = book(ASK.format(before=before))
    asked, _ = tasks(rules, order(owner=nora(MORNINGS)), PROMISE, now="2026-03-02 10:00")

    assert asked.due_at == at(leaves)


def test_once_that_day_is_over_the_manager_sleeps_too() -> None:
    rules = book(ASK.format(before="0d").replace("4bh", "9h"), calendars={"default": OPEN})
    asked, then = tasks(rules, order(owner=nora(MORNINGS)), PROMISE, now="2026-03-02 10:00")

    assert asked.ack_by == at("2026-03-13 01:00")
    assert then.due_at == at("2026-03-13 08:00")


# ── acknowledged in time, or the manager ─────────────────────────────────────

CALL = stuck("within: 2h, then: manager", calendars={"default": OPEN})


def test_the_time_to_react_begins_when_it_could_be_seen() -> None:
    first, then = tasks(CALL, order(owner=nora(WEEKDAYS)), note("2026-03-12 20:00"), now="2026-03-12 20:00")

    assert first.ack_by == at("2026-03-13 11:00")
    assert (then.role, then.due_at) == ("manager", at("2026-03-13 11:00"))
    assert then.because == "the owner had not acknowledged 'look' by Fri 2026-03-13 11:00"


def test_a_manager_is_at_work_too() -> None:
    late = note("2026-03-12 16:30")
    first, then = tasks(CALL, order(owner=nora(WEEKDAYS)), late, now="2026-03-12 16:30")

    assert first.ack_by == at("2026-03-12 18:30")
    assert then.due_at == at("2026-03-13 08:00")
    assert then.because == "the owner had not acknowledged 'look' by Thu 2026-03-12 18:30"
    assert then.ack_by == at("2026-03-13 10:00")


def test_the_manager_s_own_hours_count() -> None:
    paul = {**PAUL, "working_hours": [{"days": "weekdays", "from": "10:00", "to": "16:00"}]}
    _, then = tasks(
        CALL, order(owner=nora(WEEKDAYS), manager=paul), note("2026-03-12 15:30"), now="2026-03-12 15:30"
    )

    assert then.due_at == at("2026-03-13 10:00")
    assert then.steps[0].why == "Paul Lindner works from Fri 10:00"


def test_from_when_it_was_really_sent() -> None:
    told = order(owner=nora(WEEKDAYS)), note("2026-03-12 20:00")
    first, _ = tasks(CALL, *told, now="2026-03-12 20:00")
    sent = outcome(first, "2026-03-13 09:40", channel="email")  # the mail server was away
    again, then = tasks(CALL, *told, sent, now="2026-03-13 21:00")

    assert then.because == "the owner had not acknowledged 'look' by Fri 2026-03-13 11:40"
    assert again == first, "what was sent is not planned anew"


def test_an_hour_that_was_held_is_none() -> None:
    held = event("order.held", "O-1", "2026-03-13 09:30"), event("order.released", "O-1", "2026-03-13 10:15")
    told = order(owner=nora(WEEKDAYS)), note("2026-03-12 20:00"), *held
    _, then = tasks(CALL, *told, now="2026-03-13 10:15")

    assert then.due_at == at("2026-03-13 11:45")


# ── what becomes of it meanwhile ─────────────────────────────────────────────


def test_what_an_outage_kept_past_her_hours_waits_for_the_next_ones() -> None:
    told = order(owner=nora(WEEKDAYS)), note("2026-03-12 11:00")
    (night,) = tasks(stuck(), *told, now="2026-03-12 22:00")
    (morning,) = tasks(stuck(), *told, now="2026-03-13 09:30")

    assert night.due_at == at("2026-03-13 09:00")
    assert night.steps[0].why == "Nora Brandt works from Fri 09:00"
    assert morning.due_at == at("2026-03-12 11:00"), "overdue, and she is at work"


def test_somebody_else_who_is_at_work_gets_it_at_once() -> None:
    told = order(owner=nora(MORNINGS)), note("2026-03-12 14:00")
    (waits,) = tasks(stuck(), *told, now="2026-03-12 14:00")
    jonas = {"name": "Jonas Weber", "email": "jonas.weber@example.com", "working_hours": WEEKDAYS}
    decision = decide(
        stuck(), maria(), *told, order("2026-03-12 14:10", owner=jonas), now="2026-03-12 14:10", known=False
    )
    (moved,) = reconcile([decision], {"O-1": [entry(waits)]}).reschedule

    assert waits.due_at == at("2026-03-13 08:00")
    assert moved.wanted.due_at == at("2026-03-12 14:10")


def test_it_does_not_leave_before_and_leaves_then() -> None:
    told = maria(), order(owner=nora(WEEKDAYS)), note("2026-03-12 20:00")
    (planned,) = tasks(stuck(), *told[1:], now="2026-03-12 20:00")
    found, customer = fold(*told)

    def asked(moment: str) -> Any:
        decision = wanted(found, customer, stuck(), at(moment))
        return guard(
            entry(planned, Status.DISPATCHED), decision, found, customer, Blocks({}, {}), at(moment), BERLIN
        )

    assert isinstance(asked("2026-03-13 08:59"), Wait)
    assert isinstance(asked("2026-03-13 09:00"), Send)


def test_explain_says_for_whom_it_waits_and_until_when_they_may_react() -> None:
    told = maria(), order(owner=nora(WEEKDAYS)), note("2026-03-13 19:00")
    found, customer = fold(*told)
    decision = wanted(found, customer, CALL, at("2026-03-13 19:00"))
    first, then = explain(found, customer, [], [], decision, CALL).next

    assert (first.at, first.why_then) == (at("2026-03-16 09:00"), "Nora Brandt works from Mon 09:00")
    assert then.because == "if the owner does not acknowledge 'look' by Mon 2026-03-16 11:00"


def test_explain_does_not_speak_of_a_time_that_is_over_as_if_it_were_to_come() -> None:
    told = order(owner=nora(WEEKDAYS)), note("2026-03-12 16:30")
    first, _ = tasks(CALL, *told, now="2026-03-12 16:30")
    found, customer = fold(maria(), *told, outcome(first, "2026-03-12 16:30", channel="email"))
    decision = wanted(found, customer, CALL, at("2026-03-12 20:00"))
    (then,) = [one for one in explain(found, customer, [], [], decision, CALL).next if one.role == "manager"]

    assert then.because == "the owner had not acknowledged 'look' by Thu 2026-03-12 18:30"
    assert then.why_then == "the location opens Fri 08:00"


# ── where no rule made the task, and where it is no task ─────────────────────


def test_who_must_reach_the_customer_sleeps_first() -> None:
    rules = book(
        "{id: here, on: {reached: arrived}, say: here, channels: [sms], timing: {at: preferred, within: 1d}}"
    )
    told = order(owner=nora(WEEKDAYS)), reached("O-1", "arrived", "2026-03-12 18:00")
    said = decide(rules, maria(), *told, now="2026-03-12 18:00", known=False).wanted[0]
    back = (
        outcome(said, "2026-03-12 18:00", channel="sms"),
        report(said, "failed", "2026-03-12 18:02", channel="sms"),
    )
    (task,) = tasks(rules, *told, *back, now="2026-03-12 18:02")

    assert task.template == "new-car/reach-the-customer"
    assert task.due_at == at("2026-03-13 09:00")


def test_an_answer_that_came_at_night_is_passed_on_in_the_morning() -> None:
    reply = event("message.replied", "O-1", "2026-03-12 23:10", channel="sms", text="when?")
    (task,) = tasks(stuck(), order(owner=nora(WEEKDAYS)), reply, now="2026-03-12 23:10")

    assert task.template == "new-car/answer-the-customer"
    assert task.due_at == at("2026-03-13 09:00")


@pytest.mark.parametrize(
    ("within", "leaves", "why"),
    [
        ("1d", "2026-03-13 09:00", "outside their working hours"),
        ("3h", "2026-03-12 18:00", ""),  # useless by the morning: the journey's hours will do
    ],
)
def test_a_message_to_staff_finds_them_at_work_if_it_can(within: str, leaves: str, why: str) -> None:
    rules = book(
        f"{{id: here, on: {{reached: arrived}}, say: here, to: owner, timing: {{within: {within}}}}}",
        head='hours: "08:00-20:00"',
    )
    told = maria(), order(owner=nora(WEEKDAYS)), reached("O-1", "arrived", "2026-03-12 18:00")
    (said,) = decide(rules, *told, now="2026-03-12 18:00", known=False).wanted

    assert (said.due_at, said.steps[0].why) == (at(leaves), why)


def test_a_party_hears_by_the_clocks_of_their_own_zone_and_not_only_at_work() -> None:
    fleet = {
        "name": "Aylin Demir",
        "email": "aylin.demir@example.com",
        "time_zone": "America/New_York",
        "working_hours": MORNINGS,
    }
    rules = book(
        "{id: here, on: {reached: arrived}, say: here, to: fleet, channels: [email], timing: {within: 1d}}",
        quiet={"service": (time(21), time(8))},  # type: ignore[dict-item]
    )
    told = maria(), order(parties={"fleet": fleet}), reached("O-1", "arrived", "2026-03-12 10:00")
    (said,) = decide(rules, *told, now="2026-03-12 10:00", known=False).wanted

    assert said.due_at == at("2026-03-12 13:00")  # eight in New York
    (awake,) = decide(
        rules, *told[:2], reached("O-1", "arrived", "2026-03-12 21:30"), now="2026-03-12 21:30", known=False
    ).wanted
    assert awake.due_at == at("2026-03-12 21:30")


def test_the_fold_keeps_working_hours_as_windows() -> None:
    found, _ = fold(order(owner=nora(MORNINGS), parties={"fleet": {"working_hours": ALWAYS}}))

    assert found.owner.working_hours == (Window(frozenset(range(5)), time(8), time(12)),)
    assert found.parties["fleet"].working_hours == (Window(frozenset(range(7)), time(0), time(0)),)
    assert not found.manager.working_hours
