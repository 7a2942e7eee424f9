"""An HTTP server that takes every request and forgets it, in a process of its own: it costs us nothing.

``python -m bench.http_sink STATUS BODY [CERTIFICATE]`` prints its port, answers each line on its input
with how many requests it took, and ends with its input. In BODY ``%d`` is the number of the request.
"""

import asyncio
import re
import sys

from bench import sink

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


if __name__ == "__main__":
    Answers.status, Answers.body = int(sys.argv[1]), sys.argv[2]
    asyncio.run(sink.serve(Answers, sink.encrypting(sys.argv[3]) if len(sys.argv) > 3 else None))
