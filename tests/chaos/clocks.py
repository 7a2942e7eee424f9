"""A process of ours whose clock can be moved: ``python -m tests.chaos.clocks FILE COMMAND …``.

The file holds two numbers, *ahead speed since*: how many seconds it is ahead of the machine's, and how much
faster it runs since that moment. Everything that asks for the time gets it from there, down to the C level;
monotonic clocks are left alone, as they are when a machine's clock is set.
"""

import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOK = 0.05  # seconds between two looks at the file


class Clock:
    """What the file says, for whoever writes it and for whoever follows it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def say(self, ahead: float, speed: float, since: float) -> None:
        """Let it be so many seconds *ahead*, and run so much faster *since* then."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{ahead} {speed} {since}")
        new.replace(self.file)

    def ahead(self, real: float) -> float:
        """How many seconds it is ahead at that moment of the machine's clock."""
        ahead, speed, since = map(float, self.file.read_text().split())
        return ahead + (real - since) * (speed - 1)


def main(file: str, *command: str) -> int:
    """Be `beforehand`, by the clock in that *file*."""
    import time_machine

    clock, real, monotonic = Clock(Path(file)), time.time(), time.monotonic()
    ahead = clock.ahead(real)
    shown = datetime.fromtimestamp(real + ahead, UTC)
    with time_machine.travel(shown, tick=True) as moved:

        def follow() -> None:
            nonlocal ahead
            while True:
                time.sleep(LOOK)
                with suppress(OSError, ValueError):
                    wanted = clock.ahead(real + time.monotonic() - monotonic)
                    if wanted != ahead:
                        moved.shift(timedelta(seconds=wanted - ahead))
                        ahead = wanted

        threading.Thread(target=follow, daemon=True).start()
        from orchestrator.cli import main as beforehand

        return beforehand(command)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
