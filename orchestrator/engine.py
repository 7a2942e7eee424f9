"""The central flow: facts come in, the orders they touch are planned again, the ledger follows the plan.

A late event, a moved promise, an edited rule, a cancelled order and a restart all take this one path.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from orchestrator.errors import Conflict
from orchestrator.facts import CORE_TYPES
from orchestrator.intake import Incoming
from orchestrator.journey import RuleBook
from orchestrator.ledger import Appended, Ledger, OrderRow, Transaction
from orchestrator.ledger.verbs import batches
from orchestrator.model import Customer, Entry, Fact, Order, Scope, Status, may_be_either, scope_of
from orchestrator.planning import past
from orchestrator.planning.audience import nobody
from orchestrator.planning.case import Case, complete, reached
from orchestrator.planning.planner import case_of, journey_of
from orchestrator.planning.reconcile import Plan, reconcile
from orchestrator.planning.spelling import no_calendar, no_channels, slips, slips_of_types
from orchestrator.planning.standing import Standing, standing
from orchestrator.reasons import Code
from orchestrator.reasons.sending import NEWS, TRIED_AGAIN
from orchestrator.sight import NEVER, Sight, look
from orchestrator.watching import NOBODY, Watch
from orchestrator.withholding import withhold

_CORE = frozenset(CORE_TYPES)
BATCH = 500  # orders planned in one transaction
CLOSED = frozenset({"cancelled", "complete"})  # orders of which nothing more is expected


@dataclass(frozen=True, slots=True)
class Heard:
    """How many of some events were new, how many were known already, and what is odd about their orders."""

    new: int = 0
    duplicates: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)  # of the orders they touched, by their id


class Engine:
    """Plans the orders that changed. Every method that takes *now* reads no other clock.

    In a *replay* each order is planned as of its own newest news instead, so that many may share a
    transaction. Somebody else may put other rules in force at any time: *in_force* reads what is in force at
    a transaction, and without it the *book* stays what it is.
    """

    def __init__(
        self,
        ledger: Ledger,
        book: RuleBook,
        *,
        replay: bool = False,
        in_force: Callable[[Transaction], RuleBook] | None = None,
        watch: Watch = NOBODY,
    ) -> None:
        self.ledger = ledger
        self.book = book
        self.replay = replay
        self.watch = watch
        self._in_force = in_force

    def follow(self, tx: Transaction) -> RuleBook:
        """Return the rules in force at this transaction; nothing is planned or sent under others."""
        book = self.book
        if self._in_force is not None and tx.in_force() != book.number:
            book = self.book = self._in_force(tx)
        return book

    def hear(self, incoming: Sequence[Incoming], now: datetime) -> Heard:
        """Keep these events and plan the orders they touch, in one transaction: all of them or none.

        Raises :class:`Conflict` when one came before with another body.
        """
        with self.ledger.transaction() as tx:
            return self.take(tx, incoming, now)

    def take(self, tx: Transaction, incoming: Sequence[Incoming], now: datetime) -> Heard:
        """Keep these events and plan the orders they touch, in a transaction that others may share.

        Raises :class:`Conflict` as :meth:`hear` does; what was done so far is then to be undone.
        """
        with self.watch.step("intake", causes_of(incoming)) as step:
            tx.own_customers(customers_in(item.fact for item in incoming))
            results = list(zip(incoming, tx.append(incoming), strict=True))
            conflicts = [item.fact.id for item, result in results if result is Appended.CONFLICT]
            if conflicts:
                raise Conflict(conflicts)
            new = [item for item, result in results if result is Appended.NEW]
            step.note(events=len(incoming), new=len(new))
            problems = self.plan(tx, self.touched(tx, new), now)
        return Heard(len(new), len(incoming) - len(new), problems)

    def touched(self, tx: Transaction, incoming: Iterable[Incoming]) -> dict[str, datetime]:
        """Name the orders these facts are about, or whose customer they are about, with the newest news.

        A customer with very many orders leaves a durable mark on each, for :meth:`plan_changed`.
        """
        orders: dict[str, datetime] = {}
        customers: dict[str, datetime] = {}
        news = [item.fact for item in incoming]
        alone = tx.customers_alone(news)
        for fact in news:
            own = fact.subject in alone and may_be_either(fact.type)
            about = customers if own or scope_of(fact.type) is Scope.CUSTOMER else orders
            about[fact.subject] = max(fact.heard, about.get(fact.subject, fact.heard))
        if not customers:
            return orders
        for group in set(tx.kin(customers).values()):  # what one of them says concerns the orders of all
            newest = max(customers[one] for one in group & customers.keys())
            customers.update((one, max(newest, customers.get(one, newest))) for one in group)
        for customer, theirs in tx.orders_of(customers).items():
            if len(theirs) > BATCH:
                tx.mark(theirs)
                continue
            for order in theirs:
                orders[order] = max(customers[customer], orders.get(order, customers[customer]))
        return orders

    def plan(self, tx: Transaction, orders: Mapping[str, datetime], now: datetime) -> dict[str, str]:
        """Plan these orders again, and say what is wrong with which. This paragraph is the product."""
        with self.watch.step("plan", order=orders) as step:
            if not orders:
                step.idle()
            tx.own(orders)
            return self.settle(tx, self.look(tx, orders, now), orders, now)

    def settle(self, tx: Transaction, sight: Sight, orders: Iterable[str], now: datetime) -> dict[str, str]:
        """Make the ledger follow what was decided for these orders, and say what is wrong with which."""
        have = tx.entries_of(sight.decisions)
        self.apply(tx, reconcile(sight.decisions.values(), have), now)
        tx.unhold(_parked(entry for entries in have.values() for entry in entries), NEWS, now)
        return self._keep_rows(tx, sight, orders)

    def _keep_rows(self, tx: Transaction, sight: Sight, orders: Iterable[str]) -> dict[str, str]:
        """Write how these orders stand, and say what is wrong with which.

        Of one whose facts do not fold only that is noted: its row still says whose it is.
        """
        rows = {order_id: self.row(sight, order_id) for order_id in orders}
        broken = rows.keys() - sight.orders.keys()
        stored = tx.orders(broken) if broken else {}
        for order_id in stored:
            tx.order_problem(order_id, rows[order_id].problem)
        tx.store_orders([row for order_id, row in rows.items() if order_id not in stored])
        return {order_id: row.problem for order_id, row in rows.items() if row.problem}

    def plan_changed(self, now: datetime, limit: int = BATCH) -> int:
        """Plan orders that carry a mark, the longest waiting first; return how many."""
        with self.ledger.transaction() as tx:
            changed = tx.changed_and_free(limit)
            self.plan(tx, {change.order: change.heard or now for change in changed}, now)
            tx.planned({change.order: change.mark for change in changed})
        return len(changed)

    def look(
        self,
        tx: Transaction,
        orders: Mapping[str, datetime],
        now: datetime,
        only: Mapping[str, Container[str]] | None = None,
        facts: Mapping[str, Sequence[Fact]] | None = None,
    ) -> Sight:
        """Fold these orders and their customers, and decide. A broken order is a problem of its own.

        *only* names the rules that are asked about for each order, where nothing is planned from it; *facts*
        are those of the orders, where they were read before in this transaction.
        """
        moments = orders if self.replay else dict.fromkeys(orders, now)
        return look(tx, self.follow(tx), moments, now, only, facts)

    def look_again(
        self, tx: Transaction, sight: Sight, orders: Mapping[str, datetime], now: datetime
    ) -> Sight:
        """Return *sight* if it still holds for these orders, else what there is to see now."""
        return sight if self.still_holds(tx, sight, orders, now) else self.look(tx, orders, now)

    def still_holds(
        self, tx: Transaction, sight: Sight, orders: Mapping[str, datetime], now: datetime
    ) -> bool:
        """Would looking at these orders again show the same?"""
        return sight.book is self.follow(tx) and sight.holds(tx, orders, now)

    def apply(self, tx: Transaction, plan: Plan, now: datetime) -> None:
        """Make the ledger hold just what is wanted: the only creator of entries.

        In a replay what is withdrawn ends when the news came that ended it.
        """
        if plan.create:
            tx.create(plan.create, now)
        for move in plan.reschedule:
            tx.reschedule(move.entry.id, move.wanted, now)
        for cancel in plan.cancel:
            moment = cancel.at if self.replay and cancel.at is not None else now
            withhold(tx, cancel.entry, Status.CANCELLED, cancel.reason, moment, self.book.policy.time_zone)

    def row(self, sight: Sight, order_id: str) -> OrderRow:
        """The cache row of an order, for lists and lookups."""
        problem = sight.problems.get(order_id, "")
        order = sight.orders.get(order_id)
        if order_id in sight.pruned:
            return OrderRow(order_id, status="pruned")
        if order is None:
            return OrderRow(order_id, problem=problem)
        journey = journey_of(order, sight.book)
        well_known = problem and order_id not in sight.decisions
        last = phase = ""
        status = order.status.value
        stands = Standing()
        if isinstance(journey, str):
            problem = problem if well_known else _lost(order, journey, problem)
        else:
            case = case_of(order, sight.customer_of(order), journey, sight.book, order.heard or NEVER)
            problem = problem if well_known else _odd(case, problem)
            done = {milestone.name for milestone in reached(order)}
            last = next((name for name in reversed(journey.milestones) if name in done), "") if done else ""
            phase = journey.phase_of(last) if last else next(iter(journey.phases), "")
            if complete(order, journey):
                status = "complete"
            stands = standing(case)
        return OrderRow(
            order_id,
            order.customer,
            order.journey,
            order.location.id,
            status,
            phase,
            last,
            state_of(order),
            problem,
            order.heard if status in CLOSED else None,
            order.owner.name or order.owner.email,
            order.location.brand,
            stands.silent_since,
            stands.promise,
            str(stands.promised or ""),
            stands.promise_ends,
            orjson.dumps(stands.tasks).decode() if stands.tasks else "",
            stands.tasks[0].at if stands.tasks else None,
        )

    def release_parked(self, now: datetime) -> int:
        """Try again what was parked, for rules or templates may have been mended; return how many."""
        count = after = 0
        while True:
            with self.ledger.transaction() as tx:
                held = tx.entries_in({Status.HELD}, after=after, limit=BATCH)
                count += tx.unhold(_parked(held), TRIED_AGAIN, now)
            if len(held) < BATCH:
                return count
            after = held[-1].id

    def rebuild(self, now: datetime) -> int:
        """Fold every order again from its facts and rewrite the cache rows; return how many."""
        count = 0
        with self.ledger.transaction() as tx:
            for batch in batches(tx.order_ids()):
                self._keep_rows(tx, self.look(tx, dict.fromkeys(batch, now), now), batch)
                count += len(batch)
        return count


def causes_of(incoming: Iterable[Incoming]) -> list[str]:
    """Of what each event says to come (the CloudEvents extension ``traceparent``), where it says so."""
    said = (item.extensions.get("traceparent") for item in incoming if item.extensions)
    return [cause for cause in said if isinstance(cause, str)]


def customers_in(facts: Iterable[Fact]) -> Iterator[str]:
    """Name the customers whom these facts are about, or whose orders."""
    for fact in facts:
        if scope_of(fact.type) is Scope.CUSTOMER:
            yield fact.subject
            yield str(fact.data.get("into", fact.subject))
        elif "customer" in fact.data and isinstance(fact.data["customer"], str):
            yield fact.data["customer"]


def problem_of(order: Order, customer: Customer, book: RuleBook, known: str = "") -> str:
    """What somebody should look at in the facts of an order beside the problems that are *known*, or ""."""
    journey = journey_of(order, book)
    if isinstance(journey, str):
        return _lost(order, journey, known)
    return _odd(case_of(order, customer, journey, book, order.heard or NEVER), known)


def _lost(order: Order, no_journey: str, known: str) -> str:
    """The same of an order that follows no journey."""
    return _all_of(known, no_journey, slips_of_types(order, _CORE))


def _odd(case: Case, known: str) -> str:
    """The same of one that follows its journey."""
    order, customer, journey = case.order, case.customer, case.journey
    slipped = "" if customer.erased else slips(order, journey, _CORE)
    unheard_of = "" if customer.erased else no_channels(customer, journey, case.policy)
    told_to = nobody(order, customer, journey, case.policy)
    return _all_of(known, slipped, unheard_of, no_calendar(order, case.policy), told_to, past.problem(case))


def _all_of(known: str, *found: str) -> str:
    return "; ".join(filter(None, (known, *(one for one in found if one not in known))))


def _parked(entries: Iterable[Entry]) -> list[int]:
    return [entry.id for entry in entries if entry.status is Status.HELD and entry.reason.code is Code.PARKED]


def state_of(order: Order) -> str:
    """The fold as text: promises, what was told, what happened; no personal data."""
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
