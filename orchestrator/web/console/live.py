"""``/console/live``: tells open pages that something changed, as server-sent events.

One task looks for everybody, and only while somebody listens. Source: HTML Living Standard, section 9.2.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
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
        self._seen = ""
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """End every stream, and let no more begin."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        for bell in self._bells:
            bell.set()

    @property
    def is_full(self) -> bool:
        """Do as many listen as may?"""
        return self._closed or len(self._bells) >= MOST

    async def now(self) -> str:
        """Give the mark as it is now. Raises LedgerError."""
        return str(await asyncio.to_thread(self._mark))

    async def changes(
        self, seen: str, *, heartbeat: float = HEARTBEAT, longest: float = LONGEST
    ) -> AsyncIterator[str]:
        """Give the mark whenever it is another than the one *seen* last, and "" where nothing changes."""
        bell = asyncio.Event()
        self._bells.add(bell)
        if self._task is None or self._task.done():
            self._seen = seen
            self._task = asyncio.create_task(self._watch())
        clock = asyncio.get_running_loop().time
        end = clock() + longest
        try:
            while not self._closed and (left := end - clock()) > 0:
                if self._seen != seen:
                    seen = self._seen
                    yield seen
                    continue
                bell.clear()
                try:
                    async with asyncio.timeout(min(heartbeat, left)):
                        await bell.wait()
                except TimeoutError:
                    yield ""
        finally:
            self._bells.discard(bell)

    async def _watch(self) -> None:
        while self._bells and not self._closed:
            try:
                found = await self.now()
            except Exception as error:  # noqa: BLE001  whatever it is, pages must hear of what comes next
                log.warning("open pages are told later: %s", type(error).__name__)
            else:
                if found != self._seen:
                    self._seen = found
                    for bell in self._bells:
                        bell.set()
            await asyncio.sleep(self._look)


def router(watcher: Watcher) -> APIRouter:
    """Return the route that open pages listen to."""
    routes = APIRouter()

    @routes.get("/console/live")
    async def live(
        request: Request, _viewer: Annotated[Viewer, Depends(Allowed(Action.SEE))]
    ) -> StreamingResponse:
        """Tell that something changed; what, a page asks for itself."""
        if watcher.is_full:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "10"})
        # a browser that comes again says what it saw last, so what changed meanwhile is news to it
        seen = request.headers.get("last-event-id") or await watcher.now()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_lines(watcher, seen), media_type="text/event-stream", headers=headers)

    return routes


async def _lines(watcher: Watcher, seen: str) -> AsyncIterator[str]:
    yield f"id: {seen}\nretry: {RETRY}\n\n"
    async for mark in watcher.changes(seen):
        yield f"id: {mark}\nevent: changed\ndata: \n\n" if mark else ": still here\n\n"
