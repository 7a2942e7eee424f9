"""The memory of a daemon that has nothing to do, against an interpreter that has nothing to do."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.dealership import folder
from bench.report import Line
from bench.starting import COMMAND

SETTLED = 5.0  # seconds: several ticks, the first look at the rules, every late import
TARGET = 150  # MB


def measure() -> list[Line]:
    """`beforehand run` on an installation that `beforehand init` made."""
    with folder() as home:
        subprocess.run([COMMAND, "init"], cwd=home, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
        daemon = _resident([COMMAND, "run"], home, "working on")
        alone = _resident(
            [sys.executable, "-c", "import sys; print('here', file=sys.stderr); input()"], home, "here"
        )
    return [
        Line(
            "idle", "resident memory of `beforehand run`", f"{daemon:.0f} MB", f"{alone:.0f} MB",
            f"{daemon / alone:.0f} × Python alone", f"under {TARGET} MB", daemon < TARGET,
        )
    ]  # fmt: skip


def _resident(command: list[str], home: Path, ready: str) -> float:
    """Megabytes that *command* holds some seconds after it said *ready*."""
    with subprocess.Popen(  # noqa: S603
        command, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        for said in process.stderr:
            if ready in said:
                break
        else:
            raise SystemExit(f"it did not start: {said}")
        time.sleep(SETTLED)
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.send_signal(signal.SIGTERM)
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kilobytes) / 1024
