"""One import: a file is read twice, as a whole and then row by row, both in constant memory."""

import codecs
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from orchestrator.errors import Misconfigured, Problem, Problems
from orchestrator.intake import Incoming, Place, parse
from orchestrator.model import Fact
from orchestrator.tables import encodings, news
from orchestrator.tables.doubles import Disk, Double
from orchestrator.tables.flaws import Flaw, Flawed
from orchestrator.tables.mapping import Bound, MapFile
from orchestrator.tables.reading import Lines, Row, Rows
from orchestrator.tables.rows import Reader, Said

ROWS = 500  # looked up in the ledger together
READING = ("encoding", "delimiter", "header", "columns")  # keys that say how to read a table
OF_TABLES = frozenset({"M001", "M003", "M004", "M005"})  # what binding a mapping to a table finds
FEW = 3  # lines: in a file of more, one that cannot be read says nothing of the others

Facts = Mapping[str, Sequence[Fact]]
Seen = Callable[[int], None]


Known = Callable[[Iterable[str], Iterable[str]], tuple[Facts, Facts]]
"""Gives the facts about these orders and these customers by id, in the order they were accepted."""


@dataclass(frozen=True, slots=True)
class New:
    """The events of one row that were not known: as documents, and as intake believes them.

    Beside them is what was known before: the facts of its order, and of the ``customer`` that the row names.
    """

    documents: Sequence[Mapping[str, Any]]
    incoming: Sequence[Incoming]
    customer: str
    of_order: Sequence[Fact]
    of_customer: Sequence[Fact]


class Import:
    """Turns one table into events as of *now*. ``counts`` says what became of its rows."""

    def __init__(self, file: Path, mapping: MapFile, zone: str, now: datetime, tolerance: timedelta) -> None:
        self._file = file
        self._mapping = mapping
        self._zone = zone
        self._now = now
        self._tolerance = tolerance
        self.counts: Counter[str] = Counter()
        self._news = news.News(mapping.shape.table)

    def run(self, known: Known, refuse: Callable[[Flaw], None], seen: Seen = lambda _: None) -> Iterator[New]:
        """Give what is new, row by row; *refuse* gets every flaw, *seen* the bytes read (twice the file).

        Raises :class:`Problems` before the first row, with all of them, if the mapping does not fit the file.
        """
        with Disk() as disk:
            bound = self._survey(disk, seen)
            batch: list[Said | list[Flaw]] = []
            for outcome in self._said(bound, disk, seen):
                batch.append(outcome)
                if len(batch) == ROWS:
                    yield from self._told(batch, bound, known, disk, refuse)
                    batch = []
            yield from self._told(batch, bound, known, disk, refuse)

    def misfits(self) -> list[Problem]:
        """What is wrong with a mapping, and beside that which of its columns the table does not have.

        Nothing is known of the columns where it is wrong how the table is to be read.
        """
        found = list(self._mapping.problems)
        wrong = {(problem.line, problem.column) for problem in found}
        keys = self._mapping.root.keys
        lines = {problem.line for problem in found}
        if any(keys[key].line in lines for key in READING if key in keys):
            return found
        with _opened(self._file) as stream:
            rows = self._rows(stream, lambda _: None)
            try:
                self._mapping.bind(rows.names, self._zone)
            except Problems as problems:
                more = (problem for problem in problems.problems if problem.code in OF_TABLES)
                found += [problem for problem in more if (problem.line, problem.column) not in wrong]
        return sorted(found, key=lambda problem: (problem.line, problem.column))

    # ── the first reading ──

    def _survey(self, disk: Disk, seen: Seen) -> Bound:
        """Does the mapping fit, is the encoding right, and which keys stand there twice?"""
        with _opened(self._file) as stream:
            said = codecs.lookup(self._mapping.shape.encoding).name
            if (name := encodings.marked(stream.read(4))) and not said.startswith(("utf-16", "utf-32")):
                message = f"the file begins with the byte order mark of {name}"
                raise Problems([self._file_problem("M007", message, f"write encoding: {name}", 1)])
            stream.seek(0)
            rows = self._rows(stream, seen)
            if not rows.names:
                raise Problems([self._file_problem("M006", "there is no header", line=self._header)])
            bound = self._bound(rows)
            reader = self._reader(bound)
            for row in rows:
                if isinstance(row, Row):
                    cells = reader.cells(row.cells)
                    try:
                        if reader.wanted(cells) and (key := reader.key(cells)):
                            disk.add(key, cells, row.line)
                    except Flawed:
                        continue  # told when the row is read
            self._demand_encoding(rows.lines)
        return bound

    def _bound(self, rows: Rows) -> Bound:
        try:
            return self._mapping.bind(rows.names, self._zone)
        except Problems as problems:
            if len(rows.names) == 1 and (other := _delimiter(rows.names[0])):
                hint = f"is the delimiter {other!r}?"
                first = self._file_problem("M006", "the header has one column only", hint, self._header)
                raise Problems([first, *problems.problems]) from None
            raise

    def _demand_encoding(self, lines: Lines) -> None:
        """Refuse a file that is in another encoding altogether; a stray line is refused by itself."""
        said = self._mapping.shape.encoding
        alone = (lines.bad == 1 and lines.number > FEW) or not encodings.reads_as_words(lines.strange)
        if lines.bad and not lines.good and not alone and lines.first_bad is not None:
            name = encodings.likely(lines.strange)
            first = lines.first_bad
            message = f"the line {first.message}; no line beyond ASCII can be read"
            raise Problems([self._file_problem("M007", message, f"write encoding: {name}", first.line)])
        if lines.good and lines.all_utf8 and not lines.is_unicode:
            message = f"all lines beyond ASCII are UTF-8, which reads as nonsense in {said}"
            raise Problems(
                [self._file_problem("M007", message, "write encoding: utf-8", lines.first_strange)]
            )

    @property
    def _header(self) -> int:
        return self._mapping.shape.header

    def _file_problem(self, code: str, message: str, hint: str = "", line: int = 0) -> Problem:
        return Problem(str(self._file), line, 1 if line else 0, code, message, hint)

    # ── the second reading ──

    def _said(self, bound: Bound, disk: Disk, seen: Seen) -> Iterator[Said | list[Flaw]]:
        """What each row says, or why it is refused; rows that say nothing are only counted."""
        reader = self._reader(bound)
        doubles = disk.doubles()
        double = next(doubles, None)
        with _opened(self._file) as stream:
            for row in self._rows(stream, seen):
                self.counts["rows"] += 1
                if isinstance(row, Flaw):
                    yield [row]
                    continue
                while double is not None and double.line < row.line:
                    double = next(doubles, None)
                if double is not None and double.line == row.line:
                    if double.differ:
                        yield [self._differing(double, bound, reader, row)]
                        continue
                    if not double.first:
                        self.counts["repeated"] += 1
                        continue
                if (outcome := self._read(reader, row)) is not None:
                    yield outcome
                else:
                    self.counts["left out"] += 1

    def _read(self, reader: Reader, row: Row) -> Said | list[Flaw] | None:
        cells = reader.cells(row.cells)
        try:
            return reader.say(row.line, cells) if reader.wanted(cells) else None
        except Flawed as flawed:
            return [flawed.at(row.line)]

    def _differing(self, double: Double, bound: Bound, reader: Reader, row: Row) -> Flaw:
        key = reader.key(reader.cells(row.cells))
        said = f"has the key of line {double.other:,} and says something else"
        return Flaw(row.line, bound.order_id.column, key, "M106", said, "neither line counts")

    def _refused(self, flaws: Iterable[Flaw], refuse: Callable[[Flaw], None]) -> None:
        self.counts["refused"] += 1
        for flaw in flaws:
            refuse(flaw)

    # ── what is new ──

    def _told(
        self,
        batch: Sequence[Said | list[Flaw]],
        bound: Bound,
        known: Known,
        disk: Disk,
        refuse: Callable[[Flaw], None],
    ) -> Iterator[New]:
        rows = [said for said in batch if isinstance(said, Said)]
        orders, customers = known(
            [said.order for said in rows], {said.customer for said in rows if said.customer}
        )
        for said in batch:
            if not isinstance(said, Said):
                self._refused(said, refuse)
                continue
            documents, describes = self._customer(said, customers, disk, refuse)
            of_order, of_customer = orders.get(said.order, ()), customers.get(said.customer, ())
            before = news.before(of_order, self._news.source)
            documents += self._news.order(said, before)
            incoming, flaws = self._believed(documents, said, bound)
            if flaws:
                self._refused(flaws, refuse)
                continue
            if describes is not None:
                disk.describe(said.customer, describes, said.line)
            if said.cancelled is None and bound.cancelled is not None and "cancelled" in before.last:
                refuse(
                    Flaw(said.line, bound.cancelled.when.template.column, "", "M202",
                         "says that an order goes on that was cancelled before", refused=False)
                )  # fmt: skip
            self.counts["unchanged"] += not incoming
            yield New(documents, incoming, said.customer, of_order, of_customer)

    def _customer(
        self, said: Said, customers: Facts, disk: Disk, refuse: Callable[[Flaw], None]
    ) -> tuple[list[dict[str, Any]], bytes | None]:
        """The customer's events, and the description to remember: their first row describes them."""
        if not said.customer:
            return [], None
        description = news.described(said.about_customer)
        first = disk.described(said.customer)
        if first is None:
            facts = news.before(customers.get(said.customer, ()), self._news.source)
            return list(self._news.customer(said, facts)), description
        if first[0] != description:
            message = f"is described otherwise on line {first[1]:,}, which counts"
            refuse(Flaw(said.line, "the customer", said.customer, "M201", message, refused=False))
        return [], None

    def _believed(
        self, documents: Iterable[Mapping[str, Any]], said: Said, bound: Bound
    ) -> tuple[list[Incoming], list[Flaw]]:
        incoming: list[Incoming] = []
        flaws: list[Flaw] = []
        place = Place(str(self._file), said.line)
        for document in documents:
            outcome = parse(document, self._now, place=place, future_tolerance=self._tolerance)
            if isinstance(outcome, Incoming):
                incoming.append(outcome)
                continue
            for problem in outcome:
                column = bound.columns_of(problem.pointer)
                value = str(_at(document, problem.pointer))
                message = problem.message.partition(" ")[2] if column else problem.message
                flaws.append(Flaw(said.line, column, value, problem.code, message, problem.hint))
        return incoming, flaws

    def _rows(self, stream: BinaryIO, seen: Seen) -> Rows:
        shape = self._mapping.shape
        return Rows(Lines(stream, shape.encoding, seen), shape.delimiter, shape.header, shape.columns)

    def _reader(self, bound: Bound) -> Reader:
        return Reader(bound, self._now, self._tolerance)


def _at(document: Any, pointer: str) -> Any:
    """What stands at a pointer (RFC 6901) in a document, "" if nothing does."""
    for step in pointer.split("/")[1:]:
        document = document.get(step, "") if isinstance(document, Mapping) else ""
    return "" if isinstance(document, Mapping | list) else document


def _delimiter(header: str) -> str:
    """The character that cuts a header into most pieces."""
    best = max(",;\t|", key=header.count)
    return best if header.count(best) else ""


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from error
