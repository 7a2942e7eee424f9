"""One order's story, as `explain` and the console tell it: what was said or not and why, what comes next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.engine import Engine
from orchestrator.errors import NotFound
from orchestrator.ledger import Attempt, Health, OrderRow, Pause, Stops, Transaction
from orchestrator.model import Customer, Entry, Fact, Order
from orchestrator.persons.consents import history
from orchestrator.persons.merging import one_with
from orchestrator.planning.explain import Explanation, Next, explain
from orchestrator.reasons import Reason, all_of
from orchestrator.reasons.sending import paused
from orchestrator.sending.health import is_why, shut
from orchestrator.sending.turns import turn_of

SHOWN = 5  # orders of a customer whose id was given for that of one


@dataclass(frozen=True, slots=True)
class Told:
    """The story, and what it was told from."""

    story: Explanation
    order: Order
    customer: Customer
    row: OrderRow
    facts: Sequence[Fact]
    entries: Sequence[Entry]


def story_of(engine: Engine, order: str, now: datetime) -> Explanation:
    """Explain one order as of *now*; raises :class:`NotFound`."""
    with engine.ledger.read() as tx:
        return told(engine, tx, order, now).story


def told(engine: Engine, tx: Transaction, order: str, now: datetime) -> Told:
    """Explain one order as of *now*, in an open transaction; raises :class:`NotFound`."""
    facts = tx.order_facts([order]).get(order, ())
    if not facts:
        alike = sorted(tx.orders({order.upper(), order.lower()}))
        hint = f"\ndid you mean {alike[0]!r}?" if alike else ""
        if theirs := sorted(tx.orders_of([order])[order]):
            hint = f"\nit is a customer, of whom there is {', '.join(theirs[:SHOWN])}"
            hint += f" and {len(theirs) - SHOWN:,} more" if len(theirs) > SHOWN else ""
        raise NotFound(f"no order is called {order!r}{hint}")
    sight = engine.look(tx, {order: now}, now, facts={order: facts})
    if order not in sight.orders:
        raise NotFound(f"{order}: {sight.problems[order]}")
    seen = sight.orders[order]
    pauses = tx.pauses()
    entries = tx.entries_of([order]).get(order, ())
    tried = tx.attempts_of(entry.id for entry in entries if entry.attempts)
    tries = {number: [_tried(one) for one in attempts] for number, attempts in tried.items()}
    row = engine.row(sight, order)
    ever = tx.customer_facts(sorted(tx.kin([seen.customer]).get(seen.customer, {seen.customer})))
    person = (seen.customer, *one_with(seen.customer, ever))
    words = history({one: ever[one] for one in person})
    customer = sight.customer_of(seen)
    story = explain(seen, customer, facts, entries, sight.decisions[order], engine.book, tries)
    alone = tx.health().values()
    turns = {one.key: turn for one in entries if one.not_before and (turn := turn_of(tx, one.id))}
    called = (_called(one, alone, turns.get(one.key, ""), now) for one in story.next)
    coming = tuple(_standing_still(one, seen.location.id, pauses) for one in called)
    story = replace(story, consents=words, next=coming)
    if row.problem and not story.problems:
        story = replace(story, problems=(row.problem,))
    return Told(story, seen, customer, row, facts, entries)


def _tried(one: Attempt) -> tuple[str, str]:
    """The channel of a try, and what became of it."""
    return one.channel, " ".join(filter(None, (one.outcome, f"({one.detail})" if one.detail else "")))


def _called(coming: Next, alone: Iterable[Health], turn: str, now: datetime) -> Next:
    """The same, when it may be called: once the channel is tried again that it stands in line for.

    Who waits for a rate is called when it is their *turn*, and not when somebody looks at them again.
    """
    waited_for = (shut(one, now) for one in alone if is_why(coming.why_then, one))
    tried = min((one.until for one in waited_for if one is not None), default=None)
    if turn and tried is None:
        return replace(coming, at=min(now, coming.at), why_then=coming.why_then.also(f"in line, {turn}"))
    return coming if tried is None else replace(coming, at=min(tried, coming.at))


def _standing_still(coming: Next, location: str, pauses: Iterable[Pause]) -> Next:
    """The same, saying which pauses keep it from leaving then, or from leaving by one of its channels."""
    mine = {
        (Stops.EVERYTHING, ""), (Stops.RULE, coming.rule), (Stops.LOCATION, location),
        *((Stops.CHANNEL, name) for name in coming.channels),
    }  # fmt: skip
    then = coming.why_then
    found = (paused(p.kind, p.name, p.reason) for p in pauses if (p.kind, p.name) in mine)
    new = [why for why in found if (why.code, why.about) != (then.code, then.about)]
    if not new:
        return coming
    besides = f"{all_of(new)}; " if then else all_of(new)
    why = Reason(then.code or new[0].code, f"{besides}{then}", {**then.words, "besides": besides})
    return replace(coming, why_then=why)
