"""The ledger on SQLite: the contract over a file and in memory, and what only SQLite has to promise."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Executable

from orchestrator.errors import LedgerAway, LedgerBehind, LedgerBusy, Misconfigured
from orchestrator.ledger import Ledger, Transaction, Writer, overview, schema, sqlite
from orchestrator.ledger.claims import CLAIM, NEXT_DUE
from orchestrator.ledger.returning import _BY_MESSAGE, _BY_PROVIDER, _LAST_SENT
from orchestrator.ledger.rows import notification, to_json, written
from orchestrator.ledger.tables import metadata
from orchestrator.model import Kind, Notification, Promised, Purpose, Status, Step, Tells
from orchestrator.reasons import Code, Reason
from tests.contracts.ledger import LEASE, NOW, Item, LedgerContract, create, fact, note


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, upgrade=True) as opened:
        yield opened


class TestFile(LedgerContract):
    pass


class TestMemory(LedgerContract):
    @pytest.fixture
    def ledger(self) -> Iterator[Ledger]:
        with Ledger.open("sqlite:///:memory:", upgrade=True) as opened:
            yield opened


class TestScratch(LedgerContract):
    @pytest.fixture
    def ledger(self, url: str) -> Iterator[Ledger]:
        with Ledger.open(url, upgrade=True, scratch=True) as opened:
            yield opened


# ── opening, and the schema's version ────────────────────────────────────────


def test_an_empty_database_is_opened_only_to_upgrade_it(url: str) -> None:
    with pytest.raises(LedgerBehind, match="empty"):
        Ledger.open(url)
    Ledger.open(url, upgrade=True).close()
    Ledger.open(url).close()


@pytest.mark.parametrize(("version", "advice"), [("0000", "db upgrade"), ("9999", "update the program")])
def test_another_schema_is_refused_with_what_to_do(url: str, version: str, advice: str) -> None:
    with Ledger.open(url, upgrade=True) as ledger, ledger.transaction() as tx:
        tx._connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (version,))
        tx._connection.exec_driver_sql("UPDATE schema_serves SET oldest = ?", (version,))
    with pytest.raises(LedgerBehind, match=advice):
        Ledger.open(url)


def test_a_newer_ledger_is_not_upgraded(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx._connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        tx._connection.exec_driver_sql("UPDATE schema_serves SET oldest = '9999'")
    with pytest.raises(LedgerBehind, match="9999"):
        ledger.upgrade()


def test_another_kind_of_database_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="mysql"):
        Ledger.open("mysql://localhost/ledger")


def test_the_file_survives_a_crash_of_the_machine(ledger: Ledger) -> None:
    with ledger.read() as tx:
        settings = {
            name: tx._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_opening_needs_no_migration_library(url: str) -> None:
    Ledger.open(url, upgrade=True).close()
    code = (
        "import sys; from orchestrator.ledger import Ledger; Ledger.open(sys.argv[1]);"
        "print('alembic' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_the_mark_stays_the_same_while_everybody_only_looks(url: str) -> None:
    with Ledger.open(url, upgrade=True) as ledger, Ledger.open(url) as other:
        before = ledger.mark()
        with other.read() as tx:
            tx.accounts()
        assert ledger.mark() == before
        with other.transaction() as tx:
            tx.remember("a", "b")
        assert ledger.mark() != before


# ── migrations ───────────────────────────────────────────────────────────────


@pytest.fixture
def migrated() -> Iterator[Ledger]:
    """A ledger that was made by the migrations, one after the other."""
    with Ledger.open("sqlite://", upgrade=True) as opened:
        with opened._database.writing() as connection:
            metadata.drop_all(connection)
            connection.exec_driver_sql("DELETE FROM alembic_version")
            schema.migrate(connection)
        yield opened


def test_the_migrations_make_what_the_tables_declare(migrated: Ledger, ledger: Ledger) -> None:
    def shape(of: Ledger) -> list[tuple[str, str, str]]:
        text = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql IS NOT NULL"
        with of.read() as tx:
            rows = tx._connection.exec_driver_sql(text).all()
        bare = ((kind, name, sql.replace('"', "")) for kind, name, sql in rows)  # a copied table is quoted
        return sorted((kind, name, " ".join(sql.split())) for kind, name, sql in bare)

    assert shape(migrated) == shape(ledger)


def test_a_channel_that_was_paused_before_pauses_had_kinds_stays_paused(migrated: Ledger) -> None:
    from alembic import command

    with migrated._database.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DELETE FROM alembic_version")
        command.upgrade(schema.config(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO channels VALUES ('email', 1772442000000000, '535 login refused')"
        )
        schema.migrate(connection)
    with migrated.read() as tx:
        (pause,) = tx.pauses()
    assert (str(pause), pause.reason, pause.since.year) == ("channel email", "535 login refused", 2026)


def test_autogenerate_finds_nothing_to_change_and_leaves_the_engines_tables_alone(migrated: Ledger) -> None:
    from alembic import command

    with migrated._database.writing(keep=False) as connection:
        connection.exec_driver_sql("CREATE TABLE procrastinate_jobs (id INTEGER)")
        command.check(schema.config(connection))
        connection.exec_driver_sql("CREATE TABLE surprise (id INTEGER)")
        with pytest.raises(Exception, match="surprise"):
            command.check(schema.config(connection))


def test_the_newest_migration_is_the_version_that_opening_asks_for(migrated: Ledger) -> None:
    from alembic.script import ScriptDirectory

    with migrated._database.writing() as connection:
        heads = ScriptDirectory.from_config(schema.config(connection)).get_heads()
        assert heads == [schema.HEAD]
        assert schema.version(connection) == schema.HEAD


# ── plans ────────────────────────────────────────────────────────────────────


def plan_of(ledger: Ledger, statement: Executable) -> str:
    with ledger.read() as tx:
        connection = tx._connection
        text = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
        asked = re.sub(r"__\[POSTCOMPILE_\w+\]", "?", str(text))  # a list of one
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", (1,) * len(text.positiontup)).all()
    return "\n".join(row[3] for row in rows)


def test_claiming_reads_only_what_waits_and_is_due(ledger: Ledger) -> None:
    plan = plan_of(ledger, CLAIM)
    assert "SEARCH waiting USING INDEX ix_entries_run (run_at<?)" in plan
    assert "SEARCH flying USING INDEX ix_entries_one_in_flight (order_id=?)" in plan
    assert "SEARCH earlier USING INDEX ix_entries_order_run (order_id=? AND run_at<?)" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


def test_the_next_due_moment_is_read_off_the_index(ledger: Ledger) -> None:
    plan = plan_of(ledger, NEXT_DUE)
    assert "SCAN waiting USING INDEX ix_entries_run" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("name", ["provider_id", "message_id", "address"])
def test_what_comes_back_is_looked_up_in_its_index(ledger: Ledger, name: str) -> None:
    statement = {"provider_id": _BY_PROVIDER, "message_id": _BY_MESSAGE, "address": _LAST_SENT}[name]
    plan = plan_of(ledger, statement)
    assert f"SEARCH attempts USING INDEX ix_attempts_{name} ({name}=?)" in plan
    assert "SCAN" not in plan


EVERYBODY, SOME = (False, False), (True, True)
LISTS = ("silent", "promises", "tasks", "problems")


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (overview._listed(LISTS, EVERYBODY), "SEARCH orders USING INDEX ix_orders_silent"),
        (overview._listed(LISTS, SOME), "SEARCH orders USING INDEX ix_orders_silent"),
        (overview._listed(LISTS, EVERYBODY), "SEARCH orders USING INDEX ix_orders_promise"),
        (overview._listed(LISTS, EVERYBODY), "SEARCH orders USING INDEX ix_orders_tasks"),
        (overview._listed(LISTS, EVERYBODY), "ix_orders_problem (id"),
        (overview._lengths(LISTS, SOME), "COVERING INDEX ix_orders_silent"),
        (overview._lengths(LISTS, SOME), "orders USING INDEX ix_orders_problem"),
        (overview._coming(EVERYBODY), "ix_entries_run (run_at"),
        (overview._due(2), "ix_entries_run (run_at>? AND run_at<?)"),
        (overview._due(2), "ix_entries_on_trial (mode=? AND run_at>? AND run_at<?)"),
        (overview._sent(EVERYBODY), "attempts USING INTEGER PRIMARY KEY"),
        (overview._HELD, "ix_entries_held"),
        (overview._CALLED, "sqlite_autoindex_names_1 (word>"),
    ],
)
def test_what_is_asked_over_everything_is_read_off_an_index(
    ledger: Ledger, statement: Executable, index: str
) -> None:
    plan = plan_of(ledger, statement)
    assert index in plan
    assert "SCAN entries" not in plan
    small = "MATERIALIZE" in plan or "MERGE (UNION ALL)" in plan  # a thousand, or what a page shows
    assert "TEMP B-TREE" not in plan or small


# ── many writers ─────────────────────────────────────────────────────────────


def test_eight_threads_write_and_nobody_hears_locked(ledger: Ledger) -> None:
    def write(thread: int) -> None:
        for n in range(40):
            with ledger.transaction() as tx:
                tx.append([Item(fact(f"{thread}-{n}"))])
            with ledger.read() as tx:
                assert tx.newest_fact() > 0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with ledger.read() as tx:
        assert len(tx.order_facts(["O-1"])["O-1"]) == 320


WRITES = """
import sys
from orchestrator.ledger import Ledger
from tests.contracts.ledger import Item, fact
ledger = Ledger.open(sys.argv[1], upgrade=True)
for n in range(40):
    with ledger.transaction() as tx:
        tx.append([Item(fact(f"{sys.argv[2]}-{n}"))])
"""


def test_10_eight_processes_write_from_the_first_moment_and_nobody_hears_locked(url: str) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITES, url, str(n)], stderr=subprocess.PIPE, text=True)
        for n in range(8)
    ]
    complaints = [writer.communicate(timeout=120)[1] for writer in writers]
    assert complaints == [""] * 8
    with Ledger.open(url) as ledger, ledger.read() as tx:
        assert len(tx.order_facts(["O-1"])["O-1"]) == 320


def test_two_claimers_share_what_is_due_without_meeting(ledger: Ledger) -> None:
    create(ledger, *(note(f"O-{n}") for n in range(200)))

    def work(name: str) -> list[int]:
        mine: list[int] = []
        while True:
            with ledger.transaction() as tx:
                claimed = tx.claim(NOW, 7, name, LEASE)
            if not claimed:
                return mine
            mine += [entry.id for entry in claimed]

    with ThreadPoolExecutor(4) as pool:
        taken = [entry_id for part in pool.map(work, "abcd") for entry_id in part]
    assert len(taken) == len(set(taken)) == 200


def test_a_writer_puts_many_changes_into_few_commits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    transaction = ledger.transaction

    def counted(patience: float | None) -> object:
        commits.append(1)
        return transaction(patience)

    monkeypatch.setattr(ledger, "transaction", counted)
    with Writer(ledger) as writer, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: writer.submit(lambda tx: tx.remember(f"n{n}", "x")).result(30), range(200)))
        done = len(commits)
    assert done < 200


# ── the database goes away ───────────────────────────────────────────────────


def test_a_folder_that_is_not_there_is_the_ledger_being_away(tmp_path: Path) -> None:
    with pytest.raises(LedgerAway, match="unable to open"):
        Ledger.open(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.db'}")


def test_a_file_that_is_no_database_is_the_ledger_being_away(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"something else entirely " * 100)
    with pytest.raises(LedgerAway, match="not a database"):
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_a_lock_that_lasts_is_the_ledger_being_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 0.05)
    with Ledger.open(url, upgrade=True) as ledger:
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerAway, match="locked"), ledger.transaction():
            pass
        with ledger.read() as tx:
            assert tx.newest_fact() == 0  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        with ledger.transaction() as tx:
            tx.remember("it", "works again")


def test_who_names_their_patience_waits_no_longer_and_whoever_writes_next_is_as_patient_as_ever(
    url: str,
) -> None:
    def busy_timeout(tx: Transaction) -> object:
        return tx._connection.exec_driver_sql("PRAGMA busy_timeout").scalar()

    with Ledger.open(url, upgrade=True) as ledger:
        with ledger.transaction(0.05) as tx:
            assert busy_timeout(tx) == sqlite.BUSY_TIMEOUT * 1000
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = monotonic()
        with pytest.raises(LedgerAway, match="locked"), ledger.transaction(0.05):
            pass
        assert monotonic() - began < sqlite.BUSY_TIMEOUT / 2
        other.execute("ROLLBACK")
        other.close()
        with ledger.transaction() as tx:
            assert busy_timeout(tx) == sqlite.BUSY_TIMEOUT * 1000


def fill_up(tx: Transaction) -> None:
    """Let the disk be full: not one more page."""
    connection = tx._connection
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def make_room(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx._connection.exec_driver_sql("PRAGMA max_page_count = 1000000")


LARGE = [Item(fact(f"large-{n}", data={"text": "x" * 10_000})) for n in range(50)]


def test_a_full_disk_is_the_ledger_being_away_and_nothing_half_is_kept(ledger: Ledger) -> None:
    def half(tx: Transaction) -> None:
        tx.append([Item(fact("e1"))])
        fill_up(tx)
        tx.append(LARGE)

    with pytest.raises(LedgerAway, match="full"), ledger.transaction() as tx:
        half(tx)
    with ledger.read() as tx:
        assert tx.newest_fact() == 0
    make_room(ledger)
    with ledger.transaction() as tx:
        tx.append(LARGE)


def test_who_goes_on_after_a_full_disk_writes_nothing(ledger: Ledger) -> None:
    def careless(tx: Transaction) -> None:
        fill_up(tx)
        try:
            with tx.apart():
                tx.append(LARGE)
        except Exception:  # noqa: BLE001
            pass
        tx.remember("half", "kept")

    with pytest.raises(Exception), ledger.transaction() as tx:  # noqa: B017, PT011
        careless(tx)
    with ledger.read() as tx:
        assert tx.remembered("half") is None


def test_a_full_disk_fails_everything_that_was_gathered_and_the_writer_lives(ledger: Ledger) -> None:
    def full(tx: Transaction) -> None:
        fill_up(tx)
        tx.append(LARGE)

    with Writer(ledger) as writer:
        futures = [writer.submit(lambda tx: tx.remember("first", "x")), writer.submit(full)]
        with pytest.raises(LedgerAway):
            futures[1].result(10)
        make_room(ledger)
        writer.submit(lambda tx: tx.remember("later", "x")).result(10)


def test_a_mistake_in_sql_is_not_the_ledger_being_away(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="no such table") as raised, ledger.transaction() as tx:
        tx._connection.exec_driver_sql("SELECT * FROM nowhere")
    assert not isinstance(raised.value, LedgerAway)


def test_an_error_names_no_customer(ledger: Ledger) -> None:
    create(ledger, note())
    with pytest.raises(Exception, match="UNIQUE") as raised, ledger.transaction() as tx:
        tx._connection.exec_driver_sql(
            "INSERT INTO settings (name, value) VALUES (?, ?), (?, ?)", ("Maria Keller",) * 4
        )
    assert "Maria" not in str(raised.value)


# ── crashes, and the daemon's lock ───────────────────────────────────────────

DIES = """
import os, signal, sys
from orchestrator.ledger import Ledger
from tests.contracts.ledger import LEASE, NOW, Item, fact, note
ledger = Ledger.open(sys.argv[1], upgrade=True)
with ledger.daemon_lock():
    with ledger.transaction() as tx:
        tx.append([Item(fact("committed"))])
        tx.create([note()], NOW)
    with ledger.transaction() as tx:
        (one,) = tx.claim(NOW, 1, "dies", LEASE)
        tx.begin_sending(one.id, one.generation, "sms", "<1@example.org>", NOW)
    with ledger.transaction() as tx:
        tx.append([Item(fact("never committed"))])
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_a_kill_what_was_committed_is_there_and_nothing_else(url: str) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, url], check=False)
    assert died.returncode == -signal.SIGKILL
    with Ledger.open(url) as ledger, ledger.daemon_lock(), ledger.transaction() as tx:
        assert [one.id for one in tx.order_facts(["O-1"])["O-1"]] == ["committed"]
        assert tx.claim(NOW + LEASE, 1, "heir", LEASE) == []  # never again by itself
        assert [entry.status for entry in tx.sweep(NOW + LEASE)] == [Status.UNKNOWN]


def test_a_second_daemon_is_refused_and_told_who_is_there(url: str) -> None:
    with Ledger.open(url, upgrade=True) as ledger, Ledger.open(url) as another:
        with (
            ledger.daemon_lock(),
            pytest.raises(LedgerBusy, match=rf"process {os.getpid()} .* since 20\d\d-"),
            another.daemon_lock(),
        ):
            pass
        with another.daemon_lock():
            pass


def test_a_link_to_the_file_is_the_same_ledger(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "ledger.db")
    with (
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ledger,
        ledger.daemon_lock(),
        Ledger.open(f"sqlite:///{tmp_path / 'link.db'}") as linked,
        pytest.raises(LedgerBusy),
        linked.daemon_lock(),
    ):
        pass


def test_a_ledger_in_memory_needs_no_lock() -> None:
    with Ledger.open("sqlite://", upgrade=True) as ledger, ledger.daemon_lock(), ledger.daemon_lock():
        pass


# ── what is kept is what comes back ──────────────────────────────────────────

moments = st.datetimes(timezones=st.just(UTC))
texts = st.text(st.characters(codec="utf-8"))
days = st.dates().map(lambda day: Promised(day=day))
spans = st.builds(Promised, start=moments, end=st.none() | moments)
numbers = st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers
values = st.recursive(
    plain | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5
)

words = st.dictionaries(texts.filter(lambda name: name != "code"), texts, max_size=3)
reasons = st.builds(Reason, st.sampled_from(Code), texts, words)

notifications = st.builds(
    Notification,
    order=texts, rule=texts, occasion=texts, role=texts, customer=texts, template=texts,
    kind=st.sampled_from(Kind), purpose=st.sampled_from(Purpose),
    due_at=moments, expires_at=st.none() | moments,
    trigger_at=st.none() | moments, ack_by=st.none() | moments,
    steps=st.lists(st.builds(Step, texts, moments, texts), max_size=3).map(tuple),
    tells=st.lists(st.builds(Tells, texts, days | spans), max_size=3).map(tuple),
    because=reasons, unless=texts, milestone=texts, journey=texts, mode=texts,
    values=st.dictionaries(texts, values, max_size=3),
)  # fmt: skip


@given(notifications)
def test_any_notification_is_read_as_it_was_written(wanted: Notification) -> None:
    read = notification(written(wanted))
    assert read == wanted
    assert (read.because.code, read.because.words) == (wanted.because.code, wanted.because.words)


def test_a_notification_is_kept_in_the_same_words_whether_its_key_was_asked_for_or_not() -> None:
    asked, other = note(), note()
    assert asked.key == "O-1/arrived/arrived#1/customer"
    assert to_json(asked) == to_json(other)
    assert replace(asked, occasion="arrived#2").key == "O-1/arrived/arrived#2/customer"


def test_a_new_ledger_is_read_by_nobody_else_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with Ledger.open(f"sqlite:///{file}", upgrade=True):
        modes = {found.name: found.stat().st_mode & 0o777 for found in tmp_path.glob("ledger.db*")}
    assert modes["ledger.db"] == 0o600
    assert set(modes.values()) == {0o600}
    file.chmod(0o640)
    with Ledger.open(f"sqlite:///{file}"):
        assert file.stat().st_mode & 0o777 == 0o640
