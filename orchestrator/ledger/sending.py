"""Entries as sending sees them: claim, begin, finish, give back, sweep.

Every write after a claim says the claim's generation; a late worker's is refused.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, insert, literal_column, or_, select, update

from orchestrator.ledger.claims import (
    CLAIM,
    CLAIM_ALONG,
    CLAIM_THESE,
    DUE_OF,
    JOINING,
    NEXT_DUE,
    OWN_ALONG,
    OWN_DUE,
    OWN_THESE,
)
from orchestrator.ledger.entries import Entries
from orchestrator.ledger.moves import may_become, one_of
from orchestrator.ledger.orders import WAITS
from orchestrator.ledger.reasoned import WRITTEN, columns
from orchestrator.ledger.rows import entry
from orchestrator.ledger.tables import attempts, entries, orders
from orchestrator.ledger.values import Backlog, Begin, Finish
from orchestrator.ledger.verbs import batches
from orchestrator.model import IN_FLIGHT, Entry, Status
from orchestrator.reasons import NOTHING, Reason

_THIS = (entries.c.id == bindparam("entry"), entries.c.generation == bindparam("fence"))
_FLYING = one_of(entries.c.status, IN_FLIGHT)
_now = bindparam("now", type_=entries.c.run_at.type)
_not_before = bindparam("wait", type_=entries.c.not_before.type)
GROUNDED: dict[str, Any] = {"lease_until": None, "worker": "", "updated_at": _now}

_BEGIN = (
    update(entries)
    .where(*_THIS, may_become(Status.SENDING, {Status.DISPATCHED}))
    .values(
        status=Status.SENDING.value,
        attempts=entries.c.attempts + 1,
        channel=bindparam("by"),
        message_id=bindparam("message"),
        updated_at=_now,
    )
)
_ATTEMPT = insert(attempts).values(
    entry_id=bindparam("entry"),
    n=select(entries.c.attempts).where(entries.c.id == bindparam("entry")).scalar_subquery(),
    channel=bindparam("by"),
    started_at=_now,
    message_id=bindparam("message"),
    address=bindparam("place"),
    **{name: literal_column("''") for name in ("outcome", "provider_id", "code", "detail")},
)
_FINISH = {
    to: update(entries)
    .where(*_THIS, may_become(to, {Status.SENDING, Status.UNKNOWN}))
    .values(
        status=to.value,
        channel=case((bindparam("by") == "", entries.c.channel), else_=bindparam("by")),
        **WRITTEN,
        **GROUNDED,
    )
    for to in (Status.ACCEPTED, Status.FAILED, Status.UNKNOWN)
}
_BACK = (
    update(entries)
    .where(*_THIS, may_become(Status.SCHEDULED, {Status.DISPATCHED, Status.SENDING, Status.UNKNOWN}))
    .values(
        status=Status.SCHEDULED.value,
        step=bindparam("next_step"),
        not_before=_not_before,
        run_at=case((_not_before > entries.c.due_at, _not_before), else_=entries.c.due_at),
        **WRITTEN,
        waits_for=bindparam("line"),
        **GROUNDED,
    )
)
_RELEASE = (
    update(entries)
    .where(*_THIS, may_become(Status.SCHEDULED, {Status.DISPATCHED}))
    .values(status=Status.SCHEDULED.value, **GROUNDED)
)

_end = (
    update(attempts)
    .where(
        attempts.c.entry_id == bindparam("entry"),
        attempts.c.n
        == select(entries.c.attempts).where(entries.c.id == bindparam("entry")).scalar_subquery(),
    )
    .values(
        finished_at=_now,
        outcome=bindparam("how"),
        provider_id=bindparam("receipt"),
        code=bindparam("error"),
        detail=bindparam("why"),
    )
)
END_OPEN = _end.where(attempts.c.finished_at.is_(None))
# what was unknown may become known later; any other outcome is final
_END = _end.where(or_(attempts.c.finished_at.is_(None), attempts.c.outcome == Status.UNKNOWN.value))


_EXTEND = (
    update(entries)
    .where(entries.c.id.in_(bindparam("ids", expanding=True)), entries.c.worker == bindparam("by"), _FLYING)
    .values(lease_until=bindparam("until"))
)
_LAST_DUE = select(func.max(entries.c.run_at)).where(one_of(entries.c.status, {Status.SCHEDULED}))
_NEXT_LEASE = select(func.min(entries.c.lease_until)).where(_FLYING)
_BACKLOG = select(
    select(func.count())
    .where(one_of(entries.c.status, {Status.SCHEDULED}), entries.c.run_at <= _now)
    .scalar_subquery(),
    select(func.min(entries.c.run_at))
    .where(one_of(entries.c.status, {Status.SCHEDULED}), entries.c.run_at <= _now)
    .scalar_subquery(),
    select(func.count()).where(_FLYING, entries.c.lease_until <= _now).scalar_subquery(),
    select(func.count()).select_from(orders).where(WAITS).scalar_subquery(),
)


class Sending(Entries):
    """The verbs about entries that sending needs."""

    def claim(self, now: datetime, limit: int, worker: str, lease: timedelta) -> list[Entry]:
        """Take at most *limit* entries that may go now, of every order only the head, until *now* + *lease*.

        They are dispatched, under a new generation, and come by ``due_at``.
        """
        if self._is_shared:
            free = [row[0] for row in self._rows(OWN_DUE, {"now": now, "most": limit})]
            return self._taken(CLAIM_THESE, free, now, worker, lease)
        rows = self._rows(CLAIM, {"now": now, "most": limit, "by": worker, "until": now + lease})
        return sorted(map(entry, rows), key=_by_due)

    def claim_these(
        self, entry_ids: Sequence[int], now: datetime, worker: str, lease: timedelta
    ) -> list[Entry]:
        """Take those of these entries that :meth:`claim` would take."""
        return self._taken(CLAIM_THESE, self._free(OWN_THESE, entry_ids, now), now, worker, lease)

    def joining(self, names: Iterable[str]) -> list[Entry]:
        """List what waits or is in flight under these names of what leaves together, by id."""
        found: list[Entry] = []
        for batch in batches(names):
            found += map(entry, self._rows(JOINING, {"names": batch}))
        return found

    def claim_along(
        self, entry_ids: Iterable[int], now: datetime, worker: str, lease: timedelta
    ) -> list[Entry]:
        """Take those of these entries whose order is free, whether they are due or not."""
        return self._taken(CLAIM_ALONG, self._free(OWN_ALONG, entry_ids, now), now, worker, lease)

    def _free(self, owning: Any, entry_ids: Iterable[int], now: datetime) -> list[int]:
        """Those of these entries whose order nobody else works on; their orders are owned from here on."""
        if not self._is_shared:
            return list(entry_ids)
        return [
            row[0] for batch in batches(entry_ids) for row in self._rows(owning, {"ids": batch, "now": now})
        ]

    def _taken(
        self, claim: Any, entry_ids: Iterable[int], now: datetime, worker: str, lease: timedelta
    ) -> list[Entry]:
        values = {"now": now, "by": worker, "until": now + lease}
        found = [
            entry(row) for batch in batches(entry_ids) for row in self._rows(claim, {"ids": batch, **values})
        ]
        return sorted(found, key=_by_due)

    def due_of(self, order_ids: Iterable[str], now: datetime) -> list[tuple[int, str, datetime]]:
        """Give id, order and moment of what these orders have waiting that may go at *now*."""
        found: list[tuple[int, str, datetime]] = []
        for batch in batches(order_ids):
            found += [(row[0], row[1], row[2]) for row in self._rows(DUE_OF, {"ids": batch, "now": now})]
        return found

    def next_due(self) -> datetime | None:
        """Say when there is next something to claim, as far as what is in flight now allows."""
        moment: datetime | None = self._value(NEXT_DUE)
        return moment

    def last_due(self) -> datetime | None:
        """Say when the last of everything that is scheduled now may go."""
        moment: datetime | None = self._value(_LAST_DUE)
        return moment

    def next_lease(self) -> datetime | None:
        """Say when the next lease runs out."""
        moment: datetime | None = self._value(_NEXT_LEASE)
        return moment

    def begin_sending(
        self, entry_id: int, generation: int, channel: str, message_id: str, now: datetime
    ) -> None:
        """Note that a claimed entry's bytes may leave from now on. Raises :class:`Stale`."""
        if self.begin_many((Begin(entry_id, generation, channel, message_id),), now):
            raise self._refused(entry_id)

    def begin_many(self, begun: Sequence[Begin], now: datetime) -> set[int]:
        """Begin several, and name the entries that were refused."""
        rows = [
            {
                "entry": b.entry,
                "fence": b.generation,
                "by": b.channel,
                "message": b.message_id,
                "now": b.at or now,
            }
            for b in begun
        ]
        refused = {row["entry"] for row in self._without_effect(_BEGIN, rows)}
        started = [
            {
                "entry": b.entry,
                "by": b.channel,
                "message": b.message_id,
                "now": b.at or now,
                "place": b.address,
            }
            for b in begun
            if b.entry not in refused
        ]
        if started:
            self._run(_ATTEMPT, started)
        return refused

    def finish(
        self,
        entry_id: int,
        generation: int,
        status: Status,
        *,
        now: datetime,
        channel: str = "",
        provider_id: str = "",
        reason: Reason = NOTHING,
        code: str = "",
    ) -> None:
        """Note how sending ended: accepted, failed or unknown. Raises :class:`Stale`."""
        ending = Finish(entry_id, generation, status, channel, provider_id, reason, code)
        if self.finish_many((ending,), now):
            raise self._refused(entry_id)

    def finish_many(self, endings: Sequence[Finish], now: datetime) -> set[int]:
        """Finish several, and name the entries that were refused."""
        refused: set[int] = set()
        by_status: dict[Status, list[dict[str, Any]]] = {}
        for e in endings:
            row = {"entry": e.entry, "fence": e.generation, "by": e.channel, **columns(e.reason)}
            by_status.setdefault(e.status, []).append(row | {"now": e.at or now})
        for status, rows in by_status.items():
            refused |= {row["entry"] for row in self._without_effect(_FINISH[status], rows)}
        ended = [
            {
                "entry": e.entry,
                "how": e.status.value,
                "receipt": e.provider_id,
                "error": e.code,
                "why": str(e.reason),
                "now": e.at or now,
            }
            for e in endings
            if e.entry not in refused
        ]
        if ended:
            self._run(_END, ended)
        return refused

    def back_to_schedule(
        self,
        entry_id: int,
        generation: int,
        *,
        step: int,
        not_before: datetime | None,
        reason: Reason,
        now: datetime,
        outcome: str = "unavailable",
        code: str = "",
        waits_for: str = "",
    ) -> None:
        """Try again from *step*, not before that moment; *outcome* and *code* end an open attempt.

        What *waits_for* a channel is called earlier by :meth:`call`. Raises :class:`Stale`.
        """
        row = {
            "entry": entry_id,
            "fence": generation,
            "next_step": step,
            "wait": not_before,
            "line": waits_for,
        }
        self._one(_BACK, row | {"now": now, **columns(reason)})
        how = {
            "entry": entry_id,
            "how": outcome,
            "receipt": "",
            "error": code,
            "why": str(reason),
            "now": now,
        }
        self._run(END_OPEN, how)

    def release(self, entry_id: int, generation: int, now: datetime) -> None:
        """Give back a claimed entry as it was, unsent. Raises :class:`Stale`."""
        self._one(_RELEASE, {"entry": entry_id, "fence": generation, "now": now})

    def extend_lease(self, entry_ids: Iterable[int], worker: str, until: datetime) -> int:
        """Keep what *worker* has in flight until later, and say how many entries it still has."""
        return self._all(_EXTEND, entry_ids, {"by": worker, "until": until})

    def backlog(self, now: datetime) -> Backlog:
        """Say how far behind planning and sending are."""
        (row,) = self._rows(_BACKLOG, {"now": now})
        return Backlog(*row)


def _by_due(one: Entry) -> tuple[datetime, int]:
    return one.due_at, one.id
