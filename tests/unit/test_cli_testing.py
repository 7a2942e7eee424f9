"""The command `beforehand test`: what it prints for people and programs, and with which code it ends."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import main
from tests.unit.test_rule_tests import file

CAR = "rules/tests/new-car.yaml"


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

    (home / "bad.yaml").write_text(
        file("- {name: x, until: 2026-03-20, expect: [{say: quiet-update}]}"), encoding="utf-8"
    )
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


def test_what_is_wrong_with_the_rules_and_with_their_tests_is_told_in_one_run(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, tests = home / "rules" / "new-car.yaml", home / CAR
    rules.write_text(rules.read_text("utf-8").replace("silent: 14d", "silent: 14x"), "utf-8")
    tests.write_text(tests.read_text("utf-8").replace("expect: []", "expekt: []", 1), "utf-8")
    capsys.readouterr()

    assert main(["test"]) == 1
    err = capsys.readouterr().err
    assert "R020" in err
    assert "X010 unknown key 'expekt'" in err
    assert "X015" not in err, "what tests say of the rule that is left out is no mistake of theirs"


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
