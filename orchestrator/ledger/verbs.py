"""What every group of verbs stands on: the open transaction's connection, and lists cut to fit."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, NestedTransaction

from orchestrator.ledger.prepared import Row, prepare
from orchestrator.ledger.sqlite import away, is_away

T = TypeVar("T")

BATCH = 500  # ids in one statement: SQLite allows 32,766 variables, and longer lists are no faster


class Verbs:
    """Verbs on one open transaction; they are void once it has ended."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # SQLite's own connection, for prepared statements; other databases take SQLAlchemy's way
        native = connection.dialect.name == "sqlite"
        self._driver: sqlite3.Connection | None = connection.connection.driver_connection if native else None

    def apart(self) -> NestedTransaction:
        """Open a part of the transaction (``with``) that is undone alone if it raises."""
        return self._connection.begin_nested()

    def _run(self, statement: Executable, parameters: Any = None) -> int:
        """Run *statement* once, or once for each of several parameters; say how many rows it touched."""
        if self._driver is None:
            return self._connection.execute(statement, parameters).rowcount
        several = isinstance(parameters, list)
        values = (parameters[0] if several else parameters) or {}
        form = prepare(statement, tuple(values), self._connection.dialect)
        try:
            if several:
                cursor = self._driver.executemany(*form.many(parameters))
            else:
                cursor = self._driver.execute(*form.one(values))
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return int(cursor.rowcount)

    def _rows(self, statement: Executable, parameters: Any = None) -> Sequence[Row]:
        if self._driver is None:
            return self._connection.execute(statement, parameters).tuples().all()
        values = parameters or {}
        form = prepare(statement, tuple(values), self._connection.dialect)
        try:
            rows = self._driver.execute(*form.one(values)).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return form.read(rows)

    def _value(self, statement: Executable, parameters: Any = None) -> Any:
        rows = self._rows(statement, parameters)
        return rows[0][0] if rows else None

    def _failed(self, error: sqlite3.Error) -> Exception:
        """Say what a driver's error means; with the database away, the transaction's connection is ended.

        SQLite may have rolled it back by itself: what somebody still tried in it would be written outside.
        """
        if not is_away(error):
            return error
        self._connection.invalidate(error)
        return away(error)


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Cut *items* into lists of at most :data:`BATCH`; a repeated item comes once."""
    rest = iter(dict.fromkeys(items))
    while batch := list(islice(rest, BATCH)):
        yield batch
