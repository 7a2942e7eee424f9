"""``/console/messages``: search, and one message as its reader saw it, with why and what became of it."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator import steering
from orchestrator.access import audit
from orchestrator.access.audit import By
from orchestrator.access.roles import Action, Viewer
from orchestrator.errors import NotFound, RenderError
from orchestrator.intake import Incoming
from orchestrator.journey import Journey, Rule
from orchestrator.ledger import Asked, Transaction
from orchestrator.model import Status
from orchestrator.render import Rendered
from orchestrator.render.preview import Sample
from orchestrator.steering import Act
from orchestrator.views import messages as views
from orchestrator.views.messages import Told
from orchestrator.views.now import share_of
from orchestrator.views.preview import of_message
from orchestrator.views.reader import LINKS_CLOSED
from orchestrator.web.console.letters import letter
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed, form_of

Sees = Annotated[Viewer, Depends(Allowed(Action.SEE))]
Steers = Annotated[Viewer, Depends(Allowed(Action.STEER_MESSAGE))]
ASKS = ("order", "customer", "rule", "channel", "status", "day", "kind")


def router(desk: Desk) -> APIRouter:
    """Return the routes of messages."""
    routes = APIRouter()

    @routes.get("/console/messages")
    async def search(request: Request, viewer: Sees, before: int = 0) -> Response:
        """List what was said, will be said and was not, the newest first."""
        given = {name: request.query_params.get(name, "").strip() for name in ASKS}
        asked, wrong = _asked(given, viewer, desk.zone)
        found, rules = await desk.read(lambda tx: (views.page(tx, asked, before or None), _rules(desk, tx)))
        given = {name: value for name, value in given.items() if value}
        return render(
            request,
            "console/messages/list.html",
            found=found,
            given=given,
            wrong=wrong,
            rules=sorted(rule.id for rule in rules),
            channels=sorted({channel for rule in rules for channel in rule.channels}),
            statuses=[status.value for status in Status],
            next=f"/console/messages?{urlencode({**given, 'before': found.before})}" if found.before else "",
        )

    @routes.get("/console/messages/{number}")
    async def message(request: Request, number: int, viewer: Sees) -> Response:
        """Show one message, as far as it can be said today."""
        told, said, trouble = await asyncio.to_thread(_said, desk, number, viewer)
        return render(
            request,
            "console/messages/message.html",
            told=told,
            shown=said,
            trouble=trouble,
            frame=f"/console/messages/{number}/mail",
            once=secrets.token_urlsafe(12),
            **shows(said, told.channel, desk.engine.book.policy.kinds),
        )

    @routes.get("/console/messages/{number}/mail")
    async def mail(number: int, viewer: Sees) -> Response:
        """Give the mail alone, for the frame of its page."""
        _, said, trouble = await asyncio.to_thread(_said, desk, number, viewer)
        if said is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, trouble)
        return letter(said)

    @routes.post("/console/messages/{number}/links")
    async def close(request: Request, number: int, viewer: Steers) -> Response:
        """Let the links in a message open nothing any more, of whatever orders it is about."""
        form, now = await form_of(request), desk.now()
        once, reason = form.get("once", ""), form.get("reason", "").strip()[:300]
        if not 8 <= len(once) <= 64:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the form is not whole: load the page again")

        def work(tx: Transaction) -> None:
            told = views.told(tx, number, now)
            if told is None or not viewer.sees(told.location, told.brand):
                raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no message {number}")
            for entry in tx.entries_by_message_id([told.entry.message_id]) if told.links == "open" else ():
                data = {"message": entry.key, "by": viewer.name, "reason": reason}
                act = Act(viewer.source, f"{once}-{entry.id}", LINKS_CLOSED, entry.wanted.order, data)
                event = steering.event_of(act, now)
                assert isinstance(event, Incoming), "it says only what the schema has"
                if steering.hear(desk.engine, tx, event, now):
                    why = {"reason": reason} if reason else {}
                    what = audit.Told(LINKS_CLOSED, f"message {entry.key}", after=why)
                    audit.record(tx, By.viewer(viewer), what, now)

        await desk.change(work)
        return see(f"/console/messages/{number}", "The links in it open nothing any more.")

    return routes


def _rules(desk: Desk, tx: Transaction) -> list[Rule]:
    book = desk.engine.follow(tx)
    return [rule for journey in book.journeys.values() for rule in journey.rules]


def _asked(given: dict[str, str], viewer: Viewer, zone: str) -> tuple[Asked, str]:
    """What somebody looks for, and what of it cannot be meant."""
    wrong = ""
    statuses = frozenset(status for status in Status if status.value == given["status"])
    since = until = None
    if given["day"]:
        try:
            since, until = _day(given["day"], zone)
        except ValueError:
            wrong = f"{given['day']} is no day: write 2026-03-12"
    return Asked(
        order=given["order"],
        customer=given["customer"],
        rule=given["rule"],
        channel=given["channel"],
        kind=given["kind"] if given["kind"] in ("message", "task") else "",
        statuses=statuses,
        share=share_of(viewer),
        since=since,
        until=until,
    ), wrong


def _day(text: str, zone: str) -> tuple[datetime, datetime]:
    day = date.fromisoformat(text)
    if not 1970 <= day.year <= 2199:
        raise ValueError(text)
    begin, end = (datetime.combine(one, time(), ZoneInfo(zone)) for one in (day, day + timedelta(days=1)))
    return begin, end


def _said(desk: Desk, number: int, viewer: Viewer) -> tuple[Told, Rendered | None, str]:
    """One message, what it says, and why that cannot be shown."""
    with desk.engine.ledger.read() as tx:
        told = views.told(tx, number, desk.now())
        if told is None or not viewer.sees(told.location, told.brand):
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no message {number}")
        book = desk.engine.follow(tx)
        try:
            facts = of_message(desk.engine, tx, told.entry, told.shown_at)
        except NotFound as error:
            return told, None, str(error)
    journey = book.journeys.get(told.entry.wanted.journey or facts.order.journey)
    if facts.customer.erased:
        return told, None, "the customer was erased, and the words with them"
    if journey is None or desk.texts is None or not told.channel:
        return (
            told,
            None,
            "its journey is not in force any more" if journey is None else "it has no channel yet",
        )
    return told, *rendered(desk, facts, journey, told.entry.wanted.template, told.channel)


def rendered(
    desk: Desk, facts: Sample, journey: Journey, template: str, channel: str, locale: str = ""
) -> tuple[Rendered | None, str]:
    """What a text says with these facts, or why it cannot be said."""
    if desk.texts is None:
        return None, "no texts are read here"
    try:
        return desk.texts.rendered(facts, journey, template, channel, locale), ""
    except (NotFound, RenderError) as error:
        return None, str(error)


def sms_cost(text: str) -> str:
    """What a text costs as an SMS, in words."""
    from orchestrator.render import sms_text

    return sms_text.cost(text)


def shows(said: Rendered | None, channel: str, kinds: Mapping[str, str]) -> dict[str, Any]:
    """How a message is drawn: as a mail, a text or a notice on a telephone."""
    kind = kinds.get(channel, channel)
    return {"kind": kind, "cost": sms_cost(said.text) if said is not None and kind == "sms" else ""}
