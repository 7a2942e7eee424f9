"""What every group of verbs stands on: the open transaction's connection, and lists cut to fit."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, NestedTransaction

from orchestrator.ledger.database import Database
from orchestrator.ledger.prepared import Row, prepare

T = TypeVar("T")

BATCH = 500  # ids in one statement: SQLite allows 32,766 variables, and longer lists are no faster


class Verbs:
    """Verbs on one open transaction in a *database*; they are void once it has ended."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection = connection
        self._database = database
        self._is_shared = database.is_shared
        self._dialect = connection.dialect
        self._driver: Any = connection.connection.driver_connection  # prepared statements are its own

    def apart(self) -> NestedTransaction:
        """Open a part of the transaction (``with``) that is undone alone if it raises."""
        return self._connection.begin_nested()

    def _run(self, statement: Executable, parameters: Any = None) -> int:
        """Run *statement* once, or once for each of several parameters; say how many rows it touched."""
        several = isinstance(parameters, list)
        values = (parameters[0] if several else parameters) or {}
        form = prepare(statement, tuple(values), self._dialect)
        cursor = self._driver.cursor()
        try:
            if several:
                cursor.executemany(*form.many(parameters))
            else:
                cursor.execute(*form.one(values))
        except Exception as error:
            raise self._failed(error) from error
        return int(cursor.rowcount)

    def _without_effect(self, statement: Executable, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run *statement* for each of *rows*, and give those for which it touched nothing.

        A file is asked row by row: to undo several together it would have to copy every page they change. A
        server is asked for all at once, and only if some had no effect for each.
        """
        if self._is_shared and len(rows) > 1:
            self._driver.execute("SAVEPOINT together")  # through SQLAlchemy it costs ten times as much
            done = self._run(statement, list(rows))
            self._driver.execute(f"{'RELEASE' if done == len(rows) else 'ROLLBACK TO'} SAVEPOINT together")
            if done == len(rows):
                return []
        form = prepare(statement, tuple(rows[0]) if rows else (), self._dialect)
        text, bound = form.many(rows)
        cursor = self._driver.cursor()
        try:
            return [
                row
                for row, values in zip(rows, bound, strict=True)
                if cursor.execute(text, values).rowcount == 0
            ]
        except Exception as error:
            raise self._failed(error) from error

    def _rows(self, statement: Executable, parameters: Any = None) -> Sequence[Row]:
        values = parameters or {}
        form = prepare(statement, tuple(values), self._dialect)
        try:
            rows = self._driver.execute(*form.one(values)).fetchall()
        except Exception as error:
            raise self._failed(error) from error
        return form.read(rows)

    def _value(self, statement: Executable, parameters: Any = None) -> Any:
        rows = self._rows(statement, parameters)
        return rows[0][0] if rows else None

    def _failed(self, error: Exception) -> Exception:
        """Say what a driver's error means; with the database away, the transaction's connection is ended.

        SQLite may have rolled it back by itself: what somebody still tried in it would be written outside.
        """
        away = self._database.away(error)
        if away is None:
            return error
        self._connection.invalidate(error)
        return away


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Cut *items* into lists of at most :data:`BATCH`; a repeated item comes once."""
    rest = iter(dict.fromkeys(items))
    while batch := list(islice(rest, BATCH)):
        yield batch
