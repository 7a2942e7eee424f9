"""How long a command takes from start to end, against the interpreter alone.

Modules are compiled once beforehand, as an installation does: whoever runs it from then on has bytecode.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.dealership import ROOT
from bench.report import Line

RUNS = 7
TARGET = 0.8  # seconds
COMMAND = str(Path(sys.executable).with_name("beforehand"))


def measure() -> list[Line]:
    """`check` on the delivered rules and templates, `--help`, and an interpreter that does nothing."""
    with TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return _measured(environment)


def _measured(environment: Mapping[str, str]) -> list[Line]:
    floor = _seconds([sys.executable, "-c", ""], environment)
    lines = []
    for words, target in ((["check"], TARGET), (["--help"], None)):
        wall, cpu = _seconds([COMMAND, *words], environment)
        lines.append(
            Line(
                "start", f"beforehand {' '.join(words)}", f"{wall:.2f} s ({cpu:.2f} s CPU)",
                f"{floor[0]:.2f} s ({floor[1]:.2f} s CPU)", f"{wall / floor[0]:.0f} × Python alone",
                f"under {target} s" if target else "", wall < target if target else None,
            )
        )  # fmt: skip
    return lines


def _seconds(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds on the wall and of the processor: the middle of several runs after one that compiles."""
    runs = [_run(command, environment) for _ in range(RUNS + 1)][1:]
    return statistics.median(wall for wall, _ in runs), statistics.median(cpu for _, cpu in runs)


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    from resource import RUSAGE_CHILDREN, getrusage

    before, began = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    wall, after = time.perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
