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
) -> dict[str, Rider]:
    """Return by key which of these mails carry which line, and keep it for them while they are under way."""
    wishes: dict[Carries, Rider] = {}
    if not any(journey.riders for journey in book.journeys.values()):
        return {}
    for go in going:
        order = sight.orders[go.wanted.order]
        journey = journey_of(order, book)
        if go.channel == BY and not isinstance(journey, str) and journey.riders:
            customer = sight.customer_of(order)
            rider = riding(go.wanted, order, customer, journey, book.policy, now)
            if rider is not None:
                wishes[Carries(customer.id, rider.id, go.wanted.key)] = rider
    granted = tx.reserve(list(wishes), now, now + UNDER_WAY)
    return {wish.key: wishes[wish] for wish in granted}


def put(message: Message, rider: Rider | None) -> tuple[Message, str]:
    """Return *message* with the line and the line's id, or as it was and ""."""
    made = put_in(rider, message.text, message.html, message.locale) if rider is not None else None
    if rider is None or made is None:
        return message, ""
    return replace(message, text=made[0], html=made[1]), rider.id
