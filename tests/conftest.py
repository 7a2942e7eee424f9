"""What holds for every test: nothing is judged by how long it takes, for the machine may be busy; yet nothing
waits for ever, and nobody's memory grows with what others left behind."""

import gc
import os
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

LIMIT = 300  # seconds for a test, as for what is set up before it and taken down after it
AGAIN = 10  # seconds later it is said again, to whoever waits for a thread that waits for ever


def limited(item: pytest.Item) -> Generator[None, object, object]:
    """Fail what has not ended at the limit, or at its own: ``@pytest.mark.limit(1800)``."""
    mark = item.get_closest_marker("limit")
    seconds = mark.args[0] if mark else LIMIT

    def fail(_: int, __: FrameType | None) -> None:
        pytest.fail(f"it did not end in {seconds} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


pytest_runtest_setup = pytest_runtest_call = pytest_runtest_teardown = pytest.hookimpl(wrapper=True)(limited)


class Tidy:
    """Frees what tests leave: a command that one of them ran has arranged for a process that ends."""

    usual = (20_000, 10, 10)
    often = 50  # commands

    def __init__(self) -> None:
        self._commands = 0

    def pytest_collection_finish(self) -> None:
        """Never look again for rings among what was imported and collected."""
        self._freeze()

    def pytest_runtest_logfinish(self) -> None:
        if gc.get_threshold() == self.usual:
            return
        gc.enable()
        gc.set_threshold(*self.usual)
        self._commands += 1
        if self._commands % self.often == 0:  # some of them were daemons, which freeze what they find
            self._freeze()

    def _freeze(self) -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*self.usual)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Tidy())
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and config.args == config.getini("testpaths"):
        config.args = _beginning_at(int(worker.removeprefix("gw")))


def _beginning_at(number: int) -> list[str]:
    """The folders of tests, each worker's from another on: what one has compiled, the others find."""
    here = Path(__file__).parent
    folders = sorted({str(one.parent) for one in here.glob("*/test_*.py") if one.parent.name != "chaos"})
    first = number % len(folders)
    return folders[first:] + folders[:first]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In one order, wherever the collection began."""
    items.sort(key=lambda item: item.path)
