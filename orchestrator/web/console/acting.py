"""What a person does on an order's page: each a form, heard as an event with their name, and recorded."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator import steering
from orchestrator.access import audit
from orchestrator.access.audit import By, Told
from orchestrator.access.roles import Action, Viewer
from orchestrator.errors import Stale
from orchestrator.intake import Incoming
from orchestrator.ledger import OrderRow, Transaction
from orchestrator.sight import look_at_facts
from orchestrator.steering import Act
from orchestrator.timing import calendar
from orchestrator.timing.send_time import order_zone
from orchestrator.web.desk import Desk
from orchestrator.web.frame import see
from orchestrator.web.signed_in import Allowed, form_of

Calling = Annotated[Viewer, Depends(Allowed(Action.LOG_CONTACT))]
Correcting = Annotated[Viewer, Depends(Allowed(Action.CORRECT_ORDER))]
Doing = Annotated[Viewer, Depends(Allowed(Action.DO_TASK))]
Steering = Annotated[Viewer, Depends(Allowed(Action.STEER_MESSAGE))]
Form = Mapping[str, str]
LONGEST = 2000  # characters of a note


def router(desk: Desk) -> APIRouter:
    """Return the routes of the forms."""
    routes = _correcting(desk)

    @routes.post("/console/orders/{order:path}/calls")
    async def call(request: Request, viewer: Calling, order: str) -> Response:
        """Hear that staff and customer spoke."""
        form = await form_of(request)
        data = {
            "direction": form.get("direction", "out"),
            "by": viewer.name,
            "note": _given(form, "note", "write what was said"),
        }
        return await _said(desk, viewer, order, form, "contact.logged", data, "The call is on the order.")

    @routes.post("/console/orders/{order:path}/tasks")
    async def task(request: Request, viewer: Doing, order: str) -> Response:
        """Hear that somebody took a task on, or finished it."""
        form = await form_of(request)
        done = form.get("do") == "done"
        data = {"task": _key(form, "task", order), "by": viewer.name, "outcome": _text(form, "outcome")}
        kind = "task.done" if done else "task.acknowledged"
        said = "The task is done." if done else "The task is yours: nobody else is asked for it."
        return await _said(desk, viewer, order, form, kind, data, said)

    @routes.post("/console/orders/{order:path}/messages")
    async def message(request: Request, viewer: Steering, order: str) -> Response:
        """Send a message now, or later, or never."""
        form = await form_of(request)
        zone = await desk.read(partial(_zone, desk=desk, viewer=viewer, order=order))
        key, do = _key(form, "message", order), form.get("do")
        try:
            if do == "cancel":
                why = _text(form, "reason")
                reason = f"{viewer.name} took it back{f': {why}' if why else ''}"
                work = partial(_cancel, desk=desk, viewer=viewer, order=order, key=key, reason=reason)
                said = await desk.change(work)
            else:
                at = desk.now() if do == "now" else _moment(form, zone)
                if at < desk.now():
                    raise HTTPException(HTTPStatus.BAD_REQUEST, "that moment is past: choose a later one")
                data = {
                    "message": key,
                    "at": at.isoformat(),
                    "by": viewer.name,
                    "reason": _text(form, "reason"),
                }
                event = _event(desk, viewer, order, form, steering.RESCHEDULED, data)
                work = partial(_reschedule, desk=desk, viewer=viewer, order=order, event=event, zone=zone)
                said = await desk.change(work)
        except Stale as late:
            said = f"Nothing was changed: {late}."
        return see(_page(order), said)

    return routes


def _correcting(desk: Desk) -> APIRouter:
    """The routes by which a promise or a milestone is put right, and an order stands still and goes on."""
    routes = APIRouter()

    @routes.post("/console/orders/{order:path}/promises")
    async def promise(request: Request, viewer: Correcting, order: str) -> Response:
        """Hear another date, and whether the customer knows it already."""
        form = await form_of(request)
        zone = await desk.read(partial(_zone, desk=desk, viewer=viewer, order=order))
        data: dict[str, object] = {
            "milestone": _given(form, "milestone", "choose what was promised"),
            "told": form.get("told") == "yes",
            "source": viewer.name,
            "reason": _text(form, "reason"),
        }
        if form.get("time"):
            at = _moment(form, zone)
            _demand_ahead(at < desk.now())
            data["at"] = at.isoformat()
        else:
            data["date"] = day = _given(form, "date", "give the new day")
            _demand_ahead(day < f"{desk.now().astimezone(ZoneInfo(zone)):%Y-%m-%d}")
        told = "and the customer knows" if data["told"] else "and the rules tell the customer"
        return await _said(
            desk, viewer, order, form, "promise.made", data, f"The new date is on the order, {told}."
        )

    @routes.post("/console/orders/{order:path}/milestones")
    async def milestone(request: Request, viewer: Correcting, order: str) -> Response:
        """Hear that a milestone happened."""
        form = await form_of(request)
        zone = await desk.read(partial(_zone, desk=desk, viewer=viewer, order=order))
        at = _moment(form, zone) if form.get("date") else None
        if at is not None and at > desk.now():
            why = "that is still to come; what will happen is a promise, and is corrected there"
            raise HTTPException(HTTPStatus.BAD_REQUEST, why)
        data = {
            "milestone": _given(form, "milestone", "choose what happened"),
            "note": _text(form, "note"),
        }
        return await _said(
            desk, viewer, order, form, "milestone.reached", data, "It is on the order that this happened.", at
        )

    @routes.post("/console/orders/{order:path}/hold")
    async def hold(request: Request, viewer: Correcting, order: str) -> Response:
        """Hear that an order is on hold, or goes on."""
        form = await form_of(request)
        if form.get("do") == "release":
            data = {"reason": _text(form, "reason")}
            said = "The order goes on: its clocks run, and its rules speak again."
            return await _said(desk, viewer, order, form, "order.released", data, said)
        data = {"reason": _given(form, "reason", "write why")}
        said = "The order is on hold: nothing is said until somebody lets it go on."
        return await _said(desk, viewer, order, form, "order.held", data, said)

    return routes


# ── what is done in the ledger ───────────────────────────────────────────────


async def _said(
    desk: Desk,
    viewer: Viewer,
    order: str,
    form: Form,
    kind: str,
    data: Mapping[str, object],
    said: str,
    at: datetime | None = None,
) -> Response:
    """Hear one event about the order, record who said it, and show the page again."""
    event = _event(desk, viewer, order, form, kind, data, at)

    def work(tx: Transaction) -> bool:
        _demand(tx, viewer, order)
        new = steering.hear(desk.engine, tx, event, desk.now())
        if new:
            about = str(data.get("milestone") or data.get("task") or "")
            told = Told(kind, f"order {order}", after={"about": about} if about else {})
            audit.record(tx, By.viewer(viewer), told, desk.now())
        return new

    new = await desk.change(work)
    return see(_page(order), said if new else "That was done already.")


def _reschedule(tx: Transaction, desk: Desk, viewer: Viewer, order: str, event: Incoming, zone: str) -> str:
    _demand(tx, viewer, order)
    now = desk.now()
    entry = steering.reschedule(desk.engine, tx, event, now)
    told = Told(event.fact.type, f"message {entry.key}", after={"at": event.fact.data["at"]})
    audit.record(tx, By.viewer(viewer), told, now)
    if not entry.wanted.steps:
        return "No channel may carry it then in time; its owner is asked to reach the customer."
    if entry.run_at <= now:
        return "It leaves now."
    why = entry.wanted.steps[0].why
    return f"It leaves at {calendar.show(entry.run_at, zone)}{f' ({why})' if why else ''}."


def _cancel(tx: Transaction, desk: Desk, viewer: Viewer, order: str, key: str, reason: str) -> str:
    _demand(tx, viewer, order)
    ended = steering.cancel(desk.engine, tx, key, reason, desk.now())
    told = Told("message cancelled", f"message {key}", after={"status": ended.value})
    audit.record(tx, By.viewer(viewer), told, desk.now())
    return "It is taken back for good."


def _demand(tx: Transaction, viewer: Viewer, order: str) -> OrderRow:
    """The order's row, if there is one that this viewer may see; raises 404."""
    row = tx.order(order)
    if row is None or not viewer.sees(row.location, row.brand):
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no order is called {order!r}")
    return row


def _zone(tx: Transaction, desk: Desk, viewer: Viewer, order: str) -> str:
    """Whose clocks the forms of this order mean."""
    _demand(tx, viewer, order)
    book = desk.engine.follow(tx)
    seen = look_at_facts(tx, book, [order]).orders.get(order)
    return book.policy.time_zone if seen is None else order_zone(seen.location, book.policy.time_zone)


# ── what a form says ─────────────────────────────────────────────────────────


def _event(
    desk: Desk,
    viewer: Viewer,
    order: str,
    form: Form,
    kind: str,
    data: Mapping[str, object],
    at: datetime | None = None,
) -> Incoming:
    """The event that a form is; raises 400 with every problem."""
    once = form.get("once", "")
    if not 8 <= len(once) <= 64:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the form is not whole: load the page again")
    event = steering.event_of(Act(viewer.source, once, kind, order, data, at), desk.now())
    if isinstance(event, list):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "; ".join(problem.message for problem in event))
    return event


def _key(form: Form, name: str, order: str) -> str:
    """A key of this very order; raises 400."""
    key = form.get(name, "")
    if not key.startswith(f"{order}/"):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the form is about nothing of this order")
    return key


def _moment(form: Form, zone: str) -> datetime:
    """The day and hour of a form by the clocks of *zone*; raises 400."""
    try:
        moment = datetime.fromisoformat(f"{form.get('date', '')}T{form.get('time') or '00:00'}")
        return calendar.local(moment.date(), moment.time(), zone)
    except (ValueError, OverflowError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "give a day and an hour") from None


def _demand_ahead(is_past: bool) -> None:
    """Raise 400 for a promise that nobody could keep any more."""
    if is_past:
        why = "that day is past: say that it happened, or give one that is still to come"
        raise HTTPException(HTTPStatus.BAD_REQUEST, why)


def _given(form: Form, name: str, words: str) -> str:
    """What a form must say; raises 400 with *words* where it does not."""
    text = _text(form, name)
    if not text:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"nothing was changed: {words}")
    return text


def _text(form: Form, name: str) -> str:
    return form.get(name, "").strip()[:LONGEST]


def _page(order: str) -> str:
    return f"/console/orders/{quote(order, safe='')}"
