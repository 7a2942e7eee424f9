"""Facts in, facts out: appended, never edited."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, exists, func, insert, literal_column, select, update

from orchestrator.ledger.persons import INTRODUCED, ORDERED, Persons
from orchestrator.ledger.pruning import Pruning
from orchestrator.ledger.rows import FACT, fact, to_json
from orchestrator.ledger.skeleton import ERASED, bare
from orchestrator.ledger.tables import facts, orders
from orchestrator.ledger.values import Appended, Heard
from orchestrator.ledger.verbs import batches
from orchestrator.model import ENGINE, Fact, Scope, may_be_either, scope_of

_PAGE = 1000
_SCOPES = {scope.value: scope for scope in Scope}

_KNOWN = select(facts.c.event_id, facts.c.digest).where(
    facts.c.source == bindparam("source"), facts.c.event_id.in_(bindparam("ids", expanding=True))
)
_APPEND = insert(facts)
_OF = (
    select(*FACT)
    .where(facts.c.scope == bindparam("scope"), facts.c.subject.in_(bindparam("ids", expanding=True)))
    .order_by(facts.c.subject, facts.c.seq)
)
_AFTER = (
    select(facts.c.seq, *FACT)
    .where(facts.c.seq > bindparam("after"))
    .order_by(facts.c.seq)
    .limit(bindparam("most"))
)
_NEWEST = select(func.max(facts.c.seq))
_WHOM = select(facts.c.scope, facts.c.subject).limit(bindparam("most"))
_NEWS = _WHOM.where(facts.c.seq > bindparam("mark"))
# of transactions that write at once, one that began earlier may commit later: numbers do not tell what is new
SO_FAR = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_SO_FAR = select(literal_column(SO_FAR, BigInteger()))
_NEWS_OF_MANY = _WHOM.where(facts.c.written >= bindparam("mark"))
_SUBJECTS: Select[Any] = (
    select(facts.c.subject)
    .distinct()
    .where(facts.c.scope == bindparam("scope"), facts.c.subject > bindparam("after"))
    .order_by(facts.c.subject)
    .limit(_PAGE)
)
_FILED = (
    select(facts.c.seq, facts.c.subject, facts.c.type)
    .where(facts.c.scope == bindparam("scope"), facts.c.subject.in_(bindparam("ids", expanding=True)))
    .order_by(facts.c.seq)
)
_FILE = update(facts).where(facts.c.seq == bindparam("number")).values(scope=bindparam("now_under"))
_UNLIST = orders.delete().where(
    orders.c.id.in_(bindparam("ids", expanding=True)),
    ~exists().where(facts.c.scope == bindparam("scope"), facts.c.subject == orders.c.id),
)


class Facts(Persons, Pruning):
    """The verbs about facts."""

    def append(self, heard: Sequence[Heard]) -> list[Appended]:
        """Keep what is new, and say for each item whether it is new, a duplicate or a conflict.

        Within *heard* the first of several with one source and id counts.
        """
        known = self._digests(heard)
        late = self._of_pruned([item.fact for item in heard if item.fact.source != ENGINE])
        answers, new = [], []
        for item in heard:
            said = item.fact
            name = (said.source, said.id)
            if name in late:
                answers.append(Appended.DUPLICATE)
                continue
            digest = known.get(name)
            if digest is not None:
                same = digest in (item.digest, ERASED)
                answers.append(Appended.DUPLICATE if same else Appended.CONFLICT)
                continue
            known[name] = item.digest
            answers.append(Appended.NEW)
            new.append(item)
        if new:
            customers = self.customers_alone(item.fact for item in new)
            kept = self._bare(new)
            self._run(_APPEND, [_row(item, customers) for item in kept])
            self.tied(new)
            self.placed(kept)
            self.named(kept)
            self._file_again(new)
        return answers

    def _of_pruned(self, said: Sequence[Fact]) -> set[tuple[str, str]]:
        """Name the news of orders without a history that had happened before it was deleted.

        It was here, or it comes too late: in neither case is there anything to compare it with.
        """
        about = [fact for fact in said if scope_of(fact.type) is Scope.ORDER]
        gone = self.pruned(sorted({fact.subject for fact in about}))
        if not gone:
            return set()
        customers = self.customers_alone(about)
        return {
            (fact.source, fact.id)
            for fact in about
            if fact.subject in gone
            and fact.happened <= gone[fact.subject]
            and not (may_be_either(fact.type) and fact.subject in customers)
        }

    def customers_alone(self, said: Iterable[Fact]) -> set[str]:
        """Name the subjects of facts of a company's own types that are customers, and no announced order."""
        news = list(said)
        either = {fact.subject for fact in news if may_be_either(fact.type)}
        if not either:
            return set()
        known = {fact.subject for fact in news if fact.type == INTRODUCED}
        known |= {subject for _, subject, _ in self._filed(Scope.CUSTOMER, either)}
        announced = {fact.subject for fact in news if fact.type == ORDERED}
        announced |= {subject for _, subject, kind in self._filed(Scope.ORDER, either) if kind == ORDERED}
        return either & known - announced

    def file_under_customers(self, ids: Iterable[str]) -> None:
        """File what was heard under these ids, and is about no announced order, as about the customers."""
        filed = self._filed(Scope.ORDER, ids)
        announced = {subject for _, subject, kind in filed if kind == ORDERED}
        loose = [row for row in filed if may_be_either(row[2]) and row[1] not in announced]
        self._file([number for number, _, _ in loose], Scope.CUSTOMER)
        for batch in batches(subject for _, subject, _ in loose):
            self._run(_UNLIST, {"ids": batch, "scope": Scope.ORDER.value})

    def order_facts(self, ids: Iterable[str]) -> dict[str, list[Fact]]:
        """Give every order's facts in the order they were accepted; none of it is an empty list."""
        return self._facts(Scope.ORDER, ids)

    def customer_facts(self, ids: Iterable[str]) -> dict[str, list[Fact]]:
        """Give every customer's facts in the order they were accepted; none of it is an empty list."""
        return self._facts(Scope.CUSTOMER, ids)

    def facts_after(self, seq: int, limit: int) -> list[tuple[int, Fact]]:
        """Read on: at most *limit* facts whose number is above *seq*, each with its number."""
        return [
            (number, fact(columns)) for number, *columns in self._rows(_AFTER, {"after": seq, "most": limit})
        ]

    def newest_fact(self) -> int:
        """Give the number of the fact accepted last; 0 before the first."""
        number: int | None = self._value(_NEWEST)
        return number or 0

    def so_far(self) -> int:
        """Give a mark for :meth:`news`: whatever this transaction cannot see comes after it."""
        return int(self._value(_SO_FAR)) if self._is_shared else self.newest_fact()

    def news(self, mark: int, limit: int) -> list[tuple[Scope, str]]:
        """Say whom at most *limit* facts after that mark are about: an order or a customer.

        Where many write at once, some of shortly before it may be among them.
        """
        query = _NEWS_OF_MANY if self._is_shared else _NEWS
        rows = self._rows(query, {"mark": mark, "most": limit})
        return [(_SCOPES[scope], subject) for scope, subject in rows]

    def order_ids(self) -> Iterator[str]:
        """Name every order that facts speak about."""
        return self._subjects(Scope.ORDER)

    def customer_ids(self) -> Iterator[str]:
        """Name every customer that facts speak about."""
        return self._subjects(Scope.CUSTOMER)

    def _file_again(self, new: Sequence[Heard]) -> None:
        """Whichever was heard first, the news of a subject or who it is: it is filed the same."""
        self.file_under_customers({item.fact.subject for item in new if item.fact.type == INTRODUCED})
        announced = {item.fact.subject for item in new if item.fact.type == ORDERED}
        filed = self._filed(Scope.CUSTOMER, announced)
        self._file([number for number, _, kind in filed if may_be_either(kind)], Scope.ORDER)

    def _filed(self, scope: Scope, ids: Iterable[str]) -> list[tuple[int, str, str]]:
        return [
            (number, subject, kind)
            for batch in batches(ids)
            for number, subject, kind in self._rows(_FILED, {"scope": scope.value, "ids": batch})
        ]

    def _file(self, numbers: Sequence[int], scope: Scope) -> None:
        if numbers:
            self._run(_FILE, [{"number": number, "now_under": scope.value} for number in numbers])

    def _bare(self, heard: Sequence[Heard]) -> list[Heard]:
        """The same, without the payload of what is about somebody who was erased."""
        about = self.about_erased(heard)
        return [bare(item) if item.fact.subject in about else item for item in heard]

    def _digests(self, heard: Sequence[Heard]) -> dict[tuple[str, str], bytes]:
        by_source: dict[str, list[str]] = {}
        for item in heard:
            by_source.setdefault(item.fact.source, []).append(item.fact.id)
        return {
            (source, event_id): digest
            for source, ids in by_source.items()
            for batch in batches(ids)
            for event_id, digest in self._rows(_KNOWN, {"source": source, "ids": batch})
        }

    def _facts(self, scope: Scope, ids: Iterable[str]) -> dict[str, list[Fact]]:
        found: dict[str, list[Fact]] = {}
        for batch in batches(ids):
            found.update((subject, []) for subject in batch)
            for row in self._rows(_OF, {"scope": scope.value, "ids": batch}):
                found[row[3]].append(fact(row))
        return found

    def _subjects(self, scope: Scope) -> Iterator[str]:
        after = ""
        while page := self._rows(_SUBJECTS, {"scope": scope.value, "after": after}):
            yield from (subject for (subject,) in page)
            after = page[-1][0]


def _row(item: Heard, customers: set[str]) -> dict[str, Any]:
    said = item.fact
    theirs = said.subject in customers and may_be_either(said.type)
    return {
        "source": said.source,
        "event_id": said.id,
        "type": said.type,
        "scope": str(Scope.CUSTOMER if theirs else scope_of(said.type)),
        "subject": said.subject,
        "happened": said.happened,
        "heard": said.heard,
        "data": to_json(said.data),
        "extensions": to_json(item.extensions) if item.extensions else None,
        "digest": item.digest,
    }
