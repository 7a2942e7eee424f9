"""Two versions over one ledger: what a newer one may add while an older one works, and what is refused."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.errors import LedgerBehind, LedgerBusy
from orchestrator.ledger import Ledger, schema
from tests.integration import dealership
from tests.integration.dealership import Dealership, arrived, customer, many, order

ALSO_ON_POSTGRES = True

EXPANDED = (
    "ALTER TABLE entries ADD COLUMN mood TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE orders ADD COLUMN weather TEXT",
    "ALTER TABLE facts ADD COLUMN echo BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE moons (id TEXT PRIMARY KEY)",
    "CREATE INDEX ix_entries_mood ON entries (mood) WHERE mood <> ''",
    "UPDATE alembic_version SET version_num = '9000'",
)
EXPANDS = {"add_column", "create_table", "execute", "get_bind", "batch_alter_table"}


@pytest.fixture
def house(tmp_path: Path, _kept_in: None) -> Iterator[Dealership]:
    found = Dealership(tmp_path)
    yield found
    found.close()


def changed(ledger: Ledger, *statements: str) -> None:
    with ledger._database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def serving(ledger: Ledger, oldest: str) -> None:
    changed(ledger, f"UPDATE {schema.OLDEST} SET oldest = '{oldest}'")


def test_a_daemon_works_on_while_a_newer_version_adds_what_it_does_not_know(house: Dealership) -> None:
    house.hear(*many(8))
    for _ in range(8):
        run = house.dispatcher.one_batch()
        dealership.run(run)
    changed(house.ledger, *EXPANDED)
    house.hear(customer("paul", email="paul@example.com"), order("BX-90", "paul"), arrived("BX-90"))
    house.pass_time(timedelta(minutes=1))
    house.engine.rebuild(house.clock.now())
    assert house.channels["email"].sent == 9  # type: ignore[attr-defined]


def test_one_that_starts_after_that_works_beside_the_newer(house: Dealership, tmp_path: Path) -> None:
    changed(house.ledger, *EXPANDED)
    Ledger.open(dealership.KEPT_IN(tmp_path)).close()
    beside = Dealership(tmp_path, house.channels, clock=house.clock)
    beside.hear(customer(), order(), arrived())
    beside.drain()
    beside.ledger.close()
    assert house.channels["email"].sent == 1  # type: ignore[attr-defined]


def test_a_ledger_that_serves_only_newer_programs_is_refused_with_what_to_do(
    house: Dealership, tmp_path: Path
) -> None:
    changed(house.ledger, *EXPANDED)
    serving(house.ledger, "9000")
    for upgrade in (False, True):
        with pytest.raises(LedgerBehind, match=f"9000, this program needs {schema.HEAD}: update the program"):
            Ledger.open(dealership.KEPT_IN(tmp_path), upgrade=upgrade)


def test_migrations_that_would_break_a_daemon_wait_until_it_is_stopped(
    house: Dealership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "SERVES", "9000")
    with house.ledger.daemon_lock(), pytest.raises(LedgerBusy, match="stop it first"):
        house.ledger.upgrade()


def test_what_only_adds_may_come_while_a_daemon_works(house: Dealership) -> None:
    with house.ledger.daemon_lock():
        house.ledger.upgrade()


def is_unique_index(call: ast.Call) -> bool:
    """All other indexes are made afterwards, while everybody works."""
    return ast.unparse(call.func) == "op.create_index" and any(
        named.arg == "unique" and ast.unparse(named.value) == "True" for named in call.keywords
    )


def test_an_index_that_no_migration_made_is_made_by_the_next_upgrade_and_named_until_then(
    house: Dealership,
) -> None:
    changed(house.ledger, "DROP INDEX ix_facts_subject")
    assert house.ledger.unindexed() == ["ix_facts_subject"]
    house.ledger.upgrade()
    assert house.ledger.unindexed() == []


def test_migrations_only_add_since_the_oldest_schema_that_is_served() -> None:
    """Whatever takes away or renames raises SERVES, so that older programs are refused and not broken."""
    newer = [path for path in schema.MIGRATIONS.glob("versions/v*.py") if path.name[1:5] > schema.SERVES]
    for path in newer:
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        ops = {
            call.func.attr
            for call in calls
            if not is_unique_index(call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "op"
        }
        assert ops <= EXPANDS, f"{path.name}: {ops - EXPANDS}; raise SERVES, and say so in the changelog"
    assert schema.SERVES <= schema.HEAD
