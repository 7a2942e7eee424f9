"""Over many machines: planners hand over what is due, and dispatchers take it over, through jobs of ids.

The ledger keeps what is due, in which order and what became of it; the jobs only say who begins. What they
lose comes back when its lease has run out, under a new generation
(docs/decisions/0029-jobs-say-only-who-begins.md).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from math import inf
from time import monotonic

from orchestrator.activation import plan_marked
from orchestrator.clock import Clock, Ticker
from orchestrator.engine import Engine
from orchestrator.ledger import Handed
from orchestrator.sending.dispatch import Dispatcher
from orchestrator.transport import jobs
from orchestrator.transport.local import SWEEP, reported, somebody_died, until_due
from orchestrator.transport.room import Room

AHEAD = 1000  # entries that wait for a dispatcher at a time: seconds of work, and well below a lease
AT_ONCE = 4  # jobs that a dispatcher has in hand
SOON = 0.05  # seconds until a planner looks again for what could not be handed over yet
AGAIN = (1, 2, 5, 10)  # seconds until a worker that ended is started again
WELL = 60.0  # seconds after which a worker is taken to work, and the waiting begins anew
log = logging.getLogger(__name__)


class Part(StrEnum):
    """What a process does for the others."""

    PLANNER = "planner"
    DISPATCHER = "dispatcher"


class DistributedTransport:
    """Works a ledger in PostgreSQL together with any number of others, as a planner or a dispatcher or both.

    The job engine's worker ends when the database was away for ten seconds, or when others took it for dead
    because its machine slept: it is started again here, after a while.
    """

    def __init__(
        self,
        engine: Engine,
        dispatcher: Dispatcher,
        clock: Clock,
        tick: timedelta,
        parts: frozenset[Part],
        *,
        sweep: timedelta = SWEEP,
    ) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._clock = clock
        self._tick = tick
        self._parts = parts
        self._every_sweep = sweep
        self._ticker = Ticker()
        self._room = Room()
        self._ahead = AHEAD
        self._ending = asyncio.Event()  # is waited for in the room

    def every(self, interval: timedelta, call: Callable[[], object], name: str) -> None:
        """Have *call* called every *interval* too, in a thread; before :meth:`run`."""
        self._ticker.every(interval, call, name)

    def wake(self) -> None:
        """Do nothing: planners look every tick, wherever they are."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop*, and then finish what is in flight and close the channels.

        What waits for a dispatcher goes on waiting for the next one.
        """
        async with self._room:
            self._ticker.start()
            try:
                await self._room.do(self._begin())
                await self._supervised(stop)
            finally:
                self._dispatcher.stopping = True
                await asyncio.to_thread(self._ticker.stop)
                await self._room.do(self._dispatcher.close())

    async def _begin(self) -> None:
        if Part.DISPATCHER in self._parts:
            with reported("start"):
                self._engine.release_parked(self._clock.now())  # templates may be mended

    # ── the worker ───────────────────────────────────────────────────────────

    async def _supervised(self, stop: asyncio.Event) -> None:
        """Have a worker until *stop*; one that ends by itself is followed by another."""
        stopped = asyncio.create_task(stop.wait())
        failures = 0
        try:
            while not stop.is_set():
                began = monotonic()
                worker = asyncio.create_task(
                    jobs.work(self._engine.ledger.driver_arguments(), self._work(), AT_ONCE)
                )
                await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    self._dispatcher.stopping = True
                    self._room.soon(self._ending.set)
                    worker.cancel()
                why = await _ended(worker)
                if stop.is_set():
                    return
                failures = 0 if monotonic() - began > WELL else failures
                wait = AGAIN[min(failures, len(AGAIN) - 1)]
                failures += 1
                log.warning("the worker of the jobs ended and is started again in %d s: %s", wait, why)
                await asyncio.wait({stopped}, timeout=wait)
        finally:
            stopped.cancel()

    def _work(self) -> jobs.Work:
        return jobs.Work(
            self._send if Part.DISPATCHER in self._parts else None,
            [("scan", self._tick, self._scan), ("sweep", self._every_sweep, self._sweep)]
            if Part.PLANNER in self._parts
            else (),
        )

    # ── a planner's part ─────────────────────────────────────────────────────

    async def _scan(self) -> None:
        """Plan what is marked and hand over what is due, from now until the next tick."""
        with reported("scan"):
            await self._room.do(self._handed_over(monotonic() + max(self._tick.total_seconds(), 1)))

    async def _handed_over(self, end: float) -> None:
        while not self._dispatcher.stopping:
            if somebody_died(self._engine, self._dispatcher, self._clock):
                await self._swept()
            plan_marked(self._engine, self._clock.now())
            while self._dispatcher.hand_over(jobs.defer, self._ahead):  # noqa: ASYNC110  no event: it claims
                await asyncio.sleep(0)
            seconds = until_due(self._engine, self._dispatcher, self._clock)
            wait = min(self._tick.total_seconds(), max(seconds, SOON) if seconds is not None else inf)
            if monotonic() + wait >= end:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._ending.wait()

    async def _sweep(self) -> None:
        with reported("sweep"):
            await self._room.do(self._swept())

    async def _swept(self) -> None:
        with self._engine.ledger.read() as tx:
            if alone := tx.handed_in_vain(self._clock.now()):
                log.warning("%d messages were handed over and no dispatcher took them", alone)
        # dispatchers that are slow need less ahead of them, or it is handed over again and again
        self._ahead = max(jobs.IDS, self._ahead // 2) if alone else min(AHEAD, self._ahead * 2)
        await self._dispatcher.sweep()

    # ── a dispatcher's part ──────────────────────────────────────────────────

    async def _send(self, handed: Sequence[Handed]) -> None:
        with reported("send"):
            await self._room.do(self._dispatcher.take_over(handed))


async def _ended(worker: "asyncio.Task[None]") -> str:
    """Wait for the end of a worker, and say why it ended."""
    try:
        await worker
    except asyncio.CancelledError:
        return "stopped"
    except Exception as error:  # noqa: BLE001  whatever it was, the next one may do better
        cause = error.__cause__ or error
        if isinstance(cause, jobs.LOST):
            return jobs.NOT_THERE
        return (str(cause) or type(cause).__name__).splitlines()[0]
    return "by itself"
