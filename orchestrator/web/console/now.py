"""``/console/now``: what somebody should look at, and each of its lists by itself."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.ledger import Transaction
from orchestrator.views import now as views
from orchestrator.views.now import Flow, Listed, share_of
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render
from orchestrator.web.signed_in import Allowed

Seeing = Annotated[Viewer, Depends(Allowed(Action.SEE))]
TITLES: Mapping[str, str] = {
    "silent": "Who waits in silence",
    "broken": "Promises that are broken",
    "soon": "Promises that end within two days",
    "tasks": "Open tasks",
    "problems": "Orders that need a look",
    "coming": "What goes out in the next 24 hours",
    "sent": "What was sent today",
}


def router(desk: Desk) -> APIRouter:
    """Return the routes of Now."""
    routes = APIRouter()

    @routes.get("/console/now")
    async def now(request: Request, viewer: Seeing) -> Response:
        """Show a few of everything."""
        look = partial(views.now_view, share=share_of(viewer), now=desk.now(), zone=desk.zone)
        found = await desk.read(look)
        most = max(hour.count.number for hour in found.hours)
        tall = {hour.begin: _tall(hour.count.number, most) for hour in found.hours}
        return render(request, "console/now.html", view=found, tall=tall, soon=views.SOON)

    @routes.get("/console/now/{what}")
    async def listed(request: Request, viewer: Seeing, what: str, after: str = "") -> Response:
        """Show one list from *after* on."""
        if what not in TITLES:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        try:
            found = await desk.read(_list(what, desk, viewer, after))
        except (ValueError, OverflowError):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "that is no place in this list") from None
        return render(
            request, "console/now_list.html", title=TITLES[what], what=what, list=found, after=after,
            soon=views.SOON,
        )  # fmt: skip

    return routes


def _list(what: str, desk: Desk, viewer: Viewer, after: str) -> Callable[[Transaction], Listed | Flow]:
    share, now = share_of(viewer), desk.now()
    if what == "coming":
        return lambda tx: views.coming(tx, share, now, desk.zone, after)
    if what == "sent":
        return lambda tx: views.sent(tx, share, views.today(now, desk.zone), after)
    return lambda tx: views.listed(tx, share, what, now, after)


def _tall(number: int, most: int) -> int:
    """How tall a bar is of 100, so that a single one is still seen."""
    return max(6, round(100 * number / most)) if number else 0
