"""``/console/customers/{customer}``: one customer; export and erasure of what is kept of them."""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, ParamSpec
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access import audit
from orchestrator.access.audit import By, Told
from orchestrator.access.roles import Action, Viewer
from orchestrator.errors import Busy, NotFound
from orchestrator.ledger import Transaction
from orchestrator.persons.disclosure import disclose
from orchestrator.persons.erasure import Report, dry_run, erase
from orchestrator.persons.merging import one_with
from orchestrator.views.customer import CHANNELS, CustomerView, customer_view
from orchestrator.views.now import SOON, share_of
from orchestrator.views.week import DAYS
from orchestrator.web.desk import Desk
from orchestrator.web.frame import HEADERS, render, see
from orchestrator.web.signed_in import Allowed, form_of

Seeing = Annotated[Viewer, Depends(Allowed(Action.SEE))]
Exporting = Annotated[Viewer, Depends(Allowed(Action.EXPORT_CUSTOMER))]
Erasing = Annotated[Viewer, Depends(Allowed(Action.ERASE_CUSTOMER))]
REASON = 300  # characters
P = ParamSpec("P")


def router(desk: Desk) -> APIRouter:
    """Return the routes of a customer's page."""
    routes = APIRouter()

    @routes.post("/console/customers/{customer:path}/export")
    async def export(viewer: Exporting, customer: str) -> Response:
        """Hand out everything that is kept of them, as one JSON document."""
        content = await desk.change(partial(_export, desk=desk, viewer=viewer, customer=customer))
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="customer.json"'}
        return Response(content, HTTPStatus.OK, headers, media_type="application/json")

    @routes.get("/console/customers/{customer:path}/erase")
    async def before(request: Request, viewer: Erasing, customer: str) -> Response:
        """Show what would be erased, and ask."""
        await desk.read(partial(_demand_all, viewer=viewer, customer=customer))
        report = await _run(dry_run, desk.engine, customer, desk.outbox)
        return render(request, "console/erase.html", report=report, customer=customer, wrong="")

    @routes.post("/console/customers/{customer:path}/erase")
    async def gone(request: Request, viewer: Erasing, customer: str) -> Response:
        """Erase them for good, if the id was typed."""
        await desk.read(partial(_demand_all, viewer=viewer, customer=customer))
        form = await form_of(request)
        if form.get("typed", "").strip() != customer:
            report = await _run(dry_run, desk.engine, customer, desk.outbox)
            wrong = "type the id just as it stands above"
            return render(
                request, "console/erase.html", status=HTTPStatus.BAD_REQUEST, report=report,
                customer=customer, wrong=wrong,
            )  # fmt: skip
        reason = form.get("reason", "").strip()[:REASON]
        now = desk.now()
        report = await _run(erase, desk.engine, customer, reason, now, desk.outbox)
        told = Told("customer erased", f"customer {customer}", after={"left": list(report.left)})
        await desk.change(lambda tx: audit.record(tx, By.viewer(viewer), told, now))
        rest = f", but something still stands in {', '.join(report.left)}" if report.left else ""
        return see(f"/console/customers/{quote(customer, safe='')}", f"The customer is erased{rest}.")

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


def _export(tx: Transaction, desk: Desk, viewer: Viewer, customer: str) -> bytes:
    _demand_all(tx, viewer, customer)
    try:
        document = disclose(tx, customer, desk.outbox, desk.now())
    except NotFound as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
    audit.record(tx, By.viewer(viewer), Told("customer exported", f"customer {customer}"), desk.now())
    return orjson.dumps(document, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> object:
    return sorted(value, key=str) if isinstance(value, set | frozenset) else str(value)


def _demand_all(tx: Transaction, viewer: Viewer, customer: str) -> None:
    """Raise 403 unless the viewer may see every order of theirs: all of it is handed out, or erased."""
    group = tx.kin([customer]).get(customer, frozenset({customer}))
    ids = {customer, *one_with(customer, tx.customer_facts(sorted(group)))}
    rows = tx.orders(order for theirs in tx.orders_of(ids).values() for order in theirs).values()
    if viewer.is_limited and not (rows and all(viewer.sees(row.location, row.brand) for row in rows)):
        raise HTTPException(HTTPStatus.FORBIDDEN, "they have orders which you may not see")


async def _run(work: Callable[P, Report], *args: P.args, **named: P.kwargs) -> Report:
    """Do what takes transactions of its own in a thread; raises 404 and 409."""
    try:
        return await asyncio.to_thread(work, *args, **named)
    except NotFound as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
    except Busy as error:
        raise HTTPException(HTTPStatus.CONFLICT, str(error)) from None
