"""What every route answers with: JSON, and problems as RFC 9457 has them."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Response

from orchestrator.web.cloudevents import Fault, plain


def answer(status: int, content: Mapping[str, Any]) -> Response:
    """Return *content* as JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def problem_answer(
    status: int, faults: Iterable[Fault] = (), *, detail: str = "", retry_after: int | None = None
) -> Response:
    """Return what is wrong as ``application/problem+json``; *retry_after* in seconds."""
    status = HTTPStatus(status)
    content: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    if detail:
        content["detail"] = detail
    problems = [plain(fault) for fault in faults]
    if problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        content["detail"] = f"{count}; nothing of this request was kept"
        content["problems"] = problems
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(orjson.dumps(content), status.value, headers, media_type="application/problem+json")
