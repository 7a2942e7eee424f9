"""Taking the payload out of rows: facts, entries, attempts, suppressions. The rows themselves stay."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import bindparam, func, or_, select, update

from orchestrator.ledger.persons import Persons
from orchestrator.ledger.rows import FACT, fact, to_json
from orchestrator.ledger.skeleton import ERASED, without
from orchestrator.ledger.tables import attempts, customers, entries, facts, suppressions
from orchestrator.ledger.verbs import batches
from orchestrator.model import Fact

_NAMED = (facts.c.source == bindparam("said_by"), facts.c.event_id == bindparam("its_id"))
_STRIP = update(facts).where(*_NAMED).values(data=bindparam("left"), extensions=None, digest=ERASED)
_REPLACE = update(facts).where(*_NAMED).values(data=bindparam("left"))
_TEXTS = select(entries.c.id, entries.c.wanted, entries.c.reason).where(
    entries.c.order_id.in_(bindparam("ids", expanding=True))
)
_SCRUB = (
    update(entries)
    .where(entries.c.id == bindparam("entry"))
    .values(wanted=bindparam("left"), reason=bindparam("why"))
)
_FORGET_ATTEMPTS = (
    update(attempts)
    .where(attempts.c.entry_id.in_(bindparam("ids", expanding=True)))
    .values(provider_id="", detail="")
)
_FORGET_CACHE = customers.delete().where(customers.c.id.in_(bindparam("ids", expanding=True)))
_LISTED = select(suppressions)
_SAY_LESS = (
    update(suppressions)
    .where(suppressions.c.channel == bindparam("by"), suppressions.c.address_hash == bindparam("its_hash"))
    .values(reason=bindparam("why"), evidence=bindparam("how"))
)


class Erasing(Persons):
    """The verbs that take payload away, for good."""

    def strip_facts(self, left: Iterable[tuple[Fact, Mapping[str, Any]]]) -> None:
        """Leave of each fact only that data; the same event again is known, whatever it says."""
        rows = [_row(said, data) for said, data in left]
        if rows:
            self._run(_STRIP, rows)

    def replace_in_facts(self, left: Iterable[tuple[Fact, Mapping[str, Any]]]) -> None:
        """Put that data in the place of each fact's, as for somebody whom it only mentions."""
        rows = [_row(said, data) for said, data in left]
        if rows:
            self._run(_REPLACE, rows)

    def facts_naming(self, texts: Collection[str]) -> list[Fact]:
        """Every fact, whoever it is about, in whose data one of *texts* stands; reads all of them."""
        if not texts:
            return []
        hits = [func.instr(facts.c.data, _as_written(text)) > 0 for text in sorted(texts)]
        return [fact(row) for row in self._rows(select(*FACT).where(or_(*hits)).order_by(facts.c.seq))]

    def scrub_entries(self, order_ids: Iterable[str], secrets: Collection[str], *, values: bool) -> int:
        """Take *secrets* out of what entries say, with *values* also what conditions saw; say how many."""
        rows = []
        for batch in batches(order_ids):
            for number, wanted, reason in self._rows(_TEXTS, {"ids": batch}):
                before = orjson.loads(wanted)
                after = without(before, secrets) | ({"values": {}} if values else {})
                why = without(reason, secrets)
                if (after, why) != (before, reason):
                    rows.append({"entry": number, "left": to_json(after), "why": why})
        if rows:
            self._run(_SCRUB, rows)
        return len(rows)

    def forget_attempts(self, entry_ids: Iterable[int]) -> None:
        """Forget what providers answered, and by which name they know the messages."""
        for batch in batches(entry_ids):
            self._run(_FORGET_ATTEMPTS, {"ids": batch})

    def forget_customers(self, customer_ids: Iterable[str]) -> None:
        """Drop what is cached of customers."""
        for batch in batches(customer_ids):
            self._run(_FORGET_CACHE, {"ids": batch})

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


def _as_written(text: str) -> str:
    """*text* as it stands inside a JSON text."""
    return orjson.dumps(text).decode()[1:-1]
