"""The demo: a month on a terminal, in words an audience understands, and commands that can be typed."""

import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.cli.demo_screen import BEATS, BEATS_IN_ALL


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, folder: Path, columns: int) -> str:
    """What the demo shows on a terminal that is so wide, without colours."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(Terminal()) as screen:
        assert main(["demo", "--seconds", "0"]) == 0
    return screen.getvalue()


def play(text: str) -> list[str]:
    return text.partition("The story of")[0].splitlines()


@pytest.mark.parametrize("seconds", ["nan", "-1", "inf"])
def test_a_time_that_none_is_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", f"--seconds={seconds}"]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("columns", [80, 120])
def test_the_demo_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int) -> None:
    assert [line for line in play(shown(monkeypatch, tmp_path, columns)) if len(line) > columns] == []


def test_the_demo_names_people_quotes_what_they_read_and_leaves_noise_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = shown(monkeypatch, tmp_path, 120)
    lines = play(text)
    assert "Thursday 12 March" in lines
    assert "  16:00  → asks      Nora Brandt by email: record-arrival-or-new-date" in lines
    assert "  17:00  → asks      Paul Lindner by email: record-arrival-or-new-date" in lines
    said = lines.index("  17:30  → tells     Maria Keller by sms: not-arrived-yet")
    assert lines[said + 1].strip().startswith("“Hello Maria, your Aria Touring was due today")
    assert any("× not said  not-arrived-yet to Aylin Demir: kept: " in line for line in lines)
    assert "unsaid" not in text
    assert "replaced: " not in text


def test_the_demo_takes_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kinds = "|".join(BEATS)
    found = re.findall(rf"^  \d\d:\d\d  . ({kinds})  ", shown(monkeypatch, tmp_path, 80), re.MULTILINE)
    assert sum(BEATS[kind] for kind in found) == pytest.approx(BEATS_IN_ALL, rel=0.05)


def test_the_commands_to_try_next_name_the_program_that_ran(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / ".venv" / "bin" / "beforehand"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    monkeypatch.setattr(sys, "argv", [".venv/bin/beforehand", "demo"])
    text = shown(monkeypatch, tmp_path, 80)
    for command in ("check", "serve"):
        assert f"  .venv/bin/beforehand --config demo/config.toml {command}\n" in text


def test_a_second_demo_plays_the_rules_that_somebody_edited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(monkeypatch, tmp_path, 80)
    shown(monkeypatch, tmp_path, 80)
    assert "were edited" not in capsys.readouterr().err
    rules = tmp_path / "demo" / "rules" / "new-car.yaml"
    edited = rules.read_text().replace('closes: "17:30"', 'closes: "18:15"')
    rules.write_text(edited)
    text = shown(monkeypatch, tmp_path, 80)
    assert rules.read_text() == edited
    assert "  18:15  → tells     Maria Keller by sms: not-arrived-yet" in play(text)
    assert "were edited" in capsys.readouterr().err
    assert "  ${EDITOR:-vi} demo/rules/new-car.yaml\n" in text
