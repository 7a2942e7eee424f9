"""An SMTP server that takes every mail and forgets it, in a process of its own, so that it costs us nothing.

``python -m bench.sink`` prints its port, answers each line on its input with how many mails it took and how
many different recipients had some since it was told ``anew``, and ends with its input.
"""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

END = b"\r\n.\r\n"
ANEW = "anew\n"


class Mailbox(asyncio.Protocol):
    """One connection: answers as few words as RFC 5321 allows."""

    taken = 0
    known: ClassVar[set[bytes]] = set()

    def __init__(self) -> None:
        self._buffer = b""
        self._in_mail = False
        self._to = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        if self._in_mail:
            _mail, end, rest = self._buffer.partition(END)
            if not end:
                return False
            self._buffer, self._in_mail = rest, False
            Mailbox.taken += 1
            Mailbox.known.add(self._to)
            self._transport.write(b"250 2.0.0 taken\r\n")
            return True
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return False
        self._buffer = rest
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._to = line
        if verb == b"DATA":
            self._in_mail = True
            self._transport.write(b"354 go on\r\n")
        elif verb == b"EHLO":
            self._transport.write(b"250-sink\r\n250 SIZE 10000000\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 ok\r\n")
        return True


def encrypting(certificate: str, *protocols: str) -> ssl.SSLContext:
    """How a server encrypts under the *certificate* in that file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


async def serve(sink: Any, tls: ssl.SSLContext | None = None) -> None:
    """Be a sink, a protocol that counts what it took on all connections, until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(sink, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    while said := await asyncio.to_thread(sys.stdin.readline):
        known = getattr(sink, "known", set())
        if said == ANEW:
            known.clear()
        print(sink.taken, len(known), flush=True)
    server.close()


class Sink:
    """The sink as the bench sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.port = int(self._said())

    def taken(self) -> int:
        """How many mails it took so far."""
        return self._asked("\n")[0]

    def different(self) -> int:
        """How many recipients had mails since :meth:`anew`."""
        return self._asked("\n")[1]

    def anew(self) -> None:
        """Count recipients from here on."""
        self._asked(ANEW)

    def _asked(self, words: str) -> tuple[int, int]:
        assert self._process.stdin is not None
        self._process.stdin.write(words)
        self._process.stdin.flush()
        taken, different = self._said().split()
        return int(taken), int(different)

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def running(module: str = "bench.sink", *arguments: str) -> Iterator[Sink]:
    """Have the sink of a *module* for the length of the block."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        yield Sink(process)
        assert process.stdin is not None
        process.stdin.close()


if __name__ == "__main__":
    asyncio.run(serve(Mailbox))
