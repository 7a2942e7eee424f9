"""Kept connections to one HTTP provider: a request in, an answer or one of the errors of a channel out.

HTTP/2 is httpx's, which takes 300 µs for a request over HTTP/1.1 too; those are made by hand
(:mod:`channels.http_one`, docs/decisions/0014).
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from channels.http import Answer, broken
from channels.http_one import KEPT, Connections


@dataclass
class _Line:
    """One client of HTTP/2 with its connections, and how many requests are on them."""

    client: httpx.AsyncClient
    busy: int = 0


class HttpClient:
    """Posts at most *at_once* requests at once; follows no redirect, asks no proxy.

    *timeout* is in seconds, for each phase of a request, and twice that for the whole; *connect* is for TCP
    and TLS, where that is another. Over *http2* all requests share connections, so one that answers nobody is
    left to those who wait on it, and the next request opens another.
    """

    def __init__(
        self,
        timeout: float,
        *,
        connect: float | None = None,
        at_once: int = 32,
        http2: bool = False,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = timeout
        self._at_once = at_once
        self._room = asyncio.Semaphore(at_once)
        self._connections = Connections(timeout if connect is None else connect, timeout, tls_context)
        self._asked = self._to_its_end if http2 else self._connections.ask
        self._context = tls_context
        self._line: _Line | None = None
        self._going: set[asyncio.Task[Answer]] = set()

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Return the whole answer, whatever its status; raises a :class:`~channels.base.ChannelError`."""
        return await self.ask("POST", url, headers, content)

    async def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Answer:
        """The same by any method."""
        async with self._room:
            return await self._asked(method, url, headers, content)

    async def close(self) -> None:
        """Let what is going on end, and give the connections back; another request opens new ones."""
        await asyncio.gather(*self._going, return_exceptions=True)
        line, self._line = self._line, None
        if line is not None:
            await line.client.aclose()
        await self._connections.close()

    async def _to_its_end(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Go on even if nobody waits for it any more.

        Broken off in the middle of a handshake it would leave a socket behind, and harm the requests beside
        it.
        """
        task = asyncio.ensure_future(self._over_two(method, url, headers, content))
        self._going.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._going.discard(task)
        if not task.cancelled():
            task.exception()  # which nobody may wait for any more

    async def _over_two(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        if self._line is None:
            self._line = _Line(self._client())
        line = self._line
        line.busy += 1
        try:
            async with asyncio.timeout(2 * self._timeout):
                answer = await line.client.request(method, url, headers=dict(headers), content=content)
            return Answer(answer.status_code, answer.headers, answer.content)
        except Exception as error:  # noqa: BLE001  httpcore's HTTP/2 also raises ValueError and KeyError
            if line is self._line:
                self._line = None
            raise broken(error) from None
        finally:
            line.busy -= 1
            if not line.busy and line is not self._line:
                await line.client.aclose()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            http1=False,
            http2=True,
            verify=self._context or ssl.create_default_context(),
            limits=httpx.Limits(max_connections=self._at_once, keepalive_expiry=KEPT),
            timeout=self._timeout,
            trust_env=False,
        )
