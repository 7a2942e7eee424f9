"""Attempts that failed, told to the log: at once, and then once a minute for each channel and reason."""

import logging
from collections import Counter
from datetime import datetime, timedelta

from orchestrator.private import without_mailboxes

log = logging.getLogger(__name__)

QUIET = timedelta(minutes=1)  # after a warning, until the next about the same


class Trouble:
    """Gathers failed attempts, and logs them by ids and in the provider's words without addresses."""

    def __init__(self) -> None:
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._reasons: dict[tuple[str, str], tuple[str, int]] = {}  # the newest reason and entry
        self._told: dict[tuple[str, str], datetime] = {}

    def note(self, channel: str, code: str, reason: str, entry: int) -> None:
        """Take note of an attempt; reasons with one *code* are the same, whatever else they say."""
        about = (channel, code or reason)
        self._waiting[about] += 1
        self._reasons[about] = (reason, entry)

    def tell(self, now: datetime) -> None:
        """Log what was noted and not told yet, unless the same was told within a minute before *now*."""
        for about, count in list(self._waiting.items()):
            if about in self._told and now - self._told[about] < QUIET:
                continue
            reason, entry = self._reasons.pop(about)
            del self._waiting[about]
            self._told[about] = now
            attempts = "an attempt" if count == 1 else f"{count:,} attempts"
            log.warning(
                "channel %s: %s failed, at last of entry %d: %s",
                about[0], attempts, entry, without_mailboxes(reason),
            )  # fmt: skip
        for about in [about for about, told in self._told.items() if now - told >= QUIET]:
            del self._told[about]
