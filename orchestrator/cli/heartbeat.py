"""A daemon says every few seconds that it lives: for `doctor`, for `/ready`, and for whoever upgrades."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from orchestrator.cli.roles import Role
from orchestrator.errors import LedgerError

if TYPE_CHECKING:
    from orchestrator.clock import Clock
    from orchestrator.ledger import Ledger

BEAT = timedelta(seconds=10)  # between two heartbeats
FORGET = timedelta(days=1)  # after which nobody asks any more what became of one that died


class Heartbeat:
    """The heartbeat of one process, from ``with`` to its end; *worked_at* is when it last had the ledger."""

    def __init__(
        self, ledger: Ledger, role: Role, clock: Clock, worked_at: Callable[[], datetime | None]
    ) -> None:
        from orchestrator.ledger import Daemon
        from orchestrator.ledger.schema import HEAD

        now = clock.now()
        self._ledger = ledger
        self._clock = clock
        self._worked_at = worked_at
        self._scans = role.plans
        self._start = Daemon(
            str(uuid4()), role.value, socket.gethostname(), os.getpid(), version("beforehand"), HEAD, now, now
        )

    def __call__(self) -> None:
        """Beat once. Raises :class:`orchestrator.errors.LedgerAway`."""
        from dataclasses import replace

        self._ledger.keep_daemon_lock()
        now = self._clock.now()
        daemon = replace(self._start, seen_at=now, scanned_at=self.scanned_at())
        with self._ledger.transaction() as tx:
            tx.beat(daemon)
            # on a file there is only one, and whoever is here beside it has died
            tx.forget_daemons(now - FORGET if self._ledger.is_shared else self._start.started_at)

    def scanned_at(self) -> datetime | None:
        """When it last looked for what is due; ``None`` if it never did, or that is not its part."""
        return self._worked_at() if self._scans else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(LedgerError), self._ledger.transaction() as tx:  # else it is taken for dead
            tx.left(self._start.id)
