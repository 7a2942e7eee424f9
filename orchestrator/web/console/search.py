"""``/console/search``: from what somebody remembers to the order or the customer."""

from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.access.roles import Action, Viewer
from orchestrator.views.now import share_of
from orchestrator.views.search import LONGEST, search
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed


def router(desk: Desk) -> APIRouter:
    """Return the route of the search."""
    routes = APIRouter()

    @routes.get("/console/search")
    async def look(
        request: Request, viewer: Annotated[Viewer, Depends(Allowed(Action.SEE))], q: str = ""
    ) -> Response:
        """Lead to the only thing there is, or list what there is."""
        asked = q.strip()[:LONGEST]
        found = await desk.read(
            partial(search, asked=asked, share=share_of(viewer), region=desk.locale.partition("-")[2])
        )
        if found.order:
            return see(f"/console/orders/{quote(found.order, safe='')}")
        if len(found.matches) == 1 and not found.more:
            return see(f"/console/customers/{quote(found.matches[0].customer.id, safe='')}")
        return render(request, "console/search.html", asked=asked, found=found)

    return routes
