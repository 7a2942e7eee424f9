"""``/console/changes``: who changed what, and when."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from orchestrator.access.roles import Action, Viewer
from orchestrator.ledger.inbox import NEWEST
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render
from orchestrator.web.signed_in import Allowed

PAGE = 50
Reader = Annotated[Viewer, Depends(Allowed(Action.READ_AUDIT))]


def router(desk: Desk) -> APIRouter:
    """Return the route of the record."""
    routes = APIRouter()

    @routes.get("/console/changes")
    async def changes(
        request: Request,
        _viewer: Reader,
        who: str = "",
        about: str = "",
        before: Annotated[int, Query(ge=1, le=NEWEST)] = NEWEST,
    ) -> Response:
        """List what people changed, the newest first."""
        who, about = who.strip(), about.strip()
        found = await desk.read(lambda tx: tx.changes(below=before, limit=PAGE + 1, who=who, about=about))
        shown, more = found[:PAGE], len(found) > PAGE
        query = {key: value for key, value in (("who", who), ("about", about)) if value}
        further = f"/console/changes?{urlencode({**query, 'before': shown[-1].id})}" if more else ""
        return render(request, "console/changes.html", changes=shown, who=who, about=about, further=further)

    return routes
