"""What each channel did on the last day: tries by how they ended, and what came back. Pure over counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orchestrator.ledger import Pause, Stops, Transaction

A_DAY = timedelta(days=1)
WELL = frozenset({"accepted"})
NOBODYS = frozenset({"", "stopped", "slowed"})  # not ended, or nobody's fault
REPORTS = ("delivered", "opened", "clicked", "deferred", "bounced", "failed", "complained", "unsubscribed")


@dataclass(frozen=True, slots=True)
class Numbers:
    """One channel on one day; ``reported`` counts what providers said and readers did, by its word."""

    channel: str
    tries: int
    accepted: int
    failed: int
    unknown: int
    reported: Mapping[str, int]


def numbers(
    tries: Iterable[tuple[str, str, int]], reports: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, Numbers]:
    """Add up tries (channel, outcome, how many) and reports (type and data of the event) by channel."""
    ended: dict[str, dict[str, int]] = {}
    for channel, outcome, count in tries:
        mine = ended.setdefault(channel, {})
        mine[outcome] = mine.get(outcome, 0) + count
    came: dict[str, dict[str, int]] = {}
    for kind, data in reports:
        word = kind.removeprefix("message.")
        if word in REPORTS and data.get("channel"):
            mine = came.setdefault(str(data["channel"]), {})
            mine[word] = mine.get(word, 0) + 1
    return {
        channel: Numbers(
            channel,
            sum(mine.values()),
            sum(count for outcome, count in mine.items() if outcome in WELL),
            sum(count for outcome, count in mine.items() if outcome not in WELL | NOBODYS | {"unknown"}),
            mine.get("unknown", 0),
            came.get(channel, {}),
        )
        for channel in ended.keys() | came.keys()
        for mine in (ended.get(channel, {}),)
    }


def of_the_last_day(tx: Transaction, now: datetime) -> dict[str, Numbers]:
    """What each channel did since this time yesterday."""
    since = now - A_DAY
    return numbers(tx.tries_since(since), tx.reports_since(since))


def paused(tx: Transaction) -> dict[str, Pause]:
    """The channels that stand still."""
    return {pause.name: pause for pause in tx.pauses() if pause.kind is Stops.CHANNEL}
