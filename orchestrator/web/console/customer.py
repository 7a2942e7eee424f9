"""``/console/customers/{customer}``: one customer; export and erasure of what is kept of them."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.errors import NotFound
from orchestrator.ledger import Transaction
from orchestrator.views.customer import CHANNELS, CustomerView, customer_view
from orchestrator.views.now import SOON, share_of
from orchestrator.views.week import DAYS
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render
from orchestrator.web.signed_in import Allowed

Seeing = Annotated[Viewer, Depends(Allowed(Action.SEE))]


def router(desk: Desk) -> APIRouter:
    """Return the routes of a customer's page."""
    routes = APIRouter()

    @routes.get("/console/customers/{customer:path}")
    async def customer_page(request: Request, viewer: Seeing, customer: str) -> Response:
        """Show one customer."""
        view = await desk.read(partial(_seen, desk=desk, viewer=viewer, customer=customer))
        return render(request, "console/customer.html", view=view, soon=SOON, days=DAYS, channels=CHANNELS)

    return routes


def _seen(tx: Transaction, desk: Desk, viewer: Viewer, customer: str) -> CustomerView:
    """The customer, if there is one that this viewer may see."""
    try:
        return customer_view(desk.engine, tx, customer, share_of(viewer), desk.now())
    except NotFound as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
