"""Whether a daemon is able to work, for `/ready` and whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.cli.roles import Role
from orchestrator.errors import NotReady

if TYPE_CHECKING:
    from orchestrator.clock import Clock
    from orchestrator.ledger import Ledger

LONG = timedelta(minutes=1)  # without a look for what is due; it should look every second


class Standing:
    """Says of one process that it can work, or raises why not.

    The database answers, its schema is one this program can work with, and somebody looks for what is due:
    this process, if that is its part, or for a planner any of them. A process that only takes events or sends
    can do so whoever looks.
    """

    def __init__(
        self,
        ledger: Ledger,
        role: Role,
        clock: Clock,
        scanned_at: Callable[[], datetime | None],
        lease: timedelta,
    ) -> None:
        self._ledger = ledger
        self._role = role
        self._clock = clock
        self._scanned_at = scanned_at
        self._long = max(LONG, lease)  # a long batch asks the ledger only to keep its lease

    def __call__(self) -> bool:
        """Blocks; raises :class:`NotReady` or :class:`~orchestrator.errors.LedgerError`."""
        self._ledger.demand()
        if not self._role.plans:
            return True
        last = self._scanned_at()
        if self._role is Role.PLANNER:
            with self._ledger.read() as tx:
                last = max(filter(None, (last, tx.scanned_at())), default=None)
        if last is None:
            raise NotReady("nobody has looked yet for what is due")
        if self._clock.now() - last > self._long:
            raise NotReady(f"nobody looked for what is due since {last:%Y-%m-%d %H:%M:%S}Z")
        return True
