"""Who asks, whether they may, and that their own page asked: what every route of the console depends on.

A route says what it needs by depending on :class:`Allowed`::

    Caller = Annotated[Viewer, Depends(Allowed(Action.LOG_CONTACT))]

    @routes.post("/console/orders/{order}/calls")
    async def call(request: Request, order: str, viewer: Caller) -> Response:
        form = await form_of(request)

"""

import hmac
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST = 1_000_000  # bytes of a form; a journey's rules are a tenth of it
FIELDS = 1_000
TOKEN = "csrf"  # noqa: S105  the name of the field
TOKEN_HEADER = "x-csrf-token"  # noqa: S105  what htmx sends instead


class Door(Protocol):
    """Knows who a request comes from; an application keeps its own as ``app.state.door``."""

    async def viewer(self, request: Request) -> Viewer | None:
        """Whoever is signed in, or nobody. Raises LedgerError."""
        ...

    def token(self, request: Request) -> str:
        """What a form of this request's page must carry; "" for nobody."""
        ...


class OpenDoor:
    """Lets everybody in as one viewer: for tests and pictures, and for nothing that others can reach."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer, self._token = viewer, secrets.token_urlsafe(32)

    async def viewer(self, request: Request) -> Viewer | None:  # noqa: ARG002
        """That viewer."""
        return self._viewer

    def token(self, request: Request) -> str:  # noqa: ARG002
        """The one token of this process."""
        return self._token


class NotSignedIn(Exception):
    """Nobody is signed in; the application leads the browser to where one signs in."""


class Allowed:
    """Depends on a viewer who may do *action*, and on their own page having asked for it.

    Raises :class:`NotSignedIn`, and 403 with the reason.
    """

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, request: Request) -> Viewer:
        """Give the viewer."""
        viewer = await viewer_of(request)
        if not viewer.may(self.action):
            limited = ", limited to some locations or brands," if viewer.is_limited else ""
            raise HTTPException(
                HTTPStatus.FORBIDDEN, f"your role, {viewer.role},{limited} may not {self.action.words}"
            )
        return viewer


async def viewer_of(request: Request) -> Viewer:
    """Give whoever is signed in, once it is known that their own page asked.

    Raises :class:`NotSignedIn`, and 403 for a request of somebody else's page.
    """
    door: Door = request.app.state.door
    viewer = await door.viewer(request)
    if viewer is None:
        raise NotSignedIn
    request.state.viewer = viewer
    if request.method not in SAFE:
        demand_origin(request)
        await _demand_token(request, door.token(request))
    return viewer


def demand_origin(request: Request) -> None:
    """Raise 403 unless a page of this server asks (Fetch Standard, section 3.2, the Origin header)."""
    origin = request.headers.get("origin", "")
    public = urlsplit(request.app.state.public_url).netloc
    if urlsplit(origin).netloc not in {request.headers.get("host", ""), public} - {""}:
        raise HTTPException(HTTPStatus.FORBIDDEN, "the request does not come from a page of this server")


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy on this machine, what the proxy says."""
    return request.client.host if request.client else ""


async def form_of(request: Request) -> Mapping[str, str]:
    """Give the fields of a form, the last of each name. Raises 411, 413 and 400."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise HTTPException(HTTPStatus.LENGTH_REQUIRED)
    if int(length) > LARGEST:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    form = await request.form(max_files=0, max_fields=FIELDS, max_part_size=LARGEST)
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def fields_of(request: Request, name: str) -> list[str]:
    """Give every value of one field of a form, as boxes that may be ticked together send them."""
    await form_of(request)
    form = await request.form()
    return [value for value in form.getlist(name) if isinstance(value, str)]


async def _demand_token(request: Request, wanted: str) -> None:
    given = request.headers.get(TOKEN_HEADER) or (await form_of(request)).get(TOKEN, "")
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise HTTPException(HTTPStatus.FORBIDDEN, "this page is too old: load it again, and try once more")


def to_sign_in(request: Request) -> Response:
    """Lead to where one signs in, and from there back to the page that was asked for."""
    query = f"?{request.url.query}" if request.url.query else ""
    back = f"{request.url.path}{query}" if request.method in SAFE else "/console/now"
    path = f"/console/sign-in?next={quote(back, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/console/sign-in"})
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": path, "Cache-Control": "no-store"})
