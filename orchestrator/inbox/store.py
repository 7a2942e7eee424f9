"""The inbox in the ledger: what the channel puts in, what a page reads, and what reading means."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

from channels.base import Rejected, Unavailable
from channels.inbox import Item
from channels.reports import Became, Report
from orchestrator import callbacks
from orchestrator.callbacks.events import incoming
from orchestrator.engine import Engine
from orchestrator.errors import LedgerError
from orchestrator.ledger import InboxItem, Transaction, Writer
from orchestrator.ledger.inbox import NEWEST
from orchestrator.persons.merging import one_with

T = TypeVar("T")

CALLER = callbacks.Caller("inbox", "inbox")  # who says what became of a message
PATIENCE = 5.0  # seconds that somebody else's write is waited for; then it is tried again later


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what a customer has, the newest first.

    ``before`` is where the next page begins, ``None`` after the last. ``unread`` counts on all pages, and
    what changes after this look has a number above ``number``.
    """

    items: Sequence[InboxItem]
    unread: int
    number: int
    before: int | None


class Inbox:
    """Everybody's inbox. ``changed`` is called after each commit that changed one, from any thread.

    What is read or put in at once is committed together, in a thread of its own.
    """

    def __init__(self, engine: Engine, *, patience: float = PATIENCE) -> None:
        self.changed: Callable[[], None] = _nobody_listens
        self._engine = engine
        self._writer = Writer(engine.ledger, patience)

    def close(self) -> None:
        """Commit what was submitted, and stop."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ── the channel ──

    async def keep(self, item: Item) -> None:
        """Keep what the channel was given (:class:`channels.inbox.Feed`)."""

        def put(tx: Transaction) -> bool:
            if tx.erased([item.customer]):
                raise Rejected("the customer was erased", code="erased")
            entry = tx.entry(item.key)
            return tx.put(
                InboxItem(
                    item.name, item.customer, entry.wanted.order if entry is not None else "", item.key,
                    item.about, item.title, item.text, item.link, item.locale, item.at, item.expires_at,
                )
            )  # fmt: skip

        try:
            if await self._written(put):
                self.changed()
        except LedgerError as error:
            raise Unavailable("the ledger does not answer", raw=str(error)) from error

    # ── a page ──

    def page(
        self, customer: str, now: datetime, *, before: int = NEWEST, limit: int = 50, past: bool = False
    ) -> Page:
        """Look at a customer's messages, under every id that is the same person now.

        Blocks; raises :class:`LedgerError`.
        """
        with self._engine.ledger.read() as tx:
            ids = ids_of(tx, customer)
            found = tx.inbox(ids, now, before=before, limit=limit + 1, past=past)
            further = found[limit - 1].id if len(found) > limit else None
            return Page(found[:limit], tx.unread(ids, now), tx.inbox_number(), further)

    async def read(self, customer: str, now: datetime, items: Sequence[str] | None = None) -> int:
        """Mark these items of a customer as read, or all; each is news of its order once. Say how many were.

        Raises :class:`LedgerError`.
        """

        def mark(tx: Transaction) -> int:
            found = tx.read_inbox(ids_of(tx, customer), now, items)
            callbacks.take(self._engine, tx, CALLER, [_opened(item, now) for item in found], now)
            return len(found)

        if count := await self._written(mark):
            self.changed()
        return count

    async def active(self, customer: str, surface: str, now: datetime) -> None:
        """Note that the customer is looking at our page or app now, once a minute.

        Raises :class:`LedgerError`.
        """
        name = f"{customer}:{surface}:{now:%Y-%m-%dT%H:%M}"
        event = incoming(CALLER.source, name, "customer.active", customer, now, now, {"surface": surface})
        await self._written(lambda tx: self._engine.take(tx, [event], now))

    # ── who follows ──

    def ids(self, customer: str) -> tuple[str, ...]:
        """Every id that is the same person as this customer now; blocks."""
        with self._engine.ledger.read() as tx:
            return ids_of(tx, customer)

    def number(self) -> int:
        """The number of the newest change; blocks."""
        with self._engine.ledger.read() as tx:
            return tx.inbox_number()

    def changes(self, after: int, customers: Sequence[str] | None = None) -> list[InboxItem]:
        """What changed after that number, a few hundred items at a time; blocks."""
        with self._engine.ledger.read() as tx:
            return tx.inbox_changes(after, customers=customers)

    def tidy(self, until: datetime) -> None:
        """Drop what is older than that; blocks."""
        self._writer.submit(lambda tx: tx.tidy_inbox(until)).result()

    async def _written(self, make: Callable[[Transaction], T]) -> T:
        return await asyncio.wrap_future(self._writer.submit(make))


def ids_of(tx: Transaction, customer: str) -> tuple[str, ...]:
    """Give a customer's id, and those of whoever is the same person now."""
    group = tx.kin([customer]).get(customer)
    others = () if group is None else one_with(customer, tx.customer_facts(sorted(group)))
    return tuple(dict.fromkeys((customer, *others)))


def _opened(item: InboxItem, now: datetime) -> Report:
    """The news that somebody read a message."""
    name = f"{item.item}:{Became.OPENED}"
    return Report(name, Became.OPENED, now, key=item.key, provider_id=item.item, by_hand=True)


def _nobody_listens() -> None:
    """Where no page follows the changes."""
