"""Statements as the database's driver takes them: compiled once, bound and read by hand.

Executing a compiled statement through SQLAlchemy costs about 110 µs of Python, the statement itself 10 in
SQLite. A simulation runs a million of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable

Row = Sequence[Any]
Processor = Callable[[Any], Any]

_prepared: WeakKeyDictionary[Executable, dict[tuple[str, ...], "Prepared"]] = WeakKeyDictionary()


def prepare(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> "Prepared":
    """Give the prepared form of *statement* for parameters of these *names*."""
    forms = _prepared.setdefault(statement, {})
    found = forms.get((dialect.name, *names))
    if found is None:
        found = forms[dialect.name, *names] = Prepared(statement, names, dialect)
    return found


class Prepared:
    """One statement's text, and how its values and rows are converted."""

    def __init__(self, statement: Executable, names: tuple[str, ...], dialect: Dialect) -> None:
        compiled: Any = statement.compile(  # type: ignore[attr-defined]
            dialect=dialect, column_keys=list(names), for_executemany=True
        )
        self._text: str = str(compiled)
        self._at: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._pick = _picking(self._at)
        self._place = "?" if compiled.bindtemplate == "?" else "%s"  # as the driver marks a value
        binds: Mapping[str, Processor] = compiled._bind_processors  # noqa: SLF001
        self._lists: frozenset[str] = frozenset(bind.key for bind in compiled.post_compile_params)
        self._given = {  # what the statement says itself, converted here and not for every row
            name: binds[name](value) if name in binds else value
            for name, value in compiled.construct_params(_check=False).items()
            if name not in names
        }
        self._binds = [(n, binds[name]) for n, name in enumerate(self._at) if name in binds and name in names]
        columns = getattr(compiled, "_result_columns", None) or ()
        reads = [column.type._cached_result_processor(dialect, None) for column in columns]  # noqa: SLF001
        self._reads: list[tuple[int, Processor]] = [(at, read) for at, read in enumerate(reads) if read]

    def one(self, values: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """The text and its values in order; a list of values is written out as so many."""
        if not self._lists:
            return self._text, self._bound(values)
        text, bound = self._text, []
        for name, value in zip(self._at, self._bound(values), strict=True):
            if name in self._lists:
                places = ",".join([self._place] * len(value)) or "NULL"
                text = text.replace(f"__[POSTCOMPILE_{name}]", places)
                bound.extend(value)
            else:
                bound.append(value)
        return text, bound

    def many(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, Iterator[Sequence[Any]]]:
        """The text, and the values of each row in order."""
        return self._text, map(self._bound, rows)

    def _bound(self, values: Mapping[str, Any]) -> Sequence[Any]:
        bound = list(self._pick({**self._given, **values} if self._given else values))
        for at, process in self._binds:
            bound[at] = process(bound[at])
        return bound

    def read(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Convert what the driver read."""
        if not self._reads:
            return rows
        converted = [list(row) for row in rows]
        for row in converted:
            for at, read in self._reads:
                row[at] = read(row[at])
        return converted


def _picking(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Say how to take the values of these *names* out of a mapping, in this order."""
    if len(names) > 1:
        return itemgetter(*names)  # of a single one it would give the value itself
    return lambda values: [values[name] for name in names]
