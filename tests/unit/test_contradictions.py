"""Comparisons of one field that contradict each other, or that together leave nothing out (R050)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import rules
from orchestrator.conditions.fields import declared
from orchestrator.rules.contradictions import constant
from orchestrator.rules.review import review

TYPES = declared({"price": "money", "colour": "text", "gift": "flag", "built": "date"})
PRICE, COLOUR, GIFT = "order.attributes.price", "order.attributes.colour", "order.attributes.gift"

NEVER = [
    "hour < 3 && hour > 5",
    "5 < hour && 3 > hour",
    "hour > 3 && hour < 4",
    "hour < 8 && (hour > 9 || hour == 8)",
    "!(hour >= 3 || hour < 5)",
    'hour < 3 && customer.has_email && weekday == "monday" && hour > 5',
    "customer.has_email && !customer.has_email",
    "customer.has_email == true && customer.has_email == false",
    'weekday == "monday" && weekday == "tuesday"',
    'order.status != "open" && order.status != "held" && order.status != "cancelled"',
    f'{COLOUR} == "red" && {COLOUR} == "blue"',
    f"{COLOUR} == r'red' && {COLOUR} == 'blue'",
    f'{COLOUR} == \'red\' && {COLOUR} != """red"""',
    f"{PRICE} < 10 && {PRICE} > 10.5",
    f"{GIFT} && {GIFT} != true",
    'late_by < duration("2h") && late_by >= duration("1h90m")',
    'now < timestamp("2026-01-01T00:00:00Z") && now > timestamp("2026-01-01T00:00:01Z")',
    "apologies < 1 && apologies > 1 // said once",
]
ALWAYS = ["hour >= 3 || hour <= 5", "hour != 3 || hour != 5", "customer.has_push || !customer.has_push"]
OPEN = [
    "hour > 3 && hour < 5",
    "hour < 3 || hour > 5",
    "hour < 3 && apologies > 5",
    f"{PRICE} > 3 && {PRICE} < 4",
    f'{COLOUR} != "red" && {COLOUR} != "blue"',
    '["a"].exists(x, x == "b") && hour < 3',
    "(hour < 3 ? hour > 5 : hour < 4)",
    "hour < 3 ? hour > 5 && true : hour < 4",
    "hour - 4 < 3 && hour > 5",
    "hour < 3 && -hour > 5",
    f"{COLOUR} == r'red' && {COLOUR} == 'red'",
    f'{COLOUR} == """red""" && {COLOUR} == \'red\'',
    'event.data.x == "a" && event.data.x == "b"',
    'late_by < duration("2h") && late_by >= duration("90m")',
    "customer.has_email == !customer.has_email",
]


@pytest.mark.parametrize("text", NEVER)
def test_comparisons_that_no_value_meets_are_never_true(text: str) -> None:
    assert list(constant(text, TYPES)) == [(text.partition(" //")[0], False)]


@pytest.mark.parametrize("text", ALWAYS)
def test_comparisons_that_every_value_meets_are_always_true(text: str) -> None:
    assert list(constant(text, TYPES)) == [(text, True)]


@pytest.mark.parametrize("text", OPEN)
def test_what_some_value_meets_or_nobody_can_tell_is_left_alone(text: str) -> None:
    assert list(constant(text, TYPES)) == []


def test_a_part_in_vain_is_named_beside_what_is_not() -> None:
    text = "customer.has_email || (apologies < 1 && apologies > 2)"
    assert list(constant(text, TYPES)) == [("apologies < 1 && apologies > 2", False)]


COMPARED = st.builds(
    "hour {} {}".format, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(0, 23)
)
JOINED = st.recursive(
    COMPARED,
    lambda part: st.builds("({} {} {})".format, part, st.sampled_from(["&&", "||"]), part),
    max_leaves=6,
)


@given(JOINED)
def test_a_constant_is_told_only_where_every_hour_gives_that_answer(text: str) -> None:
    for part, answer in constant(text, TYPES):
        written = part.replace("&&", "and").replace("||", "or")
        assert {bool(eval(written, {"hour": hour})) for hour in range(24)} == {answer}


def test_the_check_says_it_at_the_condition() -> None:
    text = (
        "version: 1\njourney: car\nmilestones: [arrived]\nrules:\n"
        "  - {id: here, on: {reached: arrived}, when: hour < 3 && hour > 5, say: here}\n"
    )
    book, problems = rules.load({"car.yaml": text})
    assert problems == []

    (problem,) = review(book, {"car.yaml": text})

    assert (problem.code, problem.message) == ("R050", "hour < 3 && hour > 5 is never true")
    assert (problem.line, problem.column) == (5, text.splitlines()[4].index("when:") + 1)
