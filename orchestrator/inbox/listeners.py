"""Pages that follow a customer's inbox while they are open, as server-sent events.

One task looks for everybody's changes, so a page that waits costs neither a thread nor a connection to the
database. Source: HTML Living Standard, section 9.2 "Server-sent events".
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from orchestrator.ledger import InboxItem

log = logging.getLogger(__name__)

LOOK = 2.0  # seconds until another process's changes are looked for
HEARTBEAT = 15.0  # seconds of silence after which a proxy hears that the line lives
EACH = 20  # pages of one customer
ALL = 10_000  # pages of everybody
BEHIND = 500  # changes that a page may be behind; then it has to come again and ask


class Changes(Protocol):
    """Where changes are asked for; every method blocks."""

    def ids(self, customer: str) -> tuple[str, ...]:
        """Every id that is the same person as this customer now."""

    def number(self) -> int:
        """The number of the newest change."""

    def changes(self, after: int, customers: Sequence[str] | None = None) -> list[InboxItem]:
        """What changed after that number, in this order."""


class Full(Exception):
    """No more pages can follow."""


class Listener:
    """One page: what it still has to hear, and the bell that says so."""

    def __init__(self, customer: str, customers: Sequence[str], at: int) -> None:
        self.customer = customer
        self.customers = frozenset(customers)
        self.at = at  # what changed after this number comes in by itself
        self.waiting: deque[InboxItem] = deque()
        self.bell = asyncio.Event()
        self.ended = False

    def hear(self, item: InboxItem) -> None:
        """Tell it of a change; one that does not keep up is ended."""
        if len(self.waiting) >= BEHIND:
            self.end()
            return
        self.waiting.append(item)
        self.bell.set()

    def end(self) -> None:
        """Let it hear no more."""
        self.ended = True
        self.bell.set()


class Listeners:
    """Every page that is open; belongs to the event loop it is made in, but for :meth:`ring`."""

    def __init__(self, inbox: Changes, *, look: float = LOOK, heartbeat: float = HEARTBEAT) -> None:
        self._inbox = inbox
        self._look, self._heartbeat = look, heartbeat
        self._loop = asyncio.get_running_loop()
        self._open: set[Listener] = set()
        self._by: Counter[str] = Counter()
        self._rung = asyncio.Event()
        self._someone = asyncio.Event()
        self._at: int | None = None  # whoever listens was told of everything up to here
        self._closed = False
        self._coming = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def ring(self) -> None:
        """Something changed; from any thread, and harmless at any time."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._rung.set)

    def close(self) -> None:
        """End every page's stream, and let no more begin."""
        self._closed = True
        for listener in self._open:
            listener.end()
        self._someone.set()
        self._rung.set()

    async def run(self) -> None:
        """Tell pages what changed, until :meth:`close`."""
        while not self._closed:
            if not self._open:
                self._at = None
                self._someone.clear()
                await self._someone.wait()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look):
                    await self._rung.wait()
            self._rung.clear()
            try:
                await self._tell()
            except Exception as error:  # noqa: BLE001  whatever it is, pages must hear of what comes next
                log.warning("open inboxes are told later: %s", type(error).__name__)

    async def _tell(self) -> None:
        while self._at is not None and not self._closed:
            found = await asyncio.to_thread(self._inbox.changes, self._at)
            for item in found:
                self._at = item.change
                for listener in [one for one in self._open if item.customer in one.customers]:
                    listener.hear(item)
            if not found:
                return

    # ── one page ──

    async def enter(self, customer: str) -> Listener:
        """Let a page in, until it is given to :meth:`leave`.

        Raises :class:`Full`, and :class:`LedgerError` if nobody can say what is new.
        """
        ids = await asyncio.to_thread(self._inbox.ids, customer)
        async with self._coming:
            if self._at is None:
                self._at = await asyncio.to_thread(self._inbox.number)
            if self._closed or len(self._open) >= ALL or self._by[customer] >= EACH:
                raise Full
            listener = Listener(customer, ids, self._at)
            self._open.add(listener)  # at once with what it has heard: nothing comes between
        self._by[customer] += 1
        self._someone.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a page; harmless when it is forgotten already."""
        if listener in self._open:
            self._open.remove(listener)
            self._by[listener.customer] -= 1
            self._by += Counter()  # without those that are zero

    async def follow(
        self, listener: Listener, after: int | None, until: datetime, now: Callable[[], datetime]
    ) -> AsyncIterator[InboxItem | None]:
        """Give what changed after that number, and then what changes, up to the moment *until*.

        ``None`` for *after* is from now on. Nothing for a while is given as ``None``.
        """
        last = listener.at if after is None else min(after, listener.at)
        theirs = tuple(listener.customers)
        while after is not None and (found := await asyncio.to_thread(self._inbox.changes, last, theirs)):
            for item in found:
                yield item
                last = item.change
        while True:
            while listener.waiting:
                item = listener.waiting.popleft()
                if item.change > last:
                    yield item
                    last = item.change
            left = (until - now()).total_seconds()
            if listener.ended or left <= 0:
                return
            listener.bell.clear()
            try:
                async with asyncio.timeout(min(self._heartbeat, left)):
                    await listener.bell.wait()
            except TimeoutError:
                yield None
