"""``/console/mine``: a colleague's own orders on a telephone, signed in; each with the page for one hand."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.intake.values import OWN_LINE
from orchestrator.ledger import Transaction
from orchestrator.model import Order
from orchestrator.planning.planner import journey_of
from orchestrator.render.page_words import PageWords, words
from orchestrator.render.telephones import as_dialled
from orchestrator.views.mine import is_owner, mine
from orchestrator.views.owner import OwnerView, owner_view
from orchestrator.web.customer.paper import House
from orchestrator.web.desk import Desk
from orchestrator.web.frame import see
from orchestrator.web.owner.tapping import FARTHEST, Tap, Unclear, events
from orchestrator.web.owner.task import CHANNELS, PAGE
from orchestrator.web.signed_in import Allowed, form_of

Doing = Annotated[Viewer, Depends(Allowed(Action.DO_TASK))]
NEEDS: Mapping[str, Action] = {
    "happened": Action.CORRECT_ORDER,
    "date": Action.CORRECT_ORDER,
    "called": Action.LOG_CONTACT,
    "line": Action.STEER_MESSAGE,
    "take": Action.STEER_MESSAGE,
}
HEADERS = {"Referrer-Policy": "same-origin"}  # or the browser would not say that our own form asks


def mine_router(desk: Desk, house: House) -> APIRouter:
    """Return the routes of a colleague's own orders."""
    router = APIRouter()
    say = words(desk.locale)

    @router.get("/console/mine")
    async def listed(viewer: Doing) -> Response:
        """List the orders they own."""
        found = await desk.read(lambda tx: mine(desk.engine, tx, viewer, desk.now(), say.locale))
        return _sent(house.page("owner/mine.html", say, orders=found, colleague=viewer.name))

    @router.get("/console/mine/{order:path}")
    async def show(request: Request, viewer: Doing, order: str, saved: str = "") -> Response:
        """Show one of them."""
        _, view = await desk.read(lambda tx: _seen(tx, desk, viewer, order, say))
        return _page(request, house, say, view, saved=bool(saved))

    @router.post("/console/mine/{order:path}")
    async def tap(request: Request, viewer: Doing, order: str) -> Response:
        """Do what the pressed button says, and come back to the page."""
        sent = await form_of(request)
        needed = NEEDS.get(sent.get("do", ""), Action.DO_TASK)
        if not viewer.may(needed):
            raise HTTPException(HTTPStatus.FORBIDDEN)

        def act(tx: Transaction) -> Response:
            seen, view = _seen(tx, desk, viewer, order, say)
            now = desk.now()
            made = Tap(viewer.name or viewer.email, now, f"mine/{order}", viewer.source)
            try:
                heard = events(made, sent, view, seen, tx.entries_of([order])[order])
            except Unclear as why:
                return _page(request, house, say, view, wrong=str(why))
            desk.engine.take(tx, heard, now)
            return see(f"/console/mine/{quote(order, safe='')}?saved=1")

        return await desk.change(act)

    return router


def _seen(tx: Transaction, desk: Desk, viewer: Viewer, order: str, say: PageWords) -> tuple[Order, OwnerView]:
    """The order, if it is one of theirs, and what its page shows."""
    now = desk.now()
    sight = desk.engine.look(tx, {order: now}, now)
    found = sight.orders.get(order)
    journey = journey_of(found, sight.book) if found is not None else ""
    if found is None or isinstance(journey, str) or not is_owner(found, viewer):
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no order of yours is called {order!r}")
    entries = tx.entries_of([order])[order]
    return found, owner_view(
        found, sight.customer_of(found), journey, entries, sight.book, now, say.locale, role="owner"
    )


def _page(
    request: Request, house: House, say: PageWords, view: OwnerView, *, saved: bool = False, wrong: str = ""
) -> Response:
    return _sent(
        house.page(
            PAGE,
            say,
            views=[view],
            phones={view.order: as_dialled(view.phone)},
            saved=saved,
            wrong=say(f"owner.{wrong}") if wrong else "",
            most=OWN_LINE,
            farthest=view.today + FARTHEST,
            channels=CHANNELS,
            csrf=request.app.state.door.token(request),
            back="/console/mine",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        )
    )


def _sent(page: Response) -> Response:
    page.headers.update(HEADERS)
    return page
