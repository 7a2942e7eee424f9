"""How every route of the API answers: JSON with an entity tag, and problems as RFC 9457 has them."""

from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from orchestrator.findings import suggestion
from orchestrator.web.answers import problem_answer
from orchestrator.web.api.shapes import Problem

PREFIX = "/api/v1"
ASKED_AGAIN = {"Cache-Control": "private, no-cache"}  # kept only to be asked for again, with its tag


def answered(request: Request, shape: BaseModel, status: int = HTTPStatus.OK) -> Response:
    """Answer with *shape*, or with 304 if the asker has just that already (RFC 9110, section 13.1.2).

    Raises 400 for a parameter that nobody reads, where something is asked: a filter with a slip would leave
    nothing out, in silence.
    """
    if request.method == "GET" and (strange := unknown(request)):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "; ".join(strange))
    body = shape.model_dump_json().encode()
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, **ASKED_AGAIN}
    if request.method == "GET" and _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, status, headers, media_type="application/json")


def _has(given: str, tag: str) -> bool:
    return given.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(","))


def unknown(request: Request) -> list[str]:
    """What is wrong with the names of a request's parameters: unknown to its route, or given twice."""
    known = {one.alias for one in request.scope["route"].dependant.query_params}
    given = Counter(name for name, _ in request.query_params.multi_items())
    strange = [
        f"query/{name}: there is no such parameter; {suggestion(name, known)}".rstrip("; ")
        for name in given
        if name not in known
    ]
    twice = [f"query/{name}: it is given twice" for name in given if name in known and given[name] > 1]
    return strange + twice


def misspelt(request: Request, error: RequestValidationError) -> Response:
    """Say everything that is wrong with a request's parameters and body."""
    wrong = [
        f"{'/'.join(str(part) for part in one['loc'])}: {_in_a_sentence(one['msg'])}"
        for one in error.errors()
    ]
    return problem_answer(HTTPStatus.BAD_REQUEST, detail="; ".join(wrong + unknown(request)))


def _in_a_sentence(words: str) -> str:
    """The same, to stand after a colon; an abbreviation (JSON) stays as it is."""
    return words if words[1:2].isupper() else f"{words[:1].lower()}{words[1:]}"


def _said(what: str) -> dict[str, Any]:
    return {"model": Problem, "description": what, "content": {"application/problem+json": {}}}


READING: Mapping[int | str, dict[str, Any]] = {
    304: {"description": "You have just that already (`If-None-Match`)."},
    400: _said("A parameter is not as it must be."),
    401: _said("There is no key, or one that opens nothing."),
    403: _said("The key may not do that."),
    404: _said("Nothing of that name."),
    503: _said("The ledger does not answer: ask again later."),
}
WRITING: Mapping[int | str, dict[str, Any]] = {
    400: _said("The request is not as it must be; everything that is wrong is named."),
    401: READING[401],
    403: READING[403],
    404: READING[404],
    409: _said("It is too late for that, or the `Idempotency-Key` was used for something else."),
    503: READING[503],
}
