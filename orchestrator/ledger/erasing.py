"""Taking the payload out of rows: facts, entries, attempts, suppressions. The rows themselves stay."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Text, and_, bindparam, exists, func, or_, select, update

from orchestrator.ledger.functions import place_in
from orchestrator.ledger.persons import Persons
from orchestrator.ledger.rows import FACT, fact, to_json
from orchestrator.ledger.skeleton import ERASED
from orchestrator.ledger.tables import attempts, entries, facts, metadata, suppressions
from orchestrator.ledger.tables import names as _names
from orchestrator.ledger.tables import places as _places
from orchestrator.ledger.traces import E164, GAPS, digits_of, places, runs, without
from orchestrator.ledger.verbs import batches
from orchestrator.model import Fact, Scope

_NAMED = (facts.c.source == bindparam("said_by"), facts.c.event_id == bindparam("its_id"))
_STRIP = update(facts).where(*_NAMED).values(data=bindparam("left"), extensions=None, digest=ERASED)
_REPLACE = update(facts).where(*_NAMED).values(data=bindparam("left"), extensions=bindparam("beside"))
_BESIDE = select(facts.c.extensions).where(*_NAMED)
_HAS_PAYLOAD = select(exists().where(*_NAMED, facts.c.digest != ERASED))
_TEXTS = select(entries.c.id, entries.c.wanted, entries.c.reason, entries.c.reason_about).where(
    entries.c.order_id.in_(bindparam("ids", expanding=True))
)
_SCRUB = (
    update(entries)
    .where(entries.c.id == bindparam("entry"))
    .values(wanted=bindparam("left"), reason=bindparam("why"), reason_about=bindparam("about"))
)
_FORGET_ATTEMPTS = (
    update(attempts)
    .where(attempts.c.entry_id.in_(bindparam("ids", expanding=True)))
    .values(provider_id="", detail="", message_id="", address="")
)
_FORGET_PLACES = _places.delete().where(_places.c.customer.in_(bindparam("ids", expanding=True)))
_FORGET_NAMES = _names.delete().where(_names.c.customer.in_(bindparam("ids", expanding=True)))
_LISTED = select(suppressions)
_SAY_LESS = (
    update(suppressions)
    .where(suppressions.c.channel == bindparam("by"), suppressions.c.address_hash == bindparam("its_hash"))
    .values(reason=bindparam("why"), evidence=bindparam("how"))
)


_JSON = frozenset({"data", "extensions", "wanted", "state", "sources"})
_IDS = {
    "facts": ("source", "event_id", "type", "scope", "subject"),
    "entries": ("key",),
    "attempts": ("entry_id", "n"),
    "suppressions": ("channel",),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that was looked for stands in this row, at this place in it; *texts* are what it may be."""

    table: str
    row: Mapping[str, Any]
    at: str
    texts: frozenset[str]


class Erasing(Persons):
    """The verbs that take payload away, for good."""

    def strip_facts(self, left: Iterable[tuple[Fact, Mapping[str, Any]]]) -> None:
        """Leave of each fact only that data; the same event again is known, whatever it says."""
        rows = [_row(said, data) for said, data in left]
        if rows:
            self._run(_STRIP, rows)

    def replace_in_facts(
        self, left: Iterable[tuple[Fact, Mapping[str, Any]]], secrets: Iterable[str]
    ) -> None:
        """Put that data in the place of each fact's, as for somebody whom it only mentions by *secrets*."""
        names = frozenset(secrets)
        rows = []
        for said, data in left:
            row = _row(said, data)
            beside = self._value(_BESIDE, {"said_by": said.source, "its_id": said.id})
            kept = None if beside is None else to_json(without(orjson.loads(beside), names))
            rows.append(row | {"beside": kept})
        if rows:
            self._run(_REPLACE, rows)

    def facts_naming(self, texts: Collection[str]) -> list[tuple[Scope, Fact]]:
        """Every fact, whoever it is about, in whose payload one of *texts* stands; reads all of them."""
        names = frozenset(texts)
        if not names:
            return []
        query = select(facts.c.scope, facts.c.extensions, *FACT).order_by(facts.c.seq)
        hits = _may_hold(facts.c.data, names), _may_hold(facts.c.extensions, names)
        found = (
            (Scope(scope), beside, fact(columns))
            for scope, beside, *columns in self._rows(query.where(or_(*hits)))
        )
        return [
            (scope, said)
            for scope, beside, said in found
            if any(places([said.data, orjson.loads(beside or "null")], names))
        ]

    def has_payload(self, source: str, event_id: str) -> bool:
        """Is that event there, and not emptied?"""
        return bool(self._value(_HAS_PAYLOAD, {"said_by": source, "its_id": event_id}))

    def standing(self, texts: Collection[str]) -> Iterator[Standing]:
        """Every row of every table in which one of *texts* stands, place by place; reads all of them.

        Where customers are reached, and how they are called, is told of the facts that say it.
        """
        names = frozenset(texts)
        for table in metadata.sorted_tables if names else ():
            if table in (_places, _names):
                continue
            columns = [column for column in table.c if isinstance(column.type, Text)]
            ids = [table.c[name] for name in _IDS.get(table.name, [key.name for key in table.primary_key])]
            hits = or_(*(_may_hold(column, names) for column in columns))
            for row in self._rows(
                select(*ids, *(column.label(f"in_{column.name}") for column in columns)).where(hits)
            ):
                named = dict(zip([column.name for column in ids], row, strict=False))
                for column, value in zip(columns, row[len(ids) :], strict=True):
                    read = orjson.loads(value) if value and column.name in _JSON else value
                    if found := list(places(read, names, column.name)):
                        these = frozenset(one for one in names if any(places(read, frozenset({one}))))
                        yield from (Standing(table.name, named, at, these) for at in found)

    def scrub_entries(self, order_ids: Iterable[str], secrets: Collection[str], *, values: bool) -> int:
        """Take *secrets* out of what entries say, with *values* also what conditions saw; say how many."""
        rows = []
        for batch in batches(order_ids):
            for number, wanted, reason, about in self._rows(_TEXTS, {"ids": batch}):
                before = orjson.loads(wanted)
                after = without(before, secrets) | ({"values": {}} if values else {})
                why, named = without(reason, secrets), without(about, secrets)
                if (after, why, named) != (before, reason, about):
                    rows.append({"entry": number, "left": to_json(after), "why": why, "about": named})
        if rows:
            self._run(_SCRUB, rows)
        return len(rows)

    def forget_attempts(self, entry_ids: Iterable[int]) -> None:
        """Forget what providers answered, and by which name they know the messages."""
        for batch in batches(entry_ids):
            self._run(_FORGET_ATTEMPTS, {"ids": batch})

    def forget_customers(self, customer_ids: Iterable[str]) -> None:
        """Drop where customers were reached, and how they were called."""
        for batch in batches(customer_ids):
            self._run(_FORGET_PLACES, {"ids": batch})
            self._run(_FORGET_NAMES, {"ids": batch})

    def scrub_suppressions(self, secrets: Collection[str]) -> None:
        """Take *secrets* out of why addresses are on the suppression list."""
        rows = [
            {"by": channel, "its_hash": its_hash, "why": without(why, secrets), "how": without(how, secrets)}
            for channel, its_hash, why, how, _ in self._rows(_LISTED)
            if (without(why, secrets), without(how, secrets)) != (why, how)
        ]
        if rows:
            self._run(_SAY_LESS, rows)


def _row(said: Fact, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"said_by": said.source, "its_id": said.id, "left": to_json(data)}


def _may_hold(column: ColumnElement[Any], texts: Collection[str]) -> ColumnElement[bool]:
    """Where each of *texts* is, and some other places: those are looked at one by one."""
    bare: Any = column
    for gap in (*GAPS, "\\n", "\\r", "\\t"):
        bare = func.replace(bare, gap, "")
    hits = []
    for text in sorted(texts):
        if E164.fullmatch(text):
            hits.append(place_in(bare, digits_of(text)[1]) > 0)
        else:
            hits.append(and_(*(place_in(func.lower(column), run) > 0 for run in runs(text) or [text])))
    return or_(*hits)
