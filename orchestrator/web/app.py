"""The web application: wired here and nowhere else."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from orchestrator.access.passwords import Argon2, Passwords
from orchestrator.errors import LedgerError
from orchestrator.intake import FUTURE_TOLERANCE
from orchestrator.intake.lines import MAX_EVENT
from orchestrator.web import console, frame, signed_in
from orchestrator.web.answers import problem_answer
from orchestrator.web.api import answering, openapi, routes
from orchestrator.web.api.ledger_keys import LedgerKeys
from orchestrator.web.body import RETRY_AFTER
from orchestrator.web.console.live import Watcher
from orchestrator.web.desk import Desk
from orchestrator.web.events import Hear, events_router
from orchestrator.web.heads import Heads
from orchestrator.web.signed_in import Door, NotSignedIn
from orchestrator.web.standing import standing_router


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the pages for people need: a desk to work at, a door that knows who comes in, and a watcher."""

    desk: Desk
    door: Door
    watcher: Watcher
    passwords: Passwords = field(default_factory=Argon2)


def create_app(
    hear: Hear,
    *,
    now: Callable[[], datetime],
    ready: Callable[[], Awaitable[bool]],
    max_body: int = MAX_EVENT,
    future_tolerance: timedelta = FUTURE_TOLERANCE,
    routers: Iterable[APIRouter] = (),
    rooms: Rooms | None = None,
    events_key: bool = False,
) -> FastAPI:
    """Return the application that gives events to *hear*, with further *routers* and the *rooms* for people.

    *ready* says whether it is able to work, or raises why not; *max_body* is the largest request in bytes.
    With *events_key* events are taken from whoever has an API key for it, and there are rooms.
    """
    app = FastAPI(title="Beforehand", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Heads)
    events = events_router(
        hear,
        now=now,
        max_body=max_body,
        future_tolerance=future_tolerance,
        asks_for_a_key=events_key,
    )
    for_people = _rooms(app, rooms) if rooms is not None else ()
    _include(app, [events, standing_router(ready), *routers, *for_people])

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if rooms is not None and _is_for_people(request):
            await _recognise(request, rooms.door)
            response = frame.error_page(request, error.status_code, error.detail)
        else:
            plain = HTTPStatus(error.status_code).phrase
            detail = "" if error.detail == plain else error.detail
            response = problem_answer(error.status_code, detail=detail)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def misspelt(request: Request, error: RequestValidationError) -> Response:
        if rooms is not None and _is_for_people(request):
            return frame.error_page(request, HTTPStatus.NOT_FOUND)
        return answering.misspelt(request, error)

    @app.exception_handler(LedgerError)
    async def away(request: Request, _error: LedgerError) -> Response:
        if rooms is None or not _is_for_people(request):
            return problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=RETRY_AFTER)
        response = frame.error_page(request, HTTPStatus.SERVICE_UNAVAILABLE, "the ledger does not answer")
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    @app.exception_handler(Exception)
    async def failed(request: Request, _error: Exception) -> Response:
        status = HTTPStatus.INTERNAL_SERVER_ERROR  # the server logs why; nobody outside reads it
        if rooms is not None and _is_for_people(request):
            return frame.error_page(request, status, "something went wrong here, and is in the log")
        return problem_answer(status)

    return app


def _rooms(app: FastAPI, rooms: Rooms) -> list[APIRouter]:
    """Prepare *app* for pages, and return their routes."""
    desk = rooms.desk
    app.state.frame = frame.Frame(company=desk.company, zone=desk.zone, now=desk.now, csrf=rooms.door.token)
    app.state.door = rooms.door
    app.state.keys = LedgerKeys(desk)
    app.state.public_url = desk.public_url

    @app.exception_handler(NotSignedIn)
    async def unknown(request: Request, _error: NotSignedIn) -> Response:
        return signed_in.to_sign_in(request)

    for_systems = routes.routers(desk)
    described = openapi.router(for_systems)
    pages = console.routers(desk, rooms.watcher, rooms.door, rooms.passwords)
    return [frame.assets_router(), *for_systems, described, *pages]


def _include(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Add the routes, and remember them and their paths."""
    found = list(routers)
    for router in found:
        app.include_router(router)
    app.state.routes = tuple(route for router in found for route in router.routes)
    app.state.paths = frozenset(getattr(route, "path", "") for route in app.state.routes)


async def _recognise(request: Request, door: Door) -> None:
    """Let an error's page have its navigation, also where no route asked who is signed in."""
    if not hasattr(request.state, "viewer"):
        try:
            request.state.viewer = await door.viewer(request)
        except LedgerError:
            return  # the error is told without it


def _is_for_people(request: Request) -> bool:
    return request.url.path == "/console" or request.url.path.startswith("/console/")
