"""Commands where there is no installation, or no place for its ledger: nothing is made, and it is said."""

import os
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.ledger.lock import daemon_lock, lock_of
from tests.installation import Home, home

__all__ = ["home"]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing of ours in it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BEFOREHAND_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ("pause",),
        ("pause", "--all"),
        ("resume", "--all"),
        ("suppressions", "list"),
        ("suppressions", "add", "maria@example.com", "--reason", "a letter"),
        ("suppressions", "remove", "maria@example.com", "--reason", "a letter"),
        ("suppressions", "import", "list.csv"),
        ("suppressions", "export", "out.csv"),
        ("export", "C-1"),
        ("erase", "C-1"),
        ("explain", "A-1"),
        ("inbox", "token", "C-1"),
    ],
    ids=" ".join,
)
def test_where_no_installation_is_nothing_is_made_and_what_is_missing_is_named(
    nowhere: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    (nowhere / "list.csv").write_text("email\nmaria@example.com\n")
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "no config.toml" in err
    assert "--config FILE" in err
    assert [path.name for path in nowhere.iterdir()] == ["list.csv"]


def test_a_mail_that_comes_where_no_installation_is_stays_with_the_mail_server(
    nowhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    mail = b"From: maria@example.com\r\nTo: us@example.org\r\nSubject: hello\r\n\r\nhello\r\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(mail)))
    assert main(["receive"]) == 75
    assert "no ledger at beforehand.db" in capsys.readouterr().err
    assert not list(nowhere.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        ("resume", "--all"),
        ("suppressions", "remove", "maria@example.com", "--reason", "a letter"),
        ("suppressions", "export", "out.csv"),
        ("export", "C-1"),
        ("people", "disable", "nora@example.com"),
        ("people", "link", "nora@example.com"),
        ("keys", "rotate", "crm"),
        ("keys", "revoke", "bfh_0123456789"),
    ],
    ids=" ".join,
)
def test_what_needs_something_kept_makes_no_ledger(home: Home, command: tuple[str, ...]) -> None:
    code, out, err = home.run(*command)
    assert (code, out) == (2, "")
    assert "there is no ledger at" in err
    assert "beforehand.db yet" in err
    assert not (home.folder / "beforehand.db").exists()


def test_what_may_be_said_before_the_first_start_makes_the_ledger_of_an_installation(home: Home) -> None:
    assert home.run("pause", "--all")[0] == 0
    assert home.run("suppressions", "add", "maria@example.com", "--reason", "a letter")[0] == 0
    assert (home.folder / "beforehand.db").exists()


def test_doctor_says_what_to_do_with_a_file_that_is_no_ledger(home: Home) -> None:
    home.write("beforehand.db", "not a database at all" * 500)
    code, out, _ = home.run("doctor")
    assert code == 1
    assert "beforehand db restore" in " ".join(out.split())


def test_doctor_says_that_the_file_a_daemon_works_on_was_moved_away(home: Home) -> None:
    file = home.folder / "beforehand.db"
    with daemon_lock(lock_of(file)):
        code, out, _ = home.run("doctor")
        said = " ".join(out.split())
        assert code == 1
        assert "works on this ledger" in said
        assert "was moved away" in said
    assert "not made yet" in home.run("doctor")[1]


def test_a_ledger_whose_folder_does_not_exist_is_named_with_what_to_do(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.folder / "data" / "live"
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", f"sqlite:///{folder / 'beforehand.db'}")
    restore = ("db", "restore", home.write("night.db", ""))
    for command in (("doctor",), ("run",), ("pause", "--all"), ("ingest", home.story()), restore):
        code, out, err = home.run(*command)
        said = " ".join((out + err).split())
        assert code == (1 if command == ("doctor",) else 2)
        assert f"{folder} does not exist" in said
        assert f"mkdir -p {folder}" in said
    assert not folder.parent.exists()


def test_a_token_for_nobody_is_refused_and_one_for_somebody_unknown_is_warned_of(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (home.folder / "config.toml").read_text(encoding="utf-8")
    home.write("config.toml", f"{text}\n[channels.inbox]\nlive = true\n\n")
    monkeypatch.setenv("BEFOREHAND_CHANNELS__INBOX__KEY", "k" * 64)
    for empty in ("", "  "):
        code, out, err = home.run("inbox", "token", empty)
        assert (code, out, "name the customer" in err) == (2, "", True)
    code, out, err = home.run("inbox", "token", "C-9")
    assert (code, bool(out), err) == (0, True, ""), "no ledger: nobody can be known"
    assert home.run("ingest", home.story())[0] == 0
    assert home.run("inbox", "token", "C-1")[2] == ""
    code, out, err = home.run("inbox", "token", "C-9")
    assert (code, bool(out), err) == (0, True, "nothing is known about a customer 'C-9'\n")
