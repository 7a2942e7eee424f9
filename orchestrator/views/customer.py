"""One customer: where they are reached and when, what they agreed to, and what they told us once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.engine import Engine
from orchestrator.errors import NotFound
from orchestrator.ledger import OrderRow, Share, Transaction
from orchestrator.model import Customer, Delivery, Fact, Order, Promised, Purpose, Status
from orchestrator.persons.consents import Word, history, refused
from orchestrator.persons.merging import fold_person, one_with
from orchestrator.planning.answering import REPLIED
from orchestrator.planning.delivery import CAME_BACK
from orchestrator.planning.promises import promised_text
from orchestrator.reasons.sending import LOST
from orchestrator.reasons.unsaid import ERASED
from orchestrator.sending.suppressions import listed
from orchestrator.sight import look_at_facts
from orchestrator.timing.send_time import addresses
from orchestrator.views.people import named
from orchestrator.views.search import sees
from orchestrator.views.week import Week, week

ORDERS = 100  # that are shown
LOOKED_AT = 1000  # orders among which the open ones come first
SAID = 50  # of what they told us
CHANNELS = ("email", "sms", "push")
TOLD = frozenset({REPLIED, "feedback.given", "slot.chosen"})


@dataclass(frozen=True, slots=True)
class Point:
    """Where they are reached: ``health`` is good (something arrived), used, bad or never, ``why`` says more.

    ``last`` is what was last reported of a message there, ``sent`` when the last one was taken.
    """

    channel: str
    address: str
    health: str
    why: str
    last: Delivery | None
    sent: datetime | None


@dataclass(frozen=True, slots=True)
class Theirs:
    """One of their orders, in short."""

    id: str
    journey: str
    status: str
    phase: str
    owner: str
    promise: str
    promised: Promised | None
    promise_ends: datetime | None
    silent_since: datetime | None


@dataclass(frozen=True, slots=True)
class May:
    """Whether messages of a purpose may use each of :data:`CHANNELS`, and why not."""

    purpose: str
    by: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What they told us once: where, when, and what."""

    at: datetime
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class CustomerView:
    """The page; ``id`` is that of the person today, ``ids`` all of theirs."""

    id: str
    ids: tuple[str, ...]
    name: str
    customer: Customer
    points: tuple[Point, ...]
    may: tuple[May, ...]
    words: tuple[Word, ...]
    week: Week
    orders: tuple[Theirs, ...]
    more_orders: bool
    attributes: Mapping[str, Any]
    said: tuple[Said, ...]
    is_erased: bool


def customer_view(
    engine: Engine, tx: Transaction, customer: str, share: Share, now: datetime
) -> CustomerView:
    """Look at one customer; raises :class:`NotFound` if nothing is known, or nothing this viewer may see."""
    group = tx.kin([customer]).get(customer, frozenset({customer}))
    ever = tx.customer_facts(sorted(group))
    ids = (customer, *(one for one in one_with(customer, ever) if one != customer))
    names = [order for theirs in tx.orders_of(ids).values() for order in theirs][:LOOKED_AT]
    rows = sorted(tx.orders(names).values(), key=_open_first)
    mine = [row for row in rows if sees(share, row)]
    limited = bool(share.locations or share.brands)
    if not mine and (limited or (not rows and not any(ever[one] for one in ids))):
        raise NotFound(f"no customer is called {customer!r}")
    person = fold_person(customer, ever)
    shown = mine[:ORDERS]
    book = engine.follow(tx)
    sight = look_at_facts(tx, book, [row.id for row in shown], now)
    orders = [sight.orders[row.id] for row in shown if row.id in sight.orders]
    theirs = [fact for one in ids for fact in ever[one]]
    return CustomerView(
        id=customer,
        ids=ids,
        name=named(person),
        customer=person,
        points=tuple(_points(tx, person, orders)),
        may=tuple(_may(person)),
        words=tuple(reversed(history({one: ever[one] for one in ids}))),
        week=week(person.windows, person.habits, book.policy.quiet.get(Purpose.SERVICE)),
        orders=tuple(map(_short, shown)),
        more_orders=len(mine) > len(shown),
        attributes=person.attributes,
        said=_said(theirs, orders),
        is_erased=person.erased,
    )


def _open_first(row: OrderRow) -> tuple[bool, str]:
    return row.silent_since is None, row.id


def _short(row: OrderRow) -> Theirs:
    return Theirs(
        row.id, row.journey, row.status, row.phase, row.owner, row.promise,
        promised_text(row.promised) if row.promised else None, row.promise_ends, row.silent_since,
    )  # fmt: skip


# ── where they are reached ───────────────────────────────────────────────────


def _points(tx: Transaction, person: Customer, orders: Sequence[Order]) -> Iterable[Point]:
    """Every address, whether anything is sent there, and how the last thing fared."""
    places = [(channel, one) for channel in CHANNELS for one in addresses(channel, person)]
    stopped = dict(listed(tx, places))
    last, sent = _last(orders), _sent(orders)
    for channel, address in places:
        report, at = last.get(channel), sent.get(channel)
        if bad := stopped.get((channel, address), ""):
            yield Point(channel, address, "bad", f"nothing is sent there: {bad}", report, at)
        elif report is not None and report.became in CAME_BACK:
            why = LOST[CAME_BACK[report.became]]
            yield Point(channel, address, "bad", why, report, at)
        else:
            health = "good" if report is not None else "used" if at is not None else "never"
            yield Point(channel, address, health, "", report, at)


def _sent(orders: Sequence[Order]) -> dict[str, datetime]:
    """When the last message to the customer was taken, by channel."""
    found: dict[str, datetime] = {}
    for order in orders:
        for said in order.outcomes.values():
            if said.role == "customer" and said.status is Status.ACCEPTED and said.channel:
                found[said.channel] = max(said.at, found.get(said.channel, said.at))
    return found


def _last(orders: Sequence[Order]) -> dict[str, Delivery]:
    """What was last reported of a message to the customer, by channel."""
    found: dict[str, Delivery] = {}
    for order in orders:
        for key, reports in order.reports.items():
            if not key.endswith("/customer"):
                continue
            for channel, report in reports.items():
                if channel and (channel not in found or report.at > found[channel].at):
                    found[channel] = report
    return found


def _may(person: Customer) -> Iterable[May]:
    for purpose in Purpose:
        if person.erased:
            yield May(purpose.value, tuple((channel, ERASED) for channel in CHANNELS))
        else:
            yield May(purpose.value, tuple((one, refused(person, purpose, one)) for one in CHANNELS))


# ── what they told us ────────────────────────────────────────────────────────


def _said(theirs: Sequence[Fact], orders: Sequence[Order]) -> tuple[Said, ...]:
    """Answers and wishes, on whatever channel they came, the newest first."""
    found = [Said(fact.happened, "", _wish(fact.data)) for fact in theirs if fact.type == "preference.set"]
    for order in orders:
        found += [
            Said(fact.happened, order.id, words_said(fact.data)) for fact in order.events if fact.type in TOLD
        ]
    found.sort(key=lambda one: one.at, reverse=True)
    return tuple(one for one in found[:SAID] if one.what)


def words_said(data: Mapping[str, Any]) -> str:
    """The words of an answer, of feedback, or of a time that was taken."""
    parts = [str(data[name]) for name in ("text", "comment") if data.get(name)]
    if data.get("score") is not None:
        parts.insert(0, f"{data['score']} for {data.get('phase') or 'us'}")
    if slot := data.get("slot"):
        parts.append(f"took the time {slot.get('id') or slot.get('from')}")
    return ": ".join(parts)


def _wish(data: Mapping[str, Any]) -> str:
    """What of their preferences they set at once."""
    parts = []
    if data.get("channels"):
        parts.append(f"by {', '.join(map(str, data['channels']))}")
    if data.get("windows"):
        parts.append("hours of their own")
    if data.get("topics"):
        parts.append(f"about {', '.join(map(str, data['topics']))}")
    if "learning" in data:
        parts.append("may learn their habits" if data["learning"] else "nobody learns their habits")
    return "wants to be told " + "; ".join(parts) if parts else ""
