"""The orders of one colleague: those with something to do first, then those whose promise ends next."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.access.roles import Viewer
from orchestrator.engine import Engine
from orchestrator.ledger import Transaction
from orchestrator.model import Order
from orchestrator.planning.planner import case_of, journey_of
from orchestrator.planning.standing import OpenTask, standing
from orchestrator.render.dates import Dates
from orchestrator.render.words import When
from orchestrator.timing import calendar
from orchestrator.views.now import share_of
from orchestrator.views.people import named
from orchestrator.views.tracker import shown

MOST = 50  # of each list: whoever has more to do needs the console


@dataclass(frozen=True, slots=True)
class Mine:
    """One order in the list: whose, what is promised when, whether that is broken, what there is to do."""

    order: str
    customer: str
    promise: str
    told: When
    is_late: bool
    tasks: tuple[str, ...]


def mine(engine: Engine, tx: Transaction, viewer: Viewer, now: datetime, locale: str) -> tuple[Mine, ...]:
    """Look at the open orders that this viewer owns, a limited number of them."""
    owners, share = frozenset(filter(None, (viewer.name, viewer.email))), share_of(viewer)
    rows = [
        row for since in ("tasks", "promises") for row in tx.owned(since, owners, share=share, limit=MOST)
    ]
    orders = list(dict.fromkeys(row.id for row in rows))
    sight = engine.look(tx, dict.fromkeys(orders, now), now, dict.fromkeys(orders, ()))
    found = []
    for name in orders:
        order = sight.orders.get(name)
        journey = journey_of(order, sight.book) if order is not None else ""
        if order is None or isinstance(journey, str) or not is_owner(order, viewer):
            continue
        customer = sight.customer_of(order)
        case = case_of(order, customer, journey, sight.book, now)
        dates = Dates(case.zone, locale, calendar.day_of(now, case.zone))
        stands = standing(case)
        ends = stands.promise_ends
        found.append(
            Mine(
                order=name,
                customer=named(customer),
                promise=(shown(case, stands.promise, locale) or stands.promise) if stands.promise else "",
                told=dates.promised(stands.promised),
                is_late=ends is not None and ends <= now,
                tasks=tuple(_do(task) for task in stands.tasks if task.role == "owner"),
            )
        )
    return tuple(found)


def is_owner(order: Order, viewer: Viewer) -> bool:
    """Is it this person who owns the order? A mailbox says so for sure, and a name where there is none."""
    if not viewer.sees(order.location.id, order.location.brand):
        return False
    owner = order.owner
    if owner.email:
        return owner.email.casefold() == viewer.email.casefold()
    return bool(owner.name) and owner.name == viewer.name


def _do(task: OpenTask) -> str:
    return task.do.rpartition("/")[2].replace("-", " ")
