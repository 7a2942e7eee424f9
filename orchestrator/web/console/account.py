"""``/console/account``: who is signed in and what they may do; ``/console`` leads to the first place."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.access.roles import GRANTS, Action, Grant, Viewer
from orchestrator.web.desk import Desk
from orchestrator.web.frame import places_of, render, see
from orchestrator.web.signed_in import Allowed

Self = Annotated[Viewer, Depends(Allowed(Action.OWN_ACCOUNT))]


def router(_desk: Desk) -> APIRouter:
    """Return the routes of one's own account."""
    routes = APIRouter()

    @routes.get("/")
    async def entrance() -> Response:
        """Lead whoever gives only the address to the console."""
        return see("/console")

    @routes.get("/console")
    async def begin(request: Request, viewer: Self) -> Response:
        """Lead to the first place that this viewer may see."""
        places = places_of(request, viewer)
        return see(places[0].path if places else "/console/account")

    @routes.get("/console/account")
    async def account(request: Request, viewer: Self) -> Response:
        """Show who is signed in, and what their role allows."""
        others = [
            each for each in Action if GRANTS[viewer.role, each] is Grant.OF_OTHERS and viewer.may(each)
        ]
        allowed = [each for each in Action if viewer.may(each) and each not in others]
        return render(
            request,
            "console/account.html",
            signs_in="/console/sign-out" in request.app.state.paths,
            allowed=allowed,
            of_others=others,
            refused=[each for each in Action if not viewer.may(each)],
        )

    return routes
