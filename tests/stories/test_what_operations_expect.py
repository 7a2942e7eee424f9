"""The tests that operations wrote beside the rules, run as one of ours: `make test` runs them, too."""

from pathlib import Path

import pytest

from channels.registry import NAMES
from orchestrator import config
from orchestrator.cli import house
from orchestrator.rule_tests.coverage import coverage, untested
from orchestrator.rule_tests.reader import load
from orchestrator.rule_tests.running import verdicts
from orchestrator.rule_tests.values import Verdict
from orchestrator.rules import read

ROOT = Path(__file__).parents[2]
SETTINGS = config.load(ROOT / "config.toml", {})
RULES = house.written(SETTINGS, ROOT / "rules", ROOT / "templates")
CASES, PROBLEMS = load(read(ROOT / "rules" / "tests"), RULES.book, NAMES)


@pytest.fixture(scope="module")
def done() -> list[Verdict]:
    return list(verdicts(CASES, RULES.book, house.composer(SETTINGS, RULES.renderer), NAMES))


def test_every_rule_test_can_be_read() -> None:
    assert [str(problem) for problem in PROBLEMS] == []


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_the_rules_do_what_operations_expect(done: list[Verdict], number: int) -> None:
    assert done[number].case == CASES[number]
    assert [str(problem) for problem in done[number].failures] == []


def test_every_rule_of_a_new_car_is_seen_to_speak_by_a_test(done: list[Verdict]) -> None:
    covered = [one for one in coverage(done, RULES.book) if one.journey == "new-car"]

    assert covered
    assert untested(covered) == []
