"""``/inbox/{token}``: what a customer finds when they log in, for the company's own page or app.

Reading is open to whoever has a token of that customer (:mod:`orchestrator.inbox.tokens`); a GET changes
nothing. Pages elsewhere are let in by the origins of the settings (Fetch Standard, section 3.2, CORS).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from orchestrator.errors import LedgerError
from orchestrator.inbox import tokens
from orchestrator.inbox.listeners import Full, Listeners
from orchestrator.inbox.store import Inbox
from orchestrator.inbox.tokens import Pass
from orchestrator.ledger import InboxItem
from orchestrator.ledger.inbox import NEWEST
from orchestrator.web.answers import answer, problem_answer
from orchestrator.web.body import RETRY_AFTER

MOST = 100  # items of one page
USUAL = 30
BODY = 4_096  # bytes; nothing that is sent here has a body of any use
RETRY = 3_000  # milliseconds that a page waits before it comes again
PREFLIGHT = 600  # seconds that a browser remembers whom we let in
_SURFACE = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_ITEM = re.compile(r"[a-z2-7]{26}")


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in: whoever has a token of one of *keys*, not good for longer than *token_age*."""

    keys: tuple[str, ...]
    token_age: timedelta
    origins: frozenset[str] = frozenset()


class Refusal(Exception):
    """A request that gets this status and these words."""

    def __init__(self, status: HTTPStatus, why: str, *, retry_after: int | None = None) -> None:
        self.status, self.why, self.retry_after = status, why, retry_after
        super().__init__(why)


Handled = Callable[[Request, Pass], Awaitable[Response]]


def inbox_router(inbox: Inbox, listeners: Listeners, door: Door, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes by which pages read inboxes."""
    pages = _Pages(inbox, listeners, door, now)
    router = APIRouter(prefix="/inbox/{token}")
    routes = (
        ("GET", "", pages.feed),
        ("GET", "/events", pages.events),
        ("POST", "/read", pages.read),
        ("POST", "/items/{item}/read", pages.read),
        ("POST", "/active", pages.active),
    )
    for method, path, do in routes:
        router.add_api_route(path, pages.letting_in(do), methods=[method], response_model=None)
        router.add_api_route(path, pages.preflight, methods=["OPTIONS"], response_model=None)
    return router


class _Pages:
    """What is answered to pages."""

    def __init__(self, inbox: Inbox, listeners: Listeners, door: Door, now: Callable[[], datetime]) -> None:
        self._inbox, self._listeners, self._door, self._now = inbox, listeners, door, now

    def letting_in(self, do: Handled) -> Callable[[Request], Awaitable[Response]]:
        """Ask for the token first, and say last which pages may read the answer."""

        async def answered(request: Request) -> Response:
            try:
                response = await do(request, self._known(request))
            except Refusal as refusal:
                response = problem_answer(refusal.status, detail=refusal.why, retry_after=refusal.retry_after)
            except LedgerError:
                why = "the ledger does not answer"
                response = problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, detail=why, retry_after=RETRY_AFTER)
            response.headers.update(self._cors(request))
            return response

        return answered

    async def feed(self, request: Request, who: Pass) -> Response:
        """Give a page of the messages, the newest first."""
        before = _whole(request, "before", NEWEST, 1, NEWEST)
        limit = _whole(request, "limit", USUAL, 1, MOST)
        past = _yes(request, "past")
        found = await asyncio.to_thread(
            self._inbox.page, who.customer, self._now(), before=before, limit=limit, past=past
        )
        content = {
            "items": [shown(item) for item in found.items],
            "unread": found.unread,
            "next": found.before,
        }
        tag = f'"{blake2b(orjson.dumps(content), digest_size=12).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in re.split(r"\s*,\s*", request.headers.get("if-none-match", "").replace("W/", "")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        response = answer(HTTPStatus.OK, content | {"number": found.number})
        response.headers.update(headers)
        return response

    async def events(self, request: Request, who: Pass) -> Response:
        """Tell what changes, as server-sent events."""
        given = request.headers.get("last-event-id") or request.query_params.get("after")
        after = None if given is None else _number(given, "after", 0, NEWEST)
        try:
            listener = await self._listeners.enter(who.customer)
        except Full:
            why = "too many pages listen already"
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, why, retry_after=RETRY_AFTER) from None
        changes = self._listeners.follow(listener, after, who.expires, self._now)
        return _Stream(_lines(changes), lambda: self._listeners.leave(listener))

    async def read(self, request: Request, who: Pass) -> Response:
        """Mark one message as read, or all."""
        _without_body(request)
        item = request.path_params.get("item")
        if item is not None and not _ITEM.fullmatch(item):
            raise Refusal(HTTPStatus.NOT_FOUND, "no message is called so")
        count = await self._inbox.read(who.customer, self._now(), None if item is None else [item])
        return answer(HTTPStatus.OK, {"read": count})

    async def active(self, request: Request, who: Pass) -> Response:
        """Hear that the customer looks at a page or app of ours."""
        _without_body(request)
        surface = request.query_params.get("surface", "")
        if not _SURFACE.fullmatch(surface):
            raise Refusal(HTTPStatus.BAD_REQUEST, "say where: ?surface=web or ?surface=app")
        await self._inbox.active(who.customer, surface, self._now())
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def preflight(self, request: Request) -> Response:
        """Tell a browser what a page elsewhere may ask."""
        cors = self._cors(request)
        if "Access-Control-Allow-Origin" in cors:
            cors |= {
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID, Content-Type",
                "Access-Control-Max-Age": str(PREFLIGHT),
            }
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=cors)

    def _known(self, request: Request) -> Pass:
        token = str(request.path_params["token"])
        try:
            return tokens.read(token, self._door.keys, self._now(), self._door.token_age)
        except tokens.Expired:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "the token is too old; ask for a new one") from None
        except tokens.Wrong:
            raise Refusal(HTTPStatus.FORBIDDEN, "the token opens nothing") from None

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin", "")
        if origin not in self._door.origins:
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "ETag",
        }


def shown(item: InboxItem) -> Mapping[str, Any]:
    """One message as a page reads it."""
    return {
        "id": item.item,
        "title": item.title,
        "text": item.text,
        "link": item.link,
        "at": item.at,
        "until": item.expires_at,
        "read": item.read_at,
        "order": item.order_id,
        "locale": item.locale,
    }


async def _lines(changes: AsyncIterator[InboxItem | None]) -> AsyncIterator[bytes]:
    """Changes as server-sent events; a page that comes again says the last number it heard."""
    yield b"retry: %d\n\n" % RETRY
    try:
        async for item in changes:
            if item is None:
                yield b":\n\n"
            elif item.replaced:
                data = orjson.dumps({"id": item.item})
                yield b"id: %d\nevent: gone\ndata: %b\n\n" % (item.change, data)
            else:
                yield b"id: %d\nevent: item\ndata: %b\n\n" % (item.change, orjson.dumps(shown(item)))
    except LedgerError:
        return  # the page comes again and asks


class _Stream(StreamingResponse):
    """Events for as long as the page is there; however it ends, *leave* is called."""

    def __init__(self, lines: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(lines, headers=headers, media_type="text/event-stream")
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


# ── what a request may say ───────────────────────────────────────────────────


def _whole(request: Request, name: str, usual: int, least: int, most: int) -> int:
    given = request.query_params.get(name)
    return usual if given is None else _number(given, name, least, most)


def _number(given: str, name: str, least: int, most: int) -> int:
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else -1
    if not least <= number <= most:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{name} is a whole number from {least} to {most}")
    return number


def _yes(request: Request, name: str) -> bool:
    given = request.query_params.get(name, "false")
    if given not in ("true", "false"):
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{name} is true or false")
    return given == "true"


def _without_body(request: Request) -> None:
    """Refuse what is too large to be a slip; the rest of a body is never read."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > BODY:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "nothing here takes a body")
