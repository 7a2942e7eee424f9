"""The command as a whole: help, mistakes on the command line, exit codes, a start that is quick."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from orchestrator import cli, errors
from orchestrator.cli import COMMANDS, GROUPS, main
from orchestrator.errors import Problem

BEFOREHAND = [sys.executable, "-c", "import sys; from orchestrator.cli import main; sys.exit(main())"]


def test_help_lists_every_command_under_its_heading_in_the_order_of_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    places = [page.index(f"\n{heading}:") for heading, _ in COMMANDS]
    assert places == sorted(places)
    for _, functions in COMMANDS:
        for function in functions:
            assert f"\n  {function.__name__} " in page


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Start here:" in capsys.readouterr().out


def pages() -> Iterator[list[str]]:
    for _, functions in COMMANDS:
        yield from ([function.__name__] for function in functions)
    for _, group, _, members in GROUPS:
        yield [group]
        yield from ([group, member] for member, _ in members)


@pytest.mark.parametrize("command", list(pages()), ids=" ".join)
def test_every_command_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    assert f"Usage: beforehand {' '.join(command)}" in capsys.readouterr().out


def test_the_first_sentence_of_every_command_fits_into_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    assert "..." not in capsys.readouterr().out.partition("Start here:")[2]


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["int"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Did you mean 'init'" in err


def test_a_mistyped_option_is_answered_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["init", "--hepl"]) == 2
    assert "did you mean --help?" in capsys.readouterr().err


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("beforehand 0.")


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command that raises *error*."""

    def broken() -> None:
        """Raise."""
        raise error

    monkeypatch.setattr(cli, "COMMANDS", (("Test", (broken,)),))
    return main(["broken"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            errors.Problems(
                [Problem("a.yaml", 3, 7, "R012", "no such channel", "did you mean 'sms'?", "ch: smss")]
            ),
            1,
        ),
        (errors.Misconfigured("[email] host is missing"), 2),
        (errors.LedgerBehind("the ledger is older than this program"), 2),
        (errors.LedgerBusy("another daemon works on this ledger"), 1),
        (errors.LedgerAway("the database does not answer"), 1),
        (errors.NotFound("no order 'A-1'"), 1),
        (typer.Exit(1), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert raising(error, monkeypatch) == code


def test_problems_of_any_command_are_told_in_full_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Problem("a.yaml", 3, 5, "R012", "no such channel", "did you mean 'sms'?", "ch: smss")] * 2
    raising(errors.Problems(found), monkeypatch)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("a.yaml:3:5: R012 no such channel") == 2
    assert "2 problems found" in err


def test_an_error_of_our_own_making_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError(), monkeypatch)


def test_a_reader_who_has_enough_is_left_in_peace() -> None:
    with subprocess.Popen(
        [*BEFOREHAND, "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_help_needs_none_of_the_heavy_libraries() -> None:
    heavy = {
        "rich", "pydantic", "sqlmodel", "sqlalchemy", "fastapi", "jinja2", "httpx", "structlog", "asyncio"
    }  # fmt: skip
    script = (
        "import sys; from orchestrator.cli import main; main(['--help']); "
        f"print(sorted({heavy} & sys.modules.keys()), file=sys.stderr)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stderr
    assert loaded.strip() == "[]"


DOCS = Path(__file__).parents[2] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", PAGES)
def test_no_generated_page_is_stale(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"
