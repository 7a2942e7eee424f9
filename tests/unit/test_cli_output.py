"""What commands print: problems with a caret, tables, JSON, progress."""

import io
import json
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.output import (
    WIDEST_SOURCE,
    Format,
    Progress,
    begun,
    counted,
    dumped,
    failure,
    printable,
    problem_text,
    problems,
    records,
    sentence,
)
from orchestrator.errors import Problem
from orchestrator.model import Promised, Status


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


EMIAL = Problem(
    path="rules/new-car.yaml",
    line=14,
    column=22,
    code="R012",
    message="no channel called 'emial'",
    hint="did you mean 'email'?",
    source="    channels: [push, emial]\n",
)


def test_a_problem_shows_its_place_its_line_a_caret_and_a_hint() -> None:
    assert problem_text(EMIAL, io.StringIO()).splitlines() == [
        "rules/new-car.yaml:14:22: R012 no channel called 'emial'",
        "        channels: [push, emial]",
        "                         ^",
        "    hint: did you mean 'email'?",
    ]


def test_a_problem_without_a_line_names_only_the_file() -> None:
    problem = Problem("config.toml", 0, 0, "C001", "cannot be read")
    assert problem_text(problem, io.StringIO()) == "config.toml: C001 cannot be read"


def test_the_caret_stands_under_its_character_behind_tabs_and_wide_letters() -> None:
    problem = Problem("a.yaml", 1, 5, "R001", "wrong", source="\t日本x!")
    assert problem_text(problem, io.StringIO()).splitlines()[2] == "    \t     ^"


def test_of_a_very_long_line_the_part_around_the_caret_is_shown() -> None:
    problem = Problem("a.yaml", 1, 5_000, "R001", "wrong", source="a" * 4_999 + "!" + "b" * 5_000)
    _, line, caret = problem_text(problem, io.StringIO()).splitlines()
    assert len(line) <= WIDEST_SOURCE + 4
    assert line[caret.index("^")] == "!"


@pytest.mark.parametrize("before", [0, 90, 159, 160, 200, 5_000])
@pytest.mark.parametrize("after", [0, 5_000])
def test_of_a_very_long_line_the_value_behind_the_caret_is_shown_too(before: int, after: int) -> None:
    source = "a" * before + '"date": "2026-02-30"' + "b" * after
    problem = Problem("facts.jsonl", 1, before + 1, "E106", "wrong", source=source)
    _, line, caret = problem_text(problem, io.StringIO()).splitlines()
    assert len(line) <= WIDEST_SOURCE + 4
    assert line[caret.index("^") :].startswith('"date": "2026-02-30"')


def test_the_caret_is_not_moved_by_marks_that_take_no_room() -> None:
    problem = Problem("a.yaml", 1, 4, "R001", "wrong", source="\u2068x\u2069!")
    assert problem_text(problem, io.StringIO()).splitlines()[2] == "     ^"


@given(st.text(max_size=400), st.integers(0, 500))
def test_no_source_line_can_drive_the_terminal(source: str, column: int) -> None:
    text = problem_text(Problem("a.yaml", 1, column, "R001", source, source=source), io.StringIO())
    assert all(unicodedata.category(character) != "Cc" or character in "\t\n" for character in text)


def test_problems_come_in_the_order_of_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    problems([Problem("b", 1, 1, "R1", "x"), Problem("a", 9, 1, "R1", "x"), Problem("a", 2, 1, "R1", "x")])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "a:2:1:",
        "a:9:1:",
        "b:1:1:",
    ]


def test_problems_are_objects_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    problems([EMIAL], Format.JSONL)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["code"] == "R012"
    assert json.loads(line)["line"] == 14


def test_a_terminal_gets_colours_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[" in problem_text(EMIAL, Terminal())
    assert "\x1b[" not in problem_text(EMIAL, io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in problem_text(EMIAL, Terminal())


def test_the_closing_sentence_is_data_only_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    sentence("2 rules", Format.TABLE)
    assert capsys.readouterr() == ("2 rules\n", "")
    sentence("2 rules", Format.JSONL)
    assert capsys.readouterr() == ("", "2 rules\n")


def test_a_failure_names_its_details_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    failure("these files exist:\nconfig.toml\n\x1b[2J", "another folder")
    assert capsys.readouterr().err.splitlines() == [
        "error: these files exist:",
        "  config.toml",
        "  \\x1b[2J",
        "  hint: another folder",
    ]


ROWS = [
    {"rule": "arrived", "at": datetime(2026, 3, 2, 9, 5, tzinfo=UTC), "status": Status.ACCEPTED, "why": None},
    {
        "rule": "not-arrived",
        "at": datetime(2026, 3, 3, 16, 30, tzinfo=UTC),
        "status": Status.SUPPRESSED,
        "why": "ö" * 200,
    },
]


def test_a_table_in_a_file_is_one_line_a_row_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    records(ROWS, Format.TABLE, ["rule", "status", "why"])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["rule", "status", "why"]
    assert first == "arrived      accepted"
    assert second.split() == ["not-arrived", "suppressed", "ö" * 200]


def test_a_table_without_rows_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    records([], Format.TABLE, ["rule"])
    assert capsys.readouterr().out == ""


def test_markup_in_data_stays_literal_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    records([{"text": "[red]{{7*7}}[/red] \x1b[31m"}], Format.TABLE, ["text"])
    assert capsys.readouterr().out.splitlines()[1].strip() == "[red]{{7*7}}[/red] \\x1b[31m"


def test_jsonl_is_one_object_a_line_with_moments_as_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    records(ROWS, Format.JSONL)
    first, _ = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == {"rule": "arrived", "at": "2026-03-02T09:05:00+00:00", "status": "accepted", "why": None}


def test_jsonl_rows_leave_as_they_come() -> None:
    written = io.StringIO()

    def rows() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        assert written.getvalue() == '{"n":1}\n'
        yield {"n": 2}

    records(rows(), Format.JSONL, stream=written)
    assert written.getvalue().count("\n") == 2


def test_json_is_one_array(capsys: pytest.CaptureFixture[str]) -> None:
    records(ROWS, Format.JSON)
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_every_value_of_ours_has_a_json_form() -> None:
    value = {
        "s": frozenset({"b", "a"}),
        "d": timedelta(minutes=2),
        "p": Promised(day=date(2026, 3, 2)),
    }
    assert json.loads(dumped(value)) == {
        "s": ["a", "b"],
        "d": 120.0,
        "p": {"day": "2026-03-02", "start": None, "end": None},
    }


def test_numbers_are_counted_in_words() -> None:
    assert counted(1, "rule") == "1 rule"
    assert counted(1204, "rule") == "1,204 rules"
    assert counted(2, "entry", "entries") == "2 entries"


def test_letters_of_every_language_are_printed_as_they_are() -> None:
    assert printable("Größe ’–’ Ünsal 日本") == "Größe ’–’ Ünsal 日本"


def test_what_does_not_break_and_what_runs_the_other_way_is_printed_as_a_reader_sees_it() -> None:
    for text in ("1.234,50\xa0€", "1\u202f234,50 €", "\u2068Lumen 4\u2069 جاهزة", "Hand\u00adover"):
        assert printable(text) == text


@pytest.mark.parametrize(
    "control", [*map(chr, range(9)), *map(chr, range(10, 32)), *map(chr, range(127, 160))]
)
def test_no_control_character_reaches_the_terminal(control: str) -> None:
    assert control not in printable(f"1.234,50\xa0€ {control}[2J")


def test_half_a_character_does_not_stop_the_printing() -> None:
    assert printable("\ud800").encode() == b"\\ud800"


class Seconds:
    """A clock that runs a second with each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_away_from_a_terminal_progress_is_a_line_every_tenth() -> None:
    stream = io.StringIO()
    with Progress("reading", 50, stream=stream, clock=Seconds()) as progress:
        for _ in range(50):
            progress.advance()
    assert stream.getvalue().splitlines() == [f"reading: {share} %" for share in range(10, 101, 10)]


def test_progress_of_an_unknown_length_counts() -> None:
    stream = io.StringIO()
    with Progress("reading", stream=stream, clock=Seconds()) as progress:
        progress.to(9_999)
        progress.to(25_000)
    assert stream.getvalue().splitlines() == ["reading: 25,000"]


def test_work_of_less_than_a_second_is_not_worth_a_word() -> None:
    stream = io.StringIO()
    with Progress("reading", 10, stream=stream, clock=lambda: 0.0) as progress:
        progress.to(10)
    assert stream.getvalue() == ""


def test_a_terminal_sees_a_bar_only_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    now = 0.0
    stream = Terminal()
    with Progress("reading", 100, stream=stream, clock=lambda: now) as progress:
        progress.to(10)
        assert stream.getvalue() == ""
        now = 1.5
        progress.to(60)
    assert "reading" in stream.getvalue()
    assert "60%" in stream.getvalue()


@pytest.mark.parametrize(
    ("most", "shown"),
    [
        (60, "Ready on Friday, 13 March. Just reply. Nora Brandt"),
        (48, "Ready on Friday, 13 March. Just reply. Nora …"),
        (27, "Ready on Friday, 13 March. …"),
        (17, "Ready on Friday …"),
        (4, "Rea …"),
    ],
)
def test_a_text_that_is_only_begun_ends_after_a_word(most: int, shown: str) -> None:
    assert begun("Ready on Friday, 13 March. Just reply. Nora Brandt", most) == shown
