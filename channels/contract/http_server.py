"""A real HTTP/1.1 server on loopback that plays a provider, and misbehaves on command.

A provider subclasses :class:`HttpServer` and answers in :meth:`HttpServer.answer`. Connections are kept, as
providers keep them.
"""

import asyncio
import json
import ssl
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from channels.contract.server import Server

SLOW = "slow"  # read the request, do as asked, and answer when told to go on, or never
CUT_BEFORE = "cut before"  # close the connection at the first byte of a request, and do nothing
CUT_AFTER = "cut after"  # do as asked, and close the connection instead of answering
CUT_WITHIN = "cut within"  # do as asked, and close the connection in the middle of the answer
NONSENSE = "nonsense"  # do as asked, and answer what is no HTTP
MISDEEDS = (SLOW, CUT_BEFORE, CUT_AFTER, CUT_WITHIN, NONSENSE)


@dataclass(frozen=True)
class Request:
    """One request as it came; names of headers are small."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, content: Any, headers: Mapping[str, str] | None = None) -> "Answer":
        """An answer in JSON."""
        body = json.dumps(content).encode()
        return cls(status, body, {"Content-Type": "application/json", **(headers or {})})

    def written(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Status"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""])).encode() + self.body


@dataclass
class Order:
    """Answer requests of *method* so instead, the next *times* times (0: always)."""

    instead: Answer | str
    method: str = ""
    times: int = 0


class HttpServer(Server):
    """A provider; with *tls* it speaks HTTPS."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.requests: list[Request] = []
        self.orders: list[Order] = []
        self.waiting: list[tuple[Connection, Answer]] = []
        super().__init__(tls=tls)

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Play the provider."""

    def connection(self) -> "Connection":
        """What speaks the protocol on one connection."""
        return Connection(self)

    def answering(self, instead: Answer | str, *, method: str = "", times: int = 0) -> None:
        """Answer so, or commit one of the :data:`MISDEEDS`, instead of the usual."""
        assert isinstance(instead, Answer) or instead in MISDEEDS
        self.orders.append(Order(instead, method, times))

    def accepting(self) -> None:
        """Behave again."""
        self.orders.clear()
        super().accepting()

    def ordered(self, method: str) -> Answer | str | None:
        """What the server was told to do instead."""
        for order in self.orders:
            if order.method in {"", method}:
                if order.times == 1:
                    self.orders.remove(order)
                order.times -= order.times > 0
                return order.instead
        return None


class Connection(asyncio.Protocol):
    """One connection, requests one after another."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.buffer = b""
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.sessions.add(self)
        self.server.connections += 1
        self.number = self.server.connections

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.sessions.discard(self)
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (request := self.next()) is not None:
            self.obey(request)

    def next(self) -> Request | None:
        """Take a whole request off the buffer."""
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        method, target, _ = first.split(" ")
        split = urlsplit(target)
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        return Request(method, unquote(split.path), query, headers, rest[:length], self.number)

    def obey(self, request: Request) -> None:
        """Answer as a provider would, or as ordered."""
        instead = self.server.ordered(request.method)
        if instead == CUT_BEFORE:
            self.transport.abort()
            return
        self.server.requests.append(request)
        if isinstance(instead, Answer):
            self.say(request, instead)
            return
        answer = self.server.answer(request)
        match instead:
            case None:
                self.say(request, answer)
            case "slow":
                self.server.waiting.append((self, answer))
            case "cut after":
                self.transport.close()
            case "cut within":
                self.begin_to_say(request, answer)
                self.transport.close()
            case _:
                self.transport.write(b"SMTP 220 hello\r\n\r\n")
                self.transport.close()

    def say(self, request: Request, answer: Answer) -> None:
        """Send the whole answer."""
        self.transport.write(answer.written())

    def begin_to_say(self, request: Request, answer: Answer) -> None:
        """Send all but the end of it."""
        self.transport.write(answer.written()[:-5])
