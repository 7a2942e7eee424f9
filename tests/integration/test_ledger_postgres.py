"""The ledger on PostgreSQL: the contract, and what only a database with many writers has to promise."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from channels.base import Message, Receipt
from channels.memory import MemoryChannel
from orchestrator.cli import main
from orchestrator.cli.heartbeat import Heartbeat
from orchestrator.cli.roles import Role
from orchestrator.clock import SystemClock
from orchestrator.errors import LedgerAway, LedgerBehind, Misconfigured
from orchestrator.ledger import Ledger, copying, schema
from orchestrator.ledger.tables import metadata
from orchestrator.model import Scope, Status
from tests.contracts.ledger import LEASE, NOW, Item, LedgerContract, claim, create, fact, note
from tests.integration import dealership
from tests.integration.dealership import Dealership, arrived, customer, order
from tests.postgres import database


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    with database(postgres) as address:
        yield address


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture
def empty(postgres: str) -> Iterator[str]:
    with database(postgres, empty=True) as address:
        yield address


class TestPostgres(LedgerContract):
    pass


# ── the schema ───────────────────────────────────────────────────────────────


def test_an_empty_database_is_opened_only_to_upgrade_it(empty: str) -> None:
    with pytest.raises(LedgerBehind, match="empty"):
        Ledger.open(empty)
    Ledger.open(empty, upgrade=True).close()
    Ledger.open(empty).close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_keep_every_name_is_refused_before_anything_is_written(
    postgres: str, encoding: str
) -> None:
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"CREATE DATABASE narrow TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
        try:
            with pytest.raises(Misconfigured, match=f"narrow has the encoding {encoding}.*needs UTF8"):
                Ledger.open(postgres.replace("/postgres?", "/narrow?"), upgrade=True)
        finally:
            server.execute("DROP DATABASE narrow WITH (FORCE)")


def test_the_migrations_make_what_the_tables_declare(ledger: Ledger, empty: str) -> None:
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"

    def shape(of: Ledger) -> list[tuple[object, ...]]:
        with of.read() as tx:
            return [tuple(row) for query in (columns, indexes) for row in tx._connection.execute(text(query))]

    with Ledger.open(empty, upgrade=True) as migrated:
        with migrated._database.writing() as connection:
            metadata.drop_all(connection)
            connection.execute(text("DELETE FROM alembic_version"))
            schema.migrate(connection)
        assert shape(migrated) == shape(ledger)


WAITED = "ix_orders_customer"
VALID = (
    "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_orders_customer') "
    "UNION ALL SELECT false LIMIT 1"
)


def upgraded(url: str) -> None:
    Ledger.open(url, upgrade=True).close()


def test_an_index_of_a_newer_version_is_made_while_others_write(ledger: Ledger, url: str) -> None:
    """A plain one would keep everybody from writing until the oldest transaction has ended."""
    with psycopg.connect(url, autocommit=True) as free, psycopg.connect(url) as long:
        free.execute(f"DROP INDEX {WAITED}")
        long.execute("INSERT INTO orders (id, customer) SELECT 'old', '' WHERE false")
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(upgraded, url) for _ in range(2)]
            begun = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'"
            until(lambda: free.execute(begun).fetchone() == (1,))
            create(ledger, note("O-1", "arrived#1"))
            assert free.execute(VALID).fetchone() == (False,)
            long.rollback()
            for one in both:
                one.result()
        assert free.execute(VALID).fetchone() == (True,)
        assert of_the_customers(free) == 1


def of_the_customers(connection: "psycopg.Connection[tuple[int]]") -> int:
    found = connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'ix_orders_customer%'")
    (count,) = found.fetchone() or (0,)
    return count


def test_an_index_whose_making_was_broken_off_is_made_anew(ledger: Ledger, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as free:
        free.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{WAITED}'::regclass")
        ledger.upgrade()
        assert free.execute(VALID).fetchone() == (True,)


def test_dead_rows_are_cleaned_up_early_where_messages_change_rows_and_as_an_operator_set_it(
    ledger: Ledger, url: str
) -> None:
    asked = "SELECT reloptions FROM pg_class WHERE oid = to_regclass(%s)"
    own = "autovacuum_vacuum_scale_factor=0.001"
    with psycopg.connect(url, autocommit=True) as free:
        for table in ("entries", "orders", "attempts"):
            (found,) = free.execute(asked, (table,)).fetchone() or ([],)
            assert "autovacuum_vacuum_scale_factor=0.02" in found
        free.execute(f"ALTER TABLE entries SET ({own})")
        free.execute("ALTER TABLE orders RESET (autovacuum_vacuum_scale_factor)")
        ledger.upgrade()
        assert own in (free.execute(asked, ("entries",)).fetchone() or [[]])[0]
        assert (
            "autovacuum_vacuum_scale_factor=0.02" in (free.execute(asked, ("orders",)).fetchone() or [[]])[0]
        )


def test_a_migration_that_has_to_wait_lets_others_pass_and_comes_again(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def migrate(connection: Connection) -> None:
        tried.append(1)
        connection.exec_driver_sql("ALTER TABLE entries ADD COLUMN mood TEXT NOT NULL DEFAULT ''")
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{schema.HEAD}'")

    tried: list[int] = []
    monkeypatch.setattr(schema, "migrate", migrate)
    monkeypatch.setattr("orchestrator.ledger.ledger.PATIENCE", 0.2)
    with psycopg.connect(url, autocommit=True) as free, psycopg.connect(url) as reader:
        free.execute("UPDATE alembic_version SET version_num = '0001'")
        reader.execute("SELECT count(*) FROM entries")
        with ThreadPoolExecutor(1) as pool:
            upgrading = pool.submit(ledger.upgrade)
            until(lambda: len(tried) > 1)
            reader.rollback()
            upgrading.result()
        create(ledger, note("O-1", "arrived#1"))
        assert free.execute("SELECT mood FROM entries").fetchone() == ("",)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


# ── many writers ─────────────────────────────────────────────────────────────


def test_workers_that_claim_at_once_never_get_the_same_and_no_order_twice(ledger: Ledger) -> None:
    create(ledger, *(note(f"O-{n % 60}", f"arrived#{n}") for n in range(180)))
    together = threading.Barrier(6)

    def work(worker: int) -> list[tuple[int, str]]:
        together.wait()
        with ledger.transaction() as tx:
            return [(one.id, one.wanted.order) for one in tx.claim(NOW, 20, f"w{worker}", LEASE)]

    with ThreadPoolExecutor(6) as pool:
        taken = [one for found in pool.map(work, range(6)) for one in found]
    assert len(taken) == len({order for _, order in taken}) == 60


def test_whoever_claims_passes_by_an_order_that_somebody_works_on(ledger: Ledger) -> None:
    create(ledger, note("O-1"), note("O-2"))
    with ThreadPoolExecutor(1) as pool, ledger.transaction() as tx:
        tx.own(["O-1"])
        taken = pool.submit(claim, ledger).result(10)
    assert [one.wanted.order for one in taken] == ["O-2"]
    assert [one.wanted.order for one in claim(ledger)] == ["O-1"]


def test_what_began_to_be_written_before_and_is_kept_after_a_look_is_news(ledger: Ledger) -> None:
    marks: list[int] = []

    def look() -> None:
        with ledger.transaction() as other:
            other.append([Item(fact("e2", "O-2"))])
            marks.append(other.so_far())

    with ThreadPoolExecutor(1) as pool, ledger.transaction() as tx:
        tx.append([Item(fact("e1", "O-1"))])
        pool.submit(look).result(10)
    with ledger.read() as after:
        assert (Scope.ORDER, "O-1") in after.news(marks[0], 10)


def test_whoever_sweeps_at_once_takes_each_lapsed_lease_once(ledger: Ledger) -> None:
    create(ledger, *(note(f"O-{n}") for n in range(40)))
    claim(ledger)

    def sweep(_: int) -> list[int]:
        with ledger.transaction() as tx:
            return [one.id for one in tx.sweep(NOW + LEASE + timedelta(minutes=1))]

    with ThreadPoolExecutor(4) as pool:
        swept = [one for found in pool.map(sweep, range(4)) for one in found]
    with ledger.transaction() as tx:
        swept += [one.id for one in tx.sweep(NOW + LEASE + timedelta(minutes=1))]
    assert len(swept) == len(set(swept)) == 40


def test_news_of_one_order_heard_at_once_is_planned_as_if_one_after_the_other(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as opened:
        url = opened.enter_context(database(postgres))
        monkeypatch.setattr(dealership, "KEPT_IN", lambda _folder: url)
        house = Dealership(tmp_path)
        opened.callback(house.ledger.close)
        names = [f"BX-{n}" for n in range(30)]
        news = [[customer(f"c-{name}"), order(name, f"c-{name}"), arrived(name)] for name in names]
        spread = [one for three in zip(*news, strict=True) for one in three]

        def hear(document: dict[str, object]) -> None:
            for _ in range(5):
                try:
                    house.hear(document)
                except LedgerAway:
                    continue  # of two that wait for each other one begins anew, as whoever sends events does
                return

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(hear, spread))
        waiting = {name: [one.status for one in house.entries(name)] for name in names}
    assert waiting == {name: [Status.SCHEDULED] for name in names}


# ── the server goes away ─────────────────────────────────────────────────────


def test_a_lost_connection_is_the_ledger_being_away_and_the_next_transaction_works(
    ledger: Ledger, postgres: str
) -> None:
    end_all = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'beforehand' AND pid <> pg_backend_pid()"
    )

    def lose() -> None:
        with ledger.transaction() as tx:
            tx.remember("it", "is lost")
            with psycopg.connect(postgres, autocommit=True) as other:
                other.execute(end_all)
            tx.remember("it", "is lost too")

    with pytest.raises(LedgerAway):
        lose()
    with ledger.transaction() as tx:
        assert tx.remembered("it") is None
        tx.remember("it", "works again")


def test_connections_that_ended_unused_are_replaced_and_nobody_hears_of_it(
    ledger: Ledger, postgres: str
) -> None:
    with ExitStack() as several:
        for _ in range(3):
            several.enter_context(ledger._database.reading())
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'beforehand' AND pid <> pg_backend_pid()"
        )
    for _ in range(3):
        assert ledger.time() is not None


def test_a_server_that_does_not_answer_is_the_ledger_being_away(tmp_path: Path) -> None:
    with pytest.raises(LedgerAway, match="does not answer"):
        Ledger.open(f"postgresql://postgres@/ledger?host={tmp_path}")


def test_who_names_their_patience_waits_no_longer_for_an_order(ledger: Ledger) -> None:
    def hurried() -> None:
        with ledger.transaction(0.05) as other:
            other.own(["O-1"])

    with ledger.transaction() as tx:
        tx.own(["O-1"])
        with ThreadPoolExecutor(1) as pool, pytest.raises(LedgerAway, match="lock"):
            pool.submit(hurried).result(10)


def test_any_number_of_daemons_may_work_on_it_and_whether_any_does_can_be_seen(
    ledger: Ledger, url: str
) -> None:
    assert not ledger.has_daemon()
    with Ledger.open(url) as other, ledger.daemon_lock():
        with other.daemon_lock(), other.transaction() as tx:
            tx.remember("both", "work")
        assert other.has_daemon()
    assert not ledger.has_daemon()


def test_a_daemon_is_seen_again_after_the_server_cut_its_connections(ledger: Ledger, url: str) -> None:
    with Ledger.open(url) as other, ledger.daemon_lock():
        with psycopg.connect(url, autocommit=True) as cutting:
            cutting.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        until(lambda: not other.has_daemon())
        beat = Heartbeat(ledger, Role.ALL, SystemClock(), lambda: None)
        beat()
        assert other.has_daemon()
        beat()
    beat()
    assert not ledger.has_daemon(), "who is no daemon any more takes no lock"


class Slow(MemoryChannel):
    """Takes a moment over each message, so that others get their turn."""

    async def send(self, message: Message) -> Receipt:
        await asyncio.sleep(0)
        return await super().send(message)


def test_dispatchers_that_work_at_once_send_everything_once(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as opened:
        url = opened.enter_context(database(postgres))
        monkeypatch.setattr(dealership, "KEPT_IN", lambda _folder: url)
        channel = Slow("email")
        houses = [Dealership(tmp_path, {"email": channel}, batch=20, live=True) for _ in range(3)]
        for house in houses:
            opened.callback(house.ledger.close)
        names = [f"BX-{n}" for n in range(150)]
        for name in names:
            houses[0].hear(customer(f"c-{name}"), order(name, f"c-{name}"), arrived(name))
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(Dealership.drain, houses))
        ended = {name: [one.status for one in houses[0].entries(name)] for name in names}
    assert len(channel.messages) == len({message.id for message in channel.messages}) == 150
    assert ended == {name: [Status.ACCEPTED] for name in names}


# ── from one machine to many ─────────────────────────────────────────────────


def test_a_ledger_moves_from_a_file_to_a_server_and_goes_on_where_it_was(empty: str, tmp_path: Path) -> None:
    with ExitStack() as opened:
        house = Dealership(tmp_path)
        opened.callback(house.ledger.close)
        house.hear(customer("maria"), order("BX-1", "maria"), arrived("BX-1"))
        house.hear(customer("jonas"), order("BX-2", "jonas"))
        house.drain()
        moved = opened.enter_context(Ledger.open(empty, upgrade=True))
        copied = copying.copy(house.ledger, moved)
        with house.ledger.read() as tx:
            before = tx.order_facts(["BX-1", "BX-2"]), tx.entries_of(["BX-1", "BX-2"]), tx.newest_fact()
        with moved.read() as tx:
            after = tx.order_facts(["BX-1", "BX-2"]), tx.entries_of(["BX-1", "BX-2"]), tx.newest_fact()
        assert after == before
        assert copied["facts"] == before[2]
        with moved.transaction() as tx:
            tx.append([Item(fact("later"))])
            assert tx.newest_fact() == before[2] + 1
            assert tx.create([note("O-9")], NOW) == 1
        with pytest.raises(Misconfigured, match="not empty"):
            copying.copy(house.ledger, moved)


def test_a_ledger_on_which_daemons_work_is_not_copied(
    ledger: Ledger,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", url)
    back = ("db", "copy", f"sqlite:///{tmp_path / 'back.db'}")
    with ledger.daemon_lock():
        assert main(back) == 1
    assert "daemons work on this ledger" in capsys.readouterr().err
    assert main(back) == 0


# ── who is told what happens ─────────────────────────────────────────────────


def test_a_subscriber_does_not_miss_a_fact_whose_transaction_ends_late(ledger: Ledger, url: str) -> None:
    with ledger.transaction() as tx:
        tx.subscribe("crm")
        (crm,) = tx.subscribers()
    with Ledger.open(url) as other, ThreadPoolExecutor() as elsewhere:

        def after_the_late_one() -> list[str]:
            with other.transaction() as late:
                late.append([Item(fact("late"))])
            return read_on()

        def read_on() -> list[str]:
            with other.read() as tx:
                return [heard.id for _, heard in tx.next_facts(crm, 10)]

        with ledger.transaction() as early:
            early.append([Item(fact("early"))])
            assert elsewhere.submit(after_the_late_one).result() == []
        assert read_on() == ["early", "late"]


def test_a_subscriber_goes_on_where_they_were_once_the_ledger_is_copied(empty: str, tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ours:
        with ours.transaction() as tx:
            tx.append([Item(fact("heard"))])
            tx.subscribe("crm")
            tx.append([Item(fact("new"))])
        with Ledger.open(empty, upgrade=True) as theirs:
            copying.copy(ours, theirs)
            with theirs.transaction() as tx:
                tx.append([Item(fact("newer"))])
            with theirs.read() as tx:
                assert [heard.id for _, heard in tx.next_facts(tx.subscribers()[0], 10)] == ["new", "newer"]
