"""A template with the facts of a real order: what it would say, or said."""

from dataclasses import replace
from datetime import datetime

from orchestrator.engine import Engine
from orchestrator.errors import NotFound
from orchestrator.journey import Journey
from orchestrator.ledger import AsOf, Transaction
from orchestrator.model import Entry
from orchestrator.reasons import NOTHING
from orchestrator.render.preview import Sample, sample
from orchestrator.sight import look_at_facts


def of_order(
    engine: Engine, tx: Transaction, order: str, template: str, journey: Journey, now: datetime
) -> Sample:
    """Return an order's facts, and the notification it has or will have of this template.

    Without one it is as if it were due now, for no reason and with nothing new to tell. Raises
    :class:`NotFound`.
    """
    sight = engine.look(tx, {order: now}, now)
    entries = tx.entries_of([order]).get(order, ())
    known = sight.orders.get(order)
    if known is None or not known.known:
        raise NotFound(f"no order is called {order!r}")
    decision = sight.decisions.get(order)
    notes = [*(decision.wanted if decision is not None else ()), *(entry.wanted for entry in entries)]
    pattern = sample(journey, template, "").notification
    due_now = replace(
        pattern, order=order, customer=known.customer, occasion=f"{pattern.milestone}#1", because=NOTHING,
        tells=(), due_at=now, trigger_at=None, ack_by=None,
    )  # fmt: skip
    note = next((note for note in notes if note.template == template), due_now)
    return Sample(note, known, sight.customer_of(known), now)


def of_message(engine: Engine, tx: Transaction, entry: Entry, moment: datetime) -> Sample:
    """Return what was known of an order at *moment*, with the notification; raises :class:`NotFound`."""
    wanted = entry.wanted
    sight = look_at_facts(AsOf(tx, moment), engine.follow(tx), [wanted.order], moment)
    known = sight.orders.get(wanted.order)
    if known is None:
        raise NotFound(f"the facts of {wanted.order!r} cannot be read")
    return Sample(wanted, known, sight.customer_of(known), moment)
