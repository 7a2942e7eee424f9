"""Conditions: typed when loaded, true, false or unknown when asked, and where they are wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.conditions import ConditionError, Verdict, compile_condition, variables
from orchestrator.conditions.fields import FIELDS, declared
from orchestrator.conditions.text import Flaw
from orchestrator.journey import Journey, On, Rule, Rung, Trigger
from orchestrator.model import (
    Customer,
    Fact,
    Kind,
    Location,
    Milestone,
    Order,
    Outcome,
    Person,
    Promise,
    Promised,
    Status,
    Telling,
)

NOW = datetime(2026, 3, 12, 22, 30, tzinfo=UTC)  # a Thursday, 23:30 in Munich
BERLIN = "Europe/Berlin"
ATTRIBUTES = {
    "model": "text",
    "colour": "text",
    "number_plate": "text?",
    "price": "number",
    "demo": "flag",
    "registered": "date",
    "extras": "list",
}
NOT_ARRIVED = Rule("not-arrived", "new-car", Trigger(On.MISSED, "arrived"), (Rung("not-arrived-yet"),))
CAR = Journey(
    "new-car",
    phases={"waiting": ("ordered", "arrived"), "handover": ("prepared", "collected")},
    attributes=ATTRIBUTES,
    rules=(NOT_ARRIVED,),
)


def order(**changes: Any) -> Order:
    known: dict[str, Any] = {
        "id": "O-1",
        "journey": "new-car",
        "customer": "C-1",
        "since": NOW - timedelta(days=40),
        "owner": Person("Nora Brandt"),
        "location": Location("munich", "Autohaus Lindner", BERLIN),
        "attributes": {
            "model": "Corsa",
            "price": 23_500,
            "demo": False,
            "extras": ["towbar"],
            "registered": "2026-03-01",
        },
    }
    return Order(**{**known, **changes})


def maria(**changes: Any) -> Customer:
    known: dict[str, Any] = {
        "id": "C-1",
        "known": True,
        "locale": "de-DE",
        "country": "DE",
        "email": "maria.keller@example.com",
        "tags": ("fleet", "vip"),
        "attributes": {"points": 12, "nickname": None},
    }
    return Customer(**{**known, **changes})


def ask(text: str, about: Order | None = None, customer: Customer | None = None, **scene: Any) -> Verdict:
    given_scene: dict[str, Any] = {
        "now": NOW,
        "milestone": "arrived",
        "late_by": None,
        "event": None,
        "zone": BERLIN,
    }
    seen = variables(about or order(), customer or maria(), CAR, **{**given_scene, **scene})
    return compile_condition(text, ATTRIBUTES).evaluate(seen)


def flaws(text: str) -> list[Flaw]:
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, ATTRIBUTES)
    return caught.value.problems


# ── answers ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        'order.attributes.model != "demo"',
        'order.attributes.model.startsWith("Cor") && order.attributes.model.matches("^C.*a$")',
        "order.attributes.price > 20000",
        "order.attributes.price >= 23500 && order.attributes.price < 23500.5",
        "order.attributes.price == 23500",
        "20000 <= order.attributes.price",
        "!order.attributes.demo",
        '"towbar" in order.attributes.extras',
        "order.attributes.registered < now",
        'now - order.attributes.registered > duration("240h")',
        "order.has.model && !order.has.number_plate",
        'order.owner.name == "Nora Brandt" && order.location.id == "munich"',
        'order.status == "open" && order.journey == "new-car"',
        'customer.country in ["DE", "AT"] && customer.locale.startsWith("de")',
        '"vip" in customer.tags && customer.tags.exists(tag, tag.startsWith("fl"))',
        "customer.attributes.points >= 12",
        "has(customer.attributes.points) && !has(customer.attributes.nickname)",
        "customer.has_email && !customer.has_phone && !customer.has_push",
        'weekday == "thursday" && hour == 23',
        "now.getHours() == 22 && now.getHours('Europe/Berlin') == 23",
        'waited > duration("24h")',
        'milestone.name == "arrived" && !milestone.reached && milestone.episode == 1',
        "apologies == 0",
        'order.phase == "waiting"',
    ],
)
def test_what_is_known_can_be_asked(text: str) -> None:
    assert ask(text).value is True


def test_late_by_and_the_event_are_there_when_the_trigger_has_them() -> None:
    event = Fact(
        "dealer", "e1", "com.example.washed", "O-1", NOW, NOW, {"by": "Jonas", "hours": 2, "gone": None}
    )
    assert ask('late_by > duration("2h")', late_by=timedelta(hours=3)).value is True
    assert ask('event.type == "com.example.washed" && event.data.hours > 1.5', event=event).value is True
    assert ask("event.data.gone == 1", event=event).why == "event.data.gone has no value"
    assert ask("event.data.hours > 1").why == "event.data has no value"


def test_the_promise_in_question_can_be_asked() -> None:
    value = Promised(day=NOW.date())
    promise = Promise("arrived", 2, value, NOW, NOW, told=False, source="factory")
    moved = order(milestones={"arrived": Milestone("arrived", promises=[promise])})
    assert ask('promise.version == 2 && !promise.told && promise.source == "factory"', moved).value is True
    told = Milestone("arrived", promises=[promise], tellings=[Telling(value, NOW)])
    assert ask("promise.told", order(milestones={"arrived": told})).value is True
    assert ask("promise.told").value is None


def test_the_phase_is_that_of_the_furthest_milestone() -> None:
    far = {name: Milestone(name, reached=NOW) for name in ("ordered", "prepared")}
    assert ask('order.phase == "handover"', order(milestones=far)).value is True


def test_apologies_count_accepted_messages_of_missed_rules_for_this_milestone() -> None:
    def said(key: str, rule: str, kind: Kind, status: Status) -> Outcome:
        return Outcome(key, rule, f"arrived#1.{key}", "customer", kind, status, NOW)

    outcomes = [
        said("1", "not-arrived", Kind.MESSAGE, Status.ACCEPTED),
        said("2", "not-arrived", Kind.MESSAGE, Status.FAILED),
        said("3", "not-arrived", Kind.TASK, Status.ACCEPTED),
        said("4", "arrived", Kind.MESSAGE, Status.ACCEPTED),
    ]
    about = order(outcomes={outcome.key: outcome for outcome in outcomes})
    assert ask("apologies == 1", about).value is True
    assert ask("apologies == 0", about, milestone="prepared").value is True


# ── unknown ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ('order.attributes.colour == "red"', "order.attributes.colour"),
        ('order.attributes.colour != "red"', "order.attributes.colour"),
        ('order.attributes.number_plate == ""', "order.attributes.number_plate"),
        ("late_by > duration('2h')", "late_by"),
        ('customer.region == "CA"', "customer.region"),
        ("customer.attributes.nickname == 'x'", "customer.attributes.nickname"),
        ("customer.attributes.age.years > 3", "customer.attributes.age.years"),
        ('event.type == "x"', "event.type"),
    ],
)
def test_a_missing_value_makes_the_answer_unknown_and_says_which(text: str, missing: str) -> None:
    verdict = ask(text)
    assert (verdict.value, verdict.why) == (None, f"{missing} has no value")
    assert verdict.values == {missing: None}


def test_a_missing_value_that_does_not_matter_does_no_harm() -> None:
    assert ask('order.attributes.colour == "red" || hour == 23').value is True
    assert ask('order.attributes.colour == "red" && hour == 3').value is False


@pytest.mark.parametrize(
    ("attribute", "value", "text"),
    [
        ("model", 5, 'order.attributes.model == "x"'),
        ("price", "much", "order.attributes.price > 3"),
        ("price", True, "order.attributes.price > 3"),
        ("demo", "yes", "order.attributes.demo"),
        ("registered", "soon", "order.attributes.registered < now"),
        ("extras", "towbar", "'towbar' in order.attributes.extras"),
    ],
)
def test_a_value_of_another_type_than_declared_counts_as_missing(
    attribute: str, value: Any, text: str
) -> None:
    verdict = ask(text, order(attributes={attribute: value}))
    assert (verdict.value, verdict.why) == (None, f"order.attributes.{attribute} has no value")
    assert ask(f"order.has.{attribute}", order(attributes={attribute: value})).value is False


def test_an_order_before_its_customer_leaves_the_customers_fields_unknown() -> None:
    seen = variables(order(), None, CAR, now=NOW, milestone="arrived", late_by=None, event=None, zone=BERLIN)
    verdict = compile_condition("customer.has_email", ATTRIBUTES).evaluate(seen)
    assert (verdict.value, verdict.why) == (None, "customer.has_email has no value")


@pytest.mark.parametrize(
    "text",
    ["customer.attributes.points / 0 == 1", "customer.attributes.points > 'x'", "customer.tags[9] == 'x'"],
)
def test_what_goes_wrong_while_deciding_is_unknown_with_the_reason(text: str) -> None:
    verdict = ask(text)
    assert verdict.value is None
    assert verdict.why


def test_the_trace_holds_what_the_expression_mentions_and_nothing_else() -> None:
    verdict = ask(
        'customer.attributes.points > 3 && order.attributes.model.size() > 2 && late_by > duration("1h") '
        '&& now > order.attributes.registered // customer.country and "hour" are only words here',
        late_by=timedelta(hours=3),
    )
    assert verdict == Verdict(
        value=True,
        why="",
        values={
            "customer.attributes.points": 12,
            "order.attributes.model": "Corsa",
            "late_by": "3:00:00",
            "now": "2026-03-12T22:30:00+00:00",
            "order.attributes.registered": "2026-03-01T00:00:00+01:00",
        },
    )


def test_two_conditions_that_read_the_same_are_equal() -> None:
    assert compile_condition("hour > 3", ATTRIBUTES) == compile_condition("hour > 3", ATTRIBUTES)
    assert compile_condition("hour > 3", ATTRIBUTES) != compile_condition("hour > 4", ATTRIBUTES)


def test_every_declared_field_can_be_read_or_is_missing() -> None:
    seen = variables(
        order(), maria(), CAR, now=NOW, milestone="arrived", late_by=None, event=None, zone=BERLIN
    )
    assert set(seen) <= set(declared(ATTRIBUTES))
    assert len(seen) == len(list(seen)) > 20
    missing = {name for name in FIELDS if name not in seen}
    assert {"late_by", "event.type", "event.data"} <= missing


LEAVE_IT_OUT = "leave it out: a missing value makes the condition unknown, and the rule does not fire"

# ── mistakes ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "code", "place", "message", "hint"),
    [
        (
            "order.attributes.modl == 'x'",
            "R032",
            (1, 1),
            "no field called 'order.attributes.modl'",
            "did you mean 'order.attributes.model'?",
        ),
        (
            "hour > 3 &&\n  weekdy == 'monday'",
            "R032",
            (2, 3),
            "no field called 'weekdy'",
            "did you mean 'weekday'?",
        ),
        ("model == 'x'", "R032", (1, 1), "no field called 'model'", "did you mean 'order.attributes.model'?"),
        (
            "order.attributes.wheels == 4",
            "R032",
            (1, 1),
            "no field called 'order.attributes.wheels'",
            "declare it: attributes: {wheels: text}",
        ),
        (
            "order.attribute.model == 'x'",
            "R032",
            (1, 1),
            "no field called 'order.attribute.model'",
            "did you mean 'order.attributes.model'?",
        ),
        ("weekday == monday", "R032", (1, 12), "no field called 'monday'", "a text needs quotes"),
        ("nofunc(hour) == 1", "R032", (1, 1), "no function called 'nofunc'", ""),
        (
            "order.id.startswith('x')",
            "R032",
            (1, 10),
            "no function called 'startswith'",
            "did you mean 'startsWith'?",
        ),
        (
            "order.id.x == 'x'",
            "R032",
            (1, 1),
            "no field called 'order.id.x'",
            "'order.id' is a text and has no parts",
        ),
        (
            "hour > '3'",
            "R031",
            (1, 6),
            "'>' cannot combine a whole number with a text",
            "write the number without quotes, or the text with them",
        ),
        (
            "late_by > '2h'",
            "R031",
            (1, 9),
            "'>' cannot combine a duration with a text",
            'write duration("2h")',
        ),
        (
            "late_by > 3",
            "R031",
            (1, 9),
            "'>' cannot combine a duration with a whole number",
            'write duration("2h")',
        ),
        (
            "now > '2026-03-12'",
            "R031",
            (1, 5),
            "'>' cannot combine a moment with a text",
            'write timestamp("2026-03-12T09:00:00Z")',
        ),
        (
            "'x' in weekday",
            "R031",
            (1, 5),
            "'in' cannot combine a text with a text",
            'the right side must be a list: "x" in customer.tags',
        ),
        ("customer.tags == 'x'", "R031", (1, 15), "'==' cannot combine a list with a text", ""),
        ("hour = 3", "R030", (1, 6), "'=' is not expected here", "compare with =="),
        ("hour > 3 and hour < 5", "R030", (1, 10), "'and' is not expected here", "write && instead of 'and'"),
        (
            "not customer.has_email",
            "R030",
            (1, 5),
            "'customer' is not expected here",
            "write ! instead of 'not'",
        ),
        ("hour >", "R030", (1, 7), "the condition ends too early", ""),
        ("late_by > 2h", "R030", (1, 12), "'h' is not expected here", 'write a length as duration("2h")'),
        (
            "order.id",
            "R033",
            (1, 1),
            "the condition is a text, not true or false",
            "compare it with something: … == …",
        ),
        (
            "event.data.x",
            "R033",
            (1, 1),
            "the condition is anything, not true or false",
            "compare it: … == true",
        ),
        (
            "has(order.attributes.colour)",
            "R034",
            (1, 5),
            "has() cannot ask for order.attributes.colour",
            "write order.has.colour",
        ),
        ("has(customer.region)", "R034", (1, 5), "has() cannot ask for customer.region", LEAVE_IT_OUT),
        (
            "late_by > duration('2d')",
            "R036",
            (1, 20),
            "'2d' is not a duration here",
            'conditions know h, m and s: "48h", "1h30m"',
        ),
        (
            "now > timestamp('soon')",
            "R036",
            (1, 17),
            "'soon' is not a moment",
            'write "2026-03-12T09:00:00Z"',
        ),
        (
            "order.id.matches('(')",
            "R036",
            (1, 18),
            "'(' is not a regular expression (RE2)",
            "RE2 knows no look-around and no back-references",
        ),
        (
            "now.getHours('Europe/Berln') > 3",
            "R036",
            (1, 14),
            "'Europe/Berln' is not a time zone",
            "write an IANA name: Europe/Berlin",
        ),
        ("(" * 40 + "true" + ")" * 40, "R035", (1, 33), "nested more than 32 deep", "split the rule"),
        ("hour" + " + 1" * 40 + " > 3", "R035", (1, 1), "nested more than 32 deep", "split the rule"),
        (
            "true" + " " * 5_000,
            "R035",
            (1, 1),
            "the condition is longer than 4,000 characters",
            "split the rule",
        ),
    ],
)
def test_a_mistake_is_explained_at_its_place(
    text: str, code: str, place: tuple[int, int], message: str, hint: str
) -> None:
    (flaw,) = flaws(text)
    assert (flaw.code, (flaw.line, flaw.column), flaw.message, flaw.hint) == (code, place, message, hint)


def test_every_mistake_of_an_expression_is_found_in_one_run() -> None:
    found = flaws(
        "hour > '3' || wekday == 'x' ||\n  has(order.attributes.model) || late_by > duration('2 days')"
    )
    assert [(flaw.code, flaw.line) for flaw in found] == [("R031", 1), ("R032", 1), ("R034", 2), ("R036", 2)]


def test_columns_count_characters_not_bytes() -> None:
    (flaw,) = flaws("'é😀' == weekday || nobody")
    assert flaw.column == 20


PIECES = [
    *"ab.()[]{}'\"\\!&|<>=+-*/%?:, \n1\u2028😀",
    "hour",
    "order.id",
    "duration",
    "matches",
    "has",
    "true",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_expression_is_too_strange_to_be_answered(text: str) -> None:
    found = attempt(text)
    if isinstance(found, Verdict):
        assert found.value in (True, False) or found.why
    else:
        assert found
        assert all(flaw.line >= 1 and flaw.column >= 1 and 0 <= flaw.offset <= len(text) for flaw in found)


def attempt(text: str) -> Verdict | list[Flaw]:
    try:
        return compile_condition(text, ATTRIBUTES).evaluate({})
    except ConditionError as error:
        return error.problems


# ── limits ───────────────────────────────────────────────────────────────────


def test_no_regular_expression_and_no_loop_runs_for_ever() -> None:
    ask("order.id.matches('(a+)+$')", order(id="a" * 50_000 + "b"))
    numbers = "[" + ",".join(["1"] * 300) + "]"
    endless = ask(f"{numbers}.all(a, {numbers}.all(b, {numbers}.all(c, a + b + c > 0)))")
    assert (endless.value, endless.why) == (None, "Iteration budget exceeded")
