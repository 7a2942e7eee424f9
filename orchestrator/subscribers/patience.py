"""How it goes with a subscriber after they were told, or not. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from channels.base import ChannelError
from orchestrator.ledger.values import Subscriber

WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600)
)  # after each failure in a row; the last one for every further one
ASKED_FOR_LONGEST = timedelta(days=1)  # a receiver that asks for more is asked sooner all the same


def taken(subscriber: Subscriber, now: datetime) -> Subscriber:
    """The subscriber once they took something."""
    return replace(subscriber, told_at=now, failures=0, failing_since=None, reason="")


def waited(subscriber: Subscriber, error: ChannelError, now: datetime) -> Subscriber:
    """The subscriber once they did not take something: told again after a wait, never given up.

    The wait grows with the failures in a row, or is what they asked for (``Retry-After``).
    """
    wait = WAITS[min(subscriber.failures, len(WAITS) - 1)]
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        wait = min(max(wait, asked), ASKED_FOR_LONGEST)
    return replace(
        subscriber,
        failures=subscriber.failures + 1,
        failing_since=subscriber.failing_since or now,
        retry_at=now + wait,
        reason=error.reason,
    )
