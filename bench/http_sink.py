"""An HTTP server that takes every request and forgets it, in a process of its own: it costs us nothing.

``python -m bench.http_sink STATUS BODY`` prints its port, answers each line on its input with how many
requests it took, and ends with its input. In BODY ``%d`` is the number of the request.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.sink import Sink

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Answers(asyncio.Protocol):
    """One connection, requests one after another."""

    taken = 0
    status = 200
    body = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        said = _LENGTH.search(head)
        length = int(said[1]) if said else 0
        if len(rest) < length:
            return False
        self._buffer = rest[length:]
        Answers.taken += 1
        body = Answers.body.replace("%d", f"{Answers.taken:032x}").encode()
        lines = (
            f"HTTP/1.1 {Answers.status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        self._transport.write(f"{lines}\r\n\r\n".encode() + body)
        return True


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answers, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(Answers.taken, flush=True)
    server.close()


@contextmanager
def running(status: int, body: str) -> Iterator[Sink]:
    """Have such a server for the length of the block."""
    command = [sys.executable, "-m", "bench.http_sink", str(status), body]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        yield Sink(process)
        assert process.stdin is not None
        process.stdin.close()


if __name__ == "__main__":
    Answers.status, Answers.body = int(sys.argv[1]), sys.argv[2]
    asyncio.run(_serve())
