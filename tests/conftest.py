"""What holds for every test: nothing is judged by how long it takes, for the machine may be busy; yet nothing
waits for ever."""

import signal
from collections.abc import Generator
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
