"""Rule tests: what may be written, what is refused and where, and how what was said is compared."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from textwrap import dedent, indent

import pytest

from channels.registry import NAMES
from orchestrator import config
from orchestrator.cli import house
from orchestrator.errors import Problem
from orchestrator.findings import Wrong
from orchestrator.rule_tests import shape
from orchestrator.rule_tests.codes import TEST_CODES
from orchestrator.rule_tests.coverage import coverage, untested
from orchestrator.rule_tests.moments import parse_moment
from orchestrator.rule_tests.reader import load
from orchestrator.rule_tests.running import run, verdicts
from orchestrator.rule_tests.values import Verdict
from orchestrator.rules import read

ROOT = Path(__file__).parents[2]
BERLIN = "Europe/Berlin"
SETTINGS = config.load(ROOT / "config.toml", {})
RULES = house.written(SETTINGS, ROOT / "rules" / "new-car.yaml", ROOT / "templates")
COMPOSER = house.composer(SETTINGS, RULES.renderer)

HEAD = """\
version: 1
journey: new-car
customers:
  maria: {name: Maria Keller, email: maria.keller@example.com, phone: "+49 30 23125 123"}
orders:
  BX-100:
    owner: {name: Nora Brandt, email: nora.brandt@example.com}
    manager: {name: Paul Lindner, email: paul.lindner@example.com}
    location: {time_zone: Europe/Berlin}
    attributes: {model: Aria Touring}
given:
  - {at: 2026-03-02 10:00, event: promise.made, milestone: arrived, for: 2026-03-12}
"""


def file(tests: str, head: str = HEAD) -> str:
    return f"{head}tests:\n{indent(dedent(tests).strip(), '  ')}\n"


def problems(text: str) -> list[Problem]:
    return load({"t.yaml": text}, RULES.book, NAMES)[1]


def verdict(test: str, head: str = HEAD) -> Verdict:
    """How the only test of a file that can be read ends."""
    cases, found = load({"t.yaml": file(test, head)}, RULES.book, NAMES)
    assert [str(problem) for problem in found] == []
    (only,) = verdicts(cases, RULES.book, COMPOSER, NAMES)
    return only


def codes(of: Verdict) -> list[str]:
    return [problem.code for problem in of.failures]


# ── what may be written ──────────────────────────────────────────────────────


def test_a_case_that_is_as_expected_passes() -> None:
    done = verdict("""
        - name: the evening
          at: Thu 2026-03-12 17:30
          expect:
            - {say: not-arrived-yet, to: customer, by: sms, rule: not-arrived, order: BX-100, why: HAD NOT}
            - {task: call-the-customer, at: 2026-03-12 17:30}
    """)

    assert done.passed
    assert done.met == {("not-arrived", "not-arrived-yet"), ("not-arrived", "call-the-customer")}


def test_a_task_is_answered_by_its_name_and_then_nobody_is_passed_over() -> None:
    done = verdict("""
        - name: answered
          given:
            - at: 2026-03-12 16:20
              event: task.acknowledged
              task: record-arrival-or-new-date
              by: Nora Brandt
          until: 2026-03-12 17:29
          expect: [{task: record-arrival-or-new-date, to: owner}]
          never: [{task: record-arrival-or-new-date, to: manager, why: Nora Brandt acknowledged}]
    """)

    assert done.passed, done.failures


def test_a_fact_at_the_same_minute_as_an_answer_is_heard_too() -> None:
    done = verdict("""
        - name: both
          given:
            - {at: 2026-03-12 16:20, event: milestone.reached, milestone: arrived}
            - {at: 2026-03-12 16:20, event: task.done, task: record-arrival-or-new-date}
          from: 2026-03-12 16:20
          until: 2026-03-12 17:30
          expect: [{at: 2026-03-12 16:20, say: arrived}]
    """)

    assert done.passed, done.failures


def test_what_a_test_says_about_an_order_changes_only_that() -> None:
    done = verdict("""
        - name: another model
          orders: {BX-100: {attributes: {model: demo}}}
          given: [{at: 2026-03-05 13:00, event: promise.made, milestone: arrived, for: 2026-03-19}]
          until: 2026-03-10
          expect: []
          never: [{say: arrival-moved, why: 'order.attributes.model != "demo" does not hold'}]
    """)

    assert done.passed, done.failures


def test_nothing_takes_a_value_of_the_file_away() -> None:
    done = verdict("""
        - name: no phone
          customers: {maria: {phone: }}
          at: 2026-03-12 17:30
          only_these: false
          expect: [{say: not-arrived-yet, by: email}]
    """)

    assert done.passed, done.failures


def test_two_customers_wait_for_two_orders_on_clocks_of_their_own() -> None:
    head = HEAD.replace("    location", "    customer: maria\n    location").replace(
        "given:\n",
        "  NY-1:\n    customer: jonas\n    location: {time_zone: America/New_York}\n"
        "    owner: {email: nora.brandt@example.com}\ngiven:\n",
    ).replace("promise.made,", "promise.made, order: BX-100,").replace(
        "orders:\n", "  jonas: {email: jonas.weber@example.com}\norders:\n"
    )  # fmt: skip
    done = verdict(
        """
        - name: two
          given: [{at: 2026-03-11 09:00, order: NY-1, event: milestone.reached, milestone: arrived}]
          until: 2026-03-11
          expect: [{at: 2026-03-11 09:00, say: arrived, order: NY-1, by: email}]
        """,
        head,
    )

    assert done.passed, done.failures


def test_plain_true_and_numbers_are_values_and_quoted_ones_are_texts() -> None:
    done = verdict("""
        - name: told otherwise
          given:
            - at: 2026-03-05 10:00
              event: promise.made
              milestone: arrived
              for: 2026-03-19
              told: true
              reason: "12"
          until: 2026-03-06
          expect: []
          never: [{say: arrival-moved, why: the customer knows}]
    """)

    assert done.passed, done.failures


def test_since_says_when_the_order_came() -> None:
    done = verdict("""
        - name: two weeks
          orders: {BX-100: {since: 2026-02-02 10:00}}
          until: 2026-03-02 10:30
          only_these: false
          expect: [{at: 2026-02-16 10:00, say: quiet-update}]
    """)

    assert done.passed, done.failures


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-12 17:30", datetime(2026, 3, 12, 16, 30, tzinfo=UTC)),
        ("Thu 2026-03-12 17:30", datetime(2026, 3, 12, 16, 30, tzinfo=UTC)),
        ("thursday, 2026-07-09T9:05", None),
        ("2026-10-25 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_what_the_clocks_of_the_place_read(written: str, moment: datetime | None) -> None:
    read_as = parse_moment(written, BERLIN)

    assert read_as == (moment or datetime(2026, 7, 9, 7, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2026-02-30 10:00", "X021"),
        ("Mon 2026-03-12 17:30", "X021"),
        ("2026-03-29 02:30", "X021"),
        ("2026-03-12 24:00", "X021"),
        ("2026-03-12 17:61", "X021"),
        ("9999-12-31 10:00", "X021"),
        ("2026-03-12", "X020"),
        ("12.03.2026 17:30", "X020"),
        ("2026-03-12T17:30:00+01:00", "X020"),
        ("at five", "X020"),
    ],
)
def test_a_time_that_cannot_be_is_refused(written: str, code: str) -> None:
    with pytest.raises(Wrong) as refused:
        parse_moment(written, BERLIN)

    assert refused.value.code == code
    assert refused.value.message


# ── what a failure says ──────────────────────────────────────────────────────


def test_another_channel_is_said_instead_and_told_once() -> None:
    done = verdict("""
        - name: by mail
          at: 2026-03-12 17:30
          expect:
            - {say: not-arrived-yet, to: customer, by: email}
            - {task: call-the-customer}
    """)

    (failure,) = done.failures
    assert failure.code == "X001"
    assert failure.message == (
        "expected 'not-arrived-yet' to the customer by email; "
        "said instead: 'not-arrived-yet' to the customer by sms at 2026-03-12 17:30"
    )
    assert [(row.sign, row.what, row.by) for row in done.rows] == [
        ("-", "not-arrived-yet", "email"),
        ("+", "not-arrived-yet", "sms"),
        (" ", "call-the-customer", "email"),
    ]


def test_what_was_not_said_comes_with_the_planners_reason() -> None:
    done = verdict("""
        - name: a date that did not move
          until: 2026-03-05
          expect: [{say: arrival-moved}]
    """)

    assert codes(done) == ["X001"]
    assert done.failures[0].message.endswith("it was not said: the customer knows: arrived on 2026-03-12")
    assert [(one.rule, one.why) for one in done.unsaid] == [
        ("arrival-moved", "the customer knows: arrived on 2026-03-12")
    ]


def test_anything_said_that_is_not_expected_fails_unless_only_these_is_false() -> None:
    test = "- {name: x, until: 2026-03-12 16:30, expect: [], only_these: %s}"

    done = verdict(test % "true")
    assert codes(done) == ["X002"]
    assert "record-arrival-or-new-date" in done.failures[0].message
    assert verdict(test % "false").passed


def test_what_never_is_to_be_said_is_found_before_the_time_that_is_compared() -> None:
    done = verdict("""
        - name: never
          from: 2026-03-12 17:00
          until: 2026-03-12 17:29
          only_these: false
          never: [{task: record-arrival-or-new-date, to: owner}]
    """)

    assert codes(done) == ["X003"]


def test_the_right_thing_for_the_wrong_reason_is_a_failure() -> None:
    done = verdict("""
        - name: reasons
          until: 2026-03-12 16:30
          expect: [{task: record-arrival-or-new-date, why: the moon is full}]
          never: [{say: arrival-moved, why: the moon is new}]
    """)

    assert codes(done) == ["X004", "X005"]
    assert "arrived is promised for 2026-03-12" in done.failures[0].message


def test_an_expectation_that_says_little_leaves_the_only_match_to_one_that_says_more() -> None:
    done = verdict("""
        - name: vague first
          from: 2026-03-12 17:30
          until: 2026-03-13 12:00
          only_these: false
          expect:
            - {task: call-the-customer}
            - {task: call-the-customer, to: owner}
    """)

    assert done.passed, done.failures


def test_a_task_that_nobody_was_given_cannot_be_answered() -> None:
    done = verdict("""
        - name: too early
          given: [{at: 2026-03-12 15:00, event: task.done, task: call-the-customer}]
          until: 2026-03-12 15:30
          expect: []
    """)

    assert codes(done) == ["X007"]


def test_an_order_that_cannot_be_planned_fails_its_test() -> None:
    cases, found = load({"t.yaml": file("- {name: x, until: 2026-03-03, expect: []}")}, RULES.book, NAMES)
    assert not found
    (case,) = cases
    given = tuple(
        replace(one, event=replace(one.event, fact=replace(one.event.fact, data={"journey": "gone"})))
        if one.event.fact.type == "order.upserted"
        else one
        for one in case.given
    )
    outcome = run(replace(case, given=given), RULES.book, COMPOSER, NAMES)

    assert [problem.code for problem in outcome.problems] == ["X006"]


def test_a_text_that_could_not_be_written_is_told_also_where_it_was_not_wanted_in_the_end(
    tmp_path: Path,
) -> None:
    cases, found = load(
        {
            "t.yaml": file("""
                - name: arrived, and then not
                  given:
                    - {at: 2026-03-10 10:00, event: milestone.reached, milestone: arrived}
                    - {at: 2026-03-10 18:00, event: milestone.retracted, milestone: arrived}
                  until: 2026-03-11 20:00
                  expect: []
            """)
        },
        RULES.book,
        NAMES,
    )
    assert not found
    texts = copytree(ROOT / "templates", tmp_path / "templates")
    for path in (texts / "new-car" / "arrived").glob("*.txt.*"):
        path.write_text(path.read_text(encoding="utf-8") + "{{ customer.name.nothing }}\n", encoding="utf-8")
    broken = house.composer(SETTINGS, house.texts(SETTINGS, texts))

    outcome = run(cases[0], RULES.book, broken, NAMES)

    assert "held" not in {one.state for one in outcome.unsaid}
    (problem,) = outcome.problems
    assert problem.code == "X006"
    assert "it could not be written: new-car/arrived/" in problem.message


def test_every_code_of_a_test_has_an_example_and_no_other_is_used() -> None:
    sources = (ROOT / "orchestrator" / "rule_tests").glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources if path.name != "codes.py")
    mine = Path(__file__).parent.glob("test_rule_test*.py")
    examples = "".join(path.read_text(encoding="utf-8") for path in mine)

    assert {code for code in TEST_CODES if f'"{code}"' not in text} == set()
    assert {code for code in TEST_CODES if f'"{code}"' not in examples} == set()


# ── files, schema, coverage, speed ───────────────────────────────────────────


def test_tests_beside_the_rules_are_not_taken_for_rules(tmp_path: Path) -> None:
    for name in ("car.yaml", "tests/car.yaml", "more/tests/deep/x.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("version: 1\n", encoding="utf-8")

    assert list(read(tmp_path)) == [(tmp_path / "car.yaml").as_posix()]
    assert list(read(tmp_path / "tests")) == [(tmp_path / "tests" / "car.yaml").as_posix()]


def test_the_schema_knows_every_key_and_what_it_means() -> None:
    schema = shape.json_schema()
    named = {
        "test": shape.TEST,
        "fact": shape.FACT,
        "expectation": shape.PATTERN,
    }

    assert set(schema["properties"]) == set(shape.FILE)
    for name, keys in named.items():
        found = schema["$defs"][name]["properties"]
        assert {key: found[key]["description"] for key in found} == dict(keys)


def test_a_rule_is_covered_by_a_test_that_saw_it_and_not_by_one_that_failed() -> None:
    seen = verdict("- {name: x, at: 2026-03-12 16:00, expect: [{task: record-arrival-or-new-date}]}")
    missed = verdict("- {name: x, at: 2026-03-12 16:00, expect: [{say: arrived}]}")

    assert "has-it-arrived" not in untested(coverage([seen], RULES.book))
    assert "arrived" in untested(coverage([seen, missed], RULES.book))
