"""How commands end: by Ctrl+C while a daemon starts, and where their output finds no room."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.installation import BEFOREHAND, Home, environment, home

__all__ = ["home"]


@pytest.mark.parametrize("command", ["run", "serve"])
def test_ctrl_c_ends_a_daemon_that_starts_at_once_and_without_a_word(tmp_path: Path, command: str) -> None:
    settings = tmp_path / "config.toml"
    os.mkfifo(settings)  # the start waits for somebody who writes it
    process = subprocess.Popen(
        [*BEFOREHAND, "--config", settings, command],
        cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  who runs us may ignore it
    )  # fmt: skip
    with settings.open("wb"):  # opens once the other side reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("command", [("--help",), ("check",), ("config", "show"), ("nonsense",)], ids=str)
def test_output_that_finds_no_room_is_one_sentence(home: Home, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*BEFOREHAND, *command], cwd=home.folder, env=environment(), stdout=full, stderr=subprocess.PIPE,
            text=True, check=False,
        )  # fmt: skip
        silent = subprocess.run(
            [*BEFOREHAND, *command], cwd=home.folder, env=environment(), stdout=full, stderr=full, check=False
        )
    if command == ("nonsense",):  # says nothing there
        assert ended.returncode == 2
    else:
        assert (ended.returncode, ended.stderr) == (1, "error: cannot write: no space left on device\n")
    assert silent.returncode == 1


def test_a_limit_is_told_as_it_is_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEFOREHAND_DAEMON__TICK", "0s")
    assert "tick must be more than 0s" in home.run("doctor")[2]


def test_a_table_of_something_else_is_one_sentence(home: Home) -> None:
    fields = "".join(f'    {name}: "{{{name.upper()}}}"\n' for name in ("name", "email", "phone"))
    mapping = (
        f'version: 1\ntable: dealer\ncustomer:\n    id: "{{KUNDE}}"\n{fields}order:\n    id: "{{AUFTRAG}}"\n'
    )
    home.write("map.yaml", mapping + '    customer: "{KUNDE}"\n    journey: new-car\n')
    home.write("notes.csv", "Dear colleagues\nthis is no table\n")
    code, _, err = home.run("import", "notes.csv", "--map", "map.yaml", "--dry-run")
    assert code == 1, err
    assert err.count(" M001 ") == 1
    assert "none of the" in err
    assert "it has 'Dear colleagues'" in err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_whose_encoding_lacks_letters_gets_others_and_no_command_ends_over_it(
    home: Home, encoding: str
) -> None:
    def ended(*command: str) -> str:
        run = subprocess.run(
            [*BEFOREHAND, *command], cwd=home.folder, env=environment() | {"PYTHONIOENCODING": encoding},
            capture_output=True, check=False,
        )  # fmt: skip
        assert (run.returncode, b"nobody foresaw" in run.stderr) == (0, False), run.stderr
        return run.stdout.decode(encoding)

    mail = ended("preview", "new-car/arrived", "--locale", "de", "--channel", "email")
    assert mail.startswith("-- email de ------")
    assert ("M?nchen" if encoding == "ascii" else "München") in mail
    shown = json.loads(ended("config", "show", "--format", "json"))
    assert any("München" in str(row["value"]) for row in shown)
