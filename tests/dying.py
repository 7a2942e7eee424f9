"""Dispatchers that die at a given point: ``python -m tests.dying`` imports all once, and forks for each.

It reads one order a line, as JSON, and answers with a line at once, the process id, and with another at the
end: how it ended. A *point* is an entry into or a return from a function of the ledger, of sending or of the
channels: what is done between two of them is done once. Nothing of it is in the product: Python's profiler
calls us.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
PLACES = tuple(
    str(ROOT / name) + os.sep for name in ("orchestrator/ledger", "orchestrator/sending", "channels")
)


@dataclass(frozen=True)
class Ended:
    """How one of them ended: killed, or with what it says."""

    killed: bool
    said: dict[str, Any]


class Dying:
    """The process that forks, as a test sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = 0  # of the one that works now

    def begin(self, work: str, url: str, now: datetime, **more: Any) -> int:
        """Have somebody do that *work* (a function below) on the ledger at *url*; its process id."""
        assert self._process.stdin is not None
        order = {"work": work, "url": url, "now": now.isoformat(), **more}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._line())
        return self.pid

    def end(self) -> Ended:
        """Wait for the end of that work."""
        status, _, said = self._line().partition(" ")
        if status not in {"0", f"-{int(signal.SIGKILL)}"}:
            raise AssertionError(f"it ended with {status}: {said}")
        return Ended(status != "0", json.loads(said) if said.strip() else {})

    def do(self, work: str, url: str, now: datetime, **more: Any) -> Ended:
        self.begin(work, url, now, **more)
        return self.end()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks is gone"
        return line.strip()


@contextmanager
def dying() -> Iterator[Dying]:
    """The process that forks, for the length of the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.dying"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        try:
            yield Dying(process)
        finally:
            process.kill()


# ── in that process ──────────────────────────────────────────────────────────


class Points:
    """Counts points, and dies at the *number*-th, or at the first of that *name*: ``enter Records.begin``.

    With *freezes* it is stopped there, until somebody lets it go on.
    """

    def __init__(self, number: int, name: str, *, freezes: bool = False) -> None:
        self._number = number
        self._name = name
        self._signal = signal.SIGSTOP if freezes else signal.SIGKILL
        self._ours: dict[str, bool] = {}
        self.passed = 0

    def __call__(self, frame: FrameType, what: str, _: Any) -> None:
        if what not in {"call", "return"}:
            return
        file = frame.f_code.co_filename
        ours = self._ours.get(file)
        if ours is None:
            ours = self._ours[file] = file.startswith(PLACES)
        if ours:
            self.passed += 1
            verb = "enter" if what == "call" else "leave"
            if self.passed == self._number or self._name == f"{verb} {frame.f_code.co_qualname}":
                self._name = ""
                os.kill(os.getpid(), self._signal)


def _house(order: dict[str, Any]) -> Any:
    from channels.email import EmailChannel
    from orchestrator.clock import Clock, VirtualClock
    from tests.integration import dealership, texting

    dealership.KEPT_IN = lambda _: order["url"]
    channels: dict[str, Any] = {}
    if "mail" in order:
        channels["email"] = EmailChannel("127.0.0.1", order["mail"], "none", connections=1)
    if "texts" in order:
        channels["sms"] = texting.to(Where(order["texts"]), connect=5, answer=60)
    rules = dealership.RULES.replace("[email]", f"[{order.get('channel', 'email')}]")
    clock: Clock = VirtualClock(datetime.fromisoformat(order["now"]))
    if "shown" in order:
        clock = Shown(Path(order["shown"]))
    return dealership.Dealership(
        Path(order["folder"]), channels, rules_text=rules, clock=clock, live=order.get("live", False)
    )


@dataclass(frozen=True)
class Shown:
    """A clock that shows what stands in a file."""

    file: Path

    def now(self) -> datetime:
        return datetime.fromisoformat(self.file.read_text())


@dataclass(frozen=True)
class Where:
    """Where Twilio is."""

    url: str


def send(order: dict[str, Any]) -> dict[str, Any]:
    """Send what is due; or die on the way."""
    house = _house(order)
    points = Points(order.get("number", 0), order.get("name", ""), freezes=order.get("freezes", False))

    async def drain() -> None:
        sys.setprofile(points)
        await house.dispatcher.drain()
        sys.setprofile(None)
        await house.dispatcher.close()

    asyncio.run(drain())
    return {"points": points.passed, "counts": dict(house.dispatcher.counts)}


def rescue(order: dict[str, Any]) -> dict[str, Any]:
    """Take back what dead workers held, and send what is due."""
    house = _house(order)

    async def both() -> int:
        swept: int = await house.dispatcher.sweep()
        await house.dispatcher.drain()
        await house.dispatcher.close()
        return swept

    return {"swept": asyncio.run(both())}


def claim(order: dict[str, Any]) -> dict[str, Any]:
    """Claim all there is."""
    from datetime import timedelta
    from uuid import uuid4

    from orchestrator.ledger import Ledger

    taken: list[int] = []
    with Ledger.open(order["url"]) as ledger:
        while True:
            with ledger.transaction() as tx:
                found = tx.claim(datetime.fromisoformat(order["now"]), 500, str(uuid4()), timedelta(hours=1))
            if not found:
                return {"taken": taken}
            taken += [entry.id for entry in found]


def plan(order: dict[str, Any]) -> dict[str, Any]:
    """Plan what is marked."""
    house = _house(order)
    count = 0
    while found := house.engine.plan_changed(house.clock.now()):
        count += found
    return {"planned": count}


WORK = {"send": send, "rescue": rescue, "claim": claim, "plan": plan}


def _in_a_fork(order: dict[str, Any], write: int) -> None:
    try:
        said = json.dumps(WORK[order["work"]](order)).encode()
    except BaseException as error:  # noqa: BLE001  whatever it is, whoever asked reads it
        os.write(write, f"{type(error).__name__}: {error}".replace("\n", " ").encode()[:4000])
        os._exit(1)
    os.write(write, said)
    os._exit(0)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Fork for every order that is read."""
    import channels.email  # noqa: F401
    import orchestrator.ledger.migrations
    import orchestrator.ledger.postgres
    import orchestrator.ledger.sqlite  # noqa: F401
    from orchestrator import garbage
    from tests.contracts import smtp_server  # noqa: F401
    from tests.integration import dealership, texting  # noqa: F401

    garbage.settled()  # to look at each object would be to copy it in each fork
    for line in sys.stdin:
        read, write = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(read)
            with suppress(BaseException):
                _in_a_fork(json.loads(line), write)
            os._exit(1)
        os.close(write)
        _say(f"{pid}")
        with os.fdopen(read, "rb") as said:
            words = said.read().decode()
        _, status = os.waitpid(pid, 0)
        _say(f"{os.waitstatus_to_exitcode(status)} {words}")


if __name__ == "__main__":
    main()
