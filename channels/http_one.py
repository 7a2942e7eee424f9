"""HTTP/1.1 over kept connections (RFC 9112): a request out, its whole answer in.

A provider asks for no more: no redirect is followed, no cookie kept, nothing streamed or compressed. aiohttp
can do all that, and takes 117 µs for a text where this takes some 45 (docs/decisions/0014). What comes is
read by llhttp (:mod:`channels.http_answers`).
"""

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache, partial
from time import monotonic

from yarl import URL

from channels.base import Misconfigured
from channels.http import NO_ADDRESS, Answer, broken, unconnected
from channels.http_answers import Answers, Nonsense

KEPT = 300  # seconds that an idle connection is kept
BESIDE = 0.25  # seconds after which the next address of a host is tried as well (RFC 8305)


class _Line(asyncio.Protocol):
    """One connection; one request at a time waits for its answer on it."""

    def __init__(self) -> None:
        self.is_open = True  # and good for another request
        self.since = 0.0  # when it was given back
        self._answers = Answers()
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, request: bytes, seconds: float) -> Answer:
        """Send *request* and wait so long for its answer; whatever goes wrong ends the connection."""
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        timer = loop.call_later(seconds, self._ends, TimeoutError())
        try:
            self._transport.write(request)
            return await self._waiting
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def data_received(self, data: bytes) -> None:
        if self._waiting is None or self._waiting.done():
            self.close()  # nobody asked for this
            return
        try:
            found = self._answers.take(data)
        except Nonsense as nonsense:
            self._ends(nonsense)
            return
        if found is not None:
            answer, self.is_open = found
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        answer = self._answers.end()
        if answer is None:
            self._ends(exc or ConnectionResetError())
        elif self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def close(self) -> None:
        """End the connection, now."""
        self.is_open = False
        self._transport.abort()

    def _ends(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)


_Place = tuple[str, str, int]  # scheme, host, port


class Connections:
    """Connections to any place; *connect* and *answer* are the seconds for each to come.

    How many there are at once is for whoever asks to say.
    """

    def __init__(self, connect: float, answer: float, tls_context: ssl.SSLContext | None = None) -> None:
        self._connect, self._answer = connect, answer
        self._context = tls_context
        self._idle: dict[_Place, list[_Line]] = {}  # the one given back last at the end
        self._opening: set[asyncio.Task[_Line]] = set()

    async def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Return the whole answer, whatever its status; raises a :class:`~channels.base.ChannelError`."""
        place, head = _head(method, url, tuple(headers.items()))
        request = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(content), content)
        idle = self._idle.setdefault(place, [])
        line = _kept(idle) or await self._opened(place, idle)
        try:
            answer = await line.ask(request, self._answer)
        except Exception as error:  # noqa: BLE001  whatever it was, the request may have left
            raise broken(error) from None
        _give_back(line, idle)
        return answer

    async def close(self) -> None:
        """Give the connections back; another request opens new ones."""
        await asyncio.gather(*self._opening, return_exceptions=True)
        for lines in self._idle.values():
            while lines:
                lines.pop().close()
        await asyncio.sleep(0)  # a transport ends in the next turn of the loop

    async def _opened(self, place: _Place, idle: list[_Line]) -> _Line:
        """A new connection. It comes about even if nobody waits for it any more, for the next request.

        Broken off in the middle it would leave a socket behind.
        """
        task = asyncio.ensure_future(self._connected(place))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(partial(_left, idle))
            raise

    async def _connected(self, place: _Place) -> _Line:
        scheme, host, port = place
        if scheme == "https" and self._context is None:
            self._context = ssl.create_default_context()
        context = self._context if scheme == "https" else None
        try:
            async with asyncio.timeout(self._connect):
                _, line = await asyncio.get_running_loop().create_connection(
                    _Line, host, port, ssl=context, happy_eyeballs_delay=BESIDE
                )
        except (OSError, ValueError) as error:  # TimeoutError, gaierror and SSLError are of the first kind
            raise unconnected(error) from None
        return line


def _left(idle: list[_Line], task: asyncio.Task[_Line]) -> None:
    """Keep the connection that nobody waited for, if it came about."""
    if not task.cancelled() and task.exception() is None:
        _give_back(task.result(), idle)


def _give_back(line: _Line, idle: list[_Line]) -> None:
    """Keep it for the next request, unless it is over."""
    if line.is_open:
        line.since = monotonic()
        idle.append(line)
    else:
        line.close()


@lru_cache(maxsize=64)  # most channels ask for the same again and again
def _head(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[_Place, bytes]:
    """Where a request goes and how it begins; raises Misconfigured for what cannot be sent."""
    try:
        place = URL(url)
        scheme, host, port = place.scheme, place.raw_host, place.port
    except ValueError:
        raise Misconfigured(NO_ADDRESS) from None
    if scheme not in {"http", "https"} or not host or not port:
        raise Misconfigured(NO_ADDRESS)
    fields = {
        "Host": place.host_port_subcomponent or host,
        "User-Agent": "beforehand",
        "Accept-Encoding": "identity",
        **dict(headers),
    }
    if not "".join(fields.values()).isprintable():  # one header would become two
        raise Misconfigured("a header cannot be sent: it has characters that are no text")
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    return (scheme, host, port), f"{method} {place.raw_path_qs} HTTP/1.1\r\n{lines}".encode()


def _kept(idle: list[_Line]) -> _Line | None:
    """The connection that was used last, if it is still good; what is too old is closed."""
    oldest = monotonic() - KEPT
    while idle and idle[0].since < oldest:
        idle.pop(0).close()
    while idle:
        line = idle.pop()
        if line.is_open:
            return line
    return None
