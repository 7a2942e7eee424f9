"""``POST /api/v1/…``: tasks that were done, and notifications taken back."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from starlette.exceptions import HTTPException

from orchestrator import steering
from orchestrator.access import audit
from orchestrator.access.audit import By, Told
from orchestrator.access.keys import Scope
from orchestrator.errors import Conflict, Stale
from orchestrator.intake.strict_json import Refused, decode
from orchestrator.ledger import Transaction
from orchestrator.ledger.access_values import ApiKey
from orchestrator.model import Kind, Status
from orchestrator.steering import Act
from orchestrator.web.api import shapes
from orchestrator.web.api.answering import PREFIX, WRITING, answered
from orchestrator.web.api.keys import Key
from orchestrator.web.api.reading import LAST
from orchestrator.web.desk import Desk

Doing = Annotated[ApiKey, Depends(Key(Scope.TASKS_WRITE))]
Steering = Annotated[ApiKey, Depends(Key(Scope.NOTIFICATIONS_WRITE))]
Once = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Names this request: sent again with it, it changes nothing more.",
        examples=["8f14e45f-ceea-4e3b"],
    ),
]


async def _demand_strict(request: Request) -> None:
    """Raise 400 for JSON that says something twice or holds NaN: nobody knows which of two was meant."""
    try:
        decode(await request.body())
    except Refused as why:
        place = "/".join(map(str, ("body", *why.path)))
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"{place}: {why.message}") from None


def router(desk: Desk) -> APIRouter:
    """Return the routes that write."""
    routes = APIRouter(prefix=PREFIX, responses=dict(WRITING), dependencies=[Depends(_demand_strict)])

    @routes.post("/tasks/done", response_model=shapes.Done, tags=["tasks"])
    async def done(request: Request, key: Doing, once: Once, answer: shapes.Answer) -> Response:
        """Say that a task is done: nobody is asked for it any more."""
        return await _answered(request, key, once, answer, "task.done")

    @routes.post("/tasks/acknowledged", response_model=shapes.Done, tags=["tasks"])
    async def acknowledged(request: Request, key: Doing, once: Once, answer: shapes.Answer) -> Response:
        """Say that somebody took a task on: it goes to nobody else."""
        return await _answered(request, key, once, answer, "task.acknowledged")

    @routes.post("/notifications/{number}/cancel", response_model=shapes.Done, tags=["notifications"])
    async def cancel(
        request: Request,
        key: Steering,
        number: Annotated[int, Path(ge=0, le=LAST)],
        cancellation: shapes.Cancellation,
    ) -> Response:
        """Take back for good what has not left yet; taken back already, nothing changes."""

        def work(tx: Transaction) -> bool:
            entry = tx.entry(number)
            if entry is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no notification {number}")
            if entry.status is Status.CANCELLED and entry.by_person:
                return False
            reason = f"{key.name} took it back: {cancellation.reason}"
            steering.cancel(desk.engine, tx, entry.key, reason, desk.now())
            audit.record(tx, By.key(key.name), Told("message cancelled", f"message {entry.key}"), desk.now())
            return True

        try:
            return answered(request, shapes.Done(new=await desk.change(work)))
        except Stale as late:
            raise HTTPException(HTTPStatus.CONFLICT, f"nothing was changed: {late}") from None

    async def _answered(
        request: Request, key: ApiKey, once: str, answer: shapes.Answer, kind: str
    ) -> Response:
        def work(tx: Transaction) -> bool:
            entry = tx.entry(answer.task)
            if entry is None or entry.wanted.kind is not Kind.TASK:
                raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no task {answer.task!r}")
            data = {"task": entry.key, "by": answer.by, "outcome": answer.outcome}
            event = steering.event_of(
                Act(f"/api/keys/{key.name}", once, kind, entry.wanted.order, data), desk.now()
            )
            if isinstance(event, list):
                raise HTTPException(HTTPStatus.BAD_REQUEST, "; ".join(one.message for one in event))
            said = event.fact
            for known in tx.order_facts([said.subject])[said.subject]:
                if (known.source, known.id) == (said.source, said.id):  # the same at another moment
                    if (known.type, known.data) != (said.type, said.data):
                        raise Conflict([said.id])
                    return False
            return desk.engine.take(tx, [event], desk.now()).new > 0

        try:
            return answered(request, shapes.Done(new=await desk.change(work)))
        except Conflict:
            words = "this Idempotency-Key was used for something else"
            raise HTTPException(HTTPStatus.CONFLICT, words) from None

    return routes
