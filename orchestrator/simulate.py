"""The same engine on a virtual clock: what would have been said over any history, and why.

Events are heard in the order of their hearing (``recordedtime``, else ``time``), in batches that end
where something falls due or an order is heard of again; then the clock moves to each due instant in turn.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from channels.base import Channel
from orchestrator.clock import VirtualClock
from orchestrator.dispatch import Dispatcher
from orchestrator.engine import Engine
from orchestrator.intake import Incoming
from orchestrator.journey import RuleBook
from orchestrator.ledger import Ledger
from orchestrator.messages import Composer
from orchestrator.model import Entry, Scope, Status, scope_of

BATCH = 500
PAGE = 1000
AFTERWARDS = timedelta(days=30)  # without an end, the clock runs on so long after the last event or promise


@dataclass(frozen=True, slots=True)
class Line:
    """One notification of a simulation: what was to be said, and what became of it."""

    rule: str
    order: str
    customer: str
    occasion: str
    role: str
    kind: str
    template: str
    channel: str
    due_at: datetime
    at: datetime | None
    status: str
    reason: str


def line_of(entry: Entry) -> Line:
    """An entry as a simulation shows it; *at* is when it ended, not set while it waits."""
    wanted = entry.wanted
    waits = entry.status in (Status.SCHEDULED, Status.HELD)
    channel = entry.channel or (wanted.steps[0].channel if wanted.steps else "")
    reason = wanted.because if entry.status is Status.ACCEPTED or waits else entry.reason
    return Line(
        wanted.rule, wanted.order, wanted.customer, wanted.occasion, wanted.role, wanted.kind.value,
        wanted.template, channel, entry.due_at, None if waits else entry.updated_at,
        entry.status.value, reason or wanted.because,
    )  # fmt: skip


class Simulation:
    """One run over one history, in a ledger of its own that is gone afterwards."""

    def __init__(
        self, book: RuleBook, composer: Composer, channels: Mapping[str, Channel], *, start: datetime
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="beforehand-")
        self.ledger = Ledger.open(f"sqlite:///{Path(self._folder.name) / 'simulation.db'}", upgrade=True, scratch=True)
        self.clock = VirtualClock(start)
        self.engine = Engine(self.ledger, replace(book, activated={}))
        self.dispatcher = Dispatcher(self.engine, composer, channels, self.clock, threaded=False)
        self._batch: list[Incoming] = []
        self._subjects: dict[str, datetime] = {}
        self._due: datetime | None = None
        self.heard: Counter[str] = Counter()

    def run(self, events: Iterable[Incoming], until: datetime | None = None) -> None:
        """Hear *events* (sorted by hearing) and send what falls due, up to *until*."""
        asyncio.run(self._run(events, until))

    async def _run(self, events: Iterable[Incoming], until: datetime | None) -> None:
        last = self.clock.now()
        for event in events:
            heard = event.fact.heard
            if until is not None and heard > until:
                break
            last = max(last, heard)
            if self._must_hear_first(event):
                self._hear()
            if self._due is not None and self._due < heard:
                self._hear()
                await self._send_before(heard)
            self._batch.append(event)
            self._subjects[event.fact.subject] = heard
        self._hear()
        await self._send_before((until or self._end(last)) + timedelta(microseconds=1))

    def _must_hear_first(self, event: Incoming) -> bool:
        """Does this event have to find the batch planned: the same subject later on, or a customer's news?"""
        if not self._batch:
            return False
        fact, previous = event.fact, self._batch[-1].fact
        before = self._subjects.get(fact.subject)
        return (
            len(self._batch) >= BATCH
            or (before is not None and before < fact.heard)
            or scope_of(fact.type) is not scope_of(previous.type)
        )

    def _hear(self) -> None:
        """Keep and plan the batch, each order as of its own last hearing."""
        if not self._batch:
            return
        batch, moments = self._batch, self._subjects
        self._batch, self._subjects = [], {}
        now = max(self.clock.now(), batch[-1].fact.heard)
        if scope_of(batch[0].fact.type) is Scope.CUSTOMER:
            moments = {}
        heard = self.engine.hear(batch, now, moments=moments)
        self.heard["new"] += heard.new
        self.heard["duplicates"] += heard.duplicates
        self._look_ahead()

    def _look_ahead(self) -> None:
        with self.ledger.read() as tx:
            self._due = tx.next_due()

    async def _send_before(self, moment: datetime) -> None:
        """Move the clock through every due instant before *moment*."""
        while self._due is not None and self._due < moment:
            self.clock.set(max(self._due, self.clock.now()))
            await self.dispatcher.drain()
            self._look_ahead()

    def _end(self, last: datetime) -> datetime:
        """Where a run without an end stops: :data:`AFTERWARDS` after the last event and the last due entry."""
        with self.ledger.read() as tx:
            furthest = tx.last_due()
        return max(last, furthest or last) + AFTERWARDS

    def lines(self) -> Iterator[Line]:
        """Every notification, in the order in which they were first planned."""
        after = 0
        with self.ledger.read() as tx:
            while page := tx.entries_in(Status, after=after, limit=PAGE):
                yield from map(line_of, page)
                after = page[-1].id

    def close(self) -> None:
        """Throw the ledger away."""
        self.ledger.close()
        self._folder.cleanup()
