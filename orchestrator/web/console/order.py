"""``/console/orders/{order}``: one order, and what a person may do about it."""

import secrets
from functools import partial
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.errors import NotFound
from orchestrator.ledger import Transaction
from orchestrator.reasons import Code
from orchestrator.views.now import SOON
from orchestrator.views.order import OrderView, order_view
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render
from orchestrator.web.signed_in import Allowed

Seeing = Annotated[Viewer, Depends(Allowed(Action.SEE))]
SHOWN = 60  # moments of a story, the newest


def router(desk: Desk) -> APIRouter:
    """Return the routes of an order's page."""
    routes = APIRouter()

    @routes.get("/console/orders/{order:path}")
    async def order_page(request: Request, viewer: Seeing, order: str, all: str = "") -> Response:  # noqa: A002
        """Show one order."""
        view = await desk.read(partial(_seen, desk=desk, viewer=viewer, order=order))
        everything = all == "yes"
        past = [one for one in reversed(view.story.timeline) if everything or one.kind != "replaced"]
        shown = past if everything else past[:SHOWN]
        keys = [*(one.key for one in view.story.next), *(task.key for task in view.tasks)]
        silences = {(one.rule, one.reason, one.values): one for one in view.story.not_said}
        return render(
            request,
            "console/order.html",
            view=view,
            shown=shown,
            older=len(past) - len(shown),
            replaced=len(view.story.timeline) - len(past),
            silences=list(silences.values()),
            soon=SOON,
            frozen=Code.FROZEN,
            once=secrets.token_urlsafe(12),
            ids={key: _id(key) for key in keys},
        )

    return routes


def _id(key: str) -> str:
    """A name for what stands for a key on the page, the same each time."""
    return blake2b(key.encode(), digest_size=6).hexdigest()


def _seen(tx: Transaction, desk: Desk, viewer: Viewer, order: str) -> OrderView:
    """The order, if there is one that this viewer may see."""
    try:
        view = order_view(desk.engine, tx, order, desk.now())
    except NotFound as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
    place = view.order.location
    if not viewer.sees(place.id, place.brand):
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no order is called {order!r}")
    return view
