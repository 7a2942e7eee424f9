"""``/health``, ``/ready`` and ``/metrics``: for load balancers, supervisors and Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Response

from orchestrator.errors import LedgerError, NotReady
from orchestrator.web.answers import answer, problem_answer
from orchestrator.web.heads import Heads

TEXT = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format


def standing_router(ready: Callable[[], Awaitable[bool]]) -> APIRouter:
    """Return the routes that say whether the process lives, and whether it is able to work."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> Response:
        """Say that the process lives."""
        return answer(HTTPStatus.OK, {"status": "alive"})

    @router.get("/ready")
    async def readiness() -> Response:
        """Say whether it is able to work, and why not."""
        why = ""
        try:
            is_ready = await ready()
        except LedgerError:  # its words are for the log: they may name a host
            is_ready, why = False, "the ledger does not answer, or is not this program's"
        except NotReady as error:
            is_ready, why = False, str(error)
        if is_ready:
            return answer(HTTPStatus.OK, {"status": "ready"})
        return problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, detail=why)

    return router


def metrics_router(exposed: Callable[[], bytes]) -> APIRouter:
    """Return the route that Prometheus reads; *exposed* asks the ledger and may take a while."""
    router = APIRouter()

    @router.get("/metrics")
    async def metrics() -> Response:
        """Say how it goes, in Prometheus' text format."""
        return Response(await asyncio.to_thread(exposed), media_type=TEXT)

    return router


def monitor_app(ready: Callable[[], Awaitable[bool]], exposed: Callable[[], bytes]) -> FastAPI:
    """Return the application for a port of its own."""
    app = FastAPI(title="Beforehand", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Heads)
    app.include_router(standing_router(ready))
    app.include_router(metrics_router(exposed))
    return app
