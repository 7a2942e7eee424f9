"""A real SMTP server on loopback that plays a mail provider, and misbehaves on command.

Strict about what providers are strict about: bare CR or LF, long lines, eight-bit text nobody announced,
commands out of order.
"""

import asyncio
import re
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from typing import cast

from channels.contract.server import Server

SLOW = "slow"  # answer when told to go on, or never
CUT = "cut"  # close the connection instead of answering

_STEPS = ("connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot")


@dataclass(frozen=True)
class Mail:
    """One mail the server took: the envelope and the bytes between DATA and the dot, dots undoubled."""

    sender: str
    to: str
    content: bytes
    connection: int


@dataclass
class Order:
    """Answer *at* a step with *reply* instead of the usual, the next *times* times (0: always)."""

    at: str
    reply: str
    to: str = ""
    times: int = 0


class SmtpServer(Server):
    """A mail provider."""

    def __init__(
        self,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: bool = False,
        extensions: str = "SIZE",
    ) -> None:
        self.tls = tls
        self.login = login
        self.extensions = extensions.split()
        self.count = 0
        self.mails: list[Mail] = []
        self.commands: Counter[str] = Counter()
        self.most_open = 0
        self.orders: list[Order] = []
        self.stalled = threading.Event()  # somebody waits for an answer that does not come
        self.waiting: list[tuple[_Session, str]] = []
        self.implicit = implicit  # TLS from the first byte (RFC 8314), instead of STARTTLS
        super().__init__(port=port, tls=tls if implicit else None)

    def connection(self) -> asyncio.BaseProtocol:
        return _Session(self)

    def answering(self, reply: str, *, at: str, to: str = "", times: int = 0) -> None:
        """Answer with *reply* ("450 4.2.1 busy", :data:`SLOW`, :data:`CUT`) at that step."""
        assert at in _STEPS
        self.orders.append(Order(at, reply, to, times))

    def accepting(self) -> None:
        """Behave again."""
        self.orders.clear()
        super().accepting()

    def going_on(self) -> None:
        """Give the answers that somebody still waits for."""
        for session, usual in self.waiting:
            self.loop.call_soon_threadsafe(session.say, usual)
        self.waiting.clear()

    def ordered(self, at: str, to: str = "") -> str:
        """What the server was told to answer at this step, or ""."""
        for order in self.orders:
            if order.at == at and order.to in {"", to}:
                if order.times == 1:
                    self.orders.remove(order)
                order.times -= order.times > 0
                return order.reply
        return ""

    def take(self, mail: Mail) -> None:
        """Keep *mail* as delivered."""
        self.count += 1
        self.mails.append(mail)


class _Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.buffer = b""
        self.secure = self.known = self.in_data = self.utf8 = False
        self.sender: str | None = None
        self.to = ""
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport
        self.upgrade: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.server.sessions.add(self)
        self.server.connections += 1
        self.number = self.server.connections
        self.server.most_open = max(self.server.most_open, len(self.server.sessions))
        self.answer("connect", "220 mx.example.com ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.sessions.discard(self)
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.proceed()

    def proceed(self) -> None:
        """Obey what came whole; until the secured transport is known, nothing: an answer would be plain."""
        while self.upgrade is None or self.secure:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            head, found, rest = self.buffer.partition(end)
            if not found:
                return
            self.buffer = rest
            if self.in_data:
                self.finish(head + b"\r\n")
            else:
                self.obey(head.decode())

    def obey(self, line: str) -> None:
        """Answer one command."""
        verb = line.split(" ", 1)[0].upper()
        self.server.commands[verb] += 1
        if verb == "EHLO":
            offers = list(self.server.extensions)
            if self.server.tls and not self.secure and not self.server.implicit:
                offers.append("STARTTLS")
            if self.server.login:
                offers.append("AUTH PLAIN")
            lines = ["mx.example.com", *offers]
            self.answer("EHLO", "\r\n".join(f"250-{text}" for text in lines[:-1]) + f"\r\n250 {lines[-1]}")
        elif verb == "STARTTLS" and self.server.tls and not self.server.implicit:
            if self.answer("STARTTLS", "220 2.0.0 ready"):
                self.transport.pause_reading()  # what comes now is TLS's, which goes on reading
                self.upgrade = self.server.loop.create_task(self.secured())
        elif verb == "AUTH":
            self.known = self.answer("AUTH", "235 2.7.0 welcome")
        elif verb == "MAIL":
            self.mail(line)
        elif verb == "RCPT" and self.sender is not None:
            to = line[line.index("<") + 1 : line.index(">")]
            if self.answer("RCPT", "250 2.1.5 fine", to):
                self.to = to
        elif verb == "DATA" and self.to:
            self.in_data = self.answer("DATA", "354 go on", self.to)
        elif verb == "RSET":
            self.forget()
            self.answer("RSET", "250 2.0.0 forgotten")
        elif verb == "QUIT":
            self.answer("QUIT", "221 2.0.0 goodbye")
            self.transport.close()
        else:
            self.answer(verb, "503 5.5.1 not now")

    def mail(self, line: str) -> None:
        """Answer MAIL, strict about order and login."""
        if self.sender is not None:
            self.answer("MAIL", "503 5.5.1 nested MAIL")
        elif self.server.login and not self.known:
            self.answer("MAIL", "530 5.7.0 who are you?")
        elif self.answer("MAIL", "250 2.1.0 fine"):
            self.sender = line[line.index("<") + 1 : line.index(">")]
            self.utf8 = line.endswith("SMTPUTF8")

    def finish(self, content: bytes) -> None:
        """Answer the final dot."""
        self.in_data = False
        content = re.sub(rb"(?m)^\.\.", b".", content)
        mail, utf8 = Mail(self.sender or "", self.to, content, self.number), self.utf8
        self.forget()
        reply = self.server.ordered("dot", mail.to)
        if re.search(rb"(?<!\r)\n|\r(?!\n)|[^\n]{1000}", content):
            reply = "550 5.6.11 bare or endless lines are illegal"
        elif not content.isascii() and not utf8:
            reply = "554 5.6.1 eight-bit text was not announced"
        if reply in {"", CUT}:  # cut off now, it has the mail and nobody will hear
            self.server.take(mail)
        self.say(reply or f"250 2.0.0 Ok: queued as {self.server.count:010X}", "451 4.3.0 lost it")

    def forget(self) -> None:
        """Reset the envelope."""
        self.sender, self.to, self.utf8 = None, "", False

    def answer(self, at: str, usual: str, to: str = "") -> bool:
        """Answer as usual, and say so; or as ordered."""
        reply = self.server.ordered(at, to)
        self.say(reply or usual, usual)
        return reply in {"", SLOW}

    def say(self, reply: str, usual: str = "") -> None:
        """Write *reply*, or do what it stands for."""
        if reply == SLOW:
            self.server.waiting.append((self, usual))
            self.server.stalled.set()
        elif reply == CUT:
            self.transport.close()
        else:
            self.transport.write(f"{reply}\r\n".encode())

    async def secured(self) -> None:
        """Continue in TLS."""
        assert self.server.tls
        try:
            transport = await self.server.loop.start_tls(
                self.transport, self, self.server.tls, server_side=True
            )
        except OSError as error:
            self.connection_lost(error)
            return
        assert transport
        self.transport, self.secure = transport, True
        self.proceed()
