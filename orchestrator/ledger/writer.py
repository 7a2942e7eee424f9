"""Gathers many callers' changes into one commit: the disk is waited for once, not once for each."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Any, NamedTuple, Self, TypeVar

from orchestrator.errors import LedgerAway
from orchestrator.ledger.ledger import Ledger, Transaction

T = TypeVar("T")

TOGETHER = 500  # changes in one commit: beyond this the wait of the first grows and the gain does not


class _Change(NamedTuple):
    make: Callable[[Transaction], Any]
    done: Future[Any]
    asked: float  # on the monotonic clock


class Writer:
    """A thread that commits whatever was submitted while the commit before was under way.

    It never waits for company: a single change is committed at once. While somebody else writes, nobody waits
    longer than *patience* seconds for an answer (``None``: as long as the ledger does).
    """

    def __init__(self, ledger: Ledger, patience: float | None = None) -> None:
        self._ledger = ledger
        self._patience = patience
        self._waiting: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, make: Callable[[Transaction], T]) -> "Future[T]":
        """Have *make* called in a transaction; the future is resolved once that is committed.

        If *make* raises, its own changes are undone, the others' are kept, and the future raises the same.
        The future raises :class:`LedgerAway` if nothing could be committed.
        """
        done: Future[T] = Future()
        with self._gate:
            if self._closed:
                raise RuntimeError("the writer is closed")
            self._waiting.put(_Change(make, done, monotonic()))
        return done

    def close(self) -> None:
        """Commit what was submitted, and stop."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        going_on = True
        while going_on:
            changes, going_on = self._gather()
            self._commit([change for change in changes if change.done.set_running_or_notify_cancel()])

    def _gather(self) -> tuple[list[_Change], bool]:
        changes: list[_Change] = []
        waiting = self._waiting.get()
        while waiting is not None:
            changes.append(waiting)
            if len(changes) == TOGETHER:
                return changes, True
            try:
                waiting = self._waiting.get_nowait()
            except queue.Empty:
                return changes, True
        return changes, False

    def _commit(self, changes: list[_Change]) -> None:
        results: list[tuple[Any, BaseException | None]] = []
        try:
            if changes:
                with self._ledger.transaction(self._left(changes)) as tx:
                    results = [_apart(tx, change) for change in changes]
        except BaseException as error:  # noqa: BLE001  (the thread lives on; each caller gets it)
            results = [(None, error)] * len(changes)
        for change, (result, failure) in zip(changes, results, strict=True):
            if failure is None:
                change.done.set_result(result)
            else:
                change.done.set_exception(failure)

    def _left(self, changes: list[_Change]) -> float | None:
        """How long whoever asked first will still wait."""
        if self._patience is None:
            return None
        return max(self._patience - (monotonic() - min(change.asked for change in changes)), 0)


def _apart(tx: Transaction, change: _Change) -> tuple[Any, BaseException | None]:
    """Make one change in a savepoint of its own, so that it fails alone."""
    try:
        with tx.apart():
            return change.make(tx), None
    except LedgerAway:
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is belongs to its caller)
        return None, error
