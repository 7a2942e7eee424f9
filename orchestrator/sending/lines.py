"""Puts the lines that ride along into mails. Of two mails to a customer under way, one carries it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from channels.base import Message
from orchestrator.journey import Rider, RuleBook
from orchestrator.ledger import Carries, Transaction
from orchestrator.planning.planner import journey_of
from orchestrator.sending.guard import Send
from orchestrator.sending.riders import BY, put_in, riding
from orchestrator.sight import Sight

UNDER_WAY = timedelta(minutes=15)  # as long as a mail that was claimed may take until it is recorded


def reserved(
    tx: Transaction, going: Iterable[Send], sight: Sight, book: RuleBook, now: datetime
) -> dict[str, tuple[Rider, ...]]:
    """Return by key which of these mails may carry which lines, kept for it while it is under way."""
    wishes: dict[Carries, Rider] = {}
    if not any(journey.riders for journey in book.journeys.values()):
        return {}
    for go in going:
        if book.policy.kind(go.channel) != BY:
            continue
        order = sight.orders[go.wanted.order]
        journey = journey_of(order, book)
        if not isinstance(journey, str) and journey.riders:
            customer = sight.customer_of(order)
            for rider in riding(go.wanted, order, customer, journey, book.policy, now):
                wishes[Carries(customer.id, rider.id, go.wanted.key)] = rider
    granted = set(tx.reserve(list(wishes), now, now + UNDER_WAY))
    lines: dict[str, tuple[Rider, ...]] = {}
    for wish, rider in wishes.items():  # in the order in which the journey names them
        if wish in granted:
            lines[wish.key] = (*lines.get(wish.key, ()), rider)
    return lines


def put(message: Message, riders: Iterable[Rider]) -> tuple[Message, str]:
    """Return *message* with one of the lines and that line's id, or as it was and ""."""
    text, html, line = put_in(riders, message.text, message.html, message.locale)
    return (replace(message, text=text, html=html), line) if line else (message, "")
