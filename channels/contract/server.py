"""What servers that play providers have in common: a thread and an event loop of their own, on loopback."""

import asyncio
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")


class Session(Protocol):
    """One connection, as the server must know it."""

    transport: asyncio.Transport
    gone: asyncio.Event


class Server(ABC):
    """Runs from construction to :meth:`close`; usable as a context manager.

    With *tls* every connection speaks TLS from its first byte.
    """

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.host, self.port = "127.0.0.1", port
        self.connections = 0
        self.sessions: set[Any] = set()
        self.loop = asyncio.new_event_loop()
        self._at_once = tls
        self._listening: asyncio.Server | None = None
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._wait(self._listen())

    @abstractmethod
    def connection(self) -> asyncio.BaseProtocol:
        """What speaks the protocol on one connection: a :class:`Session` that enters :attr:`sessions`."""

    def accepting(self) -> None:
        """Listen, if it did not."""
        self._wait(self._listen())

    def refusing(self) -> None:
        """Stop listening: a connection is refused."""
        self._wait(self._stop())

    def dropping_idle(self) -> None:
        """Close every open connection, as providers do after some minutes."""
        self._wait(self._drop())

    def left_alone(self) -> None:
        """Return when every client has hung up by itself; ``TimeoutError`` after ten seconds."""
        self._wait(asyncio.wait_for(self._left_alone(), 10))

    def close(self) -> None:
        """Stop for good."""
        if self.loop.is_closed():
            return
        self.refusing()
        self.dropping_idle()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def _listen(self) -> None:
        if self._listening is None:
            self._listening = await self.loop.create_server(
                self.connection, self.host, self.port, ssl=self._at_once
            )
            self.port = self._listening.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def _drop(self) -> None:
        for session in list(self.sessions):
            # a goodbye in TLS waits for the other side's
            session.transport.abort() if self._at_once else session.transport.close()
        await self._left_alone()

    async def _left_alone(self) -> None:
        await asyncio.gather(*(session.gone.wait() for session in list(self.sessions)))
