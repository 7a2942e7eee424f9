"""A way through loopback that can be cut: bytes pass as they come, until they do not."""

import asyncio
from contextlib import suppress

from channels.contract.server import Server

ENOUGH = 65_536


class Way(asyncio.Protocol):
    """One side of a connection; what it hears, the other side says."""

    def __init__(self, proxy: "Proxy", other: "Way | None" = None) -> None:
        self.proxy = proxy
        self.other = other
        self.early = b""
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.proxy.sessions.add(self)
        if self.other is None:
            self.proxy.connections += 1
            self.proxy.tasks.add(task := self.proxy.loop.create_task(self.reach()))
            task.add_done_callback(self.proxy.tasks.discard)

    async def reach(self) -> None:
        """Connect the other side."""
        try:
            target = self.proxy.target
            if isinstance(target, str):
                _, other = await self.proxy.loop.create_unix_connection(lambda: Way(self.proxy, self), target)
            else:
                _, other = await self.proxy.loop.create_connection(lambda: Way(self.proxy, self), *target)
        except OSError:
            self.transport.abort()
            return
        self.other = other
        other.transport.write(self.early)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early += data
        elif not self.other.transport.is_closing():
            self.other.transport.write(data)
            self.proxy.passed += len(data)
            if 0 < self.proxy.until <= self.proxy.passed:
                self.proxy.until = 0
                self.proxy.break_all()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.proxy.sessions.discard(self)
        self.gone.set()
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.close()


class Proxy(Server):
    """Listens on a port of its own for a *target*: a host and a port, or the path of a socket."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self.target = target
        self.tasks: set[asyncio.Task[None]] = set()
        self.passed = 0
        self.until = 0
        super().__init__()

    def connection(self) -> Way:
        return Way(self)

    def breaking(self, after: int = 0) -> None:
        """Break every connection, as if a cable were pulled: now, or once so many more bytes have passed."""
        if after:
            self.until = self.passed + after
        else:
            self.loop.call_soon_threadsafe(self.break_all)

    def break_all(self) -> None:
        """Do so, in its own thread."""
        for session in list(self.sessions):
            with suppress(RuntimeError):
                session.transport.abort()
