"""``/console/templates``: every text by journey, shown for each channel and language, with its findings."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.drafting.bench import TextBench
from orchestrator.errors import NotFound
from orchestrator.journey import Journey, RuleBook
from orchestrator.render import Rendered
from orchestrator.render.preview import Sample, sample
from orchestrator.views.preview import of_order
from orchestrator.web.console.letters import letter
from orchestrator.web.console.messages import rendered, shows
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render
from orchestrator.web.signed_in import Allowed

Sees = Annotated[Viewer, Depends(Allowed(Action.SEE))]


def router(desk: Desk) -> APIRouter:
    """Return the routes of texts; none where nobody can read them."""
    routes = APIRouter()
    if desk.texts is None:
        return routes
    bench = desk.texts

    @routes.get("/console/templates")
    async def overview(request: Request, _viewer: Sees) -> Response:
        """List every text by its journey."""
        book = await desk.read(desk.engine.follow)
        names, found = await asyncio.to_thread(lambda: (bench.names(), bench.found(book)))
        folders: dict[str, list[tuple[str, Any, int]]] = {}
        for name, channels in names.items():
            folder, _, short = name.partition("/")
            folders.setdefault(folder, []).append((short, channels, len(found.get(name, ()))))
        titles = {journey.id: journey.title for journey in book.journeys.values()}
        return render(
            request, "console/templates/list.html", folders=folders, titles=titles, said_by=_said_by(book)
        )

    @routes.get("/console/templates/{folder}/{short}")
    async def text(request: Request, folder: str, short: str, viewer: Sees) -> Response:
        """Show a text as its reader would see it, with sample facts or those of an order."""
        shown = await asyncio.to_thread(_shown, desk, bench, f"{folder}/{short}", request, viewer)
        return render(request, "console/templates/text.html", **shown)

    @routes.get("/console/templates/{folder}/{short}/mail")
    async def mail(request: Request, folder: str, short: str, viewer: Sees) -> Response:
        """Give the mail alone, for the frame of its page."""
        shown = await asyncio.to_thread(_shown, desk, bench, f"{folder}/{short}", request, viewer)
        said: Rendered | None = shown["shown"]
        if said is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, shown["trouble"])
        return letter(said)

    return routes


def _said_by(book: RuleBook) -> dict[str, list[str]]:
    """Which rules say a text or ask a task, by its name."""
    found: dict[str, list[str]] = {}
    for journey in book.journeys.values():
        for rule in journey.rules:
            for rung in rule.rungs:
                for short in filter(None, (rung.say, rung.task.do if rung.task else "")):
                    rules = found.setdefault(f"{journey.id}/{short}", [])
                    if rule.id not in rules:
                        rules.append(rule.id)
    return found


def _shown(desk: Desk, bench: TextBench, name: str, request: Request, viewer: Viewer) -> dict[str, Any]:
    channels = bench.names().get(name)
    if channels is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no text is called {name}")
    asked = request.query_params
    channel = asked.get("channel", "")
    channel = channel if channel in channels else next(iter(sorted(channels)), "")
    locales = sorted(filter(None, channels.get(channel, ())))
    locale = asked.get("locale", "") if asked.get("locale", "") in locales else ""
    order = asked.get("order", "").strip()
    with desk.engine.ledger.read() as tx:
        book = desk.engine.follow(tx)
        journey = _journey(book, name)
        facts, trouble, missing = None, "", []
        if order:
            try:
                facts = of_order(desk.engine, tx, order, name, journey, desk.now())
            except NotFound as error:
                trouble = str(error)
            if facts is not None and not viewer.sees(facts.order.location.id, facts.order.location.brand):
                facts, trouble = None, f"no order is called {order!r}"
    if facts is None:
        facts = sample(journey, name, locale or "en")
    elif facts.customer.erased:
        facts, trouble = sample(journey, name, locale or "en"), "its customer was erased: this is a sample"
    else:
        missing = bench.missing(facts, journey, name)
    said, why = rendered(desk, facts, journey, name, channel, locale)
    query = {
        key: value for key, value in (("channel", channel), ("locale", locale), ("order", order)) if value
    }
    return {
        "name": name,
        "journey": journey,
        "channels": channels,
        "channel": channel,
        "locales": locales,
        "locale": locale or bench.language(facts),
        "order": order,
        "shown": said,
        "trouble": trouble or why,
        "missing": missing,
        "real": bool(order) and not trouble,
        "findings": bench.found(book).get(name, []),
        "rules": _said_by(book).get(name, []),
        "frame": f"/console/templates/{name}/mail?{urlencode(query)}",
        **shows(said, channel, {}),
        **_reader(facts),
    }


def _reader(facts: Sample) -> dict[str, Any]:
    return {"reader": facts.customer.name or facts.customer.id, "reader_order": facts.order.id}


def _journey(book: RuleBook, name: str) -> Journey:
    """The journey whose folder the text is in; what is shared is shown in any."""
    found = book.journeys.get(name.partition("/")[0]) or next(iter(book.journeys.values()), None)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no journey in force to show it in")
    return found
