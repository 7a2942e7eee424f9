"""Entries as planning sees them: read, create, reschedule, withhold. Sending is in :mod:`.sending`."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    literal_column,
    not_,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.errors import Stale
from orchestrator.ledger.moves import may_become, one_of
from orchestrator.ledger.owning import Owning
from orchestrator.ledger.reasoned import FOR_IT, WRITTEN, columns
from orchestrator.ledger.rows import ENTRY, STATUSES, entry, written
from orchestrator.ledger.tables import attempts, entries, orders
from orchestrator.ledger.values import Attempt
from orchestrator.ledger.verbs import batches
from orchestrator.model import IN_FLIGHT, WAITING, Entry, Kind, Notification, Purpose, Sent, Status
from orchestrator.reasons import Reason

_PLANNED = ("customer", "kind", "mode", "template", "purpose")
_WITHHOLDABLE = WAITING | {Status.DISPATCHED}
_EMPTY: dict[str, Any] = {"lease_until": None, "worker": ""}

_OF = (
    select(*ENTRY)
    .where(entries.c.order_id.in_(bindparam("ids", expanding=True)))
    .order_by(entries.c.order_id, entries.c.id)
)
_OF_IN = _OF.where(entries.c.status.in_(bindparam("statuses", expanding=True)))
_BY_ID = select(*ENTRY).where(entries.c.id == bindparam("name"))
_BY_KEY = select(*ENTRY).where(entries.c.key == bindparam("name"))
_IN = (
    select(*ENTRY)
    .where(entries.c.status.in_(bindparam("statuses", expanding=True)), entries.c.id > bindparam("after"))
    .order_by(entries.c.id)
    .limit(bindparam("most"))
)
_COUNTS = select(entries.c.status, func.count()).group_by(entries.c.status)
_ATTEMPTS = (
    select(*(column for column in attempts.c if column is not attempts.c.id))
    .where(attempts.c.entry_id == bindparam("entry"))
    .order_by(attempts.c.n)
)
_ATTEMPTS_OF = (
    select(*(column for column in attempts.c if column is not attempts.c.id))
    .where(attempts.c.entry_id.in_(bindparam("ids", expanding=True)))
    .order_by(attempts.c.entry_id, attempts.c.n)
)
_IN_DOUBT = select(func.min(attempts.c.started_at)).where(
    attempts.c.entry_id == bindparam("entry"), attempts.c.outcome == Status.UNKNOWN.value
)
_NOW_AT = select(entries.c.status, entries.c.generation).where(entries.c.id == bindparam("entry"))

_SENT = (
    select(
        orders.c.customer,
        entries.c.updated_at,
        entries.c.purpose,
        entries.c.key,
        entries.c.id,
        entries.c.status,
        entries.c.message_id,
        entries.c.joins,
    )
    .join(orders, orders.c.id == entries.c.order_id)
    .where(
        orders.c.customer.in_(bindparam("ids", expanding=True)),
        entries.c.kind == Kind.MESSAGE.value,
        entries.c.mode == "live",
        entries.c.role == "customer",
        one_of(entries.c.status, IN_FLIGHT | {Status.ACCEPTED, Status.UNKNOWN}),
        entries.c.updated_at >= bindparam("since", type_=entries.c.updated_at.type),
    )
    .order_by(entries.c.id)
)

_insert = insert(entries).values(  # constants stand in the text: bound, they cost a quarter of a row
    status=text(f"'{Status.SCHEDULED.value}'"),
    not_before=null(),
    step=text("0"),
    generation=text("0"),
    attempts=text("0"),
    message_id=text("''"),
    channel=text("''"),
    reason=text("''"),
    reason_code=text("''"),
    reason_about=text("''"),
    by_person=false(),
    lease_until=null(),
    worker=text("''"),
)
_due = _insert.excluded.due_at
_CREATE = _insert.on_conflict_do_update(
    index_elements=["key"],
    set_={
        **{name: _insert.excluded[name] for name in (*_PLANNED, "status", "due_at", "expires_at")},
        "run_at": case((entries.c.not_before > _due, entries.c.not_before), else_=_due),
        "step": text("0"),
        "generation": entries.c.generation + literal_column("1"),
        "reason": text("''"),
        "reason_code": text("''"),
        "reason_about": text("''"),
        "wanted": _insert.excluded.wanted,
        "joins": _insert.excluded.joins,
        "updated_at": _insert.excluded.updated_at,
    },
    where=and_(may_become(Status.SCHEDULED, {Status.CANCELLED}), not_(entries.c.by_person)),
)

_new_due = bindparam("new_due", type_=entries.c.due_at.type)
_RESCHEDULE = (
    update(entries)
    .where(
        entries.c.id == bindparam("entry"),
        entries.c.key == bindparam("its_key"),
        one_of(entries.c.status, WAITING),
    )
    .values(
        customer=bindparam("customer"),
        kind=bindparam("kind"),
        mode=bindparam("mode"),
        template=bindparam("template"),
        purpose=bindparam("purpose"),
        due_at=_new_due,
        expires_at=bindparam("expires_at"),
        run_at=case((entries.c.not_before > _new_due, entries.c.not_before), else_=_new_due),
        wanted=bindparam("wanted"),
        joins=bindparam("joins"),
        updated_at=bindparam("now"),
    )
)


def _move(to: Status, among: Collection[Status]) -> Any:
    return (
        update(entries)
        .where(may_become(to, among))
        .values(status=literal(to.value), updated_at=bindparam("now"), **WRITTEN)
    )


_WITHDRAW = {
    to: _move(to, _WITHHOLDABLE)
    .where(entries.c.id == bindparam("entry"))
    .values(by_person=bindparam("person"), **_EMPTY)
    for to in (Status.CANCELLED, Status.EXPIRED, Status.SUPPRESSED, Status.UNKNOWN)
}
_WITHDRAW_CLAIMED = {
    to: statement.where(entries.c.generation == bindparam("fence")) for to, statement in _WITHDRAW.items()
}
_these = entries.c.id.in_(bindparam("ids", expanding=True))
_HOLD = _move(Status.HELD, {Status.SCHEDULED}).where(_these)
_UNHOLD = _move(Status.SCHEDULED, {Status.HELD}).where(_these)
_woken_at = bindparam("now", type_=entries.c.not_before.type)
_WAKE = (
    update(entries)
    .where(
        one_of(entries.c.status, {Status.SCHEDULED}),
        entries.c.not_before > _woken_at,
        FOR_IT,
    )
    .values(not_before=None, run_at=entries.c.due_at, updated_at=_woken_at)
)
_WAKE_UNTRIED = (
    update(entries)
    .where(
        one_of(entries.c.status, {Status.SCHEDULED}),
        entries.c.not_before > _woken_at,
        entries.c.attempts == literal_column("0"),
    )
    .values(not_before=None, run_at=entries.c.due_at, updated_at=_woken_at)
)
_LET_GO = (
    update(entries)
    .where(
        entries.c.id == bindparam("entry"),
        one_of(entries.c.status, {Status.SCHEDULED}),
        entries.c.attempts == literal_column("0"),
    )
    .values(not_before=None, run_at=entries.c.due_at, updated_at=_woken_at)
)


class Entries(Owning):
    """The verbs about entries that planning and reading need."""

    def entries_of(
        self, order_ids: Iterable[str], *, statuses: Collection[Status] | None = None
    ) -> dict[str, list[Entry]]:
        """Give every order's entries by id, all or those in *statuses*; none of it is an empty list."""
        found: dict[str, list[Entry]] = {}
        wanted = None if statuses is None else sorted(status.value for status in statuses)
        for batch in batches(order_ids):
            found.update((order, []) for order in batch)
            if wanted is None:
                rows = self._rows(_OF, {"ids": batch})
            else:
                rows = self._rows(_OF_IN, {"ids": batch, "statuses": wanted})
            for row in rows:
                one = entry(row)
                found[one.wanted.order].append(one)
        return found

    def entry(self, name: int | str) -> Entry | None:
        """Give the entry of that id or that key, or nothing."""
        rows = self._rows(_BY_ID if isinstance(name, int) else _BY_KEY, {"name": name})
        return entry(rows[0]) if rows else None

    def entries_in(self, statuses: Collection[Status], *, after: int = 0, limit: int = 100) -> list[Entry]:
        """List entries in these states by id, from above *after* on."""
        values = sorted(status.value for status in statuses)
        return [entry(row) for row in self._rows(_IN, {"statuses": values, "after": after, "most": limit})]

    def sent_to(self, customers: Iterable[str], since: datetime) -> dict[str, list[Sent]]:
        """Give what these customers were sent since then or are being sent, of all their orders."""
        found: dict[str, list[Sent]] = {}
        for batch in batches(customers):
            combined: set[tuple[str, str]] = set()
            for customer, at, purpose, key, number, status, message, joins in self._rows(
                _SENT, {"ids": batch, "since": since}
            ):
                waits = status == Status.DISPATCHED
                if joins and not waits:
                    if (customer, message) in combined:
                        continue  # one message, whatever it says of how many orders
                    combined.add((customer, message))
                found.setdefault(customer, []).append(Sent(at, Purpose(purpose), key, number, waits))
        return found

    def attempts(self, entry_id: int) -> list[Attempt]:
        """List an entry's tries, the first one first."""
        return [Attempt(*row) for row in self._rows(_ATTEMPTS, {"entry": entry_id})]

    def attempts_of(self, entry_ids: Iterable[int]) -> dict[int, list[Attempt]]:
        """List the tries of each of these entries, the first one first; none for an entry that has none."""
        found: dict[int, list[Attempt]] = {}
        for batch in batches(entry_ids):
            for row in self._rows(_ATTEMPTS_OF, {"ids": batch}):
                tried = Attempt(*row)
                found.setdefault(tried.entry, []).append(tried)
        return found

    def in_doubt(self, entry_id: int) -> datetime | None:
        """Say since when a provider may have it: when the first try began of which nobody knows the end."""
        moment: datetime | None = self._value(_IN_DOUBT, {"entry": entry_id})
        return moment

    def status_counts(self) -> dict[Status, int]:
        """Count the entries in every state."""
        counts = dict.fromkeys(Status, 0)
        counts.update((STATUSES[status], count) for status, count in self._rows(_COUNTS))
        return counts

    def create(self, notifications: Sequence[Notification], now: datetime) -> int:
        """Schedule notifications and say how many that were.

        A key that was cancelled, but not by a person, is scheduled again: it keeps its back-off and its
        Message-ID. Any other key that is here already stays as it is.
        """
        if not notifications:
            return 0
        self.own(one.order for one in notifications)
        return self._run(_CREATE, [_row(one, now) for one in notifications])

    def reschedule(self, entry_id: int, notification: Notification, now: datetime) -> None:
        """Replace what a held or scheduled entry says and when, but not before its back-off ends.

        Raises :class:`Stale` if the entry is of another key, or is past that.
        """
        row = _planned(notification)
        due = row.pop("due_at")
        row |= {"entry": entry_id, "its_key": notification.key, "new_due": due, "now": now}
        self._one(_RESCHEDULE, row)

    def withdraw(
        self,
        entry_id: int,
        status: Status,
        reason: Reason,
        now: datetime,
        by_person: bool = False,
        *,
        generation: int | None = None,
    ) -> None:
        """Cancel, expire or suppress an entry that is not being sent, or let it be unknown again.

        Whoever has claimed it says the *generation*. Raises :class:`Stale` if it is too late.
        """
        row = {"entry": entry_id, "now": now, "person": by_person, **columns(reason)}
        if generation is None:
            self._one(_WITHDRAW[status], row)
        else:
            self._one(_WITHDRAW_CLAIMED[status], row | {"fence": generation})

    def hold(self, entry_ids: Iterable[int], reason: Reason, now: datetime) -> int:
        """Freeze those of the entries that are scheduled, and say how many that were."""
        return self._all(_HOLD, entry_ids, {"now": now, **columns(reason)})

    def unhold(self, entry_ids: Iterable[int], reason: Reason, now: datetime) -> int:
        """Schedule those of the entries that are held, and say how many that were."""
        return self._all(_UNHOLD, entry_ids, {"now": now, **columns(reason)})

    def wake(self, reason: Reason, now: datetime) -> int:
        """Let those that wait for that reason, about the same, go as soon as they are due; say how many."""
        return self._run(_WAKE, {"now": now, **columns(reason)})

    def wake_untried(self, now: datetime) -> int:
        """Let those that wait, and were never tried, go as soon as they are due; say how many."""
        return self._run(_WAKE_UNTRIED, {"now": now})

    def let_go(self, entry_id: int, now: datetime) -> bool:
        """Let one that waits, and was never tried, go as soon as it is due; say whether it is so."""
        return self._run(_LET_GO, {"entry": entry_id, "now": now}) == 1

    def _all(self, statement: Any, entry_ids: Iterable[int], values: dict[str, Any]) -> int:
        return sum(self._run(statement, values | {"ids": batch}) for batch in batches(entry_ids))

    def _one(self, statement: Any, row: dict[str, Any]) -> None:
        if self._run(statement, row) != 1:
            raise self._refused(row["entry"])

    def _refused(self, entry_id: int) -> Stale:
        found = self._rows(_NOW_AT, {"entry": entry_id})
        state = "is {} in generation {}".format(*found[0]) if found else "is not here"
        return Stale(f"entry {entry_id} {state}: this write comes too late")


def _planned(wanted: Notification) -> dict[str, Any]:
    return {
        "customer": wanted.customer,
        "kind": str(wanted.kind),
        "mode": wanted.mode,
        "template": wanted.template,
        "purpose": str(wanted.purpose),
        "due_at": wanted.due_at,
        "expires_at": wanted.expires_at,
        "wanted": written(wanted),
        "joins": wanted.joins,
    }


def _row(wanted: Notification, now: datetime) -> dict[str, Any]:
    row = _planned(wanted)
    row["key"] = wanted.key
    row["order_id"] = wanted.order
    row["rule"] = wanted.rule
    row["occasion"] = wanted.occasion
    row["role"] = wanted.role
    row["run_at"] = wanted.due_at
    row["created_at"] = row["updated_at"] = now
    return row
