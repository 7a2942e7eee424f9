"""Who is signed in, by the session that a cookie names.

The cookie holds 256 bits of chance and nothing else; the ledger knows its hash. What a form must carry is
made of the same bits, so it ends with the session.
"""

import hmac
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response

from orchestrator.access import signing_in
from orchestrator.access.roles import Viewer
from orchestrator.access.signing_in import Ages
from orchestrator.web.desk import Desk
from orchestrator.web.signed_in import SAFE

NAME = "beforehand"
SECURE_NAME = "__Host-beforehand"  # which no other host and no plain page can set (RFC 6265bis, 4.1.3.2)
LONGEST = 100  # characters of a token


class SessionDoor:
    """The door of an installation that people sign in to."""

    def __init__(self, desk: Desk, ages: Ages) -> None:
        self._desk, self.ages = desk, ages
        self._is_secure = urlsplit(desk.public_url).scheme == "https"

    async def viewer(self, request: Request) -> Viewer | None:
        """Whoever is signed in; what they do themselves keeps the session, what a page fetches does not."""
        if hasattr(request.state, "viewer"):
            known: Viewer | None = request.state.viewer
            return known
        token, now = self.session(request), self._desk.now()
        if not token:
            return None
        found = await self._desk.read(lambda tx: signing_in.known(tx, token, self.ages, now))
        if found is None:
            return None
        viewer, session = found
        if _is_by_hand(request) and session.seen_at + signing_in.TOUCH <= now:
            await self._desk.write(lambda tx: tx.touch_session(session.digest, now))
        return viewer

    def token(self, request: Request) -> str:
        """What a form of this session's pages must carry."""
        token = self.session(request)
        return hmac.digest(token.encode(), b"forms of the console", "sha256").hex() if token else ""

    def session(self, request: Request) -> str:
        """The token of the browser's session, whether it is good or not; "" without one."""
        token = request.cookies.get(self._name, "")
        return token if token.isascii() and len(token) <= LONGEST else ""

    def let_in(self, response: Response, token: str) -> None:
        """Give the browser its session."""
        response.set_cookie(
            self._name,
            token,
            max_age=int(self.ages.longest / timedelta(seconds=1)),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )

    def let_out(self, response: Response) -> None:
        """Take the browser's session away."""
        response.delete_cookie(self._name, path="/", secure=self._is_secure, httponly=True, samesite="lax")

    @property
    def _name(self) -> str:
        return SECURE_NAME if self._is_secure else NAME


def _is_by_hand(request: Request) -> bool:
    fetched = "hx-request" in request.headers or request.headers.get("accept") == "text/event-stream"
    return request.method not in SAFE or not fetched
