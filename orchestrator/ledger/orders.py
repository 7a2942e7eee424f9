"""Orders and customers as the planner left them, and which orders it must look at again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from sqlalchemy import ColumnElement, bindparam, case, literal_column, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.tables import orders
from orchestrator.ledger.values import Changed, OrderRow
from orchestrator.ledger.verbs import Verbs, batches

_COLUMNS = tuple(field.name for field in fields(OrderRow))
ORDER = [orders.c[name] for name in _COLUMNS]
_values = attrgetter(*_COLUMNS)

_ZERO: ColumnElement[int] = literal_column("0")
WAITS = orders.c.changed > orders.c.planned
NOTHING_KNOWN = {name: getattr(OrderRow(""), name) for name in _COLUMNS if name != "id"}


def _later(heard: ColumnElement[datetime]) -> ColumnElement[datetime]:
    before = orders.c.heard_to
    return case((or_(before.is_(None), heard > before), heard), else_=before)


_new = insert(orders).values(
    id=bindparam("order"),
    **NOTHING_KNOWN,
    changed=1,
    planned=0,
    heard_to=bindparam("heard", type_=orders.c.heard_to.type),
)
_MARK = _new.on_conflict_do_update(
    index_elements=["id"],
    set_={
        "changed": orders.c.changed + 1,
        "heard_to": _later(_new.excluded.heard_to),
    },
)
_MARK_ALL = update(orders).values(
    changed=orders.c.changed + 1,
    heard_to=_later(bindparam("heard", type_=orders.c.heard_to.type)),
)
_MARK_KNOWN = _MARK_ALL.where(orders.c.id == bindparam("order"))
_MARK_OF = _MARK_ALL.where(orders.c.customer.in_(bindparam("ids", expanding=True)))
_CHANGED = (
    select(orders.c.id, orders.c.changed, orders.c.heard_to)
    .where(WAITS)
    .order_by(orders.c.heard_to, orders.c.id)
    .limit(bindparam("most"))
)
_CHANGED_AND_FREE = _CHANGED.with_for_update(skip_locked=True)
_PLANNED = (
    update(orders)
    .where(orders.c.id == bindparam("order"), orders.c.changed == bindparam("mark"))
    .values(planned=bindparam("mark"), heard_to=None)
)
_stored = insert(orders).values(
    **{name: bindparam(name) for name in _COLUMNS}, changed=_ZERO, planned=_ZERO, heard_to=null()
)
_STORE = _stored.on_conflict_do_update(
    index_elements=["id"], set_={name: _stored.excluded[name] for name in _COLUMNS if name != "id"}
)
_PROBLEM = update(orders).where(orders.c.id == bindparam("order")).values(problem=bindparam("text"))
_ROWS = select(*ORDER).where(orders.c.id.in_(bindparam("ids", expanding=True)))
_LOCATIONS = select(orders.c.location).distinct().where(orders.c.location != "").order_by(orders.c.location)
_ORDERS_OF = (
    select(orders.c.customer, orders.c.id)
    .where(orders.c.customer.in_(bindparam("ids", expanding=True)))
    .order_by(orders.c.customer, orders.c.id)
)


class Orders(Verbs):
    """The verbs about orders and customers."""

    def mark(self, order_ids: Iterable[str], heard: datetime | None = None) -> None:
        """Have orders planned again, as of *heard*; an order that is not here yet comes to be."""
        self.mark_each(dict.fromkeys(order_ids, heard))

    def mark_each(self, heard: Mapping[str, datetime | None]) -> None:
        """Have orders planned again, each as of its own moment (the latest of several counts)."""
        marks = [{"order": order, "heard": moment} for order, moment in heard.items()]
        if not self._is_shared:  # nearly all are here, and an upsert of one takes twice as long
            marks = self._without_effect(_MARK_KNOWN, marks)
        if marks:
            self._run(_MARK, marks)

    def mark_customers(self, customer_ids: Iterable[str], heard: datetime | None = None) -> None:
        """Have every order of these customers planned again."""
        for batch in batches(customer_ids):
            self._run(_MARK_OF, {"ids": batch, "heard": heard})

    def mark_all(self, heard: datetime | None = None) -> None:
        """Have every order planned again."""
        self._run(_MARK_ALL, {"heard": heard})

    def changed(self, limit: int) -> list[Changed]:
        """Name at most *limit* orders that must be planned, the longest waiting first."""
        return [Changed(*row) for row in self._rows(_CHANGED, {"most": limit})]

    def changed_and_free(self, limit: int) -> list[Changed]:
        """Own at most *limit* orders that must be planned and nobody else works on; see :meth:`changed`."""
        return [Changed(*row) for row in self._rows(_CHANGED_AND_FREE, {"most": limit})]

    def planned(self, marks: Mapping[str, int]) -> None:
        """Clear the marks (order id → mark read) of orders that did not change since they were read."""
        if marks:
            self._run(_PLANNED, [{"order": order, "mark": mark} for order, mark in marks.items()])

    def store_orders(self, rows: Sequence[OrderRow]) -> None:
        """Keep how orders stand; their marks stay as they are."""
        if rows:
            self._run(_STORE, [dict(zip(_COLUMNS, _values(row), strict=True)) for row in rows])

    def order_problem(self, order_id: str, text: str) -> None:
        """Note why an order could not be planned; "" takes the note away."""
        self._run(_PROBLEM, {"order": order_id, "text": text})

    def order(self, order_id: str) -> OrderRow | None:
        """Give one order, or nothing."""
        return self.orders((order_id,)).get(order_id)

    def orders(self, ids: Iterable[str]) -> dict[str, OrderRow]:
        """Give those of the orders that are here."""
        return {row[0]: OrderRow(*row) for batch in batches(ids) for row in self._rows(_ROWS, {"ids": batch})}

    def list_orders(
        self, *, status: str | None = None, problems: bool = False, after: str = "", limit: int = 100
    ) -> list[OrderRow]:
        """List orders by id from *after* on: all, those of a status, or only those with a problem."""
        query = select(*ORDER).where(orders.c.id > after).order_by(orders.c.id).limit(limit)
        if status is not None:
            query = query.where(orders.c.status == status)
        if problems:
            query = query.where(orders.c.problem != "")
        return [OrderRow(*row) for row in self._rows(query)]

    def locations(self) -> list[str]:
        """Name every location that orders have."""
        return [location for (location,) in self._rows(_LOCATIONS)]

    def orders_of(self, customer_ids: Iterable[str]) -> dict[str, list[str]]:
        """Name every order of each customer."""
        found: dict[str, list[str]] = {}
        for batch in batches(customer_ids):
            found.update((customer, []) for customer in batch)
            for customer, order in self._rows(_ORDERS_OF, {"ids": batch}):
                found[customer].append(order)
        return found
