"""The indexes that are declared and that a ledger does not have yet, as after an update.

Migrations leave them to :meth:`~orchestrator.ledger.ledger.Ledger.upgrade`, for on PostgreSQL they are made
outside of a transaction, while everybody writes (docs/decisions/0036-expand-then-contract.md).
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Index
from sqlalchemy.schema import CreateIndex

from orchestrator.ledger.tables import metadata

_THERE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE relnamespace = 'public'::regnamespace AND indisvalid",  # one that was begun and not ended is not
}


def missing(connection: Connection) -> Sequence[Index]:
    """Return those of the declared indexes that no query can use, by table.

    A unique one keeps a promise, and so belongs into the migration that makes the promise.
    """
    there = {name for (name,) in connection.exec_driver_sql(_THERE[connection.dialect.name])}
    declared = (index for table in metadata.sorted_tables for index in sorted(table.indexes, key=_name))
    return [index for index in declared if not index.unique and index.name not in there]


def making(index: Index, connection: Connection) -> Iterator[str]:
    """Give the statements that make one; on PostgreSQL each outside of a transaction."""
    made = str(CreateIndex(index).compile(dialect=connection.dialect))
    if connection.dialect.name != "postgresql":
        yield made
        return
    yield f'DROP INDEX CONCURRENTLY IF EXISTS "{index.name}"'
    yield made.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1)


def _name(index: Index) -> str:
    return str(index.name)
