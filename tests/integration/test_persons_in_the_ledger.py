"""The ledger knows who was merged and who was erased, finds both without reading every fact, and migrates."""

from collections.abc import Iterator

import pytest

from orchestrator.ledger import Ledger, persons, schema
from orchestrator.ledger.tables import metadata
from tests.builders import event, incoming
from tests.integration.dealership import START, customer, order


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.open("sqlite://", upgrade=True) as opened:
        yield opened


def keep(ledger: Ledger, *documents: dict[str, object]) -> None:
    with ledger.transaction() as tx:
        tx.append([incoming(document) for document in documents])


def merged(who: str, into: str) -> dict[str, object]:
    return event("customer.merged", who, START, into=into)


def test_kin_are_all_who_were_ever_one_however_they_were_merged(ledger: Ledger) -> None:
    keep(ledger, merged("a", "b"), merged("c", "b"), merged("d", "c"), merged("x", "y"), merged("a", "b"))
    keep(ledger, event("customer.unmerged", "a", START))
    with ledger.read() as tx:
        assert tx.kin(["d"])["d"] == {"a", "b", "c", "d"}
        assert tx.kin(["a", "x"]).keys() == {"a", "b", "c", "d", "x", "y"}
        assert tx.kin(["nobody"]) == {}


def test_of_somebody_erased_only_the_skeleton_is_kept_and_of_others_everything(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.note_erased(["maria"], START)
    keep(ledger, customer(), order("BX-1", attributes={"plate": "M-LK 1234"}), customer("jonas"))
    with ledger.read() as tx:
        assert tx.customer_facts(["maria"])["maria"][0].data == {}
        assert "attributes" not in tx.order_facts(["BX-1"])["BX-1"][0].data
        assert tx.customer_facts(["jonas"])["jonas"][0].data["name"] == "Maria Keller"


def test_whoever_asked_to_be_erased_is_named_until_it_is_done(ledger: Ledger) -> None:
    keep(ledger, customer(), event("customer.erased", "maria", START))
    with ledger.transaction() as tx:
        assert tx.asked_to_be_erased() == ["maria"]
        tx.note_erased(["maria"], START)
        assert tx.asked_to_be_erased() == []


def test_who_asked_is_read_off_an_index(ledger: Ledger) -> None:
    with ledger.read() as tx:
        text = str(persons._ASKED.compile(dialect=tx._connection.dialect))
        plan = "\n".join(row[3] for row in tx._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
    assert "USING INDEX ix_facts_erased" in plan


def test_kin_are_read_off_indexes(ledger: Ledger) -> None:
    with ledger.read() as tx:
        text = (
            'EXPLAIN QUERY PLAN SELECT customer, "into" FROM merges '
            "WHERE customer IN ('a', 'b') OR \"into\" IN ('a', 'b')"
        )
        plan = "\n".join(row[3] for row in tx._connection.exec_driver_sql(text))
    assert "SCAN merges" not in plan


def test_whoever_was_merged_before_there_was_a_table_for_it_is_found() -> None:
    from alembic import command

    with Ledger.open("sqlite://", upgrade=True) as ledger:
        with ledger._database.writing() as connection:
            metadata.drop_all(connection)
            connection.exec_driver_sql("DELETE FROM alembic_version")
            command.upgrade(schema.config(connection), "0002")
            for number, who in enumerate(["old", "older"]):
                connection.exec_driver_sql(
                    "INSERT INTO facts VALUES (?, 'crm', ?, 'customer.merged', 'customer', ?, 0, 0, "
                    "'{\"into\": \"maria\"}', NULL, x'00')",
                    (number + 1, who, who),
                )
            schema.migrate(connection)
        with ledger.read() as tx:
            assert tx.kin(["maria"])["maria"] == {"maria", "old", "older"}
