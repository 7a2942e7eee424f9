"""The same engine on a virtual clock: what would have been said over any history, and why.

Events are heard in the order of their hearing (``recordedtime``, else ``time``). Orders do not depend on
each other, so many are handled together, each at its own moment: before an order hears news, what was
due for it until then is sent; what falls due between two batches is sent between them.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

from channels.base import Channel, Message
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.errors import NotFound, RenderError
from orchestrator.intake import Incoming
from orchestrator.journey import Journey, RuleBook
from orchestrator.ledger import Ledger
from orchestrator.model import Customer, Entry, Order, Scope, Status, scope_of
from orchestrator.reasons import Reason
from orchestrator.sending.dispatch import Dispatcher
from orchestrator.sending.guard import Send
from orchestrator.sending.messages import Composer, message_id
from orchestrator.timing import law

BATCH = 500
INSTANT = timedelta(microseconds=1)
PAGE = 1000
UNWRITTEN = "unwritten"  # what the ledger of a simulation remembers of texts that failed
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
    reason: Reason
    reason_code: str

    @property
    def when(self) -> datetime:
        """When it ended; what still waits, when it is due."""
        return self.at or self.due_at


class Unwritten(NamedTuple):
    """A text that failed, and why."""

    template: str
    why: str


LINE = tuple(field.name for field in fields(Line))


def line_of(entry: Entry) -> Line:
    """An entry as a simulation shows it; *at* is when it ended, not set while it waits."""
    wanted = entry.wanted
    waits = entry.status in (Status.SCHEDULED, Status.HELD)
    channel = entry.channel or (wanted.steps[0].channel if wanted.steps else "")
    due = entry.status in (Status.ACCEPTED, Status.SCHEDULED)
    reason = wanted.because if due else entry.reason
    if due and (doubt := _doubt(entry, channel)):
        reason = reason.also(doubt)
    reason = reason or wanted.because
    return Line(
        wanted.rule, wanted.order, wanted.customer, wanted.occasion, wanted.role, wanted.kind.value,
        wanted.template, channel, entry.due_at, None if waits else entry.updated_at,
        entry.status.value, reason, reason.code.value,
    )  # fmt: skip


def _doubt(entry: Entry, channel: str) -> str:
    """What it waited for, if that was read by clocks that may not be the recipient's own; else ""."""
    why = next((step.why for step in entry.wanted.steps if step.channel == channel), "")
    return why if law.UNHEARD in why or law.NO_ZONE in why else ""


class Rehearsal:
    """Composes like *composer*, but leaves messages empty whose template nobody has written yet.

    A simulation is about who hears, when and why; rules may be tried before their texts exist.
    """

    def __init__(self, composer: Composer, missing: Collection[str]) -> None:
        self._composer = composer
        self._missing = missing

    def compose(self, go: Send, order: Order, customer: Customer, journey: Journey, now: datetime) -> Message:
        """Make the message, or an empty one."""
        wanted = go.wanted
        if wanted.template not in self._missing:
            return self._composer.compose(go, order, customer, journey, now)
        return Message(wanted.key, message_id(wanted.key, go.channel, ""), go.channel, go.to, text="", at=now)


class _Watched:
    """Composes like *composer*, and keeps by key which messages could not be made, and why.

    One that is made after all, with later news, is none of them.
    """

    def __init__(self, composer: Composer | Rehearsal) -> None:
        self._composer = composer
        self.failed: dict[str, Unwritten] = {}

    def compose(self, go: Send, order: Order, customer: Customer, journey: Journey, now: datetime) -> Message:
        """Make the message."""
        wanted = go.wanted
        try:
            made = self._composer.compose(go, order, customer, journey, now)
        except Exception as error:
            told = isinstance(error, RenderError | NotFound)  # any other may quote a customer
            why = str(error) if told else f"the message cannot be made: {type(error).__name__}"
            self.failed[wanted.key] = Unwritten(wanted.template, why)
            raise
        self.failed.pop(wanted.key, None)
        return made


class Simulation:
    """One run over one history, in a ledger of its own: gone afterwards, unless it was given a *file*.

    No provider reports anything to a simulation: what is accepted counts as delivered and opened, unless the
    history says that it came back. With *undelivered* only what the history says counts.
    """

    def __init__(
        self,
        book: RuleBook,
        composer: Composer | Rehearsal,
        channels: Mapping[str, Channel],
        *,
        start: datetime,
        file: Path | None = None,
        undelivered: bool = False,
    ) -> None:
        reports = dict.fromkeys(channels, "opened") if undelivered else {}
        book = replace(book, activated={}, policy=replace(book.policy, reports=reports))
        self._folder = None if file else tempfile.TemporaryDirectory(prefix="beforehand-")
        place = Path(self._folder.name) / "simulation.db" if self._folder else file
        self.ledger = Ledger.open(f"sqlite:///{place}", upgrade=True, scratch=True)
        self.clock = VirtualClock(start)
        self.engine = Engine(self.ledger, book, replay=True)
        self._composer = _Watched(composer)
        self.dispatcher = Dispatcher(self.engine, self._composer, channels, self.clock, live=False)
        self.heard: Counter[str] = Counter()
        self._in_step = book.combines  # then orders do depend on each other

    def run(self, events: Iterable[Incoming], until: datetime | None = None) -> None:
        """Hear *events* (sorted by hearing) and send what falls due, up to *until*."""
        asyncio.run(self._run(events, until))

    async def _run(self, events: Iterable[Incoming], until: datetime | None) -> None:
        for batch in _batches(events, until, one_instant=self._in_step):
            end = batch[-1].fact.heard
            if self._in_step or scope_of(batch[0].fact.type) is Scope.CUSTOMER:
                await self._send_before(batch[0].fact.heard)
            else:
                await self._send_before_news(batch)
            heard = self.engine.hear(batch, end)
            self.heard["new"] += heard.new
            self.heard["duplicates"] += heard.duplicates
            await self._send_before(end)
        await self._send_before((until or self._end()) + INSTANT)
        if self.unwritten:
            counts = Counter(self.unwritten.values())
            with self.ledger.transaction() as tx:
                tx.remember(
                    UNWRITTEN, orjson.dumps([[*text, count] for text, count in counts.items()]).decode()
                )

    @property
    def unwritten(self) -> Mapping[str, Unwritten]:
        """By key the messages that could not be made in the end, whatever became of them afterwards."""
        return self._composer.failed

    async def _send_before_news(self, batch: Sequence[Incoming]) -> None:
        """Send what was due for an order before the news about it that *batch* brings."""
        own = {event.fact.subject: event.fact.heard for event in batch}
        self._move(batch[-1].fact.heard - INSTANT)
        while True:
            with self.ledger.read() as tx:
                due = tx.due_of(own, self.clock.now())
            before = [entry for entry, order, moment in due if moment < own[order]]
            if not before or not await self.dispatcher.one_batch(before):
                return

    async def _send_before(self, moment: datetime) -> None:
        """Send everything that is due before *moment*, each at its own time."""
        while self._in_step:
            with self.ledger.read() as tx:
                due = tx.next_due()
            if due is None or due >= moment:
                break
            self._move(due)
            if not await self.dispatcher.drain():
                break
        self._move(moment - INSTANT)
        await self.dispatcher.drain()

    def _move(self, moment: datetime) -> None:
        self.clock.set(max(moment, self.clock.now()))

    def _end(self) -> datetime:
        """Where a run without an end stops: :data:`AFTERWARDS` after the last event and due entry."""
        with self.ledger.read() as tx:
            furthest = tx.last_due()
        return max(self.clock.now(), furthest or self.clock.now()) + AFTERWARDS

    def lines(self) -> Iterator[Line]:
        """Every notification, in the order in which they were first planned."""
        return lines_in(self.ledger)

    def close(self) -> None:
        """Throw the ledger away."""
        self.ledger.close()
        if self._folder is not None:
            self._folder.cleanup()


def unwritten_in(ledger: Ledger) -> Counter[Unwritten]:
    """How many messages of a simulated ledger each broken text kept from being made."""
    with ledger.read() as tx:
        found = orjson.loads(tx.remembered(UNWRITTEN) or "[]")
    return Counter({Unwritten(template, why): count for template, why, count in found})


def lines_in(ledger: Ledger) -> Iterator[Line]:
    """Every notification of a simulated ledger, in the order in which they were first planned."""
    after = 0
    with ledger.read() as tx:
        while page := tx.entries_in(tuple(Status), after=after, limit=PAGE):
            yield from map(line_of, page)
            after = page[-1].id


def _batches(
    events: Iterable[Incoming], until: datetime | None, *, one_instant: bool
) -> Iterator[list[Incoming]]:
    """Cut *events* where a batch is full, a subject is heard of again later, or the kind of subject changes.

    Facts about customers touch many orders: those of one instant make a batch, and with *one_instant* all do.
    """
    batch: list[Incoming] = []
    heard: dict[str, datetime] = {}
    for event in events:
        fact = event.fact
        if until is not None and fact.heard > until:
            break
        if batch and (
            len(batch) >= BATCH
            or heard.get(fact.subject, fact.heard) != fact.heard
            or (scope := scope_of(fact.type)) is not scope_of(batch[0].fact.type)
            or ((one_instant or scope is Scope.CUSTOMER) and fact.heard != batch[0].fact.heard)
        ):
            yield batch
            batch, heard = [], {}
        batch.append(event)
        heard[fact.subject] = fact.heard
    if batch:
        yield batch
