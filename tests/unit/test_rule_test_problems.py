"""Rule tests that cannot be run: what is refused, with which code, at which place."""

from collections.abc import Mapping

import pytest

from tests.unit.test_rule_tests import HEAD, file, problems

HERE = "»"  # in a test's text: the place a problem must name


def with_test(keys: str) -> str:
    return file(f"- {{name: x, until: 2026-03-20, expect: [], {keys}}}")


def with_fact(keys: str) -> str:
    return with_given(f"{{at: 2026-03-05 10:00, {keys}}}")


def with_given(line: str) -> str:
    return file("- {name: x, until: 2026-03-20, expect: []}", HEAD + f"  - {line}\n")


def with_expected(line: str) -> str:
    return file(f"- {{name: x, until: 2026-03-20, expect: [{line}]}}")


WRONG: Mapping[str, tuple[str, str]] = {
    "a key of the file": ("X010", file("- {name: x, until: 2026-03-20, expect: []}", HEAD + "»jurney: x\n")),
    "a key of a test": ("X010", with_test("»nevr: []")),
    "a key of an expectation": ("X010", with_expected("{say: arrived, »tp: owner}")),
    "a key of a fact": (
        "X010", with_fact("event: promise.made, milestone: arrived, for: 2026-03-19, »tolt: true"),
    ),
    "a key of a customer": ("X010", with_test("customers: {maria: {»emial: a@b.org}}")),
    "a key that is nearly a missing one": ("X010", with_test("customers: {maria: {»regoin: BY}}")),
    "no name": ("X011", file("- »{until: 2026-03-20, expect: []}")),
    "no end": ("X011", file("- »{name: x, expect: []}")),
    "nothing asked": ("X011", file("- »{name: x, until: 2026-03-20}")),
    "no type": ("X011", with_given("»{at: 2026-03-05 10:00}")),
    "nothing said": ("X011", with_expected("»{to: owner}")),
    "no tests": ("X011", HEAD + "»tests: []\n"),
    "an order": ("X012", with_fact("event: order.held, order: »BX-10")),
    "a customer": ("X012", with_fact("event: customer.active, customer: »mria")),
    "no list": ("X013", file("- {name: x, until: 2026-03-20, expect: »arrived}")),
    "an empty key": ("X013", file("- {name: x, until: 2026-03-20, »expect: }")),
    "a milestone": ("X014", with_fact("event: milestone.reached, milestone: »arived")),
    "a text": ("X015", with_expected("{say: »arived}")),
    "a task as a text": ("X015", with_expected("{say: »call-the-customer}")),
    "a text of another rule": ("X015", with_expected("{say: »arrived, rule: not-arrived}")),
    "a task to answer": ("X015", with_fact("event: task.done, task: »call")),
    "a rule": ("X016", with_expected("{say: arrived, rule: »arived}")),
    "a type": ("X017", with_fact("event: »mileston.reached, milestone: arrived")),
    "a journey": ("X018", with_test("orders: {BX-100: {journey: »car}}")),
    "a role": ("X019", with_expected("{say: arrived, to: »costumer}")),
    "a channel": ("X019", with_expected("{say: arrived, by: »emial}")),
    "yes or no": ("X019", with_test("only_these: »maybe")),
    "no time": ("X020", with_expected("{say: arrived, at: »17:30}")),
    "no such day": ("X021", file("- {name: x, until: »2026-02-30, expect: []}")),
    "the gap of an order's clocks": ("X021", file("- {name: x, at: »2026-03-29 02:15, expect: []}")),
    "a fact after the end": ("X022", with_given("»{at: 2026-03-25 10:00, event: order.held}")),
    "expected after the end": ("X022", with_expected("»{say: arrived, at: 2026-03-21 10:00}")),
    "heard before it happened": ("X022", with_fact("heard: »2026-03-04 10:00, event: order.held")),
    "begins after it ends": ("X022", file("- {name: x, »from: 2026-03-21, until: 2026-03-20, expect: []}")),
    "a name twice": (
        "X023", file("- {name: x, until: 2026-03-20, never: []}\n- {name: »x, until: 2026-03-20, never: []}"),
    ),
    "a minute and a span": ("X024", file("- {name: x, at: 2026-03-20 10:00, »from: 2026-03-20, never: []}")),
    "a message and a task": ("X024", with_expected("»{say: arrived, task: call-the-customer}")),
    "what intake refuses": ("E113", with_test("customers: {maria: {email: »nobody}}")),
    "a zone": ("E110", with_test("orders: {BX-100: {location: {time_zone: »Mars}}}")),
    "no date": ("E107", with_fact("event: promise.made, milestone: arrived, for: »2026-3-19")),
    "no YAML": ("R003", "a: [»"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_at_its_place(what: str) -> None:
    code, text = WRONG[what]
    before, _, after = text.partition(HERE)
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))

    found = problems(before + after)

    assert [(p.code, p.line, p.column) for p in found] == [(code, *place)], [str(p) for p in found]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = file("- {name: x, until: 2026-03-20, expect: [{say: arived, to: costumer}], nevr: []}", HEAD)

    assert sorted(p.code for p in problems(text)) == ["X010", "X015", "X019"]
    assert [p.hint for p in problems(text)] == [
        "did you mean 'arrived'?",
        "did you mean 'customer'?",
        "did you mean 'never'?",
    ]


def test_a_fact_after_the_end_is_told_together_with_what_else_is_wrong_with_it() -> None:
    fact = "{at: 2026-03-25 10:00, event: milestone.reached, milestone: arived, order: BX-10}"
    text = file("- {name: x, until: 2026-03-20, expect: [{say: arived}]}", HEAD + f"  - {fact}\n")

    assert sorted(p.code for p in problems(text)) == ["X012", "X014", "X015", "X022"]


def test_a_comma_that_cuts_a_text_in_two_is_explained() -> None:
    (problem,) = problems(with_expected("{say: arrived, why: late, and nothing more is missing}"))

    assert problem.hint == "put a text that contains a comma in quotes"


def test_a_mistake_in_what_all_tests_share_is_told_once() -> None:
    head = HEAD.replace("milestone: arrived", "milestone: arived")
    text = file(
        "- {name: x, until: 2026-03-20, expect: []}\n- {name: y, until: 2026-03-20, expect: []}", head
    )

    assert [p.code for p in problems(text)] == ["X014"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "version: 1\n", "- a\n", "just words\n", "tests: 3\n"])
def test_a_file_without_a_test_is_a_problem(text: str) -> None:
    assert problems(text)
