"""How an order stands, as lists over all orders show it: silence, promises, open tasks."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest

from orchestrator.journey import Journey, Mode, On, Rule, RuleBook, Rung, Trigger
from orchestrator.model import ENGINE, Customer, Fact, Promised
from orchestrator.planning.fold import fold_order
from orchestrator.planning.planner import case_of
from orchestrator.planning.standing import OpenTask, Standing, standing
from tests.builders import at, car_order, event, incoming, promised, reached

CAR = Journey("new-car", phases={"waiting": ("ordered", "built", "arrived"), "handover": ("collected",)})
NOW = at("2026-03-20 12:00")
CALL = "O-1/not-arrived/arrived#1.2026-03-12.r1.task/owner"


def heard(*said: dict[str, Any] | Fact) -> list[Fact]:
    return [one if isinstance(one, Fact) else incoming(one).fact for one in said]


def stands(*said: dict[str, Any] | Fact) -> Standing:
    order = fold_order("O-1", heard(car_order(), *said))
    return standing(case_of(order, Customer("C-1"), CAR, RuleBook({"new-car": CAR}), NOW))


def came_to(status: str, key: str, when: str, **more: Any) -> Fact:
    """What the engine writes about one of its own notifications."""
    _, rule, occasion, role = key.split("/")
    data = {"key": key, "rule": rule, "occasion": occasion, "role": role, "kind": "task", "channel": "email",
            "template": "new-car/call-the-customer", "purpose": "service"}  # fmt: skip
    return Fact(ENGINE, f"{key}/{status}", f"notification.{status}", "O-1", at(when), at(when), data | more)


def given(when: str = "2026-03-12 17:30", key: str = CALL, status: str = "accepted") -> Fact:
    return came_to(status, key, when)


def said(when: str) -> Fact:
    key = "O-1/built/built#1/customer"
    return came_to("accepted", key, when, kind="message", template="new-car/built")


def test_silence_begins_with_the_order_and_anew_with_each_contact() -> None:
    assert stands().silent_since == at("2026-03-01 09:00")
    assert stands(said("2026-03-05 10:00")).silent_since == at("2026-03-05 10:00")
    called = event("contact.logged", "O-1", "2026-03-07 11:00", direction="out", by="Nora Brandt")
    assert stands(said("2026-03-05 10:00"), called).silent_since == at("2026-03-07 11:00")


@pytest.mark.parametrize(
    "over",
    [
        reached("O-1", "collected", "2026-03-10 12:00"),
        event("order.cancelled", "O-1", "2026-03-10 12:00"),
        event("order.held", "O-1", "2026-03-10 12:00"),
    ],
)
def test_whose_order_is_over_or_on_hold_does_not_wait(over: dict[str, Any]) -> None:
    found = stands(promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00"), over)
    assert (found.silent_since, found.promise_ends) == (None, None)


def test_the_promise_that_ends_first_of_those_the_customer_was_told_is_what_they_count_on() -> None:
    found = stands(
        promised("O-1", "collected", "2026-03-18 10:00", "2026-03-02 09:00"),
        promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00"),
        promised("O-1", "built", "2026-03-05", "2026-03-02 09:00", told=False),
    )
    assert (found.promise, found.promised) == ("arrived", Promised(day=date(2026, 3, 12)))
    assert found.promise_ends == at("2026-03-13 00:00")


def test_where_a_rule_says_when_the_day_is_over_the_promise_is_broken_then() -> None:
    missed = Trigger(On.MISSED, "arrived", closes=time(17, 30))
    rules = tuple(
        Rule(mode, "new-car", missed, (Rung(say="late"),), mode=Mode(mode)) for mode in ("live", "shadow")
    )
    promise = promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00")
    order = fold_order("O-1", heard(car_order(), promise))

    def ends(*some: Rule) -> datetime | None:
        car = replace(CAR, rules=some)
        return standing(case_of(order, Customer("C-1"), car, RuleBook({"new-car": car}), NOW)).promise_ends

    assert ends(rules[0]) == at("2026-03-12 17:30")
    assert ends(rules[1]) == at("2026-03-13 00:00")


def test_a_new_date_that_nobody_was_told_does_not_keep_the_promise() -> None:
    found = stands(
        promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00"),
        promised("O-1", "arrived", "2026-03-19", "2026-03-09 09:00"),
    )
    assert found.promise_ends == at("2026-03-13 00:00")


def test_what_happened_or_was_overtaken_is_no_open_promise() -> None:
    arrived = promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00")
    assert stands(arrived, reached("O-1", "arrived", "2026-03-12 10:00")).promise_ends is None
    built = promised("O-1", "built", "2026-03-12", "2026-03-02 09:00")
    assert stands(built, reached("O-1", "arrived", "2026-03-11 10:00")).promise_ends is None


@pytest.mark.parametrize("status", ["accepted", "unknown", "failed"])
def test_a_task_is_open_from_when_it_was_given_even_if_its_mail_failed(status: str) -> None:
    assert stands(given(status=status)).tasks == (
        OpenTask(CALL, "new-car/call-the-customer", "owner", at("2026-03-12 17:30")),
    )


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_what_was_never_given_is_no_open_task(status: str) -> None:
    assert stands(given(status=status)).tasks == ()


def test_a_task_that_went_to_the_manager_too_is_one_and_whoever_finishes_it_has_done_it() -> None:
    to_paul = CALL.replace("/owner", "/manager")
    both = given(), given("2026-03-13 09:30", to_paul)
    assert stands(*both).tasks == (
        OpenTask(to_paul, "new-car/call-the-customer", "manager", at("2026-03-12 17:30")),
    )
    assert (
        stands(*both, event("task.done", "O-1", "2026-03-13 10:00", task=CALL, by="Nora Brandt")).tasks == ()
    )


def test_whoever_acknowledged_a_task_is_named_and_it_stays_open() -> None:
    taken = event("task.acknowledged", "O-1", "2026-03-12 18:05", task=CALL, by="Nora Brandt")
    assert [task.by for task in stands(given(), taken).tasks] == ["Nora Brandt"]


def test_what_happened_since_makes_a_task_moot_also_if_it_was_heard_of_late() -> None:
    late = reached("O-1", "arrived", "2026-03-12 10:00", heard="2026-03-12 18:00")
    assert stands(given(), late).tasks == ()
    assert stands(given(), event("order.cancelled", "O-1", "2026-03-13 09:00")).tasks == ()
    before = reached("O-1", "arrived", "2026-03-12 10:00")
    handed = given("2026-03-12 10:05", "O-1/arrived/arrived#1.task/owner")
    assert len(stands(before, handed).tasks) == 1


def test_what_was_to_be_done_in_an_episode_that_was_taken_back_is_moot() -> None:
    gone = event("milestone.retracted", "O-1", "2026-03-12 12:00", milestone="arrived")
    handed = given("2026-03-12 10:05", "O-1/arrived/arrived#1.task/owner")
    assert stands(reached("O-1", "arrived", "2026-03-12 10:00"), handed, gone).tasks == ()


def test_whoever_wrote_is_answered_also_when_the_order_is_over() -> None:
    key = "O-1/reply/message.replied.1.task/owner"
    asked = came_to("accepted", key, "2026-03-09 10:00", template="new-car/answer-the-customer")
    over = reached("O-1", "collected", "2026-03-10 12:00")
    assert [task.task for task in stands(asked, over).tasks] == [key]


def test_how_an_order_stands_does_not_depend_on_when_one_asks() -> None:
    promise = promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00")
    order = fold_order("O-1", heard(car_order(), promise, given()))

    def asked(now: datetime) -> Standing:
        return standing(case_of(order, Customer("C-1"), CAR, RuleBook({"new-car": CAR}), now))

    assert asked(at("2026-03-02 10:00")) == asked(at("2027-03-02 10:00"))
