"""A ledger's file copied while a daemon works on it, and put back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.errors import LedgerAway, LedgerBusy, Misconfigured
from orchestrator.ledger import Ledger, Stops, backups
from orchestrator.ledger.tables import metadata
from orchestrator.model import Status
from tests.contracts.smtp_server import SmtpServer
from tests.installation import CAR, NORA, Home, event, home
from tests.integration.test_daemon import at_any_hour, by_smtp, daemon, stopped, until

__all__ = ["home"]

NOW = datetime(2026, 3, 12, 18, tzinfo=UTC)
APART = {"pauses", "daemons"}  # a restored ledger is paused, and nobody works on it


def quiet(_done: int, _pages: int) -> None:
    """Whoever waits for nothing."""


def rows(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that a ledger's file holds."""
    with closing(sqlite3.connect(file)) as connection:
        return {
            table.name: sorted(connection.execute(f'SELECT * FROM "{table.name}"').fetchall(), key=repr)
            for table in metadata.sorted_tables
            if table.name not in APART
        }


def cars(now: datetime, first: int, count: int) -> str:
    lines = []
    for number in range(first, first + count):
        who, what = f"C-{number}", f"A-{number}"
        about = {"customer": who, "journey": "new-car", "attributes": CAR, "owner": NORA}
        lines += [
            event(
                "customer.upserted",
                who,
                now,
                name="Maria Keller",
                locale="en",
                email=f"c-{number}@example.com",
            ),
            event("order.upserted", what, now, **about),
            event("milestone.reached", what, now, milestone="arrived"),
        ]
    return "\n".join(lines)


def test_a_backup_made_while_a_daemon_writes_is_put_back_as_it_was_and_paused(home: Home) -> None:
    at_any_hour(home)
    ledger = home.folder / "beforehand.db"
    with SmtpServer() as server, daemon(home, **by_smtp(server)) as process:
        now = datetime.now(UTC)  # what happened before the rules counted is not told
        home.run("ingest", home.write("1.jsonl", cars(now, 1, 40)))
        code, out, err = home.run("db", "backup", "night.db")
        assert code == 0, err
        assert "night.db is complete and sound" in out
        kept = rows(home.folder / "night.db")
        home.run("ingest", home.write("2.jsonl", cars(now, 41, 5)))
        until(lambda: len(ended_all(home)) == 45)
        code, _, err = home.run("db", "restore", "night.db")
        assert code == 1
        assert str(process.pid) in err
        assert not list(home.folder.glob("*.before-*"))
        stopped(process)
    assert len(kept["facts"]) >= 3 * 40
    later = rows(ledger)
    code, out, err = home.run("db", "restore", "night.db")
    assert code == 0, err
    assert "everything is paused" in out
    assert rows(ledger) == kept
    (aside,) = [file for file in home.folder.glob("*.before-*") if file.suffix != ".db-wal"]
    assert rows(aside) == later
    assert "everything" in home.run("pause")[1]
    assert home.run("db", "rebuild")[0] == 0
    assert home.run("resume", "--all")[0] == 0


def ended_all(home: Home) -> list[object]:
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
        return [one for one in tx.entries_in({Status.ACCEPTED}, limit=1000) if one.wanted.rule == "arrived"]


# ── what is refused ──────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "ledger.db"
    with Ledger.open(f"sqlite:///{where}", upgrade=True) as ledger, ledger.transaction() as tx:
        tx.remember("it", "is here")
    yield where
    assert not list(tmp_path.glob(".*.part*")), "a draft was left"


def made(file: Path, name: str = "copy.db", *, replace: bool = False) -> Path:
    target = file.parent / name
    backups.back_up(file, target, replace=replace, progress=quiet)
    return target


def test_a_copy_is_one_file_that_nobody_else_may_read(file: Path) -> None:
    copy = made(file)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in file.parent.glob("copy*")) == ["copy.db"]


def test_a_backup_takes_the_place_of_nothing_unless_told_and_then_of_a_backup_only(file: Path) -> None:
    copy = made(file)
    with pytest.raises(Misconfigured, match="--replace"):
        made(file)
    made(file, replace=True)
    settings = file.with_name("config.toml")
    settings.write_text("[company]\n")
    with pytest.raises(Misconfigured, match="is no ledger"):
        made(file, "config.toml", replace=True)
    assert settings.read_text() == "[company]\n"
    with pytest.raises(Misconfigured, match="the ledger itself"):
        made(file, "ledger.db", replace=True)
    with pytest.raises(Misconfigured, match="no folder"):
        made(file, "nowhere/copy.db")
    assert backups.checked(copy).newest is None


def test_a_copy_that_fails_leaves_the_older_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = made(file)
    before = copy.read_bytes()

    def interrupted(_done: int, _pages: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backups.back_up(file, copy, replace=True, progress=interrupted)
    assert copy.read_bytes() == before


def test_a_file_that_is_damaged_or_no_ledger_or_too_new_is_not_restored(file: Path) -> None:
    copy, before = made(file), rows(file)
    whole = copy.read_bytes()
    copy.write_bytes(whole[:4096] + b"\x00" * 8192 + whole[12288:])
    refused = {
        copy: "damaged|no ledger",
        file.with_name("nothing.db"): "there is no file",
        file: "the ledger itself",
    }
    for backup, why in refused.items():
        with pytest.raises((LedgerAway, Misconfigured), match=why):
            backups.restore(backup, file, NOW, quiet)
    copy.write_bytes(whole)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(Misconfigured, match="update the program"):
        backups.restore(copy, file, NOW, quiet)
    assert rows(file) == before


def test_a_restore_is_refused_while_a_daemon_works(file: Path) -> None:
    copy = made(file)
    with (
        Ledger.open(f"sqlite:///{file}") as ledger,
        ledger.daemon_lock(),
        pytest.raises(LedgerBusy),
    ):
        backups.restore(copy, file, NOW, quiet)


def test_a_folder_is_named_as_it_was_given() -> None:
    with pytest.raises(Misconfigured, match=r"^\. is no ledger"):
        backups.checked(Path())


def test_a_ledger_that_is_lost_or_damaged_is_replaced_and_what_was_there_is_kept(file: Path) -> None:
    copy = made(file)
    file.write_bytes(b"not a database at all" * 500)
    _, aside = backups.restore(copy, file, NOW, quiet)
    assert aside is not None
    assert aside.read_bytes().startswith(b"not a database")
    file.unlink()
    _, aside = backups.restore(copy, file, NOW + timedelta(hours=1), quiet)
    assert aside is None
    with Ledger.open(f"sqlite:///{file}") as ledger, ledger.read() as tx:
        assert tx.remembered("it") == "is here"
        assert [pause.kind for pause in tx.pauses()] == [Stops.EVERYTHING]


def test_whoever_still_has_the_old_file_open_writes_nothing_beside_the_new_one(file: Path) -> None:
    copy = made(file)
    with Ledger.open(f"sqlite:///{file}") as ledger:
        with ledger.transaction() as tx:
            tx.remember("it", "is newer")
        backups.restore(copy, file, NOW, quiet)
        with pytest.raises(LedgerAway, match="moved away or replaced"), ledger.transaction() as tx:
            tx.remember("it", "is lost")


def test_on_postgresql_the_tools_of_the_server_are_named_without_the_password(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", "postgresql://nora:geheim@db.example.com/cars")
    for command, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        code, _, err = home.run("db", command, "night.dump")
        assert code == 2
        assert tool in err
        assert "postgresql://nora@db.example.com/cars" in err
        assert "geheim" not in err
