"""In process: whatever may have made something due wakes the sender, which plans what is marked and sends.

Nothing is kept here: after a crash the next start finds everything in the ledger.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from orchestrator.activation import plan_marked
from orchestrator.clock import Clock, Ticker
from orchestrator.engine import Engine
from orchestrator.errors import LedgerAway
from orchestrator.sending.dispatch import Dispatcher
from orchestrator.transport.room import Room

SWEEP = timedelta(seconds=30)  # in case a look at leases that are over failed
log = logging.getLogger(__name__)


class LocalTransport:
    """Works a ledger, alone or beside others; see :meth:`orchestrator.ledger.Ledger.daemon_lock`.

    Sending has a room of its own, and reads and writes the ledger right there. The mails under way wait for
    that a moment; if the ledger had threads of its own, they would fight the mails for the interpreter, which
    costs a quarter of all (docs/decisions/0014-how-speed-is-measured.md).
    """

    def __init__(self, engine: Engine, dispatcher: Dispatcher, clock: Clock, tick: timedelta) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._clock = clock
        self._ticker = Ticker()
        self._tick = tick
        self._room = Room()
        self._news = asyncio.Event()
        self._ended = False

    def every(self, interval: timedelta, call: Callable[[], object], name: str) -> None:
        """Have *call* called every *interval* too, in a thread; before :meth:`run`."""
        self._ticker.every(interval, call, name)

    def wake(self) -> None:
        """Look now, for something may be due; from any thread, and harmless at any time."""
        self._room.soon(self._news.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop*, and then finish what is in flight and close the channels."""
        self._ticker.every(SWEEP, self._sweep, "sweep")
        self._ticker.every(self._tick, self.wake, "send")  # another process may have heard of something
        async with self._room:
            self._ticker.start()
            sender = asyncio.create_task(self._room.do(self._send()))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({sender, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()
                self._dispatcher.stopping = True
                await asyncio.to_thread(self._ticker.stop)
                self._ended = True
                self.wake()
                await sender

    async def _send(self) -> None:
        with reported("start"):
            self._engine.release_parked(self._clock.now())  # templates may be mended
            await self._dispatcher.sweep()
        try:
            while not self._ended:
                self._news.clear()
                with reported("send"):
                    if somebody_died(self._engine, self._dispatcher, self._clock):
                        await self._dispatcher.sweep()
                    plan_marked(self._engine, self._clock.now())
                    await self._dispatcher.drain(patient=False)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._until_due()):
                        await self._news.wait()
        finally:
            await self._dispatcher.close()

    def _until_due(self) -> float | None:
        """Seconds until something becomes due; what is due and cannot go waits for news or a tick."""
        return until_due(self._engine, self._dispatcher, self._clock) or None

    def _sweep(self) -> None:
        self._room.done(self._dispatcher.sweep())


def until_due(engine: Engine, dispatcher: Dispatcher, clock: Clock) -> float | None:
    """Seconds until something that waits is due, 0 if it is; ``None`` to wait for news."""
    with reported("look"), engine.ledger.read() as tx:
        now = clock.now()
        due = dispatcher.next_due(tx, now)
        return None if due is None else max((due - now).total_seconds(), 0)
    return None


def somebody_died(engine: Engine, dispatcher: Dispatcher, clock: Clock) -> bool:
    """Did somebody die, or freeze, who has not given back what they held?"""
    with engine.ledger.read() as tx:
        return dispatcher.must_sweep(tx, clock.now())


@contextmanager
def reported(name: str) -> Iterator[None]:
    """Whatever fails is tried again at the next tick."""
    try:
        yield
    except LedgerAway as away:
        log.warning("%s waits for the next tick: %s", name, away)
    except Exception:
        log.exception("%s failed; it is tried again at the next tick", name)
