"""One machine of several, in a process of its own.

``python -m bench.machine URL ROLE PORT CONNECTIONS LEASE SINCE``: with a LEASE in seconds, other than 0, time
goes on for it, and has done so since then (a Unix time). It prints a line when all is loaded, waits for a
line, works until the next one, and prints the seconds of the processor it used meanwhile.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.dealership import NOW, dealership
from channels.email import EmailChannel
from orchestrator import garbage
from orchestrator.clock import Clock, VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.sending.dispatch import LEASE, Dispatcher
from orchestrator.transport.distributed import DistributedTransport, Part
from orchestrator.transport.local import LocalTransport

TICK = timedelta(seconds=1)


class Machine:
    """One of them as the bench sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._is_ready = False

    def ready(self) -> None:
        """Wait until it has loaded all."""
        if not self._is_ready:
            self.line()
            self._is_ready = True

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def say(self) -> None:
        """Have it begin, or end."""
        self.ready()
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def line(self) -> str:
        """What it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def begun(command: list[str]) -> Iterator[Machine]:
    """Start a process that says a line when it has loaded all; several load at the same time."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield Machine(process)
        finally:
            process.kill()


@contextmanager
def started(
    url: str, port: int, connections: int, role: str, *, lease: int = 0, since: float = 0
) -> Iterator[Machine]:
    """A machine with that role, which loads all and then waits."""
    numbers = [str(one) for one in (port, connections, lease, since)]
    command = [sys.executable, "-m", "bench.machine", url, role, *numbers]
    with begun(command) as machine:
        yield machine


@dataclass(frozen=True)
class Going:
    """Shows how much later it is by now than it was *since* then, when it was :data:`NOW`."""

    since: float

    def now(self) -> datetime:
        return NOW + timedelta(seconds=time.time() - self.since)


async def _work(engine: Engine, port: int, connections: int, role: str, lease: int, since: float) -> None:
    channels = {"email": EmailChannel("127.0.0.1", port, "none", connections=connections)}
    clock: Clock = Going(since) if lease else VirtualClock(NOW)
    held = timedelta(seconds=lease) if lease else LEASE
    dispatcher = Dispatcher(engine, dealership().composer, channels, clock, lease=held)
    transport: LocalTransport | DistributedTransport
    if role == "all":
        transport = LocalTransport(engine, dispatcher, clock, TICK)
    else:
        transport = DistributedTransport(engine, dispatcher, clock, TICK, frozenset({Part(role)}))
    stop = asyncio.Event()
    running = asyncio.create_task(transport.run(stop))
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()
    await running


def main(arguments: Sequence[str]) -> None:
    """Be one of them."""
    url, role, port, connections, lease, since = arguments
    garbage.seldom()
    with Ledger.open(url) as opened:
        engine = Engine(opened, dealership().book)
        garbage.settled()
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.process_time()
        asyncio.run(_work(engine, int(port), int(connections), role, int(lease), float(since)))
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
