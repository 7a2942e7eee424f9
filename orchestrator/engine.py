"""The central flow: facts come in, the orders they touch are planned again, the ledger follows the plan.

A late event, a moved promise, an edited rule, a cancelled order and a restart all take this one path.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.errors import Conflict
from orchestrator.fold import fold_customer, fold_order
from orchestrator.intake import Incoming
from orchestrator.journey import RuleBook
from orchestrator.ledger import Appended, Ledger, OrderRow, Transaction
from orchestrator.model import Customer, Decision, Entry, Order, Person, Scope, Status, scope_of
from orchestrator.planner import journey_of, wanted
from orchestrator.reconcile import Plan, reconcile

NOBODY = Person()
BATCH = 500  # orders planned in one transaction


@dataclass(frozen=True, slots=True)
class Heard:
    """How many of some events were new, and how many were known already."""

    new: int = 0
    duplicates: int = 0


@dataclass(slots=True)
class Sight:
    """Some orders and their customers as the facts have them now, and what the planner wants for them."""

    orders: dict[str, Order] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    newest: int = 0  # the last fact it takes into account

    def customer_of(self, order: Order) -> Customer:
        """Who waits for this order; somebody nothing is known about if no fact names them."""
        return self.customers.get(order.customer) or Customer(order.customer)


class Engine:
    """Plans the orders that changed. Every method that takes *now* reads no other clock.

    In a *replay* each order is planned as of its own newest news instead, so that many may share a
    transaction.
    """

    def __init__(self, ledger: Ledger, book: RuleBook, *, replay: bool = False) -> None:
        self.ledger = ledger
        self.book = book
        self.replay = replay

    def hear(self, incoming: Sequence[Incoming], now: datetime) -> Heard:
        """Keep these events and plan the orders they touch, in one transaction: all of them or none.

        Raises :class:`Conflict` when one came before with another body.
        """
        with self.ledger.transaction() as tx:
            results = list(zip(incoming, tx.append(incoming), strict=True))
            conflicts = [item.fact.id for item, result in results if result is Appended.CONFLICT]
            if conflicts:
                raise Conflict(conflicts)
            new = [item for item, result in results if result is Appended.NEW]
            self.plan(tx, self.touched(tx, new), now)
        return Heard(len(new), len(incoming) - len(new))

    def touched(self, tx: Transaction, incoming: Iterable[Incoming]) -> dict[str, datetime]:
        """Name the orders these facts are about, or whose customer they are about, with the newest news.

        A customer with very many orders leaves a durable mark on each, for :meth:`plan_changed`.
        """
        orders: dict[str, datetime] = {}
        customers: dict[str, datetime] = {}
        for item in incoming:
            fact = item.fact
            about = customers if scope_of(fact.type) is Scope.CUSTOMER else orders
            about[fact.subject] = max(fact.heard, about.get(fact.subject, fact.heard))
        for customer, theirs in tx.orders_of(customers).items() if customers else ():
            if len(theirs) > BATCH:
                tx.mark(theirs)
                continue
            for order in theirs:
                orders[order] = max(customers[customer], orders.get(order, customers[customer]))
        return orders

    def plan(self, tx: Transaction, orders: Mapping[str, datetime], now: datetime) -> None:
        """Plan these orders again. This paragraph is the product."""
        sight = self.look(tx, orders, now)
        plan = reconcile(sight.decisions.values(), tx.entries_of(sight.decisions))
        self.apply(tx, plan, now)
        tx.store_orders([self.row(sight, order) for order in orders])

    def plan_changed(self, now: datetime, limit: int = BATCH) -> int:
        """Plan orders that carry a mark, the longest waiting first; return how many."""
        with self.ledger.transaction() as tx:
            changed = tx.changed(limit)
            self.plan(tx, {change.order: change.heard or now for change in changed}, now)
            tx.planned({change.order: change.mark for change in changed})
        return len(changed)

    def look(self, tx: Transaction, orders: Mapping[str, datetime], now: datetime) -> Sight:
        """Fold these orders and their customers, and decide. A broken order is a problem of its own."""
        sight = Sight(newest=tx.newest_fact())
        facts = tx.order_facts(orders)
        for order_id in orders:
            try:
                order = sight.orders[order_id] = fold_order(order_id, facts.get(order_id, ()))
                if order.manager == NOBODY:
                    order.manager = self.book.policy.manager
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                sight.problems[order_id] = f"its facts do not fold: {error!r}"
        self._customers(tx, sight)
        for order_id, order in sight.orders.items():
            moment = orders[order_id] if self.replay else now
            decision = wanted(order, sight.customer_of(order), self.book, moment)
            sight.decisions[order_id] = decision
            if decision.errors:
                sight.problems[order_id] = "; ".join(decision.errors)
        return sight

    def _customers(self, tx: Transaction, sight: Sight) -> None:
        """Load everybody the orders name; who was merged into another is that other."""
        ids = {order.customer for order in sight.orders.values() if order.customer}
        while missing := ids - sight.customers.keys():
            for customer_id, facts in tx.customer_facts(sorted(missing)).items():
                sight.customers[customer_id] = fold_customer(customer_id, facts)
            for customer_id in missing:
                sight.customers.setdefault(customer_id, Customer(customer_id))
            ids |= {c.merged_into for c in sight.customers.values() if c.merged_into}
        for order in sight.orders.values():
            seen = {order.customer}
            while (target := sight.customer_of(order).merged_into) and target not in seen:
                seen.add(target)
                order.customer = target

    def apply(self, tx: Transaction, plan: Plan, now: datetime) -> None:
        """Make the ledger hold just what is wanted: the only creator of entries."""
        if plan.create:
            tx.create(plan.create, now)
        for move in plan.reschedule:
            tx.reschedule(move.entry.id, move.wanted, now)
        for cancel in plan.cancel:
            tx.withdraw(cancel.entry.id, Status.CANCELLED, cancel.reason, now)

    def row(self, sight: Sight, order_id: str) -> OrderRow:
        """The cache row of an order, for lists and lookups."""
        problem = sight.problems.get(order_id, "")
        order = sight.orders.get(order_id)
        if order is None:
            return OrderRow(order_id, problem=problem)
        journey = journey_of(order, self.book)
        last = phase = ""
        if not isinstance(journey, str):
            reached = [name for name in journey.milestones if _reached(order, name)]
            last = reached[-1] if reached else ""
            phase = journey.phase_of(last) if last else next(iter(journey.phases), "")
        status = "complete" if last and not isinstance(journey, str) and last == journey.last else order.status.value
        return OrderRow(
            order_id, order.customer, order.journey, order.location.id, status, phase, last, state_of(order), problem
        )

    def rebuild(self) -> int:
        """Fold every order again from its facts and rewrite the cache rows; return how many."""
        count = 0
        with self.ledger.transaction() as tx:
            for batch in _batches(tx.order_ids(), BATCH):
                sight = Sight()
                for order_id, facts in tx.order_facts(batch).items():
                    sight.orders[order_id] = fold_order(order_id, facts)
                self._customers(tx, sight)
                tx.store_orders([self.row(sight, order_id) for order_id in batch])
                count += len(batch)
        return count

    def entries(self, order_id: str) -> Sequence[Entry]:
        """Every entry of one order, oldest first."""
        with self.ledger.read() as tx:
            return tx.entries_of([order_id]).get(order_id, ())


def _reached(order: Order, name: str) -> bool:
    milestone = order.milestones.get(name)
    return milestone is not None and milestone.reached is not None


def _batches(ids: Iterable[str], size: int) -> Iterable[list[str]]:
    batch: list[str] = []
    for item in ids:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def state_of(order: Order) -> str:
    """The fold as text: promises, what was told, what happened; no personal data."""
    import orjson

    return orjson.dumps(
        {
            "customer": order.customer,
            "status": order.status,
            "since": order.since,
            "holds": len(order.holds),
            "milestones": {
                name: {
                    "episode": m.episode,
                    "reached": m.reached,
                    "promised": [str(p.value) for p in m.promises],
                    "told": [str(t.value) for t in m.tellings],
                }
                for name, m in sorted(order.milestones.items())
            },
            "outcomes": {key: outcome.status for key, outcome in sorted(order.outcomes.items())},
            "contacts": len(order.contacts),
        }
    ).decode()
