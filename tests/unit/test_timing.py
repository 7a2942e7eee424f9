"""When a due message leaves and through which channel (DESIGN §4.3 and §4.5)."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from orchestrator.config import quiet_hours
from orchestrator.journey import BusinessCalendar
from orchestrator.model import Customer, Notification, Person, Purpose
from orchestrator.timing.send_time import addresses
from tests.builders import at, car_order, event, maria, reached
from tests.deciding import QUIET, Told, book, decide, keys, one, outcome, why

RULE = "{id: arrived, on: {reached: arrived}, say: arrived, channels: [%s], timing: {at: %s, within: %s}}"


def note(
    *told: Told,
    arrives: str = "2026-03-12 11:20",  # a Thursday
    channels: str = "sms, email",
    when: str = "preferred",
    within: str = "2d",
    head: str = 'hours: "08:00-20:00"',
    quiet: bool = True,
    now: str = "",
    customer: Told | None = None,
) -> Notification:
    rules = book(RULE % (channels, when, within), head=head, quiet=QUIET if quiet else None)
    here = reached("O-1", "arrived", arrives)
    return one(decide(rules, car_order(), customer or maria(), here, *told, now=now or arrives, known=False))


def prefers(**data: Any) -> Told:
    return event("preference.set", "C-1", "2026-03-02 09:00", **data)


def window(days: list[int], start: str, end: str, channel: str = "") -> dict[str, object]:
    return {"days": days, "from": start, "to": end} | ({"channel": channel} if channel else {})


# ── hours ────────────────────────────────────────────────────────────────────


def test_inside_the_default_hours_it_leaves_at_once() -> None:
    assert note().due_at == at("2026-03-12 11:20")


def test_outside_the_default_hours_it_waits_for_them_and_says_why() -> None:
    waits = note(arrives="2026-03-12 22:00")

    assert waits.due_at == at("2026-03-13 08:00")
    assert waits.steps[0].why == "outside the default hours"


def test_what_the_customer_chose_beats_the_default_hours() -> None:
    waits = note(prefers(windows=[window([4], "19:00", "20:00")]))

    assert waits.due_at == at("2026-03-13 19:00")
    assert waits.steps[0].why == "outside the hours the customer chose"


def test_a_window_of_another_channel_is_not_asked() -> None:
    assert note(prefers(windows=[window([0], "19:00", "21:00", "push")])).due_at == at("2026-03-12 11:20")


def test_now_knows_no_hours_but_the_quiet_ones() -> None:
    assert note(arrives="2026-03-12 07:00", when="now", quiet=False).due_at == at("2026-03-12 07:00")
    assert note(arrives="2026-03-12 07:00", when="now").due_at == at("2026-03-12 08:00")


def test_a_rule_with_a_time_of_its_own_leaves_then() -> None:
    assert note(when='"17:00"').due_at == at("2026-03-12 17:00")
    assert note(when='"10:00"').due_at == at("2026-03-13 10:00")


@pytest.mark.parametrize(("happens", "leaves"), [("07:59", "08:00"), ("08:00", "08:00"), ("20:59", "20:59")])
def test_quiet_hours_hold_until_their_very_end(happens: str, leaves: str) -> None:
    assert note(arrives=f"2026-03-12 {happens}", when="now").due_at == at(f"2026-03-12 {leaves}")


def test_security_knows_no_quiet_hours() -> None:
    rules = book(
        "{id: s, on: {reached: arrived}, say: s, purpose: security}",
        quiet=QUIET | {Purpose.SECURITY: QUIET[Purpose.SERVICE]},
    )

    assert one(
        decide(rules, reached("O-1", "arrived", "2026-03-12 23:00"), now="2026-03-12 23:00")
    ).due_at == at("2026-03-12 23:00")


def test_a_rule_may_wait_for_a_business_day() -> None:
    rules = book("{id: a, on: {reached: arrived}, say: a, timing: {business_days: true, within: 5d}}")
    waits = one(decide(rules, reached("O-1", "arrived", "2026-03-14 11:00"), now="2026-03-14 11:00"))

    assert waits.due_at == at("2026-03-16 00:00")
    assert waits.steps[0].why == "the location is closed"


def test_a_time_of_the_rules_own_holds_on_the_business_day_it_waits_for() -> None:
    rules = book(
        '{id: a, on: {reached: arrived}, say: a, timing: {at: "10:00", business_days: true, within: 5d}}'
    )
    waits = one(decide(rules, reached("O-1", "arrived", "2026-03-14 11:00"), now="2026-03-14 11:00"))

    assert waits.due_at == at("2026-03-16 10:00")


# ── habits ───────────────────────────────────────────────────────────────────

MONDAYS = [{"days": ["mon"], "from": "19:00", "to": "21:00", "channel": "push"}]
BY_PUSH = {"channels": "push", "within": "6d", "head": "", "quiet": False}


def looks(*windows: dict[str, object]) -> Told:
    return event("customer.habit", "C-1", "2026-03-02 09:00", windows=list(windows) or MONDAYS)


def with_app(**more: Any) -> Told:
    return maria(devices=["phone-1"], **more)


def test_scene_4_a_push_is_there_half_an_hour_before_the_monday_customer_stops_looking() -> None:
    waits = note(looks(), customer=with_app(), **BY_PUSH)

    assert waits.due_at == at("2026-03-16 20:30")
    assert waits.steps[0].why == "when the customer usually looks"


@pytest.mark.parametrize(
    ("arrives", "leaves"),
    [
        ("2026-03-16 18:00", "2026-03-16 20:30"),
        ("2026-03-16 19:10", "2026-03-16 20:30"),  # looking already, and perhaps it is seen without a push
        ("2026-03-16 20:45", "2026-03-16 20:45"),  # in the last half hour at once
        ("2026-03-16 21:00", "2026-03-23 20:30"),
    ],
)
def test_the_last_part_of_a_habit_is_when_a_message_leaves(arrives: str, leaves: str) -> None:
    assert note(looks(), customer=with_app(), arrives=arrives, **BY_PUSH | {"within": "8d"}).due_at == at(
        leaves
    )


def test_a_habit_shorter_than_the_lead_is_used_from_its_beginning() -> None:
    quarter = {"days": ["mon"], "from": "19:00", "to": "19:15"}

    assert note(looks(quarter), customer=with_app(), **BY_PUSH).due_at == at("2026-03-16 19:00")


def test_a_habit_past_midnight_has_its_last_part_on_the_next_day() -> None:
    late = {"days": ["sun"], "from": "23:00", "to": "01:00"}

    assert note(looks(late), customer=with_app(), **BY_PUSH).due_at == at("2026-03-16 00:30")


def test_what_the_customer_chose_beats_their_habit() -> None:
    chose = prefers(windows=[window([5], "10:00", "12:00", "push")])

    assert note(looks(), chose, customer=with_app(), **BY_PUSH).due_at == at("2026-03-14 10:00")


def test_a_habit_at_one_channel_says_nothing_about_another() -> None:
    assert note(looks(), channels="sms").due_at == at("2026-03-12 11:20")


def test_a_habit_beats_the_default_hours_and_neither_beats_a_time_of_the_rules_own() -> None:
    every_evening = {"from": "20:30", "to": "21:00"}
    by_push = BY_PUSH | {"head": 'hours: "08:00-20:00"'}

    assert note(looks(every_evening), customer=with_app(), **by_push).due_at == at("2026-03-12 20:30")
    assert note(looks(every_evening), when='"17:00"', customer=with_app(), **by_push).due_at == at(
        "2026-03-12 17:00"
    )


def test_the_deadline_beats_the_habit_by_the_next_channel() -> None:
    sent = note(looks(), customer=with_app(), channels="push, sms", within="6h")

    assert [(step.channel, step.at) for step in sent.steps] == [("sms", at("2026-03-12 11:20"))]


def test_where_no_channel_is_left_the_deadline_beats_the_habit_by_a_person() -> None:
    rules = book(RULE % ("push", "preferred", "6h"), head='hours: "08:00-20:00"')
    decision = decide(
        rules, car_order(), with_app(), looks(), reached("O-1", "arrived", "2026-03-12 11:20"),
        now="2026-03-12 11:20", known=False,
    )  # fmt: skip

    task, message = decision.wanted
    assert (message.steps, message.due_at) == ((), message.expires_at)
    assert task.key == "O-1/arrived/arrived#1.unreached/owner"
    assert why(decision) == (
        "no channel in time: push: not before Mon 2026-03-16 19:00, when the customer usually looks"
    )


def test_before_a_person_must_all_of_the_habit_counts_and_not_only_its_end() -> None:
    sent = note(looks(), customer=with_app(), arrives="2026-03-16 11:20", channels="push", within="9h")

    assert sent.due_at == at("2026-03-16 19:00")


def test_only_hours_that_were_chosen_pass_a_channel_over_for_the_next() -> None:
    chose = prefers(windows=MONDAYS)
    sent = note(chose, customer=with_app(), channels="push, sms", within="6h")

    assert [(step.channel, step.at) for step in sent.steps] == [("sms", at("2026-03-12 11:20"))]


def test_when_chosen_hours_are_too_late_and_no_other_channel_is_left_a_person_gets_a_task() -> None:
    rules = book(RULE % ("push", "preferred", "6h"))
    decision = decide(
        rules, car_order(), with_app(), prefers(windows=MONDAYS),
        reached("O-1", "arrived", "2026-03-12 11:20"), now="2026-03-12 11:20", known=False,
    )  # fmt: skip

    too_late = "push: not before Mon 2026-03-16 19:00, outside the hours the customer chose"
    task, message = decision.wanted
    assert (message.steps, message.due_at) == ((), message.expires_at)
    assert task.key == "O-1/arrived/arrived#1.unreached/owner"
    assert why(decision) == f"no channel in time: {too_late}"
    assert task.because == f"arrived happened on Thu 2026-03-12 11:20; no channel in time: {too_late}"


def test_a_habit_whose_end_is_in_the_quiet_hours_is_used_before_them() -> None:
    half_quiet = {"days": ["mon"], "from": "20:00", "to": "21:30"}
    by_push = BY_PUSH | {"quiet": True}

    assert note(looks(half_quiet), customer=with_app(), **by_push).due_at == at("2026-03-16 20:00")


def test_a_habit_that_is_all_quiet_gives_way_to_the_default_hours() -> None:
    night = {"from": "22:00", "to": "23:00"}
    by_push = BY_PUSH | {"quiet": True, "head": 'hours: "10:00-20:00"'}

    assert note(looks(night), customer=with_app(), arrives="2026-03-12 09:00", **by_push).due_at == at(
        "2026-03-12 10:00"
    )


def test_who_does_not_want_to_be_watched_has_no_habits() -> None:
    assert note(looks(), prefers(learning=False), customer=with_app(), **BY_PUSH).due_at == at(
        "2026-03-12 11:20"
    )


def test_a_later_habit_takes_the_place_of_the_one_before_and_none_ends_it() -> None:
    ended = event("customer.habit", "C-1", "2026-03-03 09:00", windows=[])

    assert note(looks(), ended, customer=with_app(), **BY_PUSH).due_at == at("2026-03-12 11:20")


def test_how_long_before_the_end_is_the_companys_to_say() -> None:
    rules = book("{id: a, on: {reached: arrived}, say: a, channels: [push], timing: {within: 6d}}")
    rules = replace(rules, policy=replace(rules.policy, habit_lead=timedelta(hours=1)))
    here = reached("O-1", "arrived", "2026-03-12 11:20")

    decision = decide(rules, car_order(), with_app(), looks(), here, now="2026-03-12 11:20", known=False)
    assert one(decision).due_at == at("2026-03-16 20:00")


UNLESS_ACTIVE = (
    "{id: a, on: {reached: arrived}, say: a, channels: [push], timing: {unless_active: true, within: 6d}}"
)


def unless_active(*told: Told) -> Notification:
    here = reached("O-1", "arrived", "2026-03-12 11:20", heard="2026-03-12 12:00")
    rules = book(UNLESS_ACTIVE)
    return one(decide(rules, car_order(), with_app(), here, *told, now="2026-03-12 12:00", known=False))


def test_it_is_dropped_for_who_was_active_since_the_habit_began() -> None:
    assert unless_active(looks()).steps[0].unless_active == at("2026-03-16 19:00")


def test_surfaces_that_a_rule_names_stand_in_the_step() -> None:
    here = reached("O-1", "arrived", "2026-03-12 11:20")
    for said, surfaces in (("true", ()), ("app", ("app",)), ("[app, web]", ("app", "web"))):
        rules = book(UNLESS_ACTIVE.replace("unless_active: true", f"unless_active: {said}"))
        step = one(decide(rules, car_order(), with_app(), here, now="2026-03-12 12:00", known=False)).steps[0]
        assert (step.unless_active, step.surfaces) == (at("2026-03-12 11:20"), surfaces)


def test_without_a_habit_it_is_dropped_for_who_was_active_since_we_heard_of_it() -> None:
    assert unless_active().steps[0].unless_active == at("2026-03-12 12:00")


def test_who_looks_while_we_hear_of_it_was_active_since_then() -> None:
    all_day = {"from": "08:00", "to": "12:15"}

    assert unless_active(looks(all_day)).steps[0].unless_active == at("2026-03-12 12:00")


def test_a_rule_that_does_not_ask_drops_nothing() -> None:
    assert note(looks(), customer=with_app(), **BY_PUSH).steps[0].unless_active is None


# ── zones ────────────────────────────────────────────────────────────────────


def test_hours_are_read_on_the_customers_clock() -> None:
    in_new_york = maria(time_zone="America/New_York")

    assert note(arrives="2026-03-12 11:20", customer=in_new_york).due_at == at(
        "2026-03-12 08:00", "America/New_York"
    )


@pytest.mark.parametrize("zone", [None, ""])
def test_an_unknown_zone_is_the_order_locations_and_that_is_said(zone: str | None) -> None:
    nobody_knows = {key: value for key, value in maria()["data"].items() if key != "time_zone"}
    waits = note(
        arrives="2026-03-12 22:00",
        customer=event("customer.upserted", "C-1", "2026-03-01 08:00", **nobody_knows),
    )

    assert waits.due_at == at("2026-03-13 08:00")
    assert waits.steps[0].why.endswith("(by the clocks of Europe/Berlin: their own time zone is not known)")


def test_a_time_the_clocks_skip_is_the_first_instant_after_and_a_repeated_one_its_first() -> None:
    night = {"quiet": False, "head": ""}

    assert note(arrives="2026-03-28 12:00", when='"02:30"', **night).due_at == at("2026-03-29 03:00")
    twice = note(arrives="2026-10-24 12:00", when='"02:30"', **night).due_at
    assert twice.isoformat() == "2026-10-25T00:30:00+00:00"  # still summer time


def test_a_customer_who_moves_between_planning_and_sending_hears_by_their_new_clocks() -> None:
    moves = event("customer.upserted", "C-1", "2026-03-12 22:30", time_zone="America/New_York")
    waits = {"arrives": "2026-03-12 22:00", "head": 'hours: "08:00-20:00"'}

    assert note(**waits).due_at == at("2026-03-13 08:00")
    assert note(moves, now="2026-03-12 22:30", **waits).due_at == at(
        "2026-03-12 22:00"
    )  # 17:00 there: at once
    assert note(moves, now="2026-03-13 01:00", **waits).due_at == at("2026-03-13 08:00", "America/New_York")


def test_who_moves_across_the_date_line_skips_no_monday_and_has_none_twice() -> None:
    monday = prefers(windows=[window([0], "09:00", "10:00")])
    east, west = maria(time_zone="Pacific/Kiritimati"), maria(time_zone="Pacific/Pago_Pago")
    sunday = "2026-03-15 08:00"  # 21:00 on Kiritimati, 20:00 on Saturday in Pago Pago

    assert note(monday, arrives=sunday, customer=east).due_at == at("2026-03-16 09:00", "Pacific/Kiritimati")
    assert note(monday, arrives=sunday, customer=west).due_at == at("2026-03-16 09:00", "Pacific/Pago_Pago")


def test_hours_that_a_clock_change_skips_whole_are_kept_after_the_gap_by_the_planner_too() -> None:
    in_the_gap = prefers(windows=[window([6], "02:10", "02:50")])
    loud = {"arrives": "2026-03-28 12:00", "head": "", "quiet": False}

    assert note(in_the_gap, **loud).due_at == at("2026-03-29 03:00")
    assert note(in_the_gap, now="2026-03-29 03:20", **loud).due_at == at("2026-03-29 03:00")  # a retry
    assert note(in_the_gap, now="2026-03-29 03:40", within="9d", **loud).due_at == at("2026-04-05 02:10")


# ── the location ─────────────────────────────────────────────────────────────

MUNICH = BusinessCalendar(
    {day: (time(9), time(17)) for day in range(5)}, frozenset({date(2026, 4, 3), date(2026, 4, 6)})
)


def at_the_location(asks: str, arrives: str, customer: Told | None = None) -> Notification:
    rules = book(
        f"{{id: a, on: {{reached: arrived}}, say: a, channels: [sms], timing: {{{asks}, within: 9d}}}}",
        calendars={"default": MUNICH},
    )
    here = reached("O-1", "arrived", arrives)
    return one(decide(rules, car_order(), customer or maria(), here, now=arrives, known=False))


def test_a_rule_may_wait_for_opening_hours() -> None:
    waits = at_the_location("business_hours: true", "2026-03-13 17:00")

    assert waits.due_at == at("2026-03-16 09:00")
    assert waits.steps[0].why == "the location is closed"


def test_opening_hours_are_the_locations_own_wherever_the_customer_is() -> None:
    in_tokyo = maria(time_zone="Asia/Tokyo")

    assert at_the_location("business_hours: true", "2026-03-13 08:00", in_tokyo).due_at == at(
        "2026-03-13 09:00"
    )


def test_a_rule_may_leave_out_the_holidays_and_no_other_closed_day() -> None:
    assert at_the_location("skip_holidays: true", "2026-04-03 11:00").due_at == at("2026-04-04 00:00")
    assert at_the_location("skip_holidays: true", "2026-04-05 11:00").due_at == at("2026-04-05 11:00")


def test_a_rule_may_have_default_hours_of_its_own() -> None:
    assert at_the_location('hours: "10:00-12:00"', "2026-03-12 08:00").due_at == at("2026-03-12 10:00")


# ── channels ─────────────────────────────────────────────────────────────────


def test_the_customers_own_order_of_channels_wins_where_the_rule_allows_it() -> None:
    steps = note(prefers(channels=["email", "push"])).steps

    assert [step.channel for step in steps] == ["email", "sms"]


def test_a_channel_without_an_address_is_no_step() -> None:
    assert [step.channel for step in note(channels="push, sms, email").steps] == ["sms", "email"]


def test_a_preference_never_beats_the_deadline_the_next_step_does() -> None:
    only_mondays = prefers(windows=[window([0], "19:00", "21:00", "sms")])
    sent = note(only_mondays, within="6h")

    assert [(step.channel, step.at) for step in sent.steps] == [("email", at("2026-03-12 11:20"))]


def no_channel(**more: Any) -> tuple[list[str], str]:
    rules = book(
        RULE % ("sms, email", more.pop("when", "preferred"), "6h"), head='hours: "08:00-20:00"', quiet=QUIET
    )
    told = more.pop("told", [])
    decision = decide(rules, reached("O-1", "arrived", more["arrives"]), *told, now=more["arrives"])
    return keys(decision.wanted), why(decision)


def test_when_no_channel_is_in_time_a_person_gets_a_task() -> None:
    wanted, reason = no_channel(arrives="2026-03-12 20:30")

    assert wanted == ["arrived/arrived#1.unreached/owner", "arrived/arrived#1/customer"]
    assert reason == (
        "no channel in time: sms: not before Fri 2026-03-13 08:00, outside the default hours; "
        "email: not before Fri 2026-03-13 08:00, outside the default hours"
    )


def test_hours_that_are_chosen_after_it_was_said_make_nobody_say_it_again() -> None:
    rules = book(RULE % ("sms, email", "preferred", "6h"))
    here = reached("O-1", "arrived", "2026-03-12 11:20")
    said = outcome(one(decide(rules, here, now="2026-03-12 11:20")), "2026-03-12 11:20")
    mondays = event("preference.set", "C-1", "2026-03-12 11:30", windows=[window([0], "19:00", "21:00")])

    assert keys(decide(rules, here, said, mondays, now="2026-03-12 11:30").wanted) == [
        "arrived/arrived#1/customer"
    ]


def test_the_rules_own_time_says_by_whose_clocks_it_is_where_theirs_are_not_known() -> None:
    rules = book(RULE % ("sms", '"17:00"', "6h"))
    here = reached("O-1", "arrived", "2026-03-12 11:20")
    note = one(
        decide(rules, car_order(), maria(time_zone="Mars/Olympus"), here, now="2026-03-12 11:20", known=False)
    )

    assert note.due_at == at("2026-03-12 17:00")
    assert note.steps[0].why == (
        "the rule sends at 17:00 (by the clocks of Europe/Berlin: their own time zone is none that we know)"
    )


def test_when_the_rules_own_time_is_too_late_a_person_gets_a_task() -> None:
    wanted, reason = no_channel(arrives="2026-03-12 11:00", when='"10:00"')

    assert wanted == ["arrived/arrived#1.unreached/owner", "arrived/arrived#1/customer"]
    assert "the rule sends at 10:00" in reason


def test_when_the_customers_hours_and_the_law_never_meet_a_person_gets_a_task() -> None:
    at_night = prefers(windows=[window([0, 1, 2, 3, 4, 5, 6], "22:00", "23:00")])
    wanted, reason = no_channel(arrives="2026-03-12 11:00", told=[at_night])

    assert wanted == ["arrived/arrived#1.unreached/owner", "arrived/arrived#1/customer"]
    assert "the customer's hours and the quiet hours leave no moment" in reason


def test_nobody_is_tasked_with_marketing_that_found_no_moment() -> None:
    rules = book(
        "{id: m, on: {reached: arrived}, say: m, purpose: marketing, timing: {within: 1h}}", quiet=QUIET
    )
    decision = decide(rules, reached("O-1", "arrived", "2026-03-12 22:00"), now="2026-03-12 22:00")

    assert keys(decision.wanted) == ["m/arrived#1/customer"]
    assert why(decision).startswith("no channel in time")


def test_a_moment_that_passed_unused_is_moved_to_the_next_good_one() -> None:
    assert note(now="2026-03-12 23:00").due_at == at("2026-03-13 08:00")  # a retry, an outage
    assert note(now="2026-03-12 15:00").due_at == at("2026-03-12 11:20")  # still a good moment


# ── too late ─────────────────────────────────────────────────────────────────


def late_news(heard: str, timing: str = "{at: now}", *told: Told) -> Notification:
    rules = book(f"{{id: arrived, on: {{reached: arrived}}, say: arrived, timing: {timing}}}")
    return one(decide(rules, *told, reached("O-1", "arrived", "2026-03-12 11:20", heard=heard), now=heard))


def test_within_counts_from_the_later_of_happened_and_heard() -> None:
    assert late_news("2026-03-12 18:00", "{at: now, within: 6h}").expires_at == at("2026-03-13 00:00")


def test_stale_after_counts_from_what_happened() -> None:
    assert late_news("2026-03-12 18:00", "{at: now, within: 6h, stale_after: 8h}").expires_at == at(
        "2026-03-12 19:20"
    )


def test_old_news_is_dead_when_it_is_heard() -> None:
    note = late_news("2026-03-14 11:20")

    assert note.expires_at is not None
    assert note.expires_at <= note.due_at == at("2026-03-14 11:20")


def test_a_rule_that_gives_more_time_is_not_cut_short_by_the_default_staleness() -> None:
    assert late_news("2026-03-12 11:20", "{at: now, within: 3d}").expires_at == at("2026-03-15 11:20")
    assert late_news("2026-03-13 11:20", "{at: now, within: 3d}").expires_at == at("2026-03-15 11:20")


def test_back_fill_of_a_promise_missed_long_ago_mails_nobody() -> None:
    rules = book("{id: late, on: {missed: arrived}, say: late, timing: now}")
    old = event(
        "promise.made",
        "O-1",
        "2026-02-01 10:00",
        heard="2026-03-12 10:00",
        milestone="arrived",
        date="2026-02-10",
    )
    note = one(decide(rules, old, now="2026-03-12 10:00"))

    assert note.expires_at is not None
    assert note.expires_at < at("2026-03-12 10:00")


def test_a_move_heard_late_is_still_news_while_the_new_day_is_ahead() -> None:
    rules = book("{id: moved, on: {moved: arrived}, say: moved, timing: now}")
    first = event("promise.made", "O-1", "2026-03-01 10:00", milestone="arrived", date="2026-03-12")
    late = event(
        "promise.made",
        "O-1",
        "2026-03-03 10:00",
        heard="2026-03-09 10:00",
        milestone="arrived",
        date="2026-03-19",
    )

    note = one(decide(rules, first, late, now="2026-03-09 10:00"))
    assert note.expires_at == at("2026-03-10 10:00")


def test_a_channel_of_the_house_knows_customers_by_their_id_and_colleagues_by_their_mailbox() -> None:
    assert addresses("chat", Customer(id="C-1")) == ("C-1",)
    assert addresses("chat", Person("Nora Brandt", "nora.brandt@example.com")) == ("nora.brandt@example.com",)
    assert addresses("chat", Person("Nora Brandt")) == ()


# ── channels the customer did not list ───────────────────────────────────────


def offered(purpose: str, *told: Told) -> Notification:
    rules = book(
        f"{{id: a, on: {{reached: arrived}}, say: a, channels: [sms, email], purpose: {purpose}, "
        "timing: {at: now}}"
    )
    return one(decide(rules, reached("O-1", "arrived", "2026-03-12 11:20"), *told, now="2026-03-12 11:20"))


@pytest.mark.parametrize("purpose", ["service", "security"])
def test_what_a_customer_must_hear_leaves_by_a_channel_they_did_not_list_and_says_so(purpose: str) -> None:
    steps = offered(purpose, prefers(channels=["push"])).steps

    assert [step.channel for step in steps] == ["sms", "email"]
    assert steps[0].why == "by sms, though the customer listed push"


@pytest.mark.parametrize("purpose", ["relationship", "marketing"])
def test_anything_else_leaves_by_listed_channels_alone(purpose: str) -> None:
    assert offered(purpose, prefers(channels=["push"])).steps == ()
    assert [step.channel for step in offered(purpose, prefers(channels=["push", "email"])).steps] == ["email"]
    assert [step.channel for step in offered(purpose).steps] == ["sms", "email"]


# ── nobody knows their clocks ────────────────────────────────────────────────


def test_default_hours_are_read_in_every_zone_that_may_be_the_customers() -> None:
    """By the clocks of Munich they would never meet the hours of the law in the United States."""
    rules = book(
        "{id: m, on: {reached: arrived}, say: m, purpose: marketing, channels: [sms], timing: {within: 3d}}",
        head='hours: "08:00-20:00"', law=quiet_hours.law(), quiet=QUIET,
    )  # fmt: skip
    note = one(
        decide(
            rules, car_order(), maria(time_zone="", country="US"),
            reached("O-1", "arrived", "2026-03-12 11:20"), now="2026-03-12 11:20", known=False,
        )
    )  # fmt: skip

    assert (
        at("2026-03-12 10:00", "Pacific/Honolulu") <= note.due_at < at("2026-03-12 18:00", "America/New_York")
    )
