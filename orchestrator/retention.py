"""How long is kept what is over, and what is deleted then: a little at a time, by one process of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.ledger import Ledger

TOGETHER = 100  # orders in one transaction: some thousand rows
ROWS = 500  # attempts or facts in one transaction
AT_A_TIME = 20  # transactions of each kind, each time the daemon looks
TURN = timedelta(seconds=50)  # between two looks of all processes together
FIRST = (datetime(1, 1, 2, tzinfo=UTC), "")


@dataclass(frozen=True, slots=True)
class Keeps:
    """How long is kept: closed orders after their last news, attempts of what has ended, activity."""

    orders: timedelta | None = None
    attempts: timedelta | None = None
    activity: timedelta | None = None

    @property
    def everything(self) -> bool:
        """Is nothing ever deleted?"""
        return self.orders is self.attempts is self.activity is None


@dataclass(frozen=True, slots=True)
class Gone:
    """How much was deleted, or would be."""

    orders: int = 0
    attempts: int = 0
    activity: int = 0


class Pruner:
    """Deletes what is older than *keeps* says, by the clock *now*; called every so often by a daemon."""

    def __init__(self, ledger: Ledger, keeps: Keeps, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._keeps = keeps
        self._now = now

    def __call__(self) -> None:
        """Delete a little, if it is this process's turn. Raises :class:`~orchestrator.errors.LedgerError`."""
        now = self._now()
        with self._ledger.transaction() as tx:
            if not tx.has_turn("retention", now, now - TURN):
                return
        self.run(AT_A_TIME)

    def run(self, most: int | None = None, *, dry: bool = False) -> Gone:
        """Delete it all, or in *most* transactions of each kind; with *dry* only count."""
        gone = Gone()
        for part in (self._orders, self._attempts, self._activity):
            for count, found in enumerate(part(dry=dry), start=1):
                gone = replace(gone, **{name: getattr(gone, name) + more for name, more in found.items()})
                if count == most:
                    break
        return gone

    def _orders(self, *, dry: bool) -> Iterator[dict[str, int]]:
        if self._keeps.orders is None:
            return
        now, place = self._now(), FIRST
        before = now - self._keeps.orders
        while True:
            with self._ledger.read() as tx:
                found = tx.quiet_orders(before, place, TOGETHER)
                names = tx.over([name for _, name in found], before)
            count = len(names)
            if names and not dry:
                with self._ledger.transaction() as tx:
                    count = tx.prune_orders(names, before, now)
            yield {"orders": count}
            if len(found) < TOGETHER:
                return
            place = found[-1]

    def _attempts(self, *, dry: bool) -> Iterator[dict[str, int]]:
        if self._keeps.attempts is None:
            return
        before, after = self._now() - self._keeps.attempts, 0
        while True:
            with self._ledger.read() as tx:
                numbers, further = tx.old_attempts(before, after, ROWS)
            if numbers and not dry:
                with self._ledger.transaction() as tx:
                    tx.prune_attempts(numbers)
            yield {"attempts": len(numbers)}
            if further is None:
                return
            after = further

    def _activity(self, *, dry: bool) -> Iterator[dict[str, int]]:
        if self._keeps.activity is None:
            return
        before = self._now() - self._keeps.activity
        if dry:
            with self._ledger.read() as tx:
                yield {"activity": len(tx.old_activity(before, 1 << 31))}
            return
        while True:
            with self._ledger.transaction() as tx:
                numbers = tx.old_activity(before, ROWS)
                tx.prune_activity(numbers)
            yield {"activity": len(numbers)}
            if len(numbers) < ROWS:
                return
