"""In process: a tick plans what is marked and hands what is due to the channels; another frees what died.

Nothing is kept here: after a crash the next start finds everything in the ledger.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from orchestrator.activation import plan_marked
from orchestrator.clock import Clock, Ticker
from orchestrator.dispatch import Dispatcher
from orchestrator.engine import Engine

SWEEP = timedelta(seconds=30)  # well below a lease, so that nothing waits for the sweep rather than the lease


class LocalTransport:
    """Works one ledger, alone; see :meth:`orchestrator.ledger.Ledger.daemon_lock`."""

    def __init__(self, engine: Engine, dispatcher: Dispatcher, clock: Clock, tick: timedelta) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._clock = clock
        self._tick = tick
        self._calls: list[tuple[timedelta, Callable[[], object], str]] = []

    def every(self, interval: timedelta, call: Callable[[], object], name: str) -> None:
        """Have *call* called every *interval* too, in a thread; before :meth:`run`."""
        self._calls.append((interval, call, name))

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop*, and then finish what is in flight."""
        loop = asyncio.get_running_loop()

        def in_loop(call: Callable[[], Coroutine[Any, Any, object]]) -> Callable[[], object]:
            return lambda: asyncio.run_coroutine_threadsafe(call(), loop).result()

        await asyncio.to_thread(self._engine.release_parked, self._clock.now())  # templates may be mended
        ticker = Ticker()
        ticker.every(SWEEP, in_loop(self._dispatcher.sweep), "sweep")
        ticker.every(self._tick, in_loop(self._work), "send")
        for interval, call, name in self._calls:
            ticker.every(interval, call, name)
        ticker.start()
        try:
            await stop.wait()
        finally:
            self._dispatcher.stopping = True
            await asyncio.to_thread(ticker.stop)  # the calls in flight need this loop to end

    async def _work(self) -> None:
        await asyncio.to_thread(plan_marked, self._engine, self._clock.now())
        await self._dispatcher.drain()
