"""Statements as SQLite's driver takes them: compiled once, bound and read by hand.

Executing a compiled statement through SQLAlchemy costs about 110 µs of Python, the statement itself 10.
A simulation runs a million of them. On other databases statements take the ordinary way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable

Row = Sequence[Any]
Processor = Callable[[Any], Any]

_prepared: WeakKeyDictionary[Executable, dict[tuple[str, ...], "Prepared"]] = WeakKeyDictionary()


def prepare(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> "Prepared":
    """Give the prepared form of *statement* for parameters of these *names*."""
    forms = _prepared.setdefault(statement, {})
    found = forms.get(names)
    if found is None:
        found = forms[names] = Prepared(statement, names, dialect)
    return found


class Prepared:
    """One statement's text, and how its values and rows are converted."""

    def __init__(self, statement: Executable, names: tuple[str, ...], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
        self._text: str = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._given: Mapping[str, Any] = compiled.construct_params(_check=False)
        self._binds: Mapping[str, Processor] = dict(compiled._bind_processors)  # noqa: SLF001
        self._lists: frozenset[str] = frozenset(bind.key for bind in compiled.post_compile_params)
        columns = getattr(compiled, "_result_columns", None) or ()
        reads = [column.type._cached_result_processor(dialect, None) for column in columns]  # noqa: SLF001
        self._reads: list[tuple[int, Processor]] = [(at, read) for at, read in enumerate(reads) if read]

    def one(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text and its values in order; a list of values is written out as so many."""
        text, bound = self._text, []
        for name in self._names:
            value = values[name] if name in values else self._given[name]
            if name in self._lists:
                text = text.replace(f"__[POSTCOMPILE_{name}]", ",".join("?" * len(value)) or "NULL")
                bound.extend(value)
            else:
                process = self._binds.get(name)
                bound.append(value if process is None else process(value))
        return text, bound

    def many(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, Iterator[list[Any]]]:
        """The text, and the values of each row in order."""
        return self._text, (self.one(row)[1] for row in rows)

    def read(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Convert what the driver read."""
        if not self._reads:
            return rows
        converted = [list(row) for row in rows]
        for row in converted:
            for at, read in self._reads:
                row[at] = read(row[at])
        return converted
