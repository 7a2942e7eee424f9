"""Each line of the log for programs says what happened, to what, and why: found again by the same words."""

import ast
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import logs, output
from orchestrator.cli.logs import JsonLines
from orchestrator.transport import jobs

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "exception"}


def line(message: str, *args: Any, name: str = "orchestrator.sending.records") -> dict[str, Any]:
    record = logging.LogRecord(name, logging.WARNING, "x.py", 1, message, args, None)
    found = json.loads(JsonLines().format(record))
    assert isinstance(found, dict)
    return found


def test_a_line_says_what_happened_to_which_and_why() -> None:
    said = line("channel %s is paused: %s", "email", "535 5.7.8 no login for maria@example.com")
    assert said["event"] == "channel is paused"
    assert said["channel"] == "email"
    assert said["reason"] == "535 5.7.8 no login for …"
    assert said["message"] == "channel email is paused: 535 5.7.8 no login for …"
    assert said["level"] == "warning"


def test_numbers_stay_numbers_and_several_things_are_told_apart() -> None:
    said = line("channel %s: %s failed, at last of entry %d: %s", "sms", "3 attempts", 17, "no route")
    assert (said["event"], said["channel"], said["entry"], said["reason"]) == (
        "channel failed, at last of entry", "sms", 17, "no route",
    )  # fmt: skip


def test_what_names_nothing_has_an_event_all_the_same() -> None:
    said = line("%d messages were handed over and no dispatcher took them", 5)
    assert said["event"] == "messages were handed over and no dispatcher took them"
    assert "reason" not in said


def test_of_a_library_only_its_name_is_the_event_for_its_words_may_hold_anything() -> None:
    said = line("channel %s: Maria Keller", "x", name="procrastinate.worker")
    assert said["event"] == "procrastinate"
    assert "channel" not in said


def test_every_line_that_the_program_writes_is_a_text_that_stays_the_same() -> None:
    """What differs is given beside it, or two of the same kind could not be found again."""
    for path in [*(ROOT / "orchestrator").rglob("*.py"), *(ROOT / "channels").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            whose = node.func.value
            if isinstance(whose, ast.Name) and whose.id == "log" and node.func.attr in LEVELS:
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"


def test_an_event_reads_well_without_the_values_their_prepositions_and_their_units() -> None:
    assert line("the clock jumped by %+d s: it was set", 3600)["event"] == "the clock jumped it was set"
    assert line("%d outcomes could not be written; again in %d s", 3, 5)["event"] == (
        "outcomes could not be written; again"
    )


def test_for_programs_all_that_a_daemon_says_is_an_object_its_start_and_its_end_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.to_stderr("warning", "json")
    try:
        output.note("listening on http://127.0.0.1:8000", "listening")
        output.failure("the ledger does not answer: connection refused")
    finally:
        logs.to_stderr("warning", "text")
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["level"], one["event"]) for one in said] == [("info", "listening"), ("error", "error")]
    assert [one["message"] for one in said] == [
        "listening on http://127.0.0.1:8000", "the ledger does not answer: connection refused",
    ]  # fmt: skip
    output.note("as before")
    assert capsys.readouterr().err == "as before\n"


def test_what_the_job_engine_says_is_in_one_line_without_the_breaks_of_its_own_words() -> None:
    error = RuntimeError("\n    Database error.\n    ")
    record = logging.LogRecord("procrastinate.utils", logging.ERROR, "", 0, "listener: %r", (error,), None)
    assert jobs._in_a_line(record)
    assert record.getMessage() == "listener: RuntimeError(' Database error. ')"
