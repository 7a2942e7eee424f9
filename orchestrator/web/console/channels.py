"""``/console/channels``: how each does, what it did on the last day, pause and resume, and a test message."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.audit import By, Told, record
from orchestrator.access.roles import Action, Viewer
from orchestrator.errors import Misconfigured
from orchestrator.ledger import Stops, Transaction
from orchestrator.views import channels as views
from orchestrator.web.console.pausing import pause_or_resume
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed, form_of

Sees = Annotated[Viewer, Depends(Allowed(Action.SEE))]
Pauses = Annotated[Viewer, Depends(Allowed(Action.PAUSE))]
Tests = Annotated[Viewer, Depends(Allowed(Action.TEST_CHANNEL))]
LONGEST = 320  # characters of an address


def router(desk: Desk) -> APIRouter:
    """Return the routes of channels; none where nobody knows them."""
    routes = APIRouter()
    if desk.channels is None:
        return routes
    bench = desk.channels

    @routes.get("/console/channels")
    async def overview(request: Request, _viewer: Sees) -> Response:
        """Show every channel."""
        now = desk.now()

        def look(tx: Transaction) -> dict[str, Any]:
            return {
                "lines": bench.lines(tx, now),
                "paused": views.paused(tx),
                "numbers": views.of_the_last_day(tx, now),
            }

        return render(request, "console/channels/list.html", reports=views.REPORTS, **await desk.read(look))

    @routes.post("/console/channels/{name}/pause")
    async def pause(request: Request, name: str, viewer: Pauses) -> Response:
        """Let a channel stand still, or go on."""
        form = await form_of(request)

        def work(tx: Transaction) -> str:
            if form.get("do") != "resume" and name not in {line.name for line in bench.lines(tx, desk.now())}:
                raise HTTPException(HTTPStatus.NOT_FOUND, f"no channel is called {name}")
            return pause_or_resume(tx, viewer, Stops.CHANNEL, name, form, desk.now())

        return see("/console/channels", await desk.change(work))

    @routes.post("/console/channels/{name}/test")
    async def test(request: Request, name: str, viewer: Tests) -> Response:
        """Send one test message."""
        form = await form_of(request)
        to = form.get("to", "").strip()
        if not to or len(to) > LONGEST or not to.isprintable():
            return see("/console/channels", "say whom to send it to")
        try:
            said = await asyncio.to_thread(bench.test, name, to, viewer.email)
        except Misconfigured as error:
            said = f"nothing was sent: {error}"
        else:
            told = Told("test channel", f"channel {name}")
            await desk.change(lambda tx: record(tx, By.viewer(viewer), told, desk.now()))
        return see("/console/channels", said)

    return routes
