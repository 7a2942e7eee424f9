"""What a database must do for the ledger: connections in transactions, and errors that say it is away."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection

from orchestrator.errors import LedgerAway


class Database(Protocol):
    """Where a ledger is kept. May be used from any thread."""

    is_shared: bool  # many write at once, from machines whose clocks may differ
    is_alone: bool  # there is one daemon at a time, and that is this process now

    def writing(
        self, *, keep: bool = True, patience: float | None = None
    ) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction, kept at the end unless *keep* is false.

        Raises :class:`LedgerAway` if the database does not answer within *patience* seconds (``None``: as
        long as it is patient by itself); then nothing was written.
        """
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection with one unchanging view. Raises :class:`LedgerAway`."""
        ...

    def away(self, error: BaseException) -> LedgerAway | None:
        """Say that the database is away, if that is what an error of its driver means."""
        ...

    def mark(self) -> object:
        """Give something that is another than before once anybody committed a change; cheap, and blocks."""
        ...

    def daemon_lock(self) -> AbstractContextManager[None]:
        """Be one of as many daemons as may work on it, or raise :class:`LedgerBusy`."""
        ...

    def keep_daemon_lock(self) -> None:
        """Hold that lock still, though the database was away meanwhile. Raises :class:`LedgerAway`."""
        ...

    def has_daemon(self) -> bool:
        """Does any daemon work on it now?"""
        ...

    def show(self, worker: str) -> None:
        """Show until closed that *worker* lives, and again what was lost. Raises :class:`LedgerAway`."""
        ...

    def showing(self, connection: Connection, workers: Collection[str]) -> set[str] | None:
        """Those of these workers that show so; ``None`` where nobody can see it."""
        ...

    def complete(self) -> None:
        """Make what is declared and missing and needs no migration: indexes. Raises :class:`LedgerAway`."""
        ...

    def clean(self) -> None:
        """Leave nothing deleted in the free space of its files. Raises :class:`LedgerAway`."""
        ...

    def files(self) -> tuple[Path, ...]:
        """The files on this machine that hold its data; none if there are none."""
        ...

    def driver_arguments(self) -> Mapping[str, Any]:
        """How the driver reaches it; it may hold a password."""
        ...

    def close(self) -> None:
        """Give back every connection."""
        ...
