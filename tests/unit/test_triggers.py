"""When each rule is due, exactly, and what takes it back (DESIGN §4.1 and §4.2)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time

import pytest

from orchestrator.activation import rule_digest
from orchestrator.journey import BusinessCalendar, Mode, RuleBook
from tests.builders import at, car_order, event, maria, promised, reached
from tests.deciding import Told, book, bounced, decide, facts, keys, one, outcome, why

ARRIVED = book("{id: arrived, on: {reached: arrived}, say: arrived, timing: now}")
MISSED = book('{id: late, on: {missed: arrived, closes: "17:30"}, say: late, timing: now}')
MOVED = book("{id: moved, on: {moved: arrived, by: 1d, settle: 2h}, say: moved, timing: now}")
PROMISE = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
LADDER = (
    '{id: late, on: {missed: arrived, closes: "17:30"}, timing: now, rungs: ['
    "{say: first, task: {for: owner, do: call, within: 4bh, then: manager}}, "
    "{after: 1bd, say: second}, {every: 3bd, say: third, at_most: 2}]}"
)


def car(kind: str, time: str, /, **data: object) -> dict[str, object]:
    return event(kind, "O-1", time, **data)


# ── reached ──────────────────────────────────────────────────────────────────


def test_reached_is_due_when_it_happened() -> None:
    note = one(decide(ARRIVED, reached("O-1", "arrived", "2026-03-12 11:20"), now="2026-03-12 11:20"))

    assert note.due_at == at("2026-03-12 11:20")
    assert note.occasion == "arrived#1"


def test_two_systems_that_report_the_same_arrival_are_one_episode() -> None:
    twice = (
        reached("O-1", "arrived", "2026-03-12 11:20"),
        reached("O-1", "arrived", "2026-03-12 11:31", sender="b"),
    )

    assert one(decide(ARRIVED, *twice, now="2026-03-12 12:00")).occasion == "arrived#1"


def test_reached_again_after_a_retraction_is_a_new_episode() -> None:
    again = (
        reached("O-1", "arrived", "2026-03-12 11:20"),
        car("milestone.retracted", "2026-03-12 12:00", milestone="arrived"),
        reached("O-1", "arrived", "2026-03-14 09:00"),
    )

    assert one(decide(ARRIVED, *again, now="2026-03-14 09:00")).occasion == "arrived#2"


def test_a_later_milestone_takes_an_unsent_reached_message_back() -> None:
    decision = decide(
        ARRIVED,
        reached("O-1", "arrived", "2026-03-12 11:20"),
        reached("O-1", "prepared", "2026-03-12 11:25"),
        now="2026-03-12 11:25",
    )

    assert not decision.wanted
    assert why(decision) == "prepared has happened since, on Thu 2026-03-12 11:25"


def test_delivered_heard_before_shipped_says_only_delivered() -> None:
    both = book(
        "{id: shipped, on: {reached: shipped}, say: shipped, timing: now}",
        "{id: arrived, on: {reached: arrived}, say: arrived, timing: now}",
    )
    decision = decide(
        both,
        reached("O-1", "arrived", "2026-03-12 11:20"),
        reached("O-1", "shipped", "2026-03-11 08:00", heard="2026-03-12 11:30"),
        now="2026-03-12 11:30",
    )

    assert keys(decision.wanted) == ["arrived/arrived#1/customer"]


# ── missed ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trigger", "promise", "deadline"),
    [
        ("{missed: arrived}", {"date": "2026-03-12"}, "2026-03-13 00:00"),
        ('{missed: arrived, closes: "17:30"}', {"date": "2026-03-12"}, "2026-03-12 17:30"),
        ("{missed: arrived, by: 2h}", {"date": "2026-03-12"}, "2026-03-13 02:00"),
        ("{missed: arrived, by: 15m}", {"at": "2026-03-12T09:00:00Z"}, "2026-03-12 10:15"),
        (
            "{missed: arrived}",
            {"from": "2026-03-12T09:00:00Z", "to": "2026-03-12T11:00:00Z"},
            "2026-03-12 12:00",
        ),
        ("{missed: arrived, by: 1bd}", {"at": "2026-03-13T09:00:00Z"}, "2026-03-16 10:00"),
        ("{missed: arrived}", {"date": "2026-03-29"}, "2026-03-30 00:00"),  # the day the clocks change
    ],
)
def test_missed_is_due_exactly_at_the_deadline(trigger: str, promise: dict[str, str], deadline: str) -> None:
    rules = book(f"{{id: late, on: {trigger}, say: late, timing: now}}")
    note = one(
        decide(
            rules,
            car("promise.made", "2026-03-02 10:00", milestone="arrived", **promise),
            now="2026-03-02 10:00",
        )
    )

    assert note.due_at == at(deadline)


def test_what_happens_before_the_deadline_keeps_the_promise_and_at_the_deadline_does_not() -> None:
    before = decide(MISSED, PROMISE, reached("O-1", "arrived", "2026-03-12 17:29"), now="2026-03-12 17:30")
    tie = decide(MISSED, PROMISE, reached("O-1", "arrived", "2026-03-12 17:30"), now="2026-03-12 17:30")

    assert why(before).startswith("kept: arrived happened on Thu 2026-03-12 17:29")
    assert one(tie).due_at == at("2026-03-12 17:30")


def test_after_it_came_late_nobody_is_told_that_it_is_missing() -> None:
    decision = decide(MISSED, PROMISE, reached("O-1", "arrived", "2026-03-12 17:30"), now="2026-03-12 17:31")

    assert why(decision) == "arrived happened on Thu 2026-03-12 17:30, late, and nothing more is missing"


def test_a_later_milestone_before_the_deadline_keeps_it_too() -> None:
    decision = decide(MISSED, PROMISE, reached("O-1", "prepared", "2026-03-12 17:00"), now="2026-03-12 18:00")

    assert why(decision).startswith("kept: prepared happened")


def test_an_arrival_announced_for_after_the_deadline_does_not_hide_the_missed_promise() -> None:
    (announced,) = facts(reached("O-1", "arrived", "2026-03-12 19:00"))
    early = replace(announced, heard=at("2026-03-12 12:00"))

    assert one(decide(MISSED, PROMISE, early, now="2026-03-12 17:30")).due_at == at("2026-03-12 17:30")


def test_customers_are_told_about_the_promise_they_were_told_last() -> None:
    revision = promised("O-1", "arrived", "2026-03-19", "2026-03-05 10:00")

    untold = one(decide(MISSED, PROMISE, revision, now="2026-03-05 10:00"))
    told = one(
        decide(
            MISSED, PROMISE, {**revision, "data": {**revision["data"], "told": True}}, now="2026-03-05 10:00"
        )
    )

    assert untold.due_at == at("2026-03-12 17:30")
    assert told.due_at == at("2026-03-19 17:30")


def test_an_internal_promise_drives_staff_tasks_only() -> None:
    rules = book(
        '{id: late, on: {missed: arrived, closes: "17:30"}, say: late, task: {for: owner, do: call}}'
    )
    internal = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00", told=False)
    decision = decide(rules, internal, now="2026-03-02 10:00")

    assert keys(decision.wanted) == ["late/arrived#1.2026-03-12.r1.task/owner"]
    assert why(decision) == "the customer was never told a promise for arrived"


def test_a_promise_relative_to_another_milestone_falls_with_it() -> None:
    rules = book(
        '{id: late, on: {missed: prepared, closes: "17:30"}, task: {for: owner, do: call}}',
        head="promises: {prepared: arrived + 3bd}",
    )
    here = reached("O-1", "arrived", "2026-03-12 11:20")
    gone = car("milestone.retracted", "2026-03-13 10:00", milestone="arrived")

    assert one(decide(rules, here, now="2026-03-12 11:20")).due_at == at("2026-03-17 17:30")
    assert why(decide(rules, here, gone, now="2026-03-13 10:00")) == "there is no promise for prepared"


def test_a_date_that_fell_with_the_arrival_is_not_missed_when_the_car_arrives_again() -> None:
    rules = book(
        "{id: arrived, on: {reached: arrived}, say: arrived, tells: prepared, timing: now}",
        '{id: late, on: {missed: prepared, closes: "17:30"}, say: late, timing: now}',
        head="promises: {prepared: arrived + 3bd}",
    )
    here = reached("O-1", "arrived", "2026-03-12 10:00")
    said = outcome(
        next(n for n in decide(rules, here, now="2026-03-12 10:00").wanted if n.rule == "arrived"),
        "2026-03-12 10:00",
    )
    gone = car("milestone.retracted", "2026-03-16 11:30", milestone="arrived")
    again = reached("O-1", "arrived", "2026-03-18 11:30")
    decision = decide(rules, here, said, gone, again, now="2026-03-18 11:30")

    assert keys(decision.wanted) == ["arrived/arrived#2/customer"]
    assert why(decision) == "the customer was never told a promise for prepared"

    told_anew = outcome(one(decision), "2026-03-18 11:30")
    decision = decide(rules, here, said, gone, again, told_anew, now="2026-03-18 11:31")
    (late,) = [note for note in decision.wanted if note.rule == "late"]
    assert late.due_at == at("2026-03-23 17:30")


# ── rungs ────────────────────────────────────────────────────────────────────


def test_the_next_rung_is_counted_from_the_first() -> None:
    decision = decide(book(LADDER), PROMISE, now="2026-03-12 17:30")

    said = {note.template: note.due_at for note in decision.wanted if note.kind == "message"}
    assert said == {"new-car/first": at("2026-03-12 17:30"), "new-car/second": at("2026-03-13 17:30")}


def test_after_downtime_only_the_newest_due_rung_is_said_and_tasks_are_never_skipped() -> None:
    said = next(
        n
        for n in decide(book(LADDER), PROMISE, now="2026-03-12 17:30").wanted
        if n.template.endswith("first")
    )
    decision = decide(book(LADDER), PROMISE, outcome(said, "2026-03-12 17:30"), now="2026-03-19 09:00")

    assert keys(decision.wanted) == [
        "late/arrived#1.2026-03-12.r1.task/manager",
        "late/arrived#1.2026-03-12.r1.task/owner",
        "late/arrived#1.2026-03-12.r3/customer",
        "late/arrived#1.2026-03-12.r4/customer",
    ]
    assert [s.reason for s in decision.silences] == ["replaced: the next message of this rule is due already"]


def test_a_rung_that_was_said_is_not_listed_as_unsaid() -> None:
    first = next(
        n
        for n in decide(book(LADDER), PROMISE, now="2026-03-12 17:30").wanted
        if n.template.endswith("first")
    )
    decision = decide(book(LADDER), PROMISE, outcome(first, "2026-03-12 17:30"), now="2026-03-13 17:30")

    assert not decision.silences


def missed_once(rules: str, **tells: object) -> list[Told]:
    """The first promise was missed and said so; then a second was told."""
    first = next(
        n for n in decide(book(rules), PROMISE, now="2026-03-12 17:30").wanted if n.kind == "message"
    )
    second = promised("O-1", "arrived", "2026-03-19", "2026-03-13 09:00", told=True)
    return [PROMISE, outcome(first, "2026-03-12 17:30"), second]


def test_a_second_promise_missed_again_goes_on_with_the_next_rung() -> None:
    decision = decide(book(LADDER), *missed_once(LADDER), now="2026-03-19 17:30")

    said = {note.template: note.due_at for note in decision.wanted}
    assert said == {"new-car/second": at("2026-03-19 17:30"), "new-car/third": at("2026-03-24 17:30")}


def test_rungs_that_go_on_keep_their_distance_over_a_weekend() -> None:
    friday = promised("O-1", "arrived", "2026-03-20", "2026-03-13 09:00", told=True)
    decision = decide(book(LADDER), *missed_once(LADDER)[:2], friday, now="2026-03-20 17:30")

    said = {note.template: note.due_at for note in decision.wanted}
    assert said == {"new-car/second": at("2026-03-20 17:30"), "new-car/third": at("2026-03-25 17:30")}


def test_when_every_text_was_used_the_owner_finds_words_of_their_own() -> None:
    rule = '{id: late, on: {missed: arrived, closes: "17:30"}, say: late, timing: now}'
    decision = decide(book(rule), *missed_once(rule), now="2026-03-19 17:30")

    assert keys(decision.wanted) == ["late/arrived#1.2026-03-19.r1.unreached/owner"]
    assert why(decision) == "every message of this rule was sent already, and none is sent twice"


def test_a_task_without_a_text_is_made_for_every_promise_that_is_missed() -> None:
    rules = book('{id: late, on: {missed: arrived, closes: "17:30"}, task: {for: owner, do: call}}')
    task = one(decide(rules, PROMISE, now="2026-03-12 17:30"))
    again = promised("O-1", "arrived", "2026-03-19", "2026-03-13 09:00")

    assert (
        one(decide(rules, PROMISE, outcome(task, "2026-03-12 17:30"), again, now="2026-03-19 17:30")).key
        != task.key
    )


def test_a_new_episode_begins_with_the_first_rung_again() -> None:
    taken_back = [
        reached("O-1", "arrived", "2026-03-20 09:00"),
        car("milestone.retracted", "2026-03-20 10:00", milestone="arrived"),
        promised("O-1", "arrived", "2026-03-26", "2026-03-20 10:05", told=True),
    ]
    decision = decide(book(LADDER), *missed_once(LADDER), *taken_back, now="2026-03-20 11:00")

    assert "new-car/first" in {note.template for note in decision.wanted}


# ── upcoming, after ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trigger", "due"),
    [
        ("{upcoming: arrived, before: 1d}", "2026-03-11 00:00"),
        ('{upcoming: arrived, before: 1d, at: "18:00"}', "2026-03-11 18:00"),
        ('{upcoming: arrived, before: 0d, at: "16:00"}', "2026-03-12 16:00"),
        ("{upcoming: arrived, before: 48h}", "2026-03-10 00:00"),
    ],
)
def test_upcoming_is_due_that_long_before_the_promise_begins(trigger: str, due: str) -> None:
    rules = book(f"{{id: soon, on: {trigger}, say: soon, timing: now}}")
    note = one(decide(rules, PROMISE, now="2026-03-02 10:00"))

    assert note.due_at == at(due)
    assert note.expires_at is not None
    assert note.expires_at <= at("2026-03-13 00:00")


SHOP = BusinessCalendar(
    {day: (time(8), time(18)) for day in range(5)} | {5: (time(9), time(13))}, frozenset({date(2026, 3, 16)})
)


@pytest.mark.parametrize(
    ("day", "at_", "before_closing", "due"),
    [
        ("2026-03-12", "16:00", "1h", "16:00"),  # a Thursday: open until six
        ("2026-03-12", "16:00", "3h", "15:00"),
        ("2026-03-14", "16:00", "2h", "11:00"),  # a Saturday: open until one
        ("2026-03-14", "10:00", "2h", "10:00"),
        ("2026-03-14", "16:00", "8h", "09:00"),  # not before it opens
        ("2026-03-14", "16:00", "2bh", "11:00"),
        ("2026-03-15", "16:00", "2h", "16:00"),  # a Sunday: shut
        ("2026-03-16", "16:00", "2h", "16:00"),  # a holiday
    ],
)
def test_who_is_asked_before_closing_is_asked_earlier_where_the_location_closes_early(
    day: str, at_: str, before_closing: str, due: str
) -> None:
    on = f'{{upcoming: arrived, at: "{at_}", before_closing: {before_closing}}}'
    rule = f"{{id: soon, on: {on}, say: soon, timing: now}}"
    made = promised("O-1", "arrived", day, "2026-03-02 10:00")

    assert one(decide(book(rule, calendars={"default": SHOP}), made, now="2026-03-02 10:00")).due_at == at(
        f"{day} {due}"
    )
    assert one(decide(book(rule), made, now="2026-03-02 10:00")).due_at == at(f"{day} {at_}"), "no calendar"


def test_upcoming_tells_the_promise_as_it_is_now() -> None:
    rules = book("{id: soon, on: {upcoming: arrived, before: 1d}, say: soon}")
    moves = promised("O-1", "arrived", "2026-03-19", "2026-03-05 10:00")

    assert [str(tell.value) for tell in one(decide(rules, PROMISE, moves, now="2026-03-05 10:00")).tells] == [
        "2026-03-19"
    ]


def test_upcoming_reminds_no_customer_of_a_promise_that_is_internal_and_still_tasks_the_owner() -> None:
    rules = book("{id: soon, on: {upcoming: arrived, before: 1d}, say: soon, task: {for: owner, do: look}}")
    internal = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00", told=False)
    decision = decide(rules, internal, now="2026-03-02 10:00")

    assert [note.role for note in decision.wanted] == ["owner"]
    assert "the promise is internal: the customer was never told one" in {s.reason for s in decision.silences}


def test_upcoming_moves_with_the_promise() -> None:
    rules = book("{id: soon, on: {upcoming: arrived, before: 1d}, say: soon, timing: now}")
    moves = promised("O-1", "arrived", "2026-03-19", "2026-03-05 10:00")

    assert one(decide(rules, PROMISE, moves, now="2026-03-05 10:00")).due_at == at("2026-03-18 00:00")


@pytest.mark.parametrize(
    ("by", "due"),
    [
        ("24h", "2026-03-29 11:00"),  # the clocks go forward on the 29th: elapsed time
        ("1d", "2026-03-29 10:00"),  # days keep the wall clock
        ("1bd", "2026-03-30 10:00"),
    ],
)
def test_after_counts_hours_as_elapsed_days_by_the_wall_clock_and_business_days(by: str, due: str) -> None:
    rules = book(f"{{id: ask, on: {{after: arrived, by: {by}}}, say: ask, timing: now}}")

    note = one(decide(rules, reached("O-1", "arrived", "2026-03-28 10:00"), now="2026-03-28 10:00"))
    assert note.due_at == at(due)


# ── moved ────────────────────────────────────────────────────────────────────


def moves(when: str, to: str, **more: object) -> dict[str, object]:
    return promised("O-1", "arrived", to, when, **more)


def test_moved_is_due_when_the_promise_stood_still() -> None:
    note = one(
        decide(
            MOVED,
            PROMISE,
            moves("2026-03-05 13:00", "2026-03-19"),
            moves("2026-03-05 14:30", "2026-03-14"),
            now="2026-03-05 14:30",
        )
    )

    assert note.due_at == at("2026-03-05 16:30")
    assert [str(tell.value) for tell in note.tells] == ["2026-03-14"]
    assert note.because == "arrived moved from 2026-03-12, which the customer was told, to 2026-03-14"


def test_back_to_the_told_value_says_nothing() -> None:
    decision = decide(
        MOVED,
        PROMISE,
        moves("2026-03-05 13:00", "2026-03-19"),
        moves("2026-03-05 14:00", "2026-03-12"),
        now="2026-03-05 14:00",
    )

    assert why(decision) == "the customer knows: arrived on 2026-03-12"


@pytest.mark.parametrize(
    ("direction", "to", "speaks"),
    [("later", "2026-03-13", True), ("later", "2026-03-11", False), ("sooner", "2026-03-11", True),
     ("sooner", "2026-03-13", False), ("either", "2026-03-11", True)],
)  # fmt: skip
def test_moved_looks_one_way_or_both(direction: str, to: str, speaks: bool) -> None:
    rules = book(f"{{id: moved, on: {{moved: arrived, direction: {direction}}}, say: moved}}")

    assert (
        bool(decide(rules, PROMISE, moves("2026-03-05 13:00", to), now="2026-03-05 13:00").wanted) is speaks
    )


def test_moved_by_less_than_the_rule_asks_for_says_nothing() -> None:
    rules = book("{id: moved, on: {moved: arrived, by: 2d}, say: moved}")

    assert not decide(rules, PROMISE, moves("2026-03-05 13:00", "2026-03-13"), now="2026-03-05 13:00").wanted
    assert decide(rules, PROMISE, moves("2026-03-05 13:00", "2026-03-14"), now="2026-03-05 13:00").wanted


def test_a_window_that_only_ends_later_has_moved() -> None:
    rules = book("{id: moved, on: {moved: arrived, later, by: 1h}, say: moved}")

    def window(made: str, end: str, **more: object) -> dict[str, object]:
        return car(
            "promise.made", made, milestone="arrived", **{"from": "2026-03-12T09:00:00Z", "to": end}, **more
        )

    told, wider = (
        window("2026-03-02 10:00", "2026-03-12T11:00:00Z"),
        window("2026-03-03 10:00", "2026-03-12T15:00:00Z"),
    )
    note = one(decide(rules, told, wider, now="2026-03-03 10:00"))
    assert note.because.endswith("to Thu 2026-03-12 10:00 to Thu 2026-03-12 16:00")


@pytest.mark.parametrize(
    ("rule", "begin", "end", "speaks"),
    [
        ("by: 1h", "10:30", "17:00", True),
        ("by: 1h", "10:30", "12:30", False),
        ("by: 1h, direction: later", "09:00", "11:00", False),
        ("by: 1h, direction: later", "10:30", "11:00", False),
        ("by: 1h, direction: sooner", "10:30", "11:00", True),
    ],
)
def test_a_window_is_compared_at_both_of_its_edges(rule: str, begin: str, end: str, speaks: bool) -> None:
    def window(made: str, begin: str, end: str) -> dict[str, object]:
        hours = {"from": f"2026-03-12T{begin}:00+01:00", "to": f"2026-03-12T{end}:00+01:00"}
        return car("promise.made", made, milestone="arrived", **hours)

    rules = book(f"{{id: moved, on: {{moved: arrived, {rule}}}, say: moved}}")
    told, moved = window("2026-03-02 10:00", "10:00", "12:00"), window("2026-03-03 10:00", begin, end)

    assert bool(decide(rules, told, moved, now="2026-03-03 10:00").wanted) is speaks


def test_settling_never_outlasts_the_told_promise() -> None:
    note = one(decide(MOVED, PROMISE, moves("2026-03-12 23:00", "2026-03-19"), now="2026-03-12 23:00"))

    assert note.due_at == at("2026-03-13 00:00")


def test_a_move_to_a_day_that_is_over_is_not_told() -> None:
    note = one(
        decide(
            MOVED,
            PROMISE,
            moves("2026-03-11 10:00", "2026-03-14", heard="2026-03-20 10:00"),
            now="2026-03-20 10:00",
        )
    )

    assert note.expires_at == at("2026-03-15 00:00")


# ── stuck, silent ────────────────────────────────────────────────────────────


def test_stuck_is_due_after_that_milestone_until_a_later_one_happens() -> None:
    rules = book("{id: stuck, on: {stuck: shipped, for: 5d}, task: {for: owner, do: ask}}")
    shipped = reached("O-1", "shipped", "2026-03-02 10:00")

    assert one(decide(rules, shipped, now="2026-03-02 10:00")).due_at == at("2026-03-07 10:00")
    assert not decide(
        rules, shipped, reached("O-1", "arrived", "2026-03-06 10:00"), now="2026-03-06 10:00"
    ).wanted


def test_stuck_any_counts_from_the_last_milestone_once_per_gap() -> None:
    rules = book("{id: stuck, on: {stuck: any, for: 5d}, task: {for: owner, do: ask}}")
    history = [reached("O-1", "ordered", "2026-03-02 10:00")]
    first = one(decide(rules, *history, now="2026-03-02 10:00"))
    second = one(
        decide(rules, *history, reached("O-1", "shipped", "2026-03-08 10:00"), now="2026-03-08 10:00")
    )

    assert (first.occasion, second.occasion) == ("ordered#1.r1.task", "shipped#1.r1.task")
    assert second.due_at == at("2026-03-13 10:00")


def test_stuck_any_counts_from_the_last_in_time_even_when_reported_out_of_the_path() -> None:
    rules = book("{id: stuck, on: {stuck: any, for: 5d}, task: {for: owner, do: ask}}")
    decision = decide(
        rules, reached("O-1", "arrived", "2026-03-02 10:00"), reached("O-1", "shipped", "2026-03-03 10:00"),
        now="2026-03-03 10:00",
    )  # fmt: skip

    assert one(decision).due_at == at("2026-03-08 10:00")


@pytest.mark.parametrize("rule", ["{stuck: any, for: 1d}", "{silent: 1d}"])
def test_nothing_is_stuck_or_silent_once_the_order_is_complete(rule: str) -> None:
    rules = book(f"{{id: x, on: {rule}, task: {{for: owner, do: ask}}}}")

    assert (
        why(decide(rules, reached("O-1", "collected", "2026-03-02 10:00"), now="2026-04-02 10:00"))
        == "the order is complete"
    )


SILENT = book(
    "{id: quiet, on: {silent: 14d}, say: update, timing: now}",
    "{id: arrived, on: {reached: arrived}, say: x}",
)


def last_contact(*told: Told) -> str:
    """From when silence is counted, by the clocks of Berlin."""
    (note,) = [n for n in decide(SILENT, *told, now="2026-03-02 10:00").wanted if n.rule == "quiet"]
    assert note.trigger_at is not None
    return note.because.removesuffix(", then nothing for 14d")


def test_silence_is_counted_from_the_order_itself_when_nobody_spoke() -> None:
    assert last_contact() == "the order came on Sun 2026-03-01 09:00"


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("contact.logged", {"direction": "in", "reason": "asked"}, "staff and customer spoke"),
        ("message.replied", {"channel": "email", "text": "thanks"}, "the customer answered"),
    ],
)
def test_a_contact_of_two_ends_silence(kind: str, data: dict[str, str], words: str) -> None:
    assert last_contact(car(kind, "2026-03-02 09:00", **data)) == f"{words} on Mon 2026-03-02 09:00"


def test_only_an_accepted_service_message_to_the_customer_ends_silence() -> None:
    note = decide(ARRIVED, reached("O-1", "arrived", "2026-03-01 20:00"), now="2026-03-01 20:00").wanted[0]

    nobody_spoke = last_contact()
    heard = "the customer heard from us on Mon 2026-03-02 08:00"
    assert last_contact(outcome(note, "2026-03-02 08:00")) == heard
    assert last_contact(outcome(note, "2026-03-02 08:00", "unknown")) == nobody_spoke
    assert last_contact(outcome(note, "2026-03-02 08:00", purpose="marketing")) == nobody_spoke
    assert last_contact(outcome(note, "2026-03-02 08:00", purpose="relationship")) == nobody_spoke
    assert last_contact(outcome(note, "2026-03-02 08:00", kind="task")) == nobody_spoke
    assert last_contact(outcome(note, "2026-03-02 08:00", role="owner")) == nobody_spoke
    assert last_contact(outcome(note, "2026-03-02 08:00"), bounced(note, "2026-03-02 09:00")) == nobody_spoke


# ── retracted, event ─────────────────────────────────────────────────────────

RETRACTED = book(
    "{id: arrived, on: {reached: arrived}, say: arrived, timing: now}",
    "{id: not-here, on: {retracted: arrived}, say: not-here, timing: now}",
)


def taken_back(*more: Told) -> list[Told]:
    return [
        reached("O-1", "arrived", "2026-03-12 11:20"),
        car("milestone.retracted", "2026-03-12 15:00", milestone="arrived"),
        *more,
    ]


def said_arrived() -> list[Told]:
    note = decide(ARRIVED, reached("O-1", "arrived", "2026-03-12 11:20"), now="2026-03-12 11:20").wanted[0]
    return [outcome(note, "2026-03-12 11:21")]


def test_retracted_corrects_what_was_told() -> None:
    note = one(decide(RETRACTED, *taken_back(*said_arrived()), now="2026-03-12 15:00"))

    assert note.rule == "not-here"
    assert note.due_at == at("2026-03-12 15:00")


def test_retracted_is_told_only_if_somebody_was_told() -> None:
    decision = decide(RETRACTED, *taken_back(), now="2026-03-12 15:00")

    assert not decision.wanted
    assert "arrived was taken back before anybody was told" in [s.reason for s in decision.silences]


def test_a_correction_outlives_an_arrival_that_was_taken_back_again_before_it_was_told() -> None:
    again = (
        reached("O-1", "arrived", "2026-03-12 16:00"),
        car("milestone.retracted", "2026-03-12 16:30", milestone="arrived"),
    )

    assert (
        one(decide(RETRACTED, *taken_back(*said_arrived(), *again), now="2026-03-12 16:30")).occasion
        == "arrived#1"
    )


def test_a_correction_is_never_too_old() -> None:
    late = car("milestone.retracted", "2026-03-12 15:00", heard="2026-03-20 10:00", milestone="arrived")
    note = one(
        decide(
            RETRACTED,
            reached("O-1", "arrived", "2026-03-12 11:20"),
            *said_arrived(),
            late,
            now="2026-03-20 10:00",
        )
    )

    assert note.expires_at is not None
    assert note.expires_at > at("2026-03-20 10:00")


WRONG_CAR = (
    "{id: arrived, on: {reached: arrived}, say: arrived, timing: now}",
    "{id: not-here, on: {retracted: arrived}, say: not-here, timing: now, task: {for: owner, do: call}}",
    LADDER,
)
TAKEN_BACK_IN_THE_EVENING = (
    PROMISE,
    reached("O-1", "arrived", "2026-03-12 11:20"),
    *said_arrived(),
    car("milestone.retracted", "2026-03-12 18:30", milestone="arrived"),
)


def test_who_hears_that_it_was_taken_back_after_the_deadline_hears_that_and_no_second_apology() -> None:
    decision = decide(book(*WRONG_CAR), *TAKEN_BACK_IN_THE_EVENING, now="2026-03-12 18:30")

    due = [
        note for note in decision.wanted if note.kind == "message" and note.due_at <= at("2026-03-12 18:30")
    ]
    assert keys(due) == ["not-here/arrived#1/customer"]
    tasks = [note for note in decision.wanted if note.kind == "task" and note.role == "owner"]
    assert keys(tasks) == ["not-here/arrived#1.task/owner"]
    assert "the message that it was taken back says so" in [silence.reason for silence in decision.silences]


def test_after_a_correction_the_ladder_goes_on_with_its_next_rung() -> None:
    rules = book(*WRONG_CAR)
    before = decide(rules, *TAKEN_BACK_IN_THE_EVENING, now="2026-03-12 18:30")
    planned = next(note for note in before.wanted if note.template == "new-car/second")
    correction = next(note for note in before.wanted if note.key.endswith("not-here/arrived#1/customer"))
    told = outcome(correction, "2026-03-12 18:30")
    then = decide(rules, *TAKEN_BACK_IN_THE_EVENING, told, now="2026-03-13 17:30")

    assert planned.due_at == at("2026-03-13 17:30")
    assert planned.key in {note.key for note in then.wanted}
    assert "new-car/first" not in {note.template for note in then.wanted}


def test_a_correction_that_nobody_heard_leaves_the_apology_to_the_ladder() -> None:
    rules = book(*WRONG_CAR)
    before = decide(rules, *TAKEN_BACK_IN_THE_EVENING, now="2026-03-12 18:30")
    correction = next(note for note in before.wanted if note.key.endswith("not-here/arrived#1/customer"))
    withheld = outcome(correction, "2026-03-12 18:31", "suppressed", reason="paused")
    then = decide(rules, *TAKEN_BACK_IN_THE_EVENING, withheld, now="2026-03-12 18:31")

    assert "new-car/first" in {note.template for note in then.wanted}


def test_where_no_rule_corrects_it_the_missed_promise_is_said_when_it_is_taken_back() -> None:
    decision = decide(book(LADDER), *TAKEN_BACK_IN_THE_EVENING, now="2026-03-12 18:30")

    assert "new-car/first" in {note.template for note in decision.wanted}


ASKED = '{id: asked, on: {upcoming: arrived, before: 0d, at: "16:00"}, task: {for: owner, do: look}}'


def test_whoever_took_it_back_since_is_not_asked_whether_it_has_happened() -> None:
    decision = decide(book(ASKED), *TAKEN_BACK_IN_THE_EVENING, now="2026-03-12 18:30")

    assert not decision.wanted
    assert why(decision) == (
        "arrived was taken back on Thu 2026-03-12 18:30: nobody is asked whether it has happened"
    )


def test_what_was_taken_back_before_the_day_is_asked_about_on_the_day() -> None:
    early = (
        PROMISE,
        reached("O-1", "arrived", "2026-03-10 11:20"),
        car("milestone.retracted", "2026-03-10 12:00", milestone="arrived"),
    )

    assert one(decide(book(ASKED), *early, now="2026-03-10 12:00")).due_at == at("2026-03-12 16:00")


def test_nobody_is_asked_about_a_day_that_passed_on_hold() -> None:
    held = (
        PROMISE,
        car("order.held", "2026-03-10 10:00", reason="abroad"),
        car("order.released", "2026-03-14 10:00"),
    )
    decision = decide(book(ASKED), *held, now="2026-03-14 10:00")

    assert not decision.wanted
    assert why(decision) == "the day promised for arrived passed while the order was on hold"


def test_any_event_triggers_once_and_a_newer_one_replaces_an_unsent_older() -> None:
    rules = book("{id: dent, on: {event: yard.note}, say: dent, timing: now}")
    notes = [car("yard.note", f"2026-03-12 1{hour}:00", event_id=f"n{hour}") for hour in range(2)]

    decision = decide(rules, *notes, now="2026-03-12 11:00")
    assert one(decision).occasion.endswith("#n1")
    assert why(decision) == "replaced: yard.note happened on Thu 2026-03-12 11:00"


def test_an_older_event_heard_after_a_newer_one_was_said_is_said_too() -> None:
    rules = book("{id: dent, on: {event: yard.note}, say: dent, timing: now}")
    newer = car("yard.note", "2026-03-12 09:00", event_id="b")
    said = outcome(one(decide(rules, newer, now="2026-03-12 09:00")), "2026-03-12 09:00")
    older = car("yard.note", "2026-03-12 08:50", event_id="a", heard="2026-03-12 09:30")

    assert one(decide(rules, newer, said, older, now="2026-03-12 09:30")).occasion.endswith("#a")


def test_an_event_that_the_condition_refuses_replaces_nothing() -> None:
    rules = book(
        "{id: dent, on: {event: yard.note}, when: 'event.data.kind == \"dent\"', say: dent, timing: now}"
    )
    dent = car("yard.note", "2026-03-12 10:00", event_id="dent", kind="dent")
    wash = car("yard.note", "2026-03-12 11:00", event_id="wash", kind="wash")

    assert one(decide(rules, dent, wash, now="2026-03-12 11:00")).occasion.endswith("#dent")


# ── hold ─────────────────────────────────────────────────────────────────────


def hold(since: str, until: str) -> list[Told]:
    return [car("order.held", since, reason="waiting for the bank"), car("order.released", until)]


def test_a_held_order_says_nothing_and_why() -> None:
    decision = decide(
        MISSED, PROMISE, car("order.held", "2026-03-10 09:00", reason="the bank"), now="2026-03-12 17:30"
    )

    assert not decision.wanted
    assert why(decision) == "the order is on hold since Tue 2026-03-10 09:00: the bank"


@pytest.mark.parametrize(
    "trigger", ["{after: shipped, by: 10d}", "{stuck: shipped, for: 10d}", "{stuck: any, for: 10d}"]
)
def test_elapsed_clocks_stop_during_a_hold(trigger: str) -> None:
    rules = book(f"{{id: x, on: {trigger}, task: {{for: owner, do: ask}}}}")
    note = one(
        decide(
            rules,
            reached("O-1", "shipped", "2026-03-01 10:00"),
            *hold("2026-03-03 10:00", "2026-03-05 10:00"),
            now="2026-03-05 10:00",
        )
    )

    assert note.due_at == at("2026-03-13 10:00")


def test_a_hold_after_a_clock_ran_out_does_not_turn_it_back() -> None:
    rules = book("{id: x, on: {stuck: shipped, for: 2d}, task: {for: owner, do: ask}}")
    note = one(
        decide(
            rules,
            reached("O-1", "shipped", "2026-03-01 10:00"),
            *hold("2026-03-04 10:00", "2026-03-09 10:00"),
            now="2026-03-09 10:00",
        )
    )

    assert note.due_at == at("2026-03-03 10:00")


def test_the_next_rung_waits_out_a_hold() -> None:
    decision = decide(
        book(LADDER), PROMISE, *hold("2026-03-12 18:00", "2026-03-14 18:00"), now="2026-03-14 18:00"
    )

    assert {n.template: n.due_at for n in decision.wanted}["new-car/second"] == at("2026-03-15 17:30")


def test_an_arrival_during_a_hold_is_told_at_the_release() -> None:
    here = reached("O-1", "arrived", "2026-03-12 11:20")
    note = one(decide(ARRIVED, here, *hold("2026-03-12 09:00", "2026-03-13 09:00"), now="2026-03-13 09:00"))

    assert note.expires_at is not None
    assert note.due_at < at("2026-03-13 09:00") < note.expires_at


def test_a_promise_that_passed_during_a_hold_makes_a_task_at_the_release_and_no_apology() -> None:
    decision = decide(
        book(LADDER), PROMISE, *hold("2026-03-10 09:00", "2026-03-16 09:00"), now="2026-03-16 09:00"
    )

    task = one(decision)
    assert (task.kind, task.role, task.template) == ("task", "owner", "new-car/tell-about-the-missed-promise")
    assert task.due_at == at("2026-03-16 09:00")
    assert "on hold" in task.because
    assert why(decision) == "the promise passed while the order was on hold: the owner tells the customer"


def test_what_came_during_the_hold_needs_no_task_at_the_release() -> None:
    decision = decide(
        MISSED,
        PROMISE,
        *hold("2026-03-10 09:00", "2026-03-16 09:00"),
        reached("O-1", "arrived", "2026-03-14 09:00"),
        now="2026-03-16 09:00",
    )

    assert not decision.wanted


# ── conditions, activation ───────────────────────────────────────────────────


def test_a_condition_without_its_value_is_unknown_and_says_why() -> None:
    rules = book("{id: arrived, on: {reached: arrived}, when: 'order.attributes.model == \"Corsa\"', say: x}")
    order = {**car_order(), "data": {**car_order()["data"], "attributes": {}}}
    decision = decide(
        rules,
        order,
        maria(),
        reached("O-1", "arrived", "2026-03-12 11:20"),
        now="2026-03-12 11:20",
        known=False,
    )

    assert not decision.wanted
    assert why(decision).endswith("holds: order.attributes.model has no value")


def test_a_condition_that_does_not_hold_says_so_with_what_it_saw() -> None:
    rules = book("{id: arrived, on: {reached: arrived}, when: 'order.attributes.model != \"Corsa\"', say: x}")
    (silence,) = decide(rules, reached("O-1", "arrived", "2026-03-12 11:20"), now="2026-03-12 11:20").silences

    assert silence.reason == 'order.attributes.model != "Corsa" does not hold'
    assert silence.values == {"order.attributes.model": "Corsa"}


def test_a_condition_is_asked_about_the_moment_it_is_due_not_the_day_it_was_planned() -> None:
    rules = book(
        '{id: late, on: {missed: arrived, closes: "17:30"}, when: \'weekday == "thursday"\', say: late}',
    )

    assert decide(rules, PROMISE, now="2026-03-02 10:00").wanted  # a Monday; the deadline is on a Thursday


def test_late_by_counts_from_the_deadline_at_the_rung_that_asks() -> None:
    rules = book(LADDER.replace("timing: now", "when: 'late_by >= duration(\"24h\")', timing: now"))

    assert [n.template for n in decide(rules, PROMISE, now="2026-03-12 17:30").wanted] == ["new-car/second"]


def test_a_rule_of_a_ledger_of_before_is_the_same_rule_though_triggers_can_say_more_by_now() -> None:
    then = "29bb489238b73c7df1d034aee214131cf48110f08ae84ee04354e3cb821290d3"

    assert rule_digest(book("{id: a, on: {reached: arrived}, say: a}").rule("a")) == then  # type: ignore[arg-type]


def test_a_rule_ignores_what_happened_before_it_was_activated_unless_told_to_catch_up() -> None:
    since = {"arrived": at("2026-03-12 12:00")}
    rule = "{id: arrived, on: {reached: arrived}, say: x, catch_up: %s}"
    here = reached("O-1", "arrived", "2026-03-12 11:20")

    ignored = decide(book(rule % "false", activated=since), here, now="2026-03-12 12:30")
    assert why(ignored).endswith("the rule counts only since Thu 2026-03-12 12:00")
    assert decide(book(rule % "true", activated=since), here, now="2026-03-12 12:30").wanted


def test_a_rule_that_is_off_says_nothing() -> None:
    rules = book(f"{{id: arrived, on: {{reached: arrived}}, say: x, mode: {Mode.OFF}}}")

    assert (
        why(decide(rules, reached("O-1", "arrived", "2026-03-12 11:20"), now="2026-03-12 11:20"))
        == "the rule is off"
    )


def test_the_order_in_which_facts_arrive_does_not_matter_to_a_rule() -> None:
    told = facts(*missed_once(LADDER), car_order(), maria())

    assert decide(book(LADDER), *told, now="2026-03-19 17:30", known=False) == decide(
        book(LADDER), *reversed(told), now="2026-03-19 17:30", known=False
    )


# ── after the last rung ──────────────────────────────────────────────────────

QUIET = (
    "{id: quiet, on: {silent: 14d}, channels: [sms], timing: now,"
    " rungs: [{say: update}, {every: 7d, say: still-here, at_most: 2}]}"
)
TWO = "channels: [sms], timing: now, rungs: [{say: one}, {after: 7d, say: two}]"


def said_at(rules: RuleBook, moments: Sequence[str], *told: Told) -> list[Told]:
    """What was told, and everything that fell due at these moments was said."""
    heard = list(told)
    for moment in moments:
        wanted = decide(rules, *heard, now=moment).wanted
        heard += [outcome(note, moment) for note in wanted if note.due_at == at(moment)]
    return heard


EACH_WEEK = ["2026-03-15 09:00", "2026-03-22 09:00", "2026-03-29 09:00"]


def test_a_silence_rule_that_said_all_it_has_says_that_it_waits_for_a_contact() -> None:
    rules = book(QUIET)
    heard = said_at(rules, EACH_WEEK, maria())
    assert len(heard) == 4

    decision = decide(rules, *heard, now="2026-05-01 10:00")

    assert (
        why(decision) == "every message of this rule was said; it begins again after the next useful contact"
    )


def test_after_the_next_useful_contact_a_silence_rule_begins_with_its_first_rung() -> None:
    rules = book(QUIET)
    heard = said_at(rules, EACH_WEEK, maria())
    spoke = car("contact.logged", "2026-04-10 09:00", direction="in", reason="asked")

    coming = one(decide(rules, *heard, spoke, now="2026-04-10 09:00"))

    assert (coming.template, coming.due_at) == ("new-car/update", at("2026-04-24 09:00"))
    assert not decide(rules, *heard, spoke, now="2026-04-10 09:00").silences


@pytest.mark.parametrize(
    ("rules", "moments", "told", "reason"),
    [
        (
            f"{{id: stuck, on: {{stuck: ordered, for: 14d}}, {TWO}}}",
            ["2026-03-16 09:00", "2026-03-23 09:00"],
            reached("O-1", "ordered", "2026-03-02 09:00"),
            "every message of this rule was said; it begins again after the next milestone",
        ),
        (
            f"{{id: late, on: {{missed: arrived}}, {TWO}}}",
            ["2026-03-13 00:00", "2026-03-20 00:00"],
            PROMISE,
            "every message of this rule was said; when another promise is missed, a person finds words",
        ),
    ],
)
def test_every_ladder_says_what_it_waits_for_after_its_last_rung(
    rules: str, moments: list[str], told: Told, reason: str
) -> None:
    heard = said_at(book(rules), moments, told)
    assert len(heard) == 3

    assert why(decide(book(rules), *heard, now="2026-05-01 10:00")) == reason
