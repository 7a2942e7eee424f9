"""The API described by itself, as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0)."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from orchestrator.web.api.answering import PREFIX
from orchestrator.web.api.shapes import Problem

VERSION = "1"
ABOUT = """\
What Beforehand knows of orders, customers and notifications, and the few things another system may do.
Events come in by `POST /events`, as CloudEvents; whatever happens is told to subscribers by webhooks.

Send `Authorization: Bearer KEY`; `beforehand keys add` makes one. Answers carry an `ETag`: ask again with
`If-None-Match`, and 304 says that nothing changed. Lists are read on with `after`.
"""


def described(routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Describe the routes of *routers*."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    found = get_openapi(title="Beforehand", version=VERSION, description=ABOUT, routes=routes)
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"key": []}]
    for schema in ("HTTPValidationError", "ValidationError"):
        found["components"]["schemas"].pop(schema, None)
    for methods in found["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)  # such a request is answered with 400
            for code, answer in operation["responses"].items():
                if code.startswith(("4", "5")):
                    problem = {"$ref": f"#/components/schemas/{Problem.__name__}"}
                    answer["content"] = {"application/problem+json": {"schema": problem}}
    return found


def router(routers: Iterable[APIRouter]) -> APIRouter:
    """Return the route that answers with the description; it needs no key, for it says nothing of anybody."""
    import orjson

    body = orjson.dumps(described(routers))
    routes = APIRouter(prefix=PREFIX)

    @routes.get("/openapi.json", include_in_schema=False)
    async def description() -> Response:
        """Describe the API."""
        return Response(body, media_type="application/json")

    return routes
