"""A whole ledger from one database into another, row by row."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from orchestrator.errors import Misconfigured
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.tables import facts, metadata, subscribers

AT_ONCE = 1000
# which transaction wrote it is said by the database that keeps it: here one has written all facts
_OWN = {facts.c.written, subscribers.c.written}


def copy(
    source: Ledger, target: Ledger, progress: Callable[[int], object] = lambda _: None
) -> dict[str, int]:
    """Copy everything, in one transaction; return how many rows of which table.

    *progress* hears how many are done. Nobody may work on the *source* meanwhile: what is written to it after
    the beginning is not copied. Raises :class:`Misconfigured` if the *target* holds anything.
    """
    with source._database.reading() as old, target._database.writing() as new:  # noqa: SLF001
        _demand_empty(new)
        return {table.name: _copied(table, old, new, progress) for table in metadata.sorted_tables}


def rows(source: Ledger) -> int:
    """Count the rows that :func:`copy` would copy."""
    with source._database.reading() as connection:  # noqa: SLF001
        return sum(_count(table, connection) for table in metadata.sorted_tables)


def _demand_empty(connection: Connection) -> None:
    full = [table.name for table in metadata.sorted_tables if _count(table, connection)]
    if full:
        raise Misconfigured(f"the ledger to copy into is not empty: there are {' and '.join(full)} in it")


def _count(table: Table, connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copied(table: Table, old: Connection, new: Connection, progress: Callable[[int], object]) -> int:
    count = 0
    for part in _parts(table, old):
        new.execute(insert(table), part)
        count += len(part)
        progress(len(part))
    number = table.autoincrement_column
    if new.dialect.name == "postgresql" and number is not None and count:
        counter = f"pg_get_serial_sequence('{table.name}', '{number.name}')"
        new.execute(text(f"SELECT setval({counter}, (SELECT max({number.name}) FROM {table.name}))"))  # noqa: S608
    return count


def _parts(table: Table, old: Connection) -> Iterator[list[dict[str, Any]]]:
    columns = [column for column in table.c if column not in _OWN]
    found = old.execution_options(yield_per=AT_ONCE).execute(select(*columns))
    for part in found.mappings().partitions(AT_ONCE):
        yield [dict(row) for row in part]
