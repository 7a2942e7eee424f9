"""What one worker has taken, and for how long nobody else may."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from orchestrator.errors import LedgerAway
from orchestrator.ledger import HANDED_OVER, Handed, Ledger, Transaction
from orchestrator.ledger.workers import named
from orchestrator.model import Entry
from orchestrator.sending.deaths import Deaths

EXTENDED = 3  # times within a lease it is made longer
SHOWN = 1.0  # seconds until a worker that has something in hand shows again that it lives
Defer = Callable[[Transaction, Sequence[Entry]], None]  # tells others, in the same transaction
InLedger = Callable[[Callable[[Transaction, datetime], int]], int]


class Leases:
    """The leases of one worker, whose name is new each time a process starts.

    Names of hosts and numbers of processes come again, and would keep what is dead alive.
    """

    def __init__(self, lease: timedelta, ledger: Ledger) -> None:
        self._lease = lease
        self._ledger = ledger
        self._worker = named()
        self._in_hand: set[int] = set()
        self.deaths = Deaths(self._worker)

    def show(self) -> None:
        """Show that this worker lives, before it takes anything. Raises :class:`LedgerAway`."""
        self._ledger.show(self._worker)

    def claim(self, tx: Transaction, limit: int, only: Sequence[int] | None, now: datetime) -> list[Entry]:
        """Take at most *limit* of what is due, or those of *only* these entries that are."""
        if only is None:
            return tx.claim(now, limit, self._worker, self._lease)
        return tx.claim_these(only, now, self._worker, self._lease)

    def hand_over(self, tx: Transaction, defer: Defer, most: int, now: datetime) -> int:
        """Take what is due for whoever takes it over, until *most* wait for that; return how many."""
        room = most - tx.handed()
        entries = tx.claim(now, room, HANDED_OVER, self._lease) if room > 0 else []
        if entries:
            defer(tx, entries)
        return len(entries)

    def take_over(self, handed: Sequence[Handed], tx: Transaction, now: datetime) -> list[Entry]:
        """Take those of these that still wait for it."""
        return tx.take_over(handed, now, self._worker, self._lease)

    def claim_along(self, tx: Transaction, entries: Sequence[Entry], now: datetime) -> list[Entry]:
        """Take also these, which leave with what was claimed: as if they were due now."""
        if not entries:
            return []
        ids = [entry.id for entry in entries]
        taken = tx.claim_along(ids, now, self._worker, self._lease)
        return [replace(entry, due_at=min(entry.due_at, now)) for entry in taken]

    @asynccontextmanager
    async def kept(self, entries: Sequence[Entry], in_ledger: InLedger | None) -> AsyncIterator[None]:
        """Keep the lease on these while they are in hand; without *in_ledger* time stands still meanwhile."""
        ids = {entry.id for entry in entries}
        self._in_hand |= ids
        task = None if in_ledger is None else asyncio.create_task(self._extend(ids, in_ledger))
        try:
            yield
        finally:
            self._in_hand -= ids
            if task is not None:
                task.cancel()

    def sweep(self, tx: Transaction, now: datetime) -> list[Entry]:
        """Take back what dead workers held. Our own is not dead, even if this machine slept."""
        tx.extend_lease(self._in_hand, self._worker, now + self._lease)
        return tx.sweep(now, *self.deaths.taken(tx))

    async def _extend(self, ids: set[int], in_ledger: InLedger) -> None:
        third = self._lease.total_seconds() / EXTENDED
        extended = monotonic()
        while True:
            await asyncio.sleep(min(third, SHOWN))
            with suppress(LedgerAway):
                if monotonic() - extended >= third:
                    in_ledger(lambda tx, now: tx.extend_lease(ids, self._worker, now + self._lease))
                    extended = monotonic()
                self.show()
