"""Rule tests: what may be written, what is refused and where, and how what was said is compared."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent, indent

import pytest

from channels.registry import NAMES
from orchestrator import config
from orchestrator.cli import house, main
from orchestrator.errors import Problem
from orchestrator.rule_tests import shape
from orchestrator.rule_tests.codes import TEST_CODES
from orchestrator.rule_tests.coverage import coverage, untested
from orchestrator.rule_tests.moments import WrongTime, parse_moment
from orchestrator.rule_tests.reader import load
from orchestrator.rule_tests.running import run, verdicts
from orchestrator.rule_tests.values import Verdict
from orchestrator.rules import read

ROOT = Path(__file__).parents[2]
BERLIN = "Europe/Berlin"
SETTINGS = config.load(ROOT / "config.toml", {})
RULES = house.written(SETTINGS, ROOT / "rules" / "new-car.yaml", ROOT / "templates")
COMPOSER = house.composer(SETTINGS, RULES.renderer)
CAR = "rules/tests/new-car.yaml"
HERE = "»"  # in a test's text: the place a problem must name

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
    with pytest.raises(WrongTime) as refused:
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


# ── what is refused ──────────────────────────────────────────────────────────


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


def test_every_code_of_a_test_has_an_example_and_no_other_is_used() -> None:
    sources = (ROOT / "orchestrator" / "rule_tests").glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources if path.name != "codes.py")
    examples = Path(__file__).read_text(encoding="utf-8")

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


def test_a_case_takes_well_under_two_tenths_of_a_second() -> None:
    cases, _ = load({"t.yaml": (ROOT / "rules/tests/new-car.yaml").read_text("utf-8")}, RULES.book, NAMES)
    began = time.process_time()
    list(verdicts(cases, RULES.book, COMPOSER, NAMES))

    assert (time.process_time() - began) / len(cases) < 0.2


# ── the command ──────────────────────────────────────────────────────────────


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    return tmp_path


def test_the_command_ends_with_a_sentence_and_the_right_code(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["test", CAR, "--only", "collected"]) == 0
    assert capsys.readouterr().out == "1 test passed\n"

    (home / "bad.yaml").write_text(with_expected("{say: quiet-update}"), encoding="utf-8")
    assert main(["test", "bad.yaml"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("FAILED x\nbad.yaml:")
    assert "- expected, + said:" in out
    assert out.endswith("0 tests passed, 1 failed\n")

    (home / "bad.yaml").write_text("version: 2\n", encoding="utf-8")
    assert main(["test", "bad.yaml"]) == 1
    assert main(["test", "nowhere"]) == 2
    assert main(["test", CAR, "--only", "colected cars"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_programs_get_every_test_as_an_object_and_coverage_after_them(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["test", CAR, "--only", "collected", "--coverage", "--format", "jsonl"]) == 0
    out, err = capsys.readouterr()
    first, *rest = [json.loads(line) for line in out.splitlines()]

    assert first["passed"] is True
    assert first["failures"] == []
    assert {"journey", "rule", "says", "tests"} == set(rest[0])
    assert "warning: no test covers" in err
    assert err.endswith("1 test passed\n")


def test_the_schema_of_tests_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "tests"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Rule tests of Beforehand"
