"""A look at some orders: fold their facts and those of their customers, and decide what is wanted."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.journey import NOBODY, RuleBook
from orchestrator.ledger import Transaction
from orchestrator.model import ENGINE, PRUNED, Customer, Decision, Fact, Order, Scope, Sent
from orchestrator.persons.merging import fold_person
from orchestrator.planning.fold import fold_customer, fold_order, follow
from orchestrator.planning.planner import wanted
from orchestrator.private import without_mailboxes
from orchestrator.timing.caps import LOOK_BACK

FRESH = timedelta(seconds=10)  # how long a look holds if no fact comes: the planner depends on the time
MANY = 2000  # facts after which looking again is cheaper than reading whom they concern
PRUNED_AT = "it was closed, and its history deleted on "
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Sight:
    """Some orders and their customers as the facts have them, and what the planner wants for them.

    ``newest`` marks the facts it takes into account, ``at`` when it was. An order with a problem may be
    missing from ``orders`` (its facts do not fold) or from ``decisions`` (it cannot be planned).
    """

    book: RuleBook
    at: datetime
    newest: int = 0
    orders: dict[str, Order] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    happened: dict[str, datetime] = field(default_factory=dict)  # by order, its latest fact
    pruned: set[str] = field(default_factory=set)  # orders without a history, and without news since

    def customer_of(self, order: Order) -> Customer:
        """Who waits for this order; somebody nothing is known about if no fact names them."""
        return self.customers.get(order.customer) or Customer(order.customer)

    def holds(self, tx: Transaction, orders: Iterable[str], now: datetime) -> bool:
        """Is it still fresh, and did no news come about these orders or anybody who may wait for them?"""
        if now - self.at >= FRESH:
            return False
        news = tx.news(self.newest, MANY)
        if len(news) == MANY:
            return False
        about: dict[Scope, set[str]] = {Scope.ORDER: set(), Scope.CUSTOMER: set()}
        for scope, subject in news:
            about[scope].add(subject)
        about[Scope.CUSTOMER] |= tx.kin(about[Scope.CUSTOMER]).keys()  # what one says, all of them said
        return about[Scope.ORDER].isdisjoint(orders) and about[Scope.CUSTOMER].isdisjoint(self.customers)

    def shows(self, order_id: str, other: "Sight") -> bool:
        """Are this order and its customer the same in both?"""
        if self is other:
            return True
        one, two = self.orders[order_id], other.orders[order_id]
        return one == two and self.customer_of(one) == other.customer_of(two)


def look(
    tx: Transaction,
    book: RuleBook,
    orders: Mapping[str, datetime],
    now: datetime,
    only: Mapping[str, Container[str]] | None = None,
    facts: Mapping[str, Sequence[Fact]] | None = None,
) -> Sight:
    """Look at *orders*, and decide about each at its own moment. A broken one is a problem of its own.

    *only* names the rules that are asked about for each order; nothing may be planned from that. *facts* are
    those of the orders, where they were read before in this transaction.
    """
    sight = look_at_facts(tx, book, orders, now, facts)
    if book.capped and orders:
        for customer_id, sent in sent_to(tx, sight, min(orders.values())).items():
            sight.customers[customer_id].sent = tuple(sent)
    _decide(sight, orders, only)
    return sight


def pruned(facts: Iterable[Fact]) -> Fact | None:
    """The fact that says that an order's history was deleted, if it was."""
    return next((fact for fact in facts if fact.type == PRUNED and fact.source == ENGINE), None)


def sent_to(tx: Transaction, sight: Sight, moment: datetime) -> dict[str, list[Sent]]:
    """What the customers in *sight* were sent that a cap at *moment* or later may count, in one query."""
    found = tx.sent_to(sight.customers, moment - LOOK_BACK)
    for customer_id, customer in sight.customers.items():
        into = customer.merged_into
        if into in sight.customers and customer_id in found:
            found.setdefault(into, []).extend(found[customer_id])
    return found


def go_on(sight: Sight, facts: Iterable[Fact], orders: Mapping[str, datetime]) -> Sight | None:
    """Look at *orders* after these new *facts* about them, from what *sight* has of them; it is used up.

    Returns ``None`` if a fact happened before what it must follow, or the caps must be counted again: then
    all must be looked at anew.
    """
    if sight.book.capped:
        return None
    for fact in facts:
        order = sight.orders.get(fact.subject)
        if order is None or fact.subject in sight.problems or fact.happened <= sight.happened[fact.subject]:
            return None
        follow(order, fact)
    after = Sight(
        sight.book,
        sight.at,
        orders={order_id: sight.orders.pop(order_id) for order_id in orders},
        customers=sight.customers,
    )
    _decide(after, orders)
    return after


def _decide(
    sight: Sight, orders: Mapping[str, datetime], only: Mapping[str, Container[str]] | None = None
) -> None:
    hours: dict[Any, Any] = {}
    for order_id, order in sight.orders.items():
        if order_id in sight.problems:
            continue
        try:
            rules = None if only is None else only[order_id]
            decision = wanted(order, sight.customer_of(order), sight.book, orders[order_id], rules, hours)
        except Exception as error:  # noqa: BLE001  whatever it is, the others must go on
            sight.problems[order_id] = f"it cannot be planned: {_name(error)}"
            continue
        sight.decisions[order_id] = decision
        if decision.errors:
            sight.problems[order_id] = without_mailboxes("; ".join(decision.errors))


def look_at_facts(
    tx: Transaction,
    book: RuleBook,
    orders: Iterable[str],
    now: datetime = NEVER,
    known: Mapping[str, Sequence[Fact]] | None = None,
) -> Sight:
    """Fold *orders* and their customers, and decide nothing yet."""
    sight = Sight(book, now, tx.so_far())
    for order_id, facts in (tx.order_facts(orders) if known is None else known).items():
        if (gone := pruned(facts)) is not None:
            sight.problems[order_id] = f"{PRUNED_AT}{gone.happened:%Y-%m-%d}: nothing is planned for it"
            if len(facts) == 1:
                sight.pruned.add(order_id)
            continue
        try:
            order = fold_order(order_id, facts)
            hash(order.customer)  # or it cannot be looked up
        except Exception as error:  # noqa: BLE001
            sight.problems[order_id] = f"its facts do not fold: {_name(error)}"
            continue
        if order.manager == NOBODY:
            order.manager = book.policy.manager
        sight.orders[order_id] = order
        sight.happened[order_id] = max((fact.happened for fact in facts), default=NEVER)
    _customers(tx, sight)
    return sight


def _customers(tx: Transaction, sight: Sight) -> None:
    """Load everybody the orders name; who was merged into another is that other."""
    broken: dict[str, str] = {}
    ids = {order.customer for order in sight.orders.values() if order.customer}
    kin = tx.kin(ids)
    ids |= kin.keys()
    while missing := ids - sight.customers.keys():
        loaded = tx.customer_facts(sorted(missing))
        for customer_id, facts in loaded.items():
            try:
                group = kin.get(customer_id)
                sight.customers[customer_id] = (
                    fold_customer(customer_id, facts)
                    if group is None
                    else fold_person(customer_id, {one: loaded[one] for one in group})
                )
            except Exception as error:  # noqa: BLE001
                broken[customer_id] = f"the facts of its customer do not fold: {_name(error)}"
                sight.customers[customer_id] = Customer(customer_id)
        ids |= {c.merged_into for c in sight.customers.values() if c.merged_into}
    for order in sight.orders.values():
        seen = {order.customer}
        while (target := sight.customer_of(order).merged_into) and target not in seen:
            seen.add(target)
            order.customer = target
        for customer_id in seen & broken.keys():
            sight.problems[order.id] = broken[customer_id]


def _name(error: Exception) -> str:
    """What went wrong, without the text: it may quote the customer's data."""
    return type(error).__name__
