"""Whom the settings want told, and of what."""

import base64
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.errors import Problems
from orchestrator.subscribers import is_wanted

SECRET = "whsec_" + base64.b64encode(b"a secret of the dealership's").decode()


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("task.done", True), ("task.", True), ("tasks.done", False), ("task", False), ("other", False)],
)
def test_a_star_stands_for_all_that_begins_so(kind: str, wanted: bool) -> None:
    assert is_wanted(kind, ["task.*"]) == wanted


def test_settings_by_which_nobody_can_be_told_are_refused_all_at_once(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[subscribers.crm]\nurl = "https://crm.example.com/hooks"\nsecret = "whsec_x"\n'
        '[subscribers.erp]\nurl = "http://erp.example.com/hooks"\n'
    )
    with pytest.raises(Problems) as caught:
        config.load(file, {"BEFOREHAND_SUBSCRIBERS__ERP__SECRET": SECRET})
    found = {(problem.line, problem.code) for problem in caught.value.problems}
    assert found == {(3, "C030"), (3, "C032"), (5, "C032")}


def test_whoever_cannot_be_told_is_named_with_what_to_set(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[subscribers.crm]\ntypes = ["task.*"]\n')
    with pytest.raises(Problems) as caught:
        config.load(file, {})
    assert [(problem.line, problem.code, problem.hint) for problem in caught.value.problems] == [
        (1, "C036", 'write url = "https://example.com/hooks"'),
        (1, "C036", "set BEFOREHAND_SUBSCRIBERS__CRM__SECRET"),
    ]


def test_what_is_wrong_by_itself_hides_nothing_that_is_wrong_together(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[server]\nport = "x"\n[subscribers.crm]\nurl = "https://crm.example.com/hooks"\n'
        '[subscribers.erp]\nurl = "no address"\n[channels.sms]\nrate_of = "fax"\n'
        "[channels.email]\nlive = true\n"
    )
    with pytest.raises(Problems) as caught:
        config.load(file, {"BEFOREHAND_SUBSCRIBERS__ERP__SECRET": SECRET})
    found = [(problem.line, problem.code) for problem in caught.value.problems]
    assert found == [(2, "C004"), (3, "C036"), (6, "C032"), (8, "C045"), (9, "C022"), (10, "C022")]


def test_what_is_told_to_be_wrong_is_not_told_to_be_missing_as_well(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[sender]\nemail = 3\n[channels.email]\nlive = true\nhost = "smtp.example.com"\n')
    with pytest.raises(Problems) as caught:
        config.load(file, {})
    assert [(problem.line, problem.code) for problem in caught.value.problems] == [(2, "C004")]


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[subscribers.crm]\nurl = "https://crm.example.com/hooks"\n')
    chosen = config.load(file, {"BEFOREHAND_SUBSCRIBERS__CRM__SECRET": SECRET})
    assert chosen.subscribers["crm"].signers() == [SECRET]
    assert all(SECRET not in row.value for row in config.rows(chosen))
