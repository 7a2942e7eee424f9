"""What the ledger says when Prometheus asks: few questions, each answered from an index and up to a limit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import monotonic

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orchestrator.errors import LedgerError
from orchestrator.ledger import Daemon, Health, Ledger, Pause, Stops

FRESH = 5.0  # seconds for which an answer is good: many may ask


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger said."""

    counts: Mapping[str, int]
    oldest: Mapping[str, datetime | None]
    pauses: Sequence[Pause]
    health: Mapping[str, Health]
    daemons: Sequence[Daemon]


class Gauges(Collector):
    """Reads the *ledger* for each scrape; *channels* are the names that always have a line."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime], channels: Iterable[str]) -> None:
        self._ledger = ledger
        self._now = now
        self._channels = sorted(channels)
        self._lock = Lock()
        self._read: tuple[float, list[Metric]] | None = None

    def describe(self) -> list[Metric]:
        """Name what there is without asking the ledger."""
        return list(_families(None, self._channels, None))

    def collect(self) -> Iterator[Metric]:
        """Give what the ledger says, or only that it does not answer."""
        with self._lock:
            if self._read is None or monotonic() - self._read[0] > FRESH:
                self._read = monotonic(), list(self._asked())
            yield from self._read[1]

    def _asked(self) -> Iterator[Metric]:
        try:
            now = self._now()
            with self._ledger.read() as tx:
                oldest = {**tx.queued_since(now), "in line": tx.in_line_since()}
                found = Found(tx.queued(now), oldest, tx.pauses(), tx.health(), tx.daemons())
        except LedgerError:
            yield _up(0)
            return
        yield from _families(found, self._channels, now)


def _up(value: float) -> Metric:
    up = GaugeMetricFamily("beforehand_ledger_up", "Whether the ledger answers: 1 or 0.")
    up.add_metric((), value)
    return up


def _families(found: Found | None, channels: list[str], now: datetime | None) -> Iterator[Metric]:
    """Every metric; without anything *found* they have no samples."""
    backlog = GaugeMetricFamily(
        "beforehand_backlog",
        "Messages and tasks that are due, scheduled for later, in line for a channel (and so among the "
        "scheduled), held for somebody, in flight, or whose lease ran out, and orders that are to be "
        "planned; 100,000 means that many or more.",
        labels=["state"],
    )
    oldest = GaugeMetricFamily(
        "beforehand_oldest_seconds",
        "How long the oldest has waited: of what is due, of what was due and stands in line for a channel, "
        "of leases that ran out, of orders that are to be planned; 0 if none.",
        labels=["state"],
    )
    paused = GaugeMetricFamily(
        "beforehand_paused",
        "How many rules, locations and channels, or everything, are paused.",
        labels=["kind"],
    )
    stopped = GaugeMetricFamily(
        "beforehand_channel_paused",
        "Whether somebody, or wrong settings, paused a channel.",
        labels=["channel"],
    )
    shut = GaugeMetricFamily(
        "beforehand_channel_shut",
        "Whether a channel is left alone for a while because its provider fails.",
        labels=["channel"],
    )
    failures = GaugeMetricFamily(
        "beforehand_channel_failures", "Failures of a channel in a row.", labels=["channel"]
    )
    daemons = GaugeMetricFamily(
        "beforehand_daemons", "Processes that work on the ledger and were heard of in the last minute.",
        labels=["role"],
    )  # fmt: skip
    scanned = GaugeMetricFamily(
        "beforehand_scan_age_seconds", "How long ago any process last looked for what is due."
    )
    yield _up(1)
    if found is not None and now is not None:
        for state, count in found.counts.items():
            backlog.add_metric((state,), count)
        for state, since in found.oldest.items():
            oldest.add_metric((state,), _age(since, now) if since is not None else 0)
        for kind in Stops:
            paused.add_metric((kind.value,), sum(pause.kind is kind for pause in found.pauses))
        standing = {pause.name for pause in found.pauses if pause.kind is Stops.CHANNEL}
        for name in channels:
            known = found.health.get(name)
            stopped.add_metric((name,), name in standing)
            shut.add_metric((name,), known is not None and known.until is not None and known.until > now)
            failures.add_metric((name,), known.failures if known is not None else 0)
        alive = [one.role for one in found.daemons if one.is_alive(now)]
        for role in sorted({one.role for one in found.daemons}):
            daemons.add_metric((role,), alive.count(role))
        if last := max((one.scanned_at for one in found.daemons if one.scanned_at), default=None):
            scanned.add_metric((), _age(last, now))
    yield from (backlog, oldest, paused, stopped, shut, failures, daemons, scanned)


def _age(since: datetime, now: datetime) -> float:
    return max((now - since).total_seconds(), 0)
