"""The lines of a file of events, however long: none takes more memory than an event may."""

from collections.abc import Iterator
from typing import BinaryIO

MAX_EVENT = 1 << 20  # bytes; CloudEvents asks for at least 64 KiB
_END = b"\n"


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield each line of *stream*; of one longer than an event may be, just enough to be refused for it."""
    while line := stream.readline(MAX_EVENT + 2):
        yield line
        while line and not line.endswith(_END):
            line = stream.readline(MAX_EVENT)
