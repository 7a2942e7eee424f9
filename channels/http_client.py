"""Kept connections to one HTTP provider: a request in, an answer or one of the errors of a channel out."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from httpx_aiohttp import AiohttpTransport

from channels.http import broken

KEPT = 300  # seconds that an idle connection is kept


@dataclass
class _Line:
    """One client with its connections, and how many requests are on them."""

    client: httpx.AsyncClient
    busy: int = 0


class HttpClient:
    """Posts at most *at_once* requests at once; follows no redirect, asks no proxy.

    *timeout* is in seconds, for each phase of a request, and twice that for the whole. Over *http2* all
    requests share connections, so one that answers nobody is left to those who wait on it, and the next
    request opens another.
    """

    def __init__(
        self,
        timeout: float,
        *,
        at_once: int = 32,
        http2: bool = False,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = timeout
        self._at_once = at_once
        self._room = asyncio.Semaphore(at_once)
        self._http2 = http2
        self._context = tls_context
        self._line: _Line | None = None
        self._going: set[asyncio.Task[httpx.Response]] = set()

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> httpx.Response:
        """Return the whole answer, whatever its status; raises a :class:`~channels.base.ChannelError`.

        A request goes on to its end even if nobody waits for it any more: broken off in the middle of a
        handshake it would leave a socket behind, and harm the requests beside it.
        """
        task = asyncio.ensure_future(self._post(url, headers, content))
        self._going.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Let what is going on end, and give the connections back; another request opens new ones."""
        await asyncio.gather(*self._going, return_exceptions=True)
        line, self._line = self._line, None
        if line is not None:
            await line.client.aclose()

    def _ended(self, task: asyncio.Task[httpx.Response]) -> None:
        self._going.discard(task)
        if not task.cancelled():
            task.exception()  # which nobody may wait for any more

    async def _post(self, url: str, headers: Mapping[str, str], content: bytes) -> httpx.Response:
        async with self._room:
            return await self._asked(url, headers, content)

    async def _asked(self, url: str, headers: Mapping[str, str], content: bytes) -> httpx.Response:
        if self._line is None:
            self._line = _Line(self._client())
        line = self._line
        line.busy += 1
        try:
            async with asyncio.timeout(2 * self._timeout):
                return await line.client.post(url, headers=dict(headers), content=content)
        except Exception as error:  # noqa: BLE001  httpcore's HTTP/2 also raises ValueError and KeyError
            if self._http2 and line is self._line:
                self._line = None
            raise broken(error) from None
        finally:
            line.busy -= 1
            if not line.busy and line is not self._line:
                await line.client.aclose()

    def _client(self) -> httpx.AsyncClient:
        context = self._context or ssl.create_default_context()
        limits = httpx.Limits(max_connections=self._at_once, keepalive_expiry=KEPT)
        if self._http2:
            return httpx.AsyncClient(
                http1=False, http2=True, verify=context, limits=limits, timeout=self._timeout, trust_env=False
            )
        transport = AiohttpTransport(verify=context, limits=limits)
        return httpx.AsyncClient(transport=transport, timeout=self._timeout, trust_env=False)
