"""What this process counts, for Prometheus: a registry of its own, and no label that grows without end."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from orchestrator.watching import Step, Watch

LATE = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600)  # seconds
LONG = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds
MOST = 1000  # combinations of labels of one metric; what comes after them is counted as OTHER
OTHER = "other"
NONE = "none"  # the channel of what found none


class Meters(Watch):
    """Counts and times what it is told, in *registry*."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._late = Histogram(
            "beforehand_lag_seconds",
            "How long after it was due a provider took a message or a task, tries that failed included.",
            ["channel"],
            buckets=LATE,
            registry=registry,
        )
        self._outcomes = Counter(
            "beforehand_outcomes",
            "What this process made of messages and tasks, by rule and channel.",
            ["rule", "channel", "outcome"],
            registry=registry,
        )
        self._steps = Histogram(
            "beforehand_step_seconds",
            "How long a step took: intake, plan, claim and record of many at once, render and send of one.",
            ["step"],
            buckets=LONG,
            registry=registry,
        )
        self._callbacks = Counter(
            "beforehand_callbacks",
            "What providers and their callbacks said to this process, by what became of it.",
            ["callback", "outcome"],
            registry=registry,
        )
        self.families = (self._late, self._outcomes, self._steps, self._callbacks)
        self._known: set[tuple[str, ...]] = set()

    def step(self, name: str, /, causes: Any = (), **ids: Any) -> AbstractContextManager[Step]:
        """Time it."""
        del causes, ids
        return self._timed(name)

    @contextmanager
    def _timed(self, name: str) -> Iterator[Step]:
        step, began = _Timed(), perf_counter()
        try:
            yield step
        finally:
            if step.counts:
                self._steps.labels(name).observe(perf_counter() - began)

    def ended(self, rule: str, channel: str, outcome: str, late: timedelta | None = None) -> None:
        """Count it, and how late it was."""
        channel = channel or NONE
        labels = (rule, channel, outcome)
        if labels not in self._known:
            if len(self._known) >= MOST:
                labels = (OTHER, OTHER, outcome)
            else:
                self._known.add(labels)
        self._outcomes.labels(*labels).inc()
        if late is not None:
            self._late.labels(channel).observe(max(late.total_seconds(), 0))

    def called_back(self, callback: str, outcome: str, count: int = 1) -> None:
        """Count it."""
        self._callbacks.labels(callback, outcome).inc(count)


class _Timed(Step):
    counts = True

    def idle(self) -> None:
        self.counts = False
