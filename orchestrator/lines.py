"""Puts the lines that ride along into mails. Of two mails to a customer under way, one carries it."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

from channels.base import Message
from orchestrator.guard import Send
from orchestrator.journey import Journey, Policy
from orchestrator.model import Customer, Order
from orchestrator.riders import BY, put_in, riding

UNDER_WAY = timedelta(minutes=15)  # as long as a mail that was rendered may take until it is recorded


class Lines:
    """Knows which mails under way carry which line; one daemon works on a ledger, and has one of these."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def put(
        self,
        message: Message,
        go: Send,
        order: Order,
        customer: Customer,
        journey: Journey,
        policy: Policy,
        now: datetime,
    ) -> tuple[Message, str]:
        """Return *message* with a line that may ride with it and the line's id, or as it was and ""."""
        if not journey.riders or go.channel != BY:
            return message, ""
        rider = riding(go.wanted, order, customer, journey, policy, now)
        made = put_in(rider, message.text, message.html, message.locale) if rider is not None else None
        if rider is None or made is None or not self._mine((customer.id, rider.id), go.wanted.key, now):
            return message, ""
        return replace(message, text=made[0], html=made[1]), rider.id

    def _mine(self, line: tuple[str, str], key: str, now: datetime) -> bool:
        with self._lock:
            owner, until = self._under_way.get(line, (key, now))
            if owner != key and now < until:
                return False
            self._under_way[line] = key, now + UNDER_WAY
            return True
