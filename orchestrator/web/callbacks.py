"""``POST /callbacks/{name}``: what providers report and what people answer; 2xx only after the commit."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from channels.base import Unavailable
from channels.reports import Answering, Callback, Forged, Reply, Report, Reporting, Unreadable
from orchestrator.errors import LedgerError
from orchestrator.watching import NOBODY, Watch
from orchestrator.web.answers import problem_answer
from orchestrator.web.body import RETRY_AFTER, body_of

log = logging.getLogger(__name__)

Take = Callable[[str, Sequence[Report | Reply]], Awaitable[Sequence[str]]]
"""Keep what the callbacks of that name said, and return once that is committed, with words to answer by the
same way; raises LedgerError."""


def callbacks_router(
    take: Take,
    readers: Mapping[str, Reporting],
    *,
    public_url: str,
    now: Callable[[], datetime],
    max_body: int,
    watch: Watch = NOBODY,
) -> APIRouter:
    """Return the route that *readers* read, each by its name; *watch* hears what is refused.

    Providers sign the address they call: it is below *public_url*, whatever host a request names. *max_body*
    in bytes.
    """
    router = APIRouter()

    @router.post("/callbacks/{name}")
    async def called_back(name: str, request: Request) -> Response:
        """Take what a provider says, proven to be its own."""
        reader = readers.get(name)
        if reader is None:
            return problem_answer(HTTPStatus.NOT_FOUND)
        try:
            body = await body_of(request, max_body)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        if body is None:
            return problem_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            said = await reader.read(_callback(f"{public_url}/callbacks/{name}", request, body), now())
            words = await take(name, said) if said else ()
        except Forged as forged:
            watch.called_back(name, "forged")
            log.warning("callback %s: refused: %s", name, forged.reason)
            return problem_answer(HTTPStatus.FORBIDDEN, detail=forged.reason)
        except Unreadable as unreadable:
            watch.called_back(name, "unreadable")
            log.warning("callback %s: cannot be read: %s", name, unreadable.reason)
            return problem_answer(HTTPStatus.BAD_REQUEST, detail=unreadable.reason)
        except Unavailable as away:
            watch.called_back(name, "undecided")
            log.warning("callback %s: nobody can tell if it is the provider's: %s", name, away.reason)
            return problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=RETRY_AFTER)
        except LedgerError:
            return problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=RETRY_AFTER)
        if isinstance(reader, Answering):
            kind, content = reader.answer(words)
            return Response(content, HTTPStatus.OK, media_type=kind)
        return Response(status_code=HTTPStatus.OK)

    return router


def _callback(address: str, request: Request, body: bytes) -> Callback:
    query = request.url.query
    return Callback(
        f"{address}?{query}" if query else address,
        dict(request.headers.items()),
        dict(request.query_params),
        body,
    )
