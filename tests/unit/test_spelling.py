"""Slips of whoever sends events are told on the order, and stop nothing."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.engine import problem_of
from orchestrator.intake.types import CORE
from orchestrator.journey import BusinessCalendar, RuleBook
from orchestrator.planning.answering import KEPT
from orchestrator.planning.planner import journey_of
from orchestrator.planning.spelling import slips
from tests.builders import car_order, event, maria, promised, reached
from tests.deciding import Told, book, decide, fold, one, outcome

RULES = book(
    "{id: arrived, on: {reached: arrived}, say: arrived}",
    "{id: odd, on: {event: promise.mate}, say: odd}",
)


def said(*told: Told) -> str:
    order, _ = fold(car_order(), maria(), *told)
    journey = journey_of(order, RULES)
    assert not isinstance(journey, str)
    return slips(order, journey, frozenset(CORE))


def test_a_channel_that_a_customer_wants_and_there_is_none_of_is_named_once() -> None:
    def of(*channels: str, rules: RuleBook = RULES, **more: Any) -> str:
        prefers = event("preference.set", "C-1", "2026-03-01 10:00", channels=list(channels), **more)
        order, customer = fold(car_order(), maria(), prefers)
        return problem_of(order, customer, rules)

    assert of("sms", "email", "push", "inbox") == ""
    evenings = [{"days": "mon", "from": "19:00", "to": "21:00", "channel": "fax"}]
    assert of("fax", windows=evenings) == "customer wants 'fax', and no channel is called so"
    assert of("night_post", "email") == "customer wants 'night_post', and no channel is called so"
    by_post = book("{id: a, on: {reached: arrived}, say: a, channels: [night_post]}")
    assert of("night_post", rules=by_post) == ""


@pytest.mark.parametrize(
    ("calendar", "told"),
    [
        ("munihc", "location keeps calendar 'munihc', and none is called so; did you mean 'munich'?"),
        ("Munich", "location keeps calendar 'Munich', and none is called so; did you mean 'munich'?"),
        ("munich", ""),
        ("hamburg", ""),  # keeps the default one, as every other place
        ("defaul", ""),
    ],
)
def test_a_calendar_that_is_nearly_one_of_the_settings_is_asked_about(calendar: str, told: str) -> None:
    rules = book(
        "{id: arrived, on: {reached: arrived}, say: arrived}",
        calendars={"munich": BusinessCalendar({}), "default": BusinessCalendar({})},
    )
    there = event("order.upserted", "O-1", "2026-03-01 10:00", location={"id": "m", "calendar": calendar})
    order, customer = fold(car_order(), maria(), there)
    assert problem_of(order, customer, rules) == told


def test_a_milestone_that_is_not_on_the_path_is_named_with_what_was_meant() -> None:
    wrong = reached("O-1", "arrvied", "2026-03-12 11:20")
    assert said(wrong) == (
        "milestone 'arrvied' is not on the path of new-car; did you mean 'arrived'? "
        "Send that, or milestone.retracted of 'arrvied'"
    )
    strange = promised("O-1", "zeppelin", "2026-03-12", "2026-03-12 11:20")
    assert said(strange) == (
        "milestone 'zeppelin' is not on the path of new-car; "
        "send milestone.retracted of 'zeppelin', if it was a slip"
    )


def test_every_slip_of_an_order_is_named_and_of_very_many_the_first() -> None:
    two = said(
        reached("O-1", "arrvied", "2026-03-12 11:20"),
        promised("O-1", "collectd", "2026-03-12", "2026-03-12 11:20"),
        event("message.replid", "O-1", "2026-03-12 11:20"),
        event("contact.loged", "O-1", "2026-03-12 11:20"),
    )
    for name in ("'arrvied'", "'collectd'", "'message.replid'", "'contact.loged'"):
        assert name in two
    many = said(*(reached("O-1", f"zeppelin-{number}", "2026-03-12 11:20") for number in range(40)))
    assert many.count("is not on the path") == 5
    assert many.endswith("; and 35 more")


def test_what_made_an_order_unknown_is_named_beside_that_it_is_unknown() -> None:
    order, customer = fold(event("order.upsertd", "O-1", "2026-03-12 11:20", customer="C-1"))
    assert problem_of(order, customer, RULES) == (
        "order O-1 is not known yet: no order.upserted was heard; "
        "no rule waits for events of type 'order.upsertd'; did you mean 'order.upserted'?"
    )


def test_a_rule_that_fails_hides_no_slip_and_nothing_is_told_twice() -> None:
    order, customer = fold(car_order(), maria(), reached("O-1", "arrvied", "2026-03-12 11:20"))
    told = problem_of(order, customer, RULES, "odd: it failed on this order (KeyError)")
    assert told.startswith("odd: it failed on this order (KeyError); milestone 'arrvied'")
    assert problem_of(order, customer, RULES, told) == told


WRONG = promised("O-1", "arived", "2026-03-20", "2026-03-12 11:20")


@pytest.mark.parametrize(
    "mended",
    [
        promised("O-1", "arrived", "2026-03-20", "2026-03-12 11:25"),
        event("milestone.retracted", "O-1", "2026-03-12 11:25", milestone="arived"),
        event("order.cancelled", "O-1", "2026-03-12 11:25"),
        reached("O-1", "collected", "2026-03-12 11:25"),
    ],
)
def test_a_name_that_was_put_right_is_no_problem_any_more(mended: Told) -> None:
    assert said(WRONG).startswith("milestone 'arived' is not on the path")
    assert said(WRONG, mended) == ""


def test_another_sender_or_another_fact_puts_no_name_right() -> None:
    other = promised("O-1", "arrived", "2026-03-20", "2026-03-12 11:25", sender="other")
    assert said(WRONG, other)
    assert said(WRONG, reached("O-1", "arrived", "2026-03-12 11:25"))
    before = promised("O-1", "arrived", "2026-03-20", "2026-03-12 11:15")
    assert said(before, WRONG)


def test_a_type_that_is_nearly_the_one_a_rule_waits_for_is_asked_about() -> None:
    rules = book("{id: dent, on: {event: fitter.damage_reportd}, say: dent}")
    order, _ = fold(car_order(), event("fitter.damage_reported", "O-1", "2026-03-12 09:00"))

    assert slips(order, rules.journeys["new-car"], frozenset(CORE)) == (
        "no rule waits for events of type 'fitter.damage_reported'; did you mean 'fitter.damage_reportd'?"
    )


def test_a_type_that_was_sent_again_as_it_is_called_is_no_problem_any_more() -> None:
    wrong = event("promise.mad", "O-1", "2026-03-12 11:20", milestone="arrived", date="2026-03-20")
    assert said(wrong)
    assert not said(wrong, promised("O-1", "arrived", "2026-03-20", "2026-03-12 11:25"))


def test_an_attribute_that_is_nearly_a_missing_declared_one_is_named() -> None:
    plain = {**car_order(), "data": {"customer": "C-1", "modell": "Corsa"}}
    order, _ = fold(plain, maria())
    journey = journey_of(order, RULES)
    assert not isinstance(journey, str)
    assert slips(order, journey, frozenset(CORE)) == (
        "attribute 'modell' is not declared by new-car; did you mean 'model'?"
    )


def test_a_number_where_a_text_is_declared_is_named() -> None:
    number = event("order.upserted", "O-1", "2026-03-02 09:00", model=5)
    assert said(number) == "attribute 'model' is a number, and new-car declares a text"


def judged(attributes: dict[str, object], declared: dict[str, str]) -> str:
    plain = {**car_order(), "data": {"customer": "C-1", "attributes": attributes}}
    order, _ = fold(plain, maria())
    journey = journey_of(order, RULES)
    assert not isinstance(journey, str)
    return slips(order, replace(journey, attributes=declared), frozenset(CORE))


DECLARED = {"model": "text", "n": "number?", "m": "money?", "d": "date?", "f": "flag?", "l": "list?"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"n": "many"}, "attribute 'n' is a text, and new-car declares a number; did you mean 3 or 3.5"),
        ({"n": True}, "attribute 'n' is true or false, and new-car declares a number"),
        ({"m": "12 bananas"}, "attribute 'm' is no sum, and new-car declares a money; did you mean a sum"),
        ({"m": 12}, "attribute 'm' is a number, and new-car declares a money"),
        ({"d": "soon"}, "attribute 'd' is no date, and new-car declares a date; did you mean a day such as"),
        ({"d": 5}, "attribute 'd' is a number, and new-car declares a date"),
        ({"f": "yes"}, "attribute 'f' is a text, and new-car declares a flag; did you mean true or false"),
        ({"l": "one"}, "attribute 'l' is a text, and new-car declares a list"),
    ],
)
def test_a_value_that_is_not_of_the_declared_kind_is_named(wrong: dict[str, object], told: str) -> None:
    found = judged({"model": "Corsa", **wrong}, DECLARED)
    assert found.startswith(told)
    assert "bananas" not in found
    assert "soon" not in found


def test_a_declared_attribute_that_is_missing_is_named_unless_it_may_be() -> None:
    assert judged({}, DECLARED) == "attribute 'model' is missing, and new-car declares it without '?'"
    assert judged({"model": None}, DECLARED) == judged({}, DECLARED)


def test_values_of_the_declared_kinds_are_no_slips() -> None:
    right = {"model": "Corsa", "n": 3.5, "m": "12.50 EUR", "d": "2026-03-12", "f": False, "l": ["a"]}
    assert judged(right, DECLARED) == ""
    assert judged(right | {"n": 3, "m": {"amount": "12.50", "currency": "EUR"}}, DECLARED) == ""


def test_a_slip_stops_nothing_else() -> None:
    wrong = reached("O-1", "arrvied", "2026-03-12 11:10")
    right = reached("O-1", "arrived", "2026-03-12 11:20")
    assert one(decide(RULES, wrong, right, now="2026-03-12 11:20")).rule == "arrived"


@pytest.mark.parametrize(
    ("kind", "meant"), [("promise.mad", "promise.made"), ("milestone.reachd", "milestone.reached")]
)
def test_a_core_type_that_is_misspelt_is_named(kind: str, meant: str) -> None:
    assert said(event(kind, "O-1", "2026-03-12 11:20")) == (
        f"no rule waits for events of type {kind!r}; did you mean {meant!r}?"
    )


@pytest.mark.parametrize("kind", ["promise.made", "invoice.paid", "promise.mate", *sorted(KEPT)])
def test_core_types_types_of_ones_own_and_those_that_a_rule_waits_for_are_no_slips(kind: str) -> None:
    data = {"milestone": "arrived", "date": "2026-03-20"} if kind == "promise.made" else {}
    assert said(event(kind, "O-1", "2026-03-12 11:20", **data)) == ""


TASKED = book("{id: call, on: {missed: arrived}, task: {for: owner, do: call, within: 4h, then: manager}}")


def test_an_answer_to_a_task_that_nobody_was_given_is_kept_and_named() -> None:
    told = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    given = decide(TASKED, told, now="2026-03-13 08:00").wanted[0]
    came = outcome(given, "2026-03-13 08:00")
    answered = event("task.done", "O-1", "2026-03-13 08:20", task=given.key, by="Nora Brandt")
    slip = event(
        "task.done", "O-1", "2026-03-13 08:30", task=given.key.replace("call", "cal"), by="Nora Brandt"
    )
    assert said(told, came, answered) == ""
    assert said(told, came, slip) == (
        f"nobody was given the task {slip['data']['task']!r} that was answered; did you mean {given.key!r}?"
    )
    assert said(told, answered) == f"nobody was given the task {given.key!r} that was answered"
    assert said(told, answered, came) == ""
