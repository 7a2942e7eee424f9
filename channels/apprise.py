"""Chat and the long tail through Apprise, an optional library: for staff, never for customers.

Apprise says whether it worked and nothing more: neither an id nor whose fault it was. So whatever did not
work may have arrived, a person decides, and no receipt comes later.
"""

import logging

import apprise

from channels.base import Message, Misconfigured, Receipt, Unknown
from channels.kinds.apprise import KIND

logging.getLogger("apprise").disabled = True  # it repeats answers, which may quote the message


class AppriseChannel:
    """Sends to the one place that *url* names, and waits *timeout* seconds at most.

    One place, because Apprise cannot say which of several has the message.
    """

    abilities = KIND.abilities

    def __init__(self, name: str, url: str, *, timeout: float = 30) -> None:
        self.name = name
        self._timeout = timeout
        kept_in_memory = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY)
        self._place = apprise.Apprise(asset=kept_in_memory)
        if not self._place.add(url) or len(self._place) != 1:
            raise Misconfigured(f"{name}: the url is not one that Apprise knows")

    async def send(self, message: Message) -> Receipt:
        """Hand *message* over: its text, under its title or subject."""
        outcome = await self._place.async_notify(
            body=message.text,
            title=message.title or message.subject,
            body_format=apprise.NotifyFormat.TEXT,
            timeout=self._timeout,
        )
        if not outcome:
            raise Unknown("the service did not confirm it", code=outcome.status.name.lower())
        return Receipt(message.message_id)

    async def close(self) -> None:
        """Nothing is kept open."""
