"""What somebody who looks after an installation asks: what fails, what is retried, what ended badly."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, case, func, not_, select, tuple_

from orchestrator.ledger.moves import one_of
from orchestrator.ledger.reasoned import ALIKE, columns
from orchestrator.ledger.rows import ENTRY, entry
from orchestrator.ledger.tables import attempts, entries, facts
from orchestrator.ledger.values import Failing
from orchestrator.ledger.verbs import Verbs
from orchestrator.model import ENGINE, Entry, Status
from orchestrator.reasons import Reason

WENT_WELL = (
    "",
    Status.ACCEPTED.value,
    "stopped",
    "slowed",
)  # outcomes that blame nobody; "" has not ended yet

_since = bindparam("since", type_=attempts.c.started_at.type)
_FAILING = (
    select(
        attempts.c.channel,
        func.count(),
        func.sum(case((attempts.c.outcome.in_(bindparam("well", expanding=True)), 0), else_=1)),
    )
    .where(attempts.c.started_at >= _since, attempts.c.channel != "")
    .group_by(attempts.c.channel)
    .order_by(attempts.c.channel)
)
_RETRIED = (
    one_of(entries.c.status, {Status.SCHEDULED}),
    entries.c.attempts > 0,
    entries.c.not_before > bindparam("now", type_=entries.c.not_before.type),
)
_RETRIES = select(func.count()).where(*_RETRIED)
_LAST_RETRY = select(*ENTRY).where(*_RETRIED).order_by(entries.c.updated_at.desc(), entries.c.id).limit(1)
_HELD_FOR = select(func.count()).where(one_of(entries.c.status, {Status.HELD}), ALIKE)

_BY_KEY = (
    select(*ENTRY).where(entries.c.key > bindparam("after")).order_by(entries.c.key).limit(bindparam("most"))
)
_IDENTITIES = (
    select(facts.c.source, facts.c.event_id, facts.c.digest)
    .where(
        tuple_(facts.c.source, facts.c.event_id) > tuple_(bindparam("source"), bindparam("event")),
        facts.c.source != ENGINE,
    )
    .order_by(facts.c.source, facts.c.event_id)
    .limit(bindparam("most"))
)
_ON_TRIAL = (
    select(*ENTRY)
    .where(
        entries.c.mode == "shadow",
        entries.c.updated_at >= bindparam("since", type_=entries.c.updated_at.type),
    )
    .order_by(entries.c.updated_at, entries.c.id)
)

_FROZEN = (
    select(*ENTRY)
    .where(one_of(entries.c.status, {Status.HELD}), ALIKE)
    .order_by(entries.c.id)
    .limit(bindparam("most"))
)
_HELD_OTHERWISE = (
    select(*ENTRY)
    .where(one_of(entries.c.status, {Status.HELD}), not_(ALIKE))
    .order_by(entries.c.id)
    .limit(bindparam("most"))
)


class Looking(Verbs):
    """The verbs about how sending goes."""

    def failing(self, since: datetime) -> list[Failing]:
        """Count the tries of each channel since then, and those that failed."""
        return [Failing(*row) for row in self._rows(_FAILING, {"since": since, "well": WENT_WELL})]

    def retries(self, now: datetime) -> tuple[int, Entry | None]:
        """Count what was tried and waits to be tried again, and give the one that failed last."""
        rows = self._rows(_LAST_RETRY, {"now": now})
        return int(self._value(_RETRIES, {"now": now})), entry(rows[0]) if rows else None

    def held_for(self, reason: Reason) -> int:
        """Count what is held for such a reason."""
        return int(self._value(_HELD_FOR, columns(reason)))

    def frozen(self, reason: Reason, limit: int) -> list[Entry]:
        """List at most *limit* of what is held for such a reason."""
        return [entry(row) for row in self._rows(_FROZEN, {"most": limit, **columns(reason)})]

    def held_otherwise(self, reason: Reason, limit: int) -> list[Entry]:
        """List at most *limit* of what is held for another reason."""
        return [entry(row) for row in self._rows(_HELD_OTHERWISE, {"most": limit, **columns(reason)})]

    def entries_by_key(self, *, after: str = "", limit: int = 100) -> list[Entry]:
        """List entries by key, from above *after* on."""
        return [entry(row) for row in self._rows(_BY_KEY, {"after": after, "most": limit})]

    def identities(
        self, *, after: tuple[str, str] = ("", ""), limit: int = 1000
    ) -> list[tuple[str, str, bytes]]:
        """List source, id and digest of the events that came from outside, by source and id above *after*."""
        values = {"source": after[0], "event": after[1], "most": limit}
        return [(source, name, digest) for source, name, digest in self._rows(_IDENTITIES, values)]

    def on_trial(self, since: datetime) -> list[Entry]:
        """List what rules in shadow came to, or planned, since then, the oldest first."""
        return [entry(row) for row in self._rows(_ON_TRIAL, {"since": since})]

    def ended(
        self, statuses: Collection[Status], since: datetime, reason: Reason | None = None
    ) -> tuple[int, Entry | None]:
        """Count what came into one of these states since then, and give the last of it.

        With a *reason*, only what ended for such a one.
        """
        these: tuple[ColumnElement[bool], ...] = (
            one_of(entries.c.status, statuses),
            entries.c.updated_at >= since,
        )
        asked = {} if reason is None else columns(reason)
        these = these if reason is None else (*these, ALIKE)
        newest = select(*ENTRY).where(*these).order_by(entries.c.updated_at.desc(), entries.c.id).limit(1)
        rows = self._rows(newest, asked)
        return int(self._value(select(func.count()).where(*these), asked)), entry(rows[0]) if rows else None
