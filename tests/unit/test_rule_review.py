"""Rules that load and are in vain: they never fire, never leave, or say what another says."""

from datetime import time
from typing import Any

import pytest

from orchestrator.config import quiet_hours
from orchestrator.errors import Problem
from orchestrator.journey import BusinessCalendar, Policy
from orchestrator.model import Purpose
from orchestrator.rules import load
from orchestrator.rules.codes import RULE_CODES
from orchestrator.rules.review import review

HEADER = """\
version: 1
journey: car
attributes: {model: text}
milestones: [ordered, arrived, collected, first_service]
closes: collected
hours: "08:00-20:00"
rules:
"""
NIGHT = {Purpose.SERVICE: (time(22), time(8))}


def found(
    *written: str,
    header: str = HEADER,
    quiet: dict[Purpose, tuple[time, time]] | None = None,
    reports: dict[str, str] | None = None,
    **policy: Any,
) -> list[Problem]:
    text = header + "".join(f"  - {{id: r{number}, {rule}}}\n" for number, rule in enumerate(written, 1))
    book, problems = load({"rules/car.yaml": text}, policy=Policy(quiet=quiet or {}, **policy))
    assert problems == []
    assert len(book.journeys["car"].rules) == len(written)  # such a rule stays in force
    return review(book, {"rules/car.yaml": text}, reports=reports)


def test_rules_that_can_fire_have_no_finding() -> None:
    assert (
        found(
            'on: {reached: arrived}, say: here, when: order.attributes.model != "demo"',
            "on: {stuck: arrived, for: 5d}, say: stands",
            'on: {missed: arrived, closes: "17:30"}, say: late, timing: {within: 3h}',
            'on: {upcoming: first_service, before: 7d, at: "10:00"}, say: soon, timing: {within: 2h}',
            quiet=NIGHT,
        )
        == []
    )


@pytest.mark.parametrize(
    ("code", "rule", "key"),
    [
        ("R050", "on: {reached: arrived}, say: here, when: 'true'", "when"),
        ("R050", "on: {reached: arrived}, say: here, when: 1 > 2", "when"),
        ("R050", 'on: {reached: arrived}, say: here, when: true || order.attributes.model == "x"', "when"),
        ("R051", "on: {stuck: collected, for: 5d}, say: stands", "stuck"),
        ("R051", "on: {stuck: first_service, for: 5d}, say: stands", "stuck"),
        ("R052", 'on: {upcoming: arrived, at: "20:30"}, say: soon, timing: {within: 2h}', "within"),
        ("R052", 'on: {missed: arrived, closes: "21:00"}, say: late, timing: {within: 10h}', "within"),
        ("R052", 'on: {upcoming: arrived, at: "09:00"}, say: a, timing: {at: "08:00", within: 5h}', "within"),
    ],
)  # fmt: skip
def test_a_rule_in_vain_is_found_where_it_says_so(code: str, rule: str, key: str) -> None:
    (problem,) = found(rule)
    assert (problem.code, problem.path, problem.line) == (code, "rules/car.yaml", 8)
    assert problem.source[problem.column - 1 :].startswith(f"{key}:")


def test_a_reminder_of_an_instant_needs_time_before_it() -> None:
    header = HEADER + "promises: {collected: arrived + 4h, first_service: collected + 52w}\n"
    header = header.replace("rules:\n", "") + "rules:\n"
    (problem,) = found("on: {upcoming: collected, before: 0d}, say: soon", header=header)
    assert (problem.code, "is promised for an instant" in problem.message) == ("R052", True)
    assert problem.source[problem.column - 1 :].startswith("upcoming:")
    for on in (
        "{upcoming: collected, before: 1h}",
        '{upcoming: collected, at: "08:00"}',
        "{upcoming: first_service}",
    ):
        assert found(f"on: {on}, say: soon", header=header) == []


def test_no_other_problem_of_a_rule_hides_that_it_is_in_vain() -> None:
    text = HEADER + (
        "  - {id: r1, on: {reached: arived}, say: here, when: 1 > 2}\n"
        "  - {id: r2, on: {stuck: collected, for: 5d}, say: stands, to: custmer}\n"
        '  - {id: r3, on: {upcoming: arrived, at: "20:30"}, say: a, timing: {within: 2h}, when: modl == 3}\n'
        '  - {id: r4, on: {upcoming: arrived, at: "20:30"}, say: soon, when: order.id == "x"}\n'
        "  - {id: r5, on: {reached: arrived, whn: x}, say: soon, when: 1 > 2}\n"
    )
    book, problems = load({"rules/car.yaml": text})
    assert [problem.code for problem in problems] == ["R014", "R027", "R032", "R010"]
    assert [rule.id for rule in book.journeys["car"].rules] == ["r4"]
    in_vain = review(book, {"rules/car.yaml": text}, complete=False)
    assert [(problem.line, problem.code) for problem in in_vain] == [(8, "R050"), (9, "R051"), (10, "R052")]


def test_quiet_hours_may_close_the_hours_for_good() -> None:
    header = HEADER.replace("08:00-20:00", "06:00-07:30")
    (problem,) = found("on: {reached: arrived}, say: here", header=header, quiet=NIGHT)
    assert problem.code == "R052"
    assert "lie wholly in the quiet hours" in problem.message
    assert found("on: {reached: arrived}, say: here, timing: now", header=header, quiet=NIGHT) == []
    assert found("on: {reached: arrived}, say: here, purpose: security", header=header, quiet=NIGHT) == []


def test_hours_of_the_rules_own_take_the_place_of_the_journeys() -> None:
    early = 'on: {reached: arrived}, say: here, timing: {hours: "06:00-07:30"}'
    (problem,) = found(early, quiet=NIGHT)
    assert (problem.code, problem.source[problem.column - 1 :][:6]) == ("R052", "hours:")
    late = HEADER.replace("08:00-20:00", "06:00-07:30")
    assert found(early.replace("06:00-07:30", "09:00-10:00"), header=late, quiet=NIGHT) == []


def test_hours_that_never_meet_the_opening_hours_the_rule_asks_for_are_found() -> None:
    shop = {"default": BusinessCalendar({0: (time(9), time(17)), 5: (time(9), time(13))})}
    evening = 'on: {reached: arrived}, say: here, timing: {hours: "%s", business_hours: true}'
    (problem,) = found(evening % "18:00-20:00", calendars=shop)
    assert problem.code == "R052"
    assert "outside the opening hours of every calendar" in problem.message
    assert found(evening % "16:00-20:00", calendars=shop) == []
    assert found('on: {reached: arrived}, say: here, timing: {hours: "18:00-20:00"}', calendars=shop) == []


def test_hours_that_never_meet_those_of_the_law_are_found() -> None:
    news = 'on: {reached: arrived}, say: here, purpose: %s, channels: [%s], timing: {hours: "20:00-21:30"}'
    french: Any = {"law": quiet_hours.law(), "time_zone": "Europe/Paris"}
    (problem,) = found(news % ("marketing", "sms"), **french)
    assert problem.code == "R052"
    assert "outside those the law allows marketing in FR" in problem.message
    assert found(news % ("marketing", "sms, email"), **french) == []  # it may leave by mail
    assert found(news % ("service", "sms"), **french) == []
    assert found(news % ("marketing", "sms"), law=quiet_hours.law(), time_zone="Europe/Berlin") == []


def test_the_night_in_which_the_clocks_change_is_granted() -> None:
    rule = 'on: {upcoming: arrived, at: "20:00"}, say: soon, timing: {within: %s}'
    assert [p.code for p in found(rule % "11h")] == ["R052"]
    assert found(rule % "11h1m") == []


@pytest.mark.parametrize("within", ["1d", "3bh", "1bd"])
def test_a_length_that_is_no_matter_of_hours_is_not_judged(within: str) -> None:
    assert found(f'on: {{upcoming: arrived, at: "21:00"}}, say: soon, timing: {{within: {within}}}') == []


def test_a_task_is_not_bound_to_the_customers_hours() -> None:
    assert (
        found('on: {upcoming: arrived, at: "21:00"}, task: {for: owner, do: look}, timing: {within: 1h}')
        == []
    )


SAME = "on: {reached: arrived}, say: here"


def test_two_rules_that_say_the_same_on_one_occasion_are_found_at_the_second() -> None:
    (problem,) = found(SAME, SAME + ", channels: [sms]")
    assert (problem.code, problem.line) == ("R053", 9)
    assert "'r1' says 'here'" in problem.message


@pytest.mark.parametrize(
    "other",
    [
        "on: {reached: collected}, say: here",
        "on: {reached: arrived}, say: there",
        SAME + ", to: neighbour",
        SAME + ", mode: off",
    ],
)
def test_rules_that_differ_in_occasion_words_or_reader_are_two(other: str) -> None:
    assert found(SAME, other) == []


def test_a_rule_on_trial_may_say_what_the_live_one_says_and_two_on_trial_are_found() -> None:
    trial = SAME + ", mode: shadow"
    assert found(SAME, trial) == found(trial, SAME) == []
    assert [p.code for p in found(trial, trial)] == ["R053"]


def test_conditions_that_differ_may_keep_two_rules_apart() -> None:
    one, other = (f'{SAME}, when: order.attributes.model == "{model}"' for model in ("a", "b"))
    assert found(one, other) == []
    assert [p.code for p in found(one, one)] == ["R053"]
    assert [p.code for p in found(one, SAME)] == ["R053"]


def test_a_message_that_is_useless_before_it_has_waited_for_others_is_found() -> None:
    waits = "on: {reached: arrived}, say: here, combine: 6h, timing: {within: %s}"
    (problem,) = found(waits % "6h")
    assert problem.code == "R054"
    assert found(waits % "7h") == found(waits % "1d") == []


FALLS_BACK = "on: {reached: arrived}, say: here, channels: [push, sms, email], until: %s, fallback_after: %s"


def test_a_channel_of_which_nothing_is_reported_may_only_be_the_last_one() -> None:
    (problem,) = found(FALLS_BACK % ("delivered", "2h"), reports={"sms": "delivered"})

    assert problem.code == "R055"
    assert problem.message == "nobody reports what becomes of a message by push"
    reports = {"push": "opened", "sms": "delivered"}
    assert found(FALLS_BACK % ("delivered", "2h"), reports=reports) == []
    assert found(FALLS_BACK % ("{push: opened}", "2h"), reports={"push": "opened"}) == []
    assert found(FALLS_BACK % ("opened", "2h"), reports=None) == []


@pytest.mark.parametrize("channels", ["push, sms, email", "push, sms", "sms"])
def test_to_wait_for_an_open_that_a_channel_never_reports_is_found(channels: str) -> None:
    rule = FALLS_BACK.replace("push, sms, email", channels)
    reports = {"push": "opened", "sms": "delivered", "email": "opened"}
    (problem,) = found(rule % ("opened", "2h"), reports=reports)

    assert problem.code == "R058"
    assert problem.message == "nobody reports that a message by sms was opened, only that it was delivered"
    written = problem.hint.partition("`until: ")[2].partition("`")[0]
    assert found(rule % (written, "2h"), reports=reports) == [], "what the hint says has no finding"
    assert found(rule % ("opened", "2h"), reports={**reports, "sms": "opened"}) == []


def test_a_next_channel_whose_turn_comes_when_the_message_is_useless_is_found() -> None:
    (problem,) = found(f"{FALLS_BACK % ('opened', '6h')}, timing: {{within: 6h}}")

    assert problem.code == "R056"
    assert found(f"{FALLS_BACK % ('opened', '5h')}, timing: {{within: 6h}}") == []


def test_every_code_of_the_review_is_shown_here() -> None:
    assert {code for code in RULE_CODES if code.startswith("R05")} == {f"R05{n}" for n in range(9)}


def test_hours_that_are_never_open_in_every_zone_of_the_companys_country_are_found() -> None:
    offer = 'on: {reached: arrived}, say: here, purpose: marketing, channels: [sms], timing: {hours: "%s"}'
    policy = {"law": quiet_hours.law(), "time_zone": "America/New_York"}
    (problem,) = found(offer % "10:00-14:00", **policy)
    assert (problem.code, "in all zones of US" in problem.message) == ("R052", True)
    assert found(offer % "08:00-20:00", **policy) == []
    assert found(offer.replace("marketing", "service") % "10:00-14:00", **policy) == []
