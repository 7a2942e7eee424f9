"""The web application: wired here and nowhere else."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.errors import LedgerError
from orchestrator.intake import FUTURE_TOLERANCE
from orchestrator.intake.lines import MAX_EVENT
from orchestrator.web import console, frame, signed_in
from orchestrator.web.answers import problem_answer
from orchestrator.web.body import RETRY_AFTER
from orchestrator.web.console.live import Watcher
from orchestrator.web.desk import Desk
from orchestrator.web.events import Hear, events_router
from orchestrator.web.signed_in import Door, NotSignedIn
from orchestrator.web.standing import standing_router


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the pages for people need: a desk to work at, a door that knows who comes in, and a watcher."""

    desk: Desk
    door: Door
    watcher: Watcher


def create_app(
    hear: Hear,
    *,
    now: Callable[[], datetime],
    ready: Callable[[], Awaitable[bool]],
    max_body: int = MAX_EVENT,
    future_tolerance: timedelta = FUTURE_TOLERANCE,
    routers: Iterable[APIRouter] = (),
    rooms: Rooms | None = None,
) -> FastAPI:
    """Return the application that gives events to *hear*, with further *routers* and the *rooms* for people.

    *ready* says whether it is able to work, or raises why not; *max_body* is the largest request in bytes.
    """
    app = FastAPI(title="Beforehand", docs_url=None, redoc_url=None, openapi_url=None)
    events = events_router(hear, now=now, max_body=max_body, future_tolerance=future_tolerance)
    for_people = _rooms(app, rooms) if rooms is not None else ()
    _include(app, [events, standing_router(ready), *routers, *for_people])

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if rooms is not None and _is_for_people(request):
            response = frame.error_page(request, error.status_code, error.detail)
        else:
            response = problem_answer(error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(LedgerError)
    async def away(request: Request, _error: LedgerError) -> Response:
        if rooms is None or not _is_for_people(request):
            return problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=RETRY_AFTER)
        response = frame.error_page(request, HTTPStatus.SERVICE_UNAVAILABLE, "the ledger does not answer")
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        return problem_answer(HTTPStatus.INTERNAL_SERVER_ERROR)  # the server logs it; nobody outside reads it

    return app


def _rooms(app: FastAPI, rooms: Rooms) -> list[APIRouter]:
    """Prepare *app* for pages, and return their routes."""
    desk = rooms.desk
    app.state.frame = frame.Frame(company=desk.company, zone=desk.zone, now=desk.now, csrf=rooms.door.token)
    app.state.door = rooms.door
    app.state.public_url = desk.public_url

    @app.exception_handler(NotSignedIn)
    async def unknown(request: Request, _error: NotSignedIn) -> Response:
        return signed_in.to_sign_in(request)

    return [frame.assets_router(), *console.routers(desk, rooms.watcher)]


def _include(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Add the routes, and remember their paths."""
    found = list(routers)
    for router in found:
        app.include_router(router)
    app.state.paths = frozenset(getattr(route, "path", "") for router in found for route in router.routes)


def _is_for_people(request: Request) -> bool:
    return request.url.path == "/console" or request.url.path.startswith("/console/")
