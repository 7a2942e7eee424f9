"""The frame every page for people stands in: templates, headers, assets, and times in the company's zone."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.planning.foresight import because
from orchestrator.render.telephones import as_dialled
from orchestrator.web import moments

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"  # the address changes with the content
SAID = "beforehand-said"  # the cookie that carries one sentence over a redirection
SAID_FOR = 60  # seconds

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # with no-referrer a browser sends `Origin: null` with our own forms (Fetch Standard, 3.2.6)
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""What every page of the console is sent with."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the navigation: shown where the application has a page there and the viewer may see it."""

    name: str
    path: str
    needs: Action = Action.SEE


NAVIGATION = (
    Place("Now", "/console/now"),
    Place("My orders", "/console/mine", Action.DO_TASK),
    Place("Messages", "/console/messages"),
    Place("Rules", "/console/rules"),
    Place("Templates", "/console/templates"),
    Place("Channels", "/console/channels"),
    Place("Measures", "/console/measures"),
    Place("People", "/console/people", Action.MANAGE_PEOPLE),
    Place("Changes", "/console/changes", Action.READ_AUDIT),
    Place("Account", "/console/account", Action.OWN_ACCOUNT),
)


TITLES = {
    HTTPStatus.BAD_REQUEST: "Nothing was changed",
    HTTPStatus.FORBIDDEN: "Not for you to do",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.CONFLICT: "Nothing was changed",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not at the moment",
}
"""What a page that is an answer of this kind is called."""


class Frame:
    """One for an application, which keeps it as ``app.state.frame``; *csrf* makes the token of a request."""

    def __init__(
        self,
        *,
        company: str,
        zone: str,
        now: Callable[[], datetime],
        csrf: Callable[[Request], str] = lambda _: "",
    ) -> None:
        self._company, self._zone, self._now, self._csrf = company, ZoneInfo(zone), now, csrf

    @cached_property
    def environment(self) -> Environment:
        """The templates, with what they may use."""
        found = Environment(
            loader=PackageLoader("orchestrator.web", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        found.globals["static"] = address
        zone = self._zone
        found.filters |= {
            "moment": pass_context(lambda page, at: moments.moment(at, zone, _now_of(page))),
            "clock": lambda at: moments.clock(at, zone),
            "day": pass_context(lambda page, value: moments.day(value, zone, _now_of(page))),
            "ago": pass_context(lambda page, at: moments.ago(at, zone, _now_of(page))),
            "because": pass_context(
                lambda page, note: moments.dated(because(note, _now_of(page)), zone, _now_of(page))
            ),
            "dated": pass_context(lambda page, text: moments.dated(text, zone, _now_of(page))),
            "dialled": as_dialled,
            "given": moments.given,
            "span": moments.span,
            "count": moments.count,
        }
        return found

    def page(
        self,
        request: Request,
        template: str,
        view: Mapping[str, Any],
        *,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] = HEADERS,
    ) -> Response:
        """Return the page that *template* makes of *view*."""
        viewer: Viewer | None = getattr(request.state, "viewer", None)
        said = request.cookies.get(SAID, "")
        given = {
            "viewer": viewer,
            "company": self._company,
            "zone": self._zone.key,
            "now": self._now(),
            "places": places_of(request, viewer),
            "path": request.url.path,
            "here": _here(request),
            "csrf": self._csrf(request),
            "said": unquote(said),
            "Action": Action,
        }
        content = self.environment.get_template(template).render({**given, **view})
        response = HTMLResponse(content, status, dict(headers))
        if said:
            response.delete_cookie(SAID, path="/")
        return response


def render(
    request: Request,
    template: str,
    /,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] = HEADERS,
    **view: Any,
) -> Response:
    """Return the page that *template* (below ``pages/``) makes of *view*, in the frame of this application.

    Every page also knows ``viewer``, ``company``, ``zone``, ``now``, ``path``, ``here`` (the path with its
    query), ``csrf`` and ``Action``.
    """
    frame: Frame = request.app.state.frame
    return frame.page(request, template, view, status=status, headers=headers)


def error_page(request: Request, status: int, detail: str = "") -> Response:
    """Return what went wrong, as a page, with the way back to where it was asked for."""
    status = HTTPStatus(status)
    detail = "" if detail == status.phrase else detail.rstrip(".")
    title = TITLES.get(status, status.phrase)
    if not detail and status is HTTPStatus.NOT_FOUND:
        detail = "No page has this address; an order or a customer is found by the search above"
    return render(
        request, "console/error.html", status=status, title=title, detail=detail, back=_back(request)
    )


def see(path: str, said: str = "") -> Response:
    """Send the browser on to *path* after something was done, where *said* is shown once (303)."""
    response = Response(
        status_code=HTTPStatus.SEE_OTHER, headers={"Location": path, "Cache-Control": "no-store"}
    )
    if said:
        response.set_cookie(SAID, quote(said), max_age=SAID_FOR, httponly=True, samesite="lax", path="/")
    return response


# ── assets ───────────────────────────────────────────────────────────────────


def address(name: str) -> str:
    """Where an asset of ``static/`` is: below its hash, so that browsers may keep it for ever."""
    return f"/static/{_hash(name)}/{name}"


def assets_router() -> APIRouter:
    """Return the route of everything in ``static/``, open to everybody."""
    router = APIRouter()

    @router.get("/static/{version}/{name:path}")
    async def asset(version: str, name: str) -> Response:
        """Give an asset; under another version than its own it is kept for a minute only."""
        content = _contents().get(name)
        if content is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        age = FOR_EVER if version == _hash(name) else "public, max-age=60"
        headers = {"Cache-Control": age, "X-Content-Type-Options": "nosniff"}
        return Response(content, HTTPStatus.OK, headers, media_type=KINDS[Path(name).suffix])

    return router


@cache
def _contents() -> Mapping[str, bytes]:
    """Every asset by its name; read once."""
    found = (file for file in STATIC.rglob("*") if file.suffix in KINDS)
    return {file.relative_to(STATIC).as_posix(): file.read_bytes() for file in found}


@cache
def _hash(name: str) -> str:
    return blake2b(_contents()[name], digest_size=8).hexdigest()


# ── what a page is told ──────────────────────────────────────────────────────


def _now_of(page: Context) -> datetime:
    now: datetime = page["now"]
    return now


def places_of(request: Request, viewer: Viewer | None) -> list[Place]:
    """The places where this application has a page that they may see."""
    if viewer is None:
        return []
    there = request.app.state.paths
    return [place for place in NAVIGATION if place.path in there and viewer.may(place.needs)]


def _here(request: Request) -> str:
    query = request.url.query
    path = re.sub(r"^/+", "/", request.url.path)  # `//host` would be another site
    return f"{path}?{query}" if query else path


def _back(request: Request) -> str:
    """The page of ours whose form was sent, or ""."""
    came = urlsplit(request.headers.get("referer", ""))
    is_ours = came.netloc == request.headers.get("host") and came.path.startswith("/console/")
    if not is_ours or request.method not in ("POST", "PUT", "DELETE"):
        return ""
    return f"{came.path}?{came.query}" if came.query else came.path
