"""`doctor` on a ledger in PostgreSQL and on one in a file: what it asks them, and what it finds."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orchestrator.cli import ailments
from orchestrator.ledger import Daemon, Ledger, schema
from orchestrator.ledger.server import state_of
from orchestrator.transport import jobs
from tests.contracts.ledger import note
from tests.installation import Home, home
from tests.postgres import database

__all__ = ["home"]


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    with database(postgres) as address:
        yield address


def test_a_server_tells_what_keeps_it_from_cleaning_up(url: str) -> None:
    with Ledger.open(url) as ledger, psycopg.connect(url) as other:
        other.execute("ALTER TABLE entries SET (autovacuum_enabled = false)")
        other.commit()
        with ledger.read() as tx:
            state = state_of(tx.driver())
    assert state.autovacuum
    assert state.without == "entries"
    assert state.dead == ()
    assert state.open == ()


def test_jobs_that_wait_are_counted_up_to_a_limit(url: str) -> None:
    now = datetime(2026, 3, 12, 18, tzinfo=UTC)
    with Ledger.open(url) as ledger:
        with ledger.transaction() as tx:
            assert jobs.waiting(tx, 10) == 0, "without their tables there are none"
        jobs.make(ledger)
        with ledger.transaction() as tx:
            tx.create([note(f"O-{n}", due=now) for n in range(220)], now)
            jobs.defer(tx, tx.claim(now, 300, "handed over", timedelta(minutes=2)))
        with ledger.read() as tx:
            assert jobs.waiting(tx, 10) == 3
            assert jobs.waiting(tx, 2) == 2


def test_doctor_looks_at_a_server_and_finds_who_died(
    home: Home, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", url)
    assert home.run("apply")[0] == 0
    now = datetime.now(UTC)
    with Ledger.open(url) as ledger, ledger.transaction() as tx:
        ended = now - timedelta(minutes=5)
        tx.beat(Daemon("1", "dispatcher", "munich-2", os.getpid(), "0.1.0", "0016", ended, ended))
    code, out, _ = home.run("doctor")
    assert code == 1
    assert "daemon (dispatcher)" in out
    assert "munich-2 was last heard of at" in out


def test_doctor_says_that_the_tables_of_the_jobs_are_gone_while_somebody_needs_them(url: str) -> None:
    now = datetime(2026, 3, 12, 18, tzinfo=UTC)
    with Ledger.open(url) as ledger:
        with ledger.transaction() as tx:
            tx.beat(Daemon("1", "all", "munich-1", 1, "0.1.0", "0018", now, now))
            assert list(ailments.jobs(tx, now)) == [], "who does everything alone needs no jobs"
            tx.beat(Daemon("2", "planner", "munich-2", 1, "0.1.0", "0018", now, now))
            (found,) = ailments.jobs(tx, now)
        assert not found.well
        assert "db upgrade" in found.remedy
        jobs.make(ledger)
        with ledger.read() as tx:
            assert list(ailments.jobs(tx, now)) == []


def test_doctor_says_that_migrations_are_missing_and_what_brings_them(home: Home) -> None:
    assert home.run("apply")[0] == 0
    with (
        Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger,
        ledger._database.writing() as connection,
    ):
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    code, out, _ = home.run("doctor", "--format", "json")
    assert code == 1
    assert '"remedy":"beforehand db upgrade"' in out.replace(": ", ":")


def test_an_upgrade_of_a_ledger_that_is_newer_and_serves_this_program_says_so(home: Home) -> None:
    assert home.run("db", "upgrade")[1].endswith(f"has schema {schema.HEAD}, the newest\n")
    with (
        Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger,
        ledger._database.writing() as connection,
    ):
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9000'")
    assert "has schema 9000, newer than this program's" in home.run("db", "upgrade")[1]
