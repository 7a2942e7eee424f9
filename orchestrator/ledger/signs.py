"""The sign by which the workers of a process show others that they live: locks on a connection of its own.

The server takes them back the moment the process dies, wherever it ran, and within half a minute when its
machine or the net is gone. A worker that stands still keeps them. They say who may be dead and never who may
send: that is the generation of a claim (docs/decisions/0037-who-has-died.md).
"""

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import psycopg

from orchestrator.ledger.workers import key_of

KEPT_ALIVE = (  # by the server: a machine that lost its power says no farewell
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
_HELD = (
    "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks "
    "WHERE locktype = 'advisory' AND objsubid = 1 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (classid::bigint << 32) | objid::bigint = ANY(%s)"
)
_HOLD = "SELECT pg_advisory_lock_shared(%s)"  # shared: nobody ever waits for it


class Signs:
    """The signs of this process's workers; from any thread."""

    def __init__(self, driver_arguments: Mapping[str, Any]) -> None:
        self._arguments = driver_arguments
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._keys: set[int] = set()

    def show(self, worker: str) -> None:
        """Have the sign of that worker shown; one that was lost with its connection is shown again.

        It asks the server which are there: behind a pooler a connection may be another one than before.
        Raises the driver's errors.
        """
        key = key_of(worker)
        if key is None:
            return
        with self._lock:
            self._keys.add(key)
            try:
                self._show()
            except psycopg.Error:
                self._drop()
                self._show()

    def close(self) -> None:
        """Take all of them away."""
        with self._lock:
            self._keys.clear()
            self._drop()

    def _show(self) -> None:
        if self._connection is None:
            self._connection = psycopg.connect(**self._arguments, autocommit=True)
            self._connection.execute(KEPT_ALIVE)
        for key in self._keys - held(self._connection, self._keys):
            self._connection.execute(_HOLD, (key,))

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()


def held(connection: Any, keys: Collection[int]) -> set[int]:
    """Those of these keys whose lock somebody holds now."""
    return {row[0] for row in connection.execute(_HELD, (list(keys),)).fetchall()}
