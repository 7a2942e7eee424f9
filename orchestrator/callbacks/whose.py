"""Whose a reply is: which message it answers, of which order, and who may have written it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from channels.reports import Reply
from orchestrator.callbacks.events import Caller
from orchestrator.engine import Engine
from orchestrator.ledger import Transaction
from orchestrator.model import Customer, Entry, Order, OrderStatus
from orchestrator.planning.case import complete
from orchestrator.planning.fold import fold_customer
from orchestrator.planning.planner import journey_of
from orchestrator.sending import suppressions
from orchestrator.sending.suppressions import hashed
from orchestrator.sight import NEVER, Sight, look_at_facts

STRAY = "stray:"  # begins the note that something was written that belongs to no order
OFFERED, CHOSEN = "slot.offered", "slot.chosen"
OVER = frozenset({"complete", "cancelled"})  # how the row of an order says that nobody waits for it
MOST = 200  # orders looked at; a fleet has more, and each message names its own


@dataclass(frozen=True, slots=True)
class Whose:
    """The message that a reply answers, the order it is about, and everybody who is reached at its sender.

    With ``offered`` that order has times to choose from, and none is chosen. ``proven`` is a reply that
    names a message which went to just that sender, ``stopped`` one from where somebody said STOP, and
    ``elsewhere`` one to a customer's message from an address that is none of theirs.
    ``stranger`` is a name for a sender nobody knows; it says nothing about them.
    """

    entry: Entry | None = None
    order: str = ""
    role: str = "customer"
    customers: tuple[str, ...] = ()
    locale: str = ""
    offered: bool = False
    proven: bool = False
    stopped: bool = False
    elsewhere: bool = False
    stranger: str = ""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that somebody wrote and that belongs to no order; it is kept under *customer*."""

    source: str
    id: str
    at: datetime
    customer: str


def note_stray(tx: Transaction, stray: Stray) -> None:
    """Have operations told."""
    tx.remember(f"{STRAY}{stray.source}#{stray.id}", f"{stray.at.isoformat()} {stray.customer}")


def strays(tx: Transaction, since: datetime) -> list[Stray]:
    """What belongs to no order and came since then, the newest first."""
    found: list[Stray] = []
    for name, value in tx.all_remembered(STRAY):
        source, _, event_id = name.removeprefix(STRAY).partition("#")
        at, _, customer = value.partition(" ")
        found.append(Stray(source, event_id, datetime.fromisoformat(at), customer))
    return sorted((one for one in found if one.at >= since), key=lambda one: one.at, reverse=True)


def whose(engine: Engine, tx: Transaction, caller: Caller, reply: Reply, now: datetime) -> Whose:
    """Find whose *reply* is.

    What the reply itself proves or names comes first; else the newest open offer of who writes, the message
    that was last sent there, and their newest open order.
    """
    place = hashed(tx, [reply.sender])[reply.sender]
    named = _named(tx, reply)
    last = named or tx.last_sent_to(caller.channel, place)
    role = last.wanted.role if last is not None else "customer"
    wrote = last.wanted.customer if last is not None and role == "customer" else ""
    people = list(dict.fromkeys(filter(None, (wrote, *tx.customers_at(_spelt(reply.sender))))))
    sight = look_at_facts(tx, engine.follow(tx), _orders(tx, people, last), now)
    reached = _reached(tx, people, sight, reply.sender, wrote)
    theirs = [order for order in sight.orders.values() if order.customer in reached]
    offering = _newest(filter(is_offered, theirs))
    if named is None and offering is not None and role == "customer":
        order = offering.id
    elif last is not None:
        order = last.wanted.order
    else:
        found = _newest(one for one in theirs if _open(one, engine)) or _newest(theirs)
        order = found.id if found is not None else ""
    return Whose(
        entry=last if last is not None and last.wanted.order == order else None,
        order=order,
        role=role,
        customers=tuple(reached),
        locale=next((who.locale for who in reached.values() if who.locale), ""),
        offered=offering is not None and offering.id == order,
        proven=_proven(tx, caller, reply, place),
        elsewhere=role == "customer" and named is not None and not _theirs(reached.values(), reply.sender),
        stopped=_stopped(engine, tx, caller.channel, reached.values(), reply.sender),
        stranger=f"{caller.name}:{place[:16]}",
    )


def is_offered(order: Order) -> bool:
    """Are there times to choose from, and none is chosen?"""
    offers = [fact.happened for fact in order.events if fact.type == OFFERED]
    choices = [fact.happened for fact in order.events if fact.type == CHOSEN]
    return bool(offers) and max(choices, default=NEVER) < max(offers)


def _named(tx: Transaction, reply: Reply) -> Entry | None:
    """The message a reply says it answers: by the address it came to, or by a Message-ID."""
    if reply.key and (entry := tx.entry(reply.key)) is not None:
        return entry
    for message_id in reply.answers:
        if found := tx.entries_by_message_id([message_id]):
            return found[0]
    return None


def _proven(tx: Transaction, caller: Caller, reply: Reply, place: str) -> bool:
    """Does it name a message that only who is reached at *place* has? Anybody may write a sender."""
    named = [*filter(None, [tx.entry(reply.key) if reply.key else None])]
    named += tx.entries_by_message_id(reply.answers)
    tries = (one for entry in named for one in tx.attempts(entry.id))
    return bool(place) and any((one.channel, one.address) == (caller.channel, place) for one in tries)


def _stopped(engine: Engine, tx: Transaction, channel: str, reached: Iterable[Customer], sender: str) -> bool:
    """Does a STOP stand there: the word of anybody who is reached, or on the list?"""
    names = {channel, engine.book.policy.kind(channel)}
    words = (who.consents.get(("", name)) for who in reached for name in names)
    return any(word is not None and not word.given for word in words) or bool(
        suppressions.found(tx, [(name, sender) for name in names])
    )


def _orders(tx: Transaction, people: Sequence[str], last: Entry | None) -> list[str]:
    """The orders of these people that may be meant, and the one they were written about."""
    everybody = {*people, *tx.kin(people)}
    rows = tx.orders(order for theirs in tx.orders_of(everybody).values() for order in theirs)
    under_way = [name for name, row in rows.items() if row.status not in OVER]
    found = sorted(under_way or rows)[-MOST:]
    return list(dict.fromkeys([*found, *([last.wanted.order] if last is not None else [])]))


def _reached(
    tx: Transaction, people: Sequence[str], sight: Sight, sender: str, wrote: str
) -> dict[str, Customer]:
    """Who of these people is reached there today, and who was written to there; merged ones are one."""
    found: dict[str, Customer] = {}
    for one in people:
        who = sight.customers.get(one) or fold_customer(one, tx.customer_facts([one])[one])
        while who.merged_into in sight.customers and who.merged_into != who.id:
            who = sight.customers[who.merged_into]
        if one == wrote or _theirs([who], sender):
            found[who.id] = who
    return found


def _theirs(people: Iterable[Customer], sender: str) -> bool:
    return any(_spelt(sender) in (_spelt(who.phone), _spelt(who.email)) for who in people)


def _open(order: Order, engine: Engine) -> bool:
    journey = journey_of(order, engine.book)
    done = not isinstance(journey, str) and complete(order, journey)
    return order.status is not OrderStatus.CANCELLED and not done


def _newest(orders: Iterable[Order]) -> Order | None:
    return max(orders, key=lambda order: (order.since or NEVER, order.id), default=None)


def _spelt(address: str) -> str:
    return address.strip().lower()
