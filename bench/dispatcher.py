"""One dispatcher in a process of its own: ``python -m bench.dispatcher FILE PORT``.

It prints a line when all is loaded, waits for a line, sends what is due in the ledger to the SMTP server, and
prints how many entries it took and the seconds of the processor it used.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.dealership import NOW, dealership
from bench.report import Cost
from channels.email import EmailChannel
from orchestrator import garbage
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.sending.dispatch import LANES, Dispatcher


def several(count: int, file: Path, port: int, connections: int) -> Cost:
    """Have *count* dispatchers share the ledger and the *connections*; from start to the last one's end."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_started(file, port, connections // count)) for _ in range(count)]
        began = time.perf_counter()
        for worker in workers:
            _say(worker)
        ended = [_line(worker).split() for worker in workers]
        wall = time.perf_counter() - began
    return Cost(wall, sum(float(cpu) for _, cpu in ended), sum(int(taken) for taken, _ in ended))


@contextmanager
def _started(file: Path, port: int, connections: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "bench.dispatcher", str(file), str(port), str(connections)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:  # noqa: S603
        try:
            _line(worker)
            yield worker
        finally:
            worker.kill()


def _say(worker: "subprocess.Popen[str]") -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def _line(worker: "subprocess.Popen[str]") -> str:
    assert worker.stdout is not None
    return worker.stdout.readline()


async def drained(dispatcher: Dispatcher) -> int:
    """Send what is due as `drain` does, before it plans on; return how many entries were taken."""

    async def lane() -> int:
        taken = 0
        while count := await dispatcher.one_batch():
            taken += count
        return taken

    taken = sum(await asyncio.gather(*(lane() for _ in range(LANES))))
    await dispatcher.close()
    return taken


def main(arguments: Sequence[str]) -> None:
    """Be one dispatcher."""
    file, port, connections = arguments
    garbage.seldom()
    with Ledger.open(f"sqlite:///{file}") as opened:
        engine = Engine(opened, dealership().book)
        channel = EmailChannel("127.0.0.1", int(port), "none", connections=int(connections))
        dispatcher = Dispatcher(engine, dealership().composer, {"email": channel}, VirtualClock(NOW))
        garbage.settled()
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.process_time()
        taken = asyncio.run(drained(dispatcher))
        print(taken, time.process_time() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
