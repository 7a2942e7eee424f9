"""Who holds a link that stood in a message, and which orders it may show them.

A link is as good as the message it stood in: it shows that message's orders, to whoever plays the same role
in them still. Whose order went to somebody else, and whoever was erased, sees nothing; nor does anybody by a
message whose links were closed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.engine import Engine
from orchestrator.journey import Journey
from orchestrator.ledger import Transaction
from orchestrator.model import STAFF, Customer, Entry, Fact, Order, Person
from orchestrator.planning.planner import journey_of
from orchestrator.sending.suppressions import hashed
from orchestrator.sight import Sight
from orchestrator.timing.send_time import addresses

LINKS_CLOSED = "message.links_closed"


@dataclass(frozen=True, slots=True)
class Seen:
    """One order that a link shows, by the entry of the message the link stood in."""

    entry: Entry
    order: Order
    customer: Customer
    journey: Journey


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever plays *role* for these orders and got the message; never without an order."""

    role: str
    seen: Sequence[Seen]
    sight: Sight

    @property
    def first(self) -> Seen:
        """What the message is about first."""
        return self.seen[0]


def reader(engine: Engine, tx: Transaction, message_id: str, now: datetime) -> Reader | None:
    """Look at what the message of that id was about; ``None`` if nobody may see it by this any more."""
    entries = tx.entries_by_message_id([message_id])
    if not entries:
        return None
    sight = engine.look(tx, dict.fromkeys((one.wanted.order for one in entries), now), now)
    kin = tx.kin({one.wanted.customer for one in entries})
    seen = []
    for entry in entries:
        order = sight.orders.get(entry.wanted.order)
        if order is None or order.id not in sight.decisions or links_closed(order.events, entry.key):
            continue
        journey, customer = journey_of(order, sight.book), sight.customer_of(order)
        theirs = kin.get(entry.wanted.customer, frozenset({entry.wanted.customer}))
        if not isinstance(journey, str) and _may_see(tx, entry, order, customer, theirs):
            seen.append(Seen(entry, order, customer, journey))
    return Reader(seen[0].entry.wanted.role, tuple(seen), sight) if seen else None


def is_bound(tx: Transaction, entry: Entry, who: Person) -> bool:
    """Did the message of *entry* go to this person, and not to somebody who had the role before?"""
    went = {one.address for one in tx.attempts(entry.id) if one.address}
    if not went:
        return False
    own = {address for kind in ("email", "sms") for address in addresses(kind, who)}
    return not went.isdisjoint(hashed(tx, own).values())


def links_closed(facts: Iterable[Fact], key: str) -> bool:
    """Did somebody say that the links in the message of that key open nothing any more?"""
    return any(fact.type == LINKS_CLOSED and fact.data.get("message") == key for fact in facts)


def _may_see(tx: Transaction, entry: Entry, order: Order, customer: Customer, theirs: frozenset[str]) -> bool:
    """Of staff who had the role before, their page says who has it now."""
    role = entry.wanted.role
    if role == "customer":
        return order.customer in theirs and not customer.erased
    return role in STAFF or (role in order.parties and is_bound(tx, entry, order.parties[role]))
