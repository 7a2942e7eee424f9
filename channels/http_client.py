"""Kept connections to one HTTP provider: a request in, an answer or one of the errors of a channel out.

Over HTTP/1.1 they are aiohttp's own: a request costs 90 µs, and 300 through httpx over the same transport
(docs/decisions/0014). HTTP/2 is httpx's.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import httpx

from channels.http import broken

KEPT = 300  # seconds that an idle connection is kept


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of ``headers`` are found in any case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Is it 2xx?"""
        return 200 <= self.status_code < 300

    @property
    def text(self) -> str:
        """What it says, whatever it is."""
        return self.content.decode(errors="replace")


@dataclass
class _Line:
    """One client of HTTP/2 with its connections, and how many requests are on them."""

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
        self._asked = self._over_two if http2 else self._over_one
        self._context = tls_context
        self._session: aiohttp.ClientSession | None = None
        self._line: _Line | None = None
        self._going: set[asyncio.Task[Answer]] = set()

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
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
        session, self._session = self._session, None
        if line is not None:
            await line.client.aclose()
        if session is not None:
            await session.close()

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._going.discard(task)
        if not task.cancelled():
            task.exception()  # which nobody may wait for any more

    async def _post(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        async with self._room:
            return await self._asked(url, headers, content)

    async def _over_one(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        if self._session is None:
            self._session = self._opened()
        try:
            async with self._session.post(
                url, data=content, headers=headers, allow_redirects=False
            ) as answer:
                return Answer(answer.status, answer.headers, await answer.read())
        except Exception as error:  # noqa: BLE001  a URL that is none is a ValueError
            raise broken(error) from None

    def _opened(self) -> aiohttp.ClientSession:
        each = self._timeout
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=self._context or ssl.create_default_context(),
                limit=self._at_once,
                keepalive_timeout=KEPT,
            ),
            timeout=aiohttp.ClientTimeout(total=2 * each, connect=each, sock_connect=each, sock_read=each),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def _over_two(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        if self._line is None:
            self._line = _Line(self._client())
        line = self._line
        line.busy += 1
        try:
            async with asyncio.timeout(2 * self._timeout):
                answer = await line.client.post(url, headers=dict(headers), content=content)
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
