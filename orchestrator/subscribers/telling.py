"""Tells subscribers what happened: takes one, posts what is new for them, and keeps how far it came."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from channels.base import ChannelError
from orchestrator.clock import Clock
from orchestrator.errors import LedgerAway
from orchestrator.ledger import Ledger, Place, Subscriber
from orchestrator.model import Fact
from orchestrator.subscribers.event import document, identity, is_wanted
from orchestrator.subscribers.patience import taken, waited

CONTENT_TYPE = "application/cloudevents+json"
PAGE = 50  # facts between two looks at how far it came: so many may be told twice after a crash
LEASE = timedelta(minutes=2)
log = logging.getLogger(__name__)


class Posts(Protocol):
    """Whoever posts to one receiver (:class:`channels.signed_posts.SignedPosts`)."""

    async def post(self, identity: str, at: datetime, body: str, content_type: str = ...) -> tuple[int, str]:
        """Post *body*; raises the errors of :mod:`channels.base`."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a subscriber is told things, and of which types."""

    posts: Posts
    types: Collection[str]


class Telling:
    """Tells the subscribers of *listeners*, by name; others may do so at the same time, on other machines."""

    def __init__(self, ledger: Ledger, listeners: Mapping[str, Listener], clock: Clock) -> None:
        self._ledger = ledger
        self._listeners = listeners
        self._clock = clock

    async def run(self, stop: asyncio.Event, every: float = 1.0) -> None:
        """Tell everybody, each in their own time, until *stop*; look *every* so many seconds."""
        await asyncio.to_thread(self._subscribe)
        try:
            await asyncio.gather(*(self._keep_telling(name, stop, every) for name in self._listeners))
        finally:
            for listener in self._listeners.values():
                await listener.posts.close()

    async def tell(self, name: str) -> int:
        """Tell one subscriber the next few things, and return how many facts they are further."""
        until = self._clock.now() + LEASE
        found = await asyncio.to_thread(self._next, name, until)
        if found is None:
            return 0
        subscriber, news = found
        after, told = await self._told(subscriber, news)
        if not await asyncio.to_thread(self._give_back, after, until):
            log.warning("subscriber %s: told too slowly; somebody else tells the same again", name)
        return told

    async def _keep_telling(self, name: str, stop: asyncio.Event, every: float) -> None:
        while not stop.is_set():
            try:
                further = await self.tell(name)
            except LedgerAway:
                further = 0
            if not further:
                try:
                    async with asyncio.timeout(every):
                        await stop.wait()
                except TimeoutError:
                    continue

    async def _told(
        self, subscriber: Subscriber, news: Sequence[tuple[Place, Fact]]
    ) -> tuple[Subscriber, int]:
        """Post what is wanted of *news*, until one is not taken or the lease is half over."""
        listener = self._listeners[subscriber.name]
        began = self._clock.now()
        for count, (place, fact) in enumerate(news):
            if is_wanted(fact.type, listener.types):
                now = self._clock.now()
                if now - began > LEASE / 2:
                    return subscriber, count
                try:
                    await listener.posts.post(identity(fact), now, document(fact), CONTENT_TYPE)
                except ChannelError as error:
                    if not subscriber.failures:
                        log.warning(
                            "subscriber %s does not take what happens: %s", subscriber.name, error.reason
                        )
                    return waited(subscriber, error, self._clock.now()), count
                subscriber = taken(subscriber, now)
            subscriber = subscriber.at(place)
        return subscriber, len(news)

    def _subscribe(self) -> None:
        with self._ledger.transaction() as tx:
            for name in self._listeners:
                tx.subscribe(name)

    def _next(self, name: str, until: datetime) -> tuple[Subscriber, list[tuple[Place, Fact]]] | None:
        """Take the subscriber, if there is something to tell and they may be told now."""
        with self._ledger.read() as tx:
            known = {one.name: one for one in tx.subscribers()}.get(name)
            if known is None or known.retry_at > self._clock.now() or not tx.next_facts(known, 1):
                return None
        with self._ledger.transaction() as tx:
            subscriber = tx.take_subscriber(name, self._clock.now(), until)
            return None if subscriber is None else (subscriber, tx.next_facts(subscriber, PAGE))

    def _give_back(self, subscriber: Subscriber, until: datetime) -> bool:
        with self._ledger.transaction() as tx:
            return tx.give_back_subscriber(subscriber, until)
