"""``GET /api/v1/…``: orders, explanations, customers, notifications, tasks and plans."""

from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.keys import Scope
from orchestrator.errors import NotFound
from orchestrator.ledger import Asked, RuleSetState, Transaction
from orchestrator.ledger.access_values import ApiKey
from orchestrator.ledger.values import EVERYTHING
from orchestrator.model import Status
from orchestrator.reasons import Code
from orchestrator.reasons.sending import FROZEN
from orchestrator.views import messages, now
from orchestrator.views.customer import customer_view
from orchestrator.views.order import order_view
from orchestrator.views.story import told
from orchestrator.web.api import drawing, shapes
from orchestrator.web.api.answering import PREFIX, READING, answered
from orchestrator.web.api.keys import Key
from orchestrator.web.desk import Desk

Orders = Annotated[ApiKey, Depends(Key(Scope.ORDERS_READ))]
Customers = Annotated[ApiKey, Depends(Key(Scope.CUSTOMERS_READ))]
Notifications = Annotated[ApiKey, Depends(Key(Scope.NOTIFICATIONS_READ))]
Tasks = Annotated[ApiKey, Depends(Key(Scope.TASKS_READ))]
Plans = Annotated[ApiKey, Depends(Key(Scope.PLANS_READ))]

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
After = Annotated[str, Query(max_length=300, description="The `next` of the part before.")]
Name = Annotated[
    str,
    Path(
        min_length=1,
        max_length=300,
        pattern=r"^[^\x00-\x1f\x7f]+$",  # as in every event; a route loses a newline at the end of a path
        description="The id, with every `/` in it as it is.",
    ),
]
Only = Annotated[str, Query(max_length=300)]
LAST = 2**63 - 1


def router(desk: Desk) -> APIRouter:
    """Return the routes that read."""
    routes = APIRouter(prefix=PREFIX, responses=dict(READING))

    @routes.get("/orders", response_model=shapes.Page[shapes.OrderInList], tags=["orders"])
    async def orders(
        request: Request,
        _key: Orders,
        customer: Only = "",
        status: Annotated[
            Literal["open", "held", "cancelled", "complete"] | None, Query(description="Only these.")
        ] = None,
        after: After = "",
        limit: Limit = 50,
    ) -> Response:
        """List orders by id."""

        def look(tx: Transaction) -> shapes.Page[shapes.OrderInList]:
            if customer:
                theirs = tx.orders(one for one in tx.orders_of([customer])[customer] if one > after)
                rows = [row for _, row in sorted(theirs.items()) if status is None or row.status == status]
            else:
                rows = tx.list_orders(status=status, after=after, limit=limit + 1)
            shown = rows[:limit]
            return shapes.Page(
                items=[drawing.listed(row) for row in shown],
                next=shown[-1].id if len(rows) > limit else None,
            )

        return answered(request, await desk.read(look))

    @routes.get("/orders/{order:path}", response_model=shapes.OrderInFull, tags=["orders"])
    async def order(request: Request, _key: Orders, order: Name) -> Response:
        """Show an order with all its promises, its tasks, and what the customer wrote."""

        def look(tx: Transaction) -> shapes.OrderInFull:
            return drawing.order(order_view(desk.engine, tx, order, desk.now()))

        return answered(request, await _found(desk, look))

    @routes.get("/explanations/{order:path}", response_model=shapes.Explanation, tags=["orders"])
    async def explanation(request: Request, _key: Orders, order: Name) -> Response:
        """Tell an order's story: what was said, what not and why, and what comes next unless what."""

        def look(tx: Transaction) -> shapes.Explanation:
            return drawing.explanation(told(desk.engine, tx, order, desk.now()).story)

        return answered(request, await _found(desk, look))

    @routes.get("/customers/{customer:path}", response_model=shapes.Customer, tags=["customers"])
    async def customer(request: Request, _key: Customers, customer: Name) -> Response:
        """Show a customer: where they are reached, what they agreed to, their orders."""

        def look(tx: Transaction) -> shapes.Customer:
            return drawing.customer(customer_view(desk.engine, tx, customer, EVERYTHING, desk.now()))

        return answered(request, await _found(desk, look))

    @routes.get("/notifications", response_model=shapes.Page[shapes.Notification], tags=["notifications"])
    async def notifications(
        request: Request,
        _key: Notifications,
        order: Only = "",
        customer: Only = "",
        rule: Only = "",
        channel: Only = "",
        kind: Annotated[Literal["message", "task"] | None, Query()] = None,
        status: Annotated[Status | None, Query()] = None,
        reason_code: Annotated[Code | None, Query(description="Why it waits, or ended as it did.")] = None,
        since: Annotated[datetime | None, Query(description="Changed since then, with its offset.")] = None,
        after: Annotated[
            int | None, Query(ge=0, le=LAST, description="The `next` of the part before.")
        ] = None,
        limit: Limit = 50,
    ) -> Response:
        """List messages and tasks, the newest first.

        Without an order or a customer a part may be short, or empty, and still have a `next`.
        """
        if since is not None and since.tzinfo is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "since needs its offset: 2026-03-12T09:00:00Z")
        asked = Asked(
            order=order,
            customer=customer,
            rule=rule,
            channel=channel,
            kind=kind or "",
            statuses=frozenset({status} if status is not None else ()),
            reason=reason_code or Code.NONE,
            since=since,
        )

        def look(tx: Transaction) -> shapes.Page[shapes.Notification]:
            found = tx.messages(asked, before=after, limit=limit)
            return shapes.Page(
                items=[drawing.notification(entry) for entry in found.entries],
                next=str(found.before) if found.before is not None else None,
            )

        return answered(request, await desk.read(look))

    @routes.get("/notifications/{number}", response_model=shapes.NotificationInFull, tags=["notifications"])
    async def notification(
        request: Request, _key: Notifications, number: Annotated[int, Path(ge=0, le=LAST)]
    ) -> Response:
        """Show one with its tries and what was reported of it."""
        found = await desk.read(partial(messages.told, number=number, now=desk.now()))
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no notification {number}")
        return answered(request, drawing.notification_in_full(found))

    @routes.get("/tasks", response_model=shapes.Page[shapes.Task], tags=["tasks"])
    async def tasks(request: Request, _key: Tasks, after: After = "", limit: Limit = 50) -> Response:
        """List the tasks that nobody has finished, those of the order that waits longest first."""
        try:
            look = partial(
                now.listed, share=EVERYTHING, what="tasks", now=desk.now(), after=after, limit=limit
            )
            found = await desk.read(look)
        except ValueError:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no part of this list ended there") from None
        page = shapes.Page(items=list(drawing.tasks(found.rows)), next=found.next or None)
        return answered(request, page)

    @routes.get("/plans", response_model=shapes.Page[shapes.Plan], tags=["plans"])
    async def plans(request: Request, _key: Plans) -> Response:
        """List changed rules that wait until a person releases or rejects them: none, or one."""

        def look(tx: Transaction) -> shapes.Page[shapes.Plan]:
            held = tx.ruleset(RuleSetState.HELD)
            if held is None:
                return shapes.Page(items=[], next=None)
            plan = shapes.Plan(
                version=held.id,
                proposed_by=held.by or "the files",
                waiting=tx.held_for(FROZEN),
                decide_at="/console/rules/held",
            )
            return shapes.Page(items=[plan], next=None)

        return answered(request, await desk.read(look))

    return routes


async def _found(desk: Desk, look: Any) -> Any:
    """What *look* finds; raises 404."""
    try:
        return await desk.read(look)
    except NotFound as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
