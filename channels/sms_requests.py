"""How the requests of Twilio's library travel: over kept connections of aiohttp, each with its timeouts.

Twilio's own asynchronous client keeps no timeout, loses ``Retry-After`` and logs whom it writes to.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

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
        form = urlencode(data, doseq=True).encode() if data else None  # its header is there already
        async with self._room:
            if self._session is None:
                self._session = aiohttp.ClientSession(
                    timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
                )
            try:
                async with self._session.request(
                    method, uri, params=params, data=form, headers={**(headers or {}), **login},
                    allow_redirects=allow_redirects,
                ) as answer:  # fmt: skip
                    text = (await answer.read()).decode(errors="replace")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise http.broken(error) from None
        if not 200 <= answer.status < 300:
            raise sms_codes.error(answer.status, answer.headers, text)
        return Response(answer.status, text, answer.headers)

    async def close(self) -> None:
        """Give the connections back; the next request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
