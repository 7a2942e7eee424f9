"""The web application: wired here and nowhere else."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.errors import LedgerError
from orchestrator.intake import FUTURE_TOLERANCE
from orchestrator.intake.lines import MAX_EVENT
from orchestrator.web.answers import answer, problem_answer
from orchestrator.web.events import Hear, events_router


def create_app(
    hear: Hear,
    *,
    now: Callable[[], datetime],
    ready: Callable[[], Awaitable[bool]],
    max_body: int = MAX_EVENT,
    future_tolerance: timedelta = FUTURE_TOLERANCE,
    routers: Iterable[APIRouter] = (),
) -> FastAPI:
    """Return the application that gives events to *hear*, with further *routers*.

    *ready* says whether the ledger answers; *max_body* is the largest request in bytes.
    """
    app = FastAPI(title="Beforehand", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(events_router(hear, now=now, max_body=max_body, future_tolerance=future_tolerance))
    for router in routers:
        app.include_router(router)

    @app.get("/health")
    async def health() -> Response:
        """Say that the process lives."""
        return answer(HTTPStatus.OK, {"status": "alive"})

    @app.get("/ready")
    async def readiness() -> Response:
        """Say whether events can be taken now."""
        try:
            is_ready = await ready()
        except LedgerError:
            is_ready = False
        if is_ready:
            return answer(HTTPStatus.OK, {"status": "ready"})
        return problem_answer(HTTPStatus.SERVICE_UNAVAILABLE)

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> Response:
        response = problem_answer(error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        return problem_answer(HTTPStatus.INTERNAL_SERVER_ERROR)  # the server logs it; nobody outside reads it

    return app
