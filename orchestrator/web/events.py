"""``POST /events``: hear CloudEvents, all of a request or nothing, and answer 2xx only after the commit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect

from orchestrator.access.keys import Scope
from orchestrator.errors import Conflict, LedgerError, Problem
from orchestrator.intake import Incoming, Place, parse
from orchestrator.web.answers import answer, problem_answer
from orchestrator.web.api.keys import Key
from orchestrator.web.body import RETRY_AFTER, body_of
from orchestrator.web.cloudevents import Fault, Headers, Mode, Sent, Unreadable, read


class Heard(Protocol):
    """How many of some events were new, how many were known already, and what is odd about their orders."""

    @property
    def new(self) -> int:
        """Events nobody had sent before."""

    @property
    def duplicates(self) -> int:
        """Events that had been accepted before, unchanged."""

    @property
    def problems(self) -> Mapping[str, str]:
        """What is odd about the orders they touched, by their id: kept all the same, and worth a look."""


Hear = Callable[[Sequence[Incoming]], Awaitable[Heard]]
"""Keep the events, all or none, and return once they are committed; raise Conflict or LedgerError."""


def events_router(
    hear: Hear,
    *,
    now: Callable[[], datetime],
    max_body: int,
    future_tolerance: timedelta,
    asks_for_a_key: bool = False,
) -> APIRouter:
    """Return the route that takes events, from whoever has a key for it if it *asks_for_a_key*.

    *max_body* in bytes.
    """
    router = APIRouter(dependencies=[Depends(Key(Scope.EVENTS_WRITE))] if asks_for_a_key else [])

    @router.post("/events")
    async def take(request: Request) -> Response:
        """Accept CloudEvents 1.0: binary, structured, or a batch."""
        try:
            body = await body_of(request, max_body)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        if body is None:
            fault = Fault("E004", f"the body is larger than {max_body:,} bytes")
            return problem_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, [fault])
        try:
            # in a thread: a large batch takes long enough to keep others waiting
            events = await asyncio.to_thread(_events, request.headers.raw, body, now(), future_tolerance)
        except Unreadable as error:
            return problem_answer(error.status, error.faults)
        try:
            heard = await hear(events)
        except Conflict as conflict:
            return problem_answer(HTTPStatus.CONFLICT, _conflicts(conflict, events))
        except LedgerError:
            fault = Fault("E204", "the ledger does not answer; nothing of this request was kept")
            return problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, [fault], retry_after=RETRY_AFTER)
        status = HTTPStatus.ACCEPTED if heard.new else HTTPStatus.OK
        look = {"problems": dict(heard.problems)} if heard.problems else {}
        return answer(status, {"accepted": heard.new, "duplicates": heard.duplicates, **look})

    return router


def _events(headers: Headers, body: bytes, arrived: datetime, future_tolerance: timedelta) -> list[Incoming]:
    sent = read(headers, body)
    events: list[Incoming] = []
    faults: list[Fault] = []
    for index, document in enumerate(sent.documents):
        place = index if sent.mode is Mode.BATCH else None
        if not isinstance(document, dict):
            pointer = "" if place is None else f"/{place}"
            faults.append(Fault("E005", "an event is a JSON object", pointer=pointer, index=place))
            continue
        outcome = parse(document, arrived, place=Place("request"), future_tolerance=future_tolerance)
        if isinstance(outcome, Incoming):
            events.append(outcome)
        else:
            faults.extend(_fault(problem, sent, place) for problem in outcome)
    if faults:
        raise Unreadable(HTTPStatus.BAD_REQUEST, faults)
    return events


def _fault(problem: Problem, sent: Sent, index: int | None) -> Fault:
    """Say where a problem of an event stands in the request that carried it."""
    header = ""
    pointer = problem.pointer
    if sent.mode is Mode.BATCH:
        pointer = f"/{index}{pointer}"
    elif sent.mode is Mode.BINARY:
        attribute, _, rest = pointer.removeprefix("/").partition("/")
        if attribute == "data":
            pointer = f"/{rest}" if rest else ""
        else:
            header, pointer = f"ce-{attribute}" if attribute else "", ""
    return Fault(problem.code, problem.message, problem.hint, header, pointer, index)


def _conflicts(conflict: Conflict, events: Sequence[Incoming]) -> list[Fault]:
    indexes = {event.fact.id: index for index, event in enumerate(events)}  # the last one: it came second
    return [
        Fault(
            "E203",
            f"event {event_id!r} was accepted before with another body; nothing of this request was kept",
            index=indexes.get(event_id) if len(events) > 1 else None,
        )
        for event_id in conflict.ids
    ]
