"""Batches that a channel keeps waiting: they go on by themselves, and what others may send flows."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from orchestrator.sending.outgoing import every

LOOK = 1.0  # seconds between two looks at whether a channel still answers


class Behind:
    """The batches nobody waits for, until their channel has answered or given up."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def through(self, batch: Coroutine[Any, Any, None], stuck: Callable[[], bool]) -> None:
        """Wait for *batch*, or leave it behind once a channel is *stuck*."""
        task = asyncio.create_task(batch)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK)
                if not task.done() and stuck():
                    self._tasks.add(task)
                    return
        except asyncio.CancelledError:
            task.cancel()
            raise
        task.result()

    def ended(self) -> bool:
        """Has one of them ended since this was last asked? Raises what it raised."""
        done = {task for task in self._tasks if task.done()}
        self._tasks -= done
        for task in done:
            task.result()
        return bool(done)

    async def rest(self) -> bool:
        """Wait for all of them; say whether there was one."""
        tasks, self._tasks = self._tasks, set()
        await every(*tasks)
        return bool(tasks)
