"""Two versions over one ledger: what a newer one may add while an older one works, and what is refused."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.errors import LedgerBehind, LedgerBusy
from orchestrator.ledger import Ledger, schema
from orchestrator.reasons import Code
from orchestrator.reasons.sending import FROZEN, paused
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


BEFORE = (  # how schema 0018 kept what became of eight entries, each with its state
    ("held", "frozen: changed rules that would change it wait for a person (`beforehand plan`)"),
    ("scheduled", "rule arrived is paused: wrong prices"),
    ("scheduled", "channel email is left alone: 5 failures in a row, the last: 503 no"),
    ("suppressed", "no channel in time: email: not before Fri 2026-03-13 08:00, quiet hours"),
    ("cancelled", "replaced: arrived happened on Thu 2026-03-12 10:00"),
    ("unknown", "may have been said at Thu 2026-03-12 11:00; not repeated because unreachable: it came back"),
    ("failed", "550 5.1.1 no such mailbox"),
    ("scheduled", ""),
)


def as_it_was_before_reasons_had_codes(house: Dealership) -> None:
    """The house's entries as a program with schema 0018 left them."""
    house.hear(*many(len(BEFORE)))
    sentences = (one.replace("'", "''") for _, one in BEFORE)
    changed(
        house.ledger,
        "ALTER TABLE entries DROP COLUMN reason_code",
        "ALTER TABLE entries DROP COLUMN reason_about",
        "UPDATE alembic_version SET version_num = '0018'",
        *(
            f"UPDATE entries SET status = '{status}', reason = '{sentence}' WHERE id = {number}"
            for number, (status, sentence) in enumerate(
                zip((one for one, _ in BEFORE), sentences, strict=True), 1
            )
        ),
    )


def test_an_upgrade_gives_the_reasons_of_old_rows_their_codes(house: Dealership) -> None:
    as_it_was_before_reasons_had_codes(house)
    with pytest.raises(LedgerBehind, match="0018"):
        house.ledger.demand()
    house.ledger.upgrade()
    with house.ledger.read() as tx:
        rows = tx._connection.exec_driver_sql(
            "SELECT reason_code, reason_about FROM entries ORDER BY id"
        ).all()
        read = [tx.entry(number) for number in range(1, len(BEFORE) + 1)]
        assert tx.held_for(FROZEN) == 1
    assert [tuple(row) for row in rows] == [
        ("frozen", ""),
        ("rule_paused", "arrived"),
        ("channel_alone", "email"),
        ("no_channel", "email: not before Fri 2026-03-13 08:00, quiet hours"),
        ("replaced", "arrived happened on Thu 2026-03-12 10:00"),
        ("came_back", ""),
        ("rejected", ""),
        ("", ""),
    ]
    kept = [(one.reason, one.reason.code, one.reason.about) for one in read if one is not None]
    assert kept == [(said, *row) for (_, said), row in zip(BEFORE, rows, strict=True)]


def test_what_a_program_without_codes_writes_meanwhile_is_found_and_the_next_upgrade_gives_it_its_code(
    house: Dealership,
) -> None:
    house.hear(*many(2))
    later = "2026-03-13 09:00:00+00:00" if house.ledger.is_shared else "1773392400000000"
    changed(
        house.ledger,
        f"UPDATE entries SET status = 'held', reason = '{FROZEN}' WHERE id = 1",
        "UPDATE entries SET reason = 'rule arrived is paused: rain', "
        f"not_before = '{later}', run_at = '{later}'"
        " WHERE id = 2",
    )
    with house.ledger.transaction() as tx:
        assert (tx.held_for(FROZEN), tx.count_held(FROZEN).number) == (1, 1)
        assert tx.held_otherwise(FROZEN, 9) == []
        assert tx.wake(paused("rule", "other", ""), house.clock.now()) == 0
        assert tx.wake(paused("rule", "arrived", ""), house.clock.now()) == 1
        assert [one.reason.code for one in tx.held()] == [Code.FROZEN]
    house.ledger.upgrade()
    with house.ledger.read() as tx:
        codes = tx._connection.exec_driver_sql("SELECT reason_code FROM entries ORDER BY id").scalars().all()
    assert codes == ["frozen", "rule_paused"]


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
