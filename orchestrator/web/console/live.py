"""``/console/live``: tells open pages that something changed, as server-sent events.

One task looks for everybody, and only while somebody listens. Source: HTML Living Standard, section 9.2.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.web.signed_in import Allowed

log = logging.getLogger(__name__)

LOOK = 0.5  # seconds between two looks
HEARTBEAT = 15.0  # seconds of silence after which a proxy hears that the line lives
LONGEST = 300.0  # seconds; then the browser comes again, and its session is looked at again
MOST = 500  # pages that listen at once
RETRY = 2_000  # milliseconds that a browser waits before it comes again


class Watcher:
    """Looks whether *mark* is another than before, while anybody listens; belongs to one event loop."""

    def __init__(self, mark: Callable[[], object], *, look: float = LOOK) -> None:
        self._mark, self._look = mark, look
        self._bells: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """End every stream, and let no more begin."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        for bell in self._bells:
            bell.set()

    async def changes(self, *, heartbeat: float = HEARTBEAT, longest: float = LONGEST) -> AsyncIterator[bool]:
        """Give true whenever something changed, and false where nothing did for a while."""
        bell = asyncio.Event()
        self._bells.add(bell)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        end = asyncio.get_running_loop().time() + longest
        try:
            while not self._closed and (left := end - asyncio.get_running_loop().time()) > 0:
                try:
                    async with asyncio.timeout(min(heartbeat, left)):
                        await bell.wait()
                except TimeoutError:
                    yield False
                    continue
                if self._closed:
                    return
                bell.clear()
                yield True
        finally:
            self._bells.discard(bell)

    @property
    def is_full(self) -> bool:
        """Do as many listen as may?"""
        return self._closed or len(self._bells) >= MOST

    async def _watch(self) -> None:
        seen = await self._looked()
        while self._bells and not self._closed:
            await asyncio.sleep(self._look)
            found = await self._looked()
            if found != seen:
                seen = found
                for bell in self._bells:
                    bell.set()

    async def _looked(self) -> object:
        with suppress(asyncio.CancelledError):
            try:
                return await asyncio.to_thread(self._mark)
            except Exception as error:  # noqa: BLE001  whatever it is, pages must hear of what comes next
                log.warning("open pages are told later: %s", type(error).__name__)
        return None


def router(watcher: Watcher) -> APIRouter:
    """Return the route that open pages listen to."""
    routes = APIRouter()

    @routes.get("/console/live")
    async def live(_viewer: Annotated[Viewer, Depends(Allowed(Action.SEE))]) -> StreamingResponse:
        """Tell that something changed; what, a page asks for itself."""
        if watcher.is_full:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "10"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_lines(watcher), media_type="text/event-stream", headers=headers)

    return routes


async def _lines(watcher: Watcher) -> AsyncIterator[str]:
    yield f"retry: {RETRY}\n\n"
    async for changed in watcher.changes():
        yield "event: changed\ndata: \n\n" if changed else ": still here\n\n"
