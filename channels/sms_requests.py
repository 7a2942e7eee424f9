"""How requests travel to Twilio: over kept connections of aiohttp, each with its timeouts.

Twilio's own asynchronous client keeps no timeout, loses ``Retry-After`` and logs whom it writes to. Forms are
written by yarl, which is part of aiohttp: 3 µs for a text, where ``urlencode`` takes 17.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from yarl import URL

from channels import http, sms_codes

_silent = logging.getLogger(__name__)
_silent.disabled = True


class Requests(AsyncHttpClient):  # type: ignore[misc]  # Twilio's library has no types
    """Carries requests, at most *connections* at once; what is no success leaves as a channel's error.

    *connect* and *answer* in seconds, for TCP and TLS, and for the next part of an answer.
    """

    def __init__(self, connections: int, connect: float, answer: float) -> None:
        super().__init__(_silent, is_async=True)
        self._timeout = aiohttp.ClientTimeout(
            total=connect + 2 * answer, connect=connect, sock_connect=connect, sock_read=answer
        )
        self._room = asyncio.Semaphore(connections)
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 -- the library gives none
        allow_redirects: bool = False,
    ) -> Response:
        """Make one request of the library; raises :class:`~channels.base.ChannelError`."""
        login = {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {}
        form = form_of(data) if data else None  # its header is there already
        asked = self._asked(method, uri, {**(headers or {}), **login}, form, params, follow=allow_redirects)
        status, said, text = await asked
        return Response(status, text, said)

    async def post(self, url: URL, headers: Mapping[str, str], form: Mapping[str, str]) -> str:
        """Post a form and return the answer; raises :class:`~channels.base.ChannelError`."""
        _, _, text = await self._asked("POST", url, headers, form_of(form))
        return text

    async def _asked(
        self,
        method: str,
        url: str | URL,
        headers: Mapping[str, str],
        form: bytes | None,
        params: Mapping[str, Any] | None = None,
        *,
        follow: bool = False,
    ) -> tuple[int, Mapping[str, str], str]:
        async with self._room:
            if self._session is None:
                self._session = aiohttp.ClientSession(
                    timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
                )
            try:
                async with self._session.request(
                    method, url, params=params, data=form, headers=headers, allow_redirects=follow
                ) as answer:
                    text = (await answer.read()).decode(errors="replace")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise http.broken(error) from None
        if not 200 <= answer.status < 300:
            raise sms_codes.error(answer.status, answer.headers, text)
        return answer.status, answer.headers, text

    async def close(self) -> None:
        """Give the connections back; the next request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def form_of(values: Mapping[str, Any]) -> bytes:
    """*values* as ``application/x-www-form-urlencoded`` has them (WHATWG URL 5)."""
    return URL.build(query=values).raw_query_string.encode()
