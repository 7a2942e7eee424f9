"""Who and what is meant by that which comes back: a report names a message, a reply an address."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text, update

from orchestrator.ledger.rows import ENTRY, entry
from orchestrator.ledger.tables import attempts, entries, places
from orchestrator.ledger.verbs import Verbs, batches
from orchestrator.model import Entry, Status

_ids: Any = bindparam("ids", expanding=True)


def _having(column: Any) -> Any:
    """Entries of which a try has one of these in *column*."""
    tried = select(attempts.c.entry_id).where(column.in_(_ids), text(f"{column.name} <> ''"))
    return select(*ENTRY).where(entries.c.id.in_(tried)).order_by(entries.c.id)


_BY_PROVIDER = (
    select(*ENTRY)
    .where(
        entries.c.id.in_(
            select(attempts.c.entry_id).where(
                attempts.c.provider_id == bindparam("its_id"),
                attempts.c.channel == bindparam("by"),
                text("provider_id <> ''"),
            )
        )
    )
    .order_by(entries.c.id)
)
_BY_MESSAGE = _having(attempts.c.message_id)
_LAST_SENT = select(*ENTRY).where(
    entries.c.id
    == select(attempts.c.entry_id)
    .where(
        attempts.c.address == bindparam("place"),
        attempts.c.channel == bindparam("by"),
        text("address <> ''"),
    )
    .order_by(attempts.c.started_at.desc(), attempts.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_OTHERS_AT = (
    select(attempts.c.provider_id)
    .where(
        attempts.c.address == bindparam("place"),
        attempts.c.channel == bindparam("by"),
        text("address <> ''"),
        attempts.c.provider_id != "",
        attempts.c.entry_id.not_in(_ids),
    )
    .distinct()
)
_now = bindparam("now", type_=attempts.c.finished_at.type)
_KNOWN_NOW = (
    update(attempts)
    .where(
        attempts.c.entry_id == bindparam("entry"),
        attempts.c.channel == bindparam("by"),
        attempts.c.outcome == Status.UNKNOWN.value,
    )
    .values(
        outcome=bindparam("how"),
        finished_at=_now,
        provider_id=bindparam("receipt"),
        code=bindparam("error"),
        detail=bindparam("why"),
    )
)


_THERE = select(places.c.customer).where(places.c.place == bindparam("there")).order_by(places.c.customer)


class Returning(Verbs):
    """The verbs about what comes back."""

    def entries_by_provider_id(self, channel: str, provider_id: str) -> list[Entry]:
        """Give the entries of the message that *channel*'s provider calls so, by id."""
        if not provider_id:
            return []
        return [entry(row) for row in self._rows(_BY_PROVIDER, {"its_id": provider_id, "by": channel})]

    def entries_by_message_id(self, message_ids: Iterable[str]) -> list[Entry]:
        """Give the entries that left under one of these Message-IDs, by id."""
        found = (
            row
            for batch in batches(filter(None, message_ids))
            for row in self._rows(_BY_MESSAGE, {"ids": batch})
        )
        return [entry(row) for row in found]

    def last_sent_to(self, channel: str, address: str) -> Entry | None:
        """Give what was last sent, or may have been, to the address of that keyed hash."""
        rows = self._rows(_LAST_SENT, {"place": address, "by": channel}) if address else ()
        return entry(rows[0]) if rows else None

    def provider_ids_of_others(self, channel: str, address: str, entry_ids: Iterable[int]) -> set[str]:
        """What *channel*'s provider calls messages to the address of that hash, without those entries'."""
        values = {"place": address, "by": channel, "ids": list(entry_ids)}
        return {row[0] for row in self._rows(_OTHERS_AT, values)} if address else set()

    def known_now(
        self,
        entry_id: int,
        channel: str,
        outcome: str,
        now: datetime,
        *,
        provider_id: str = "",
        code: str = "",
        detail: str = "",
    ) -> bool:
        """Note how the tries of an entry on *channel* ended of which nobody knew; was there one?"""
        row = {"entry": entry_id, "by": channel, "how": outcome, "now": now, "receipt": provider_id}
        return self._run(_KNOWN_NOW, row | {"error": code, "why": detail}) > 0

    def customers_at(self, place: str) -> list[str]:
        """Name the customers of whom it was ever said that they have this number (E.164) or mailbox."""
        return [row[0] for row in self._rows(_THERE, {"there": place.lower()})]
