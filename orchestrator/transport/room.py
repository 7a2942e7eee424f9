"""An event loop in a thread of its own, in which a dispatcher works: the ledger is asked right in it.

Whoever has to answer others meanwhile, such as the heartbeat of a worker, does so in another thread.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Room:
    """A thread's event loop, from ``async with`` to its end, which waits for what is done in it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._stays: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        ready = asyncio.get_running_loop().create_future()
        here = asyncio.get_running_loop()

        async def stay() -> None:
            self._loop = asyncio.get_running_loop()
            here.call_soon_threadsafe(ready.set_result, None)
            await self._end.wait()

        self._stays = asyncio.ensure_future(asyncio.to_thread(asyncio.run, stay()))
        await ready
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._stays is not None:
            self.soon(self._end.set)
            await self._stays

    def soon(self, call: Callable[[], object]) -> None:
        """Have *call* called there, from any thread; harmless before its time and after it."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(call)

    def done(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* there and wait for its result, from any other thread."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* there and return its result; it goes on if whoever waits is cancelled."""
        assert self._loop is not None
        return await asyncio.shield(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop)))
