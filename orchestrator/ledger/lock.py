"""One daemon for each ledger: a lock that the operating system takes back when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import LedgerBusy


def lock_of(ledger: Path) -> Path:
    """The lock of a ledger in that file; a link to it is the same ledger."""
    file = ledger.resolve()
    return file.with_name(file.name + ".daemon")


@contextmanager
def daemon_lock(path: Path) -> Iterator[None]:
    """Hold the lock at *path*, or raise :class:`LedgerBusy` with who holds it and since when.

    The file stays behind, holding the last holder's process id; its age says nothing about the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerBusy(_holder(descriptor)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 20, 0).decode() or "unknown"
    since = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
    return f"process {pid} works on this ledger since {since:%Y-%m-%d %H:%M:%S} UTC"
