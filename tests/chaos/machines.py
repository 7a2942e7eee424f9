"""The processes of a chaos run, and who starts them again."""

import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from tests.installation import ROOT, environment

PATIENCE = 90.0  # seconds in which a process that is told to stop must have stopped
AWAY = "error: the ledger does not answer"  # with which it ends where it cannot even begin
WRONG = re.compile(r"Traceback|\berror\b|ERROR|CRITICAL")


class Machine:
    """A place at which one process runs at a time, with a log of all of them."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "tests.chaos.clocks", str(folder / "clock"), *command]
        self._folder = folder
        self._env = env
        self._log = folder / f"{name}.log"
        self.process: subprocess.Popen[str] | None = None
        self.ended: list[int] = []  # how those ended that nobody had killed
        self.killed = 0
        self.told = False  # to stop
        self.works = False  # it has said so

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def at_work(self) -> bool:
        """Does it run, and has it begun to work?"""
        return self.is_up and self.works

    def start(self) -> None:
        """Start it, unless it runs; say how it ended if it did so by itself."""
        if self.is_up:
            return
        code = None if self.process is None else self.process.returncode
        if code not in (None, 0 if self.told else None, -signal.SIGKILL) and AWAY not in self._last_line():
            self.ended.append(code)
        self.told = False
        self.works = False
        with self._log.open("a") as log:  # a pipe, so that a full disk is not one for its words
            self.process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._env, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            log.write(f"── {self.process.pid}\n")
        self._listening = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._listening.start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with process.stderr, self._log.open("a") as log:
            for line in process.stderr:
                self.works = self.works or (process is self.process and "working on" in line)
                log.write(line)
                log.flush()

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return lines[-1] if lines else ""

    def send(self, number: int) -> bool:
        """Send a signal to it; false if it does not run."""
        if not self.is_up or self.process is None:
            return False
        self.told = self.told or number == signal.SIGTERM
        self.process.send_signal(number)
        self.killed += number == signal.SIGKILL
        return True

    def files_at_most(self, size: int) -> bool:
        """Let it write no file beyond so many bytes, as on a disk that is full; -1: as it likes."""
        if not self.is_up or self.process is None:
            return False
        limits(self.process.pid, size)
        return True

    def stopped(self) -> int:
        """Tell it to stop, and return its exit code."""
        self.send(signal.SIGCONT)
        if self.process is None:
            return 0
        if not self.told:  # whoever hears it once more at its very end is ended by it
            self.send(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._listening.join()

    def wrong(self) -> Counter[str]:
        """The lines of its log that tell of a mistake, without their numbers."""
        found: Counter[str] = Counter()
        if self._log.exists():
            for line in self._log.read_text(errors="replace").splitlines():
                if WRONG.search(line):
                    found[re.sub(r"\d+", "N", line)[-160:]] += 1
        return found


def limits(pid: int, size: int) -> None:
    """Set how large that process's files may become, where it still runs."""
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))
    except (OSError, ProcessLookupError):
        return


class Keeper:
    """Starts again what ended, after a moment, as whatever looks after services does."""

    def __init__(self, machines: Sequence[Machine], random: Random, wait: tuple[float, float]) -> None:
        self.machines = machines
        self._random = random
        self._wait = wait
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        for machine in self.machines:
            machine.start()
        self._thread.start()

    def _keep(self) -> None:
        due: dict[str, float] = {}
        while not self._ending.wait(0.1):
            for machine in self.machines:
                if machine.is_up:
                    due.pop(machine.name, None)
                elif time.monotonic() > due.setdefault(
                    machine.name, time.monotonic() + self._random.uniform(*self._wait)
                ):
                    machine.start()

    def stop(self) -> dict[str, int]:
        """Stop all of them, and return the exit codes."""
        self._ending.set()
        self._thread.join()
        for machine in self.machines:
            machine.send(signal.SIGCONT)
            machine.send(signal.SIGTERM)
        return {machine.name: machine.stopped() for machine in self.machines}


def surroundings(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of ours."""
    return environment() | dict(settings) | {"PYTHONPATH": str(ROOT)}


def beforehand(folder: Path, env: Mapping[str, str], *arguments: str) -> str:
    """Run one command; what it says."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from orchestrator.cli import main; sys.exit(main())", *arguments],
        cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed: {done.stderr}")
    return done.stdout
