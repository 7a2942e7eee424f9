"""Claim → render → guard → send → record. Nothing here decides what to say; it says it once, or says why not.

A batch takes short transactions: claim and look; then, portion by portion, record what left and, in the same
one, guard the next again and commit `sending`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from channels.base import Channel
from channels.rates import Limits
from orchestrator.clock import Clock
from orchestrator.engine import Engine
from orchestrator.errors import LedgerAway, NotFound, RenderError
from orchestrator.ledger import Handed, Transaction
from orchestrator.model import Entry
from orchestrator.planning.combining import Going, beside, bundles, company
from orchestrator.sending import lines
from orchestrator.sending.batch import Batch, unchanged
from orchestrator.sending.behind import Behind
from orchestrator.sending.blocks import blocks
from orchestrator.sending.guard import Blocks, Send, guard
from orchestrator.sending.leases import EXTENDED, Defer, Leases
from orchestrator.sending.messages import Composes
from orchestrator.sending.outcomes import Job, Tried
from orchestrator.sending.outgoing import Outgoing, every
from orchestrator.sending.records import Records, Undecided, Verdict
from orchestrator.sending.turns import NoTurns, Turns, channel_of
from orchestrator.sight import Sight
from orchestrator.timing.send_time import order_zone

log = logging.getLogger(__name__)
T = TypeVar("T")
Take = Callable[[Transaction, datetime], list[Entry]]

LEASE = timedelta(minutes=15)  # longer than any provider's timeout, so a slow send is never sent twice
BATCH = 500
AT_A_STRETCH = 16  # messages that are rendered while nothing else goes on: a few milliseconds
LANES = 2  # batches in hand at once: while one is sent, the other is looked at and rendered
RECORD_AGAIN = (1, 2, 5, 10, 20, 30, 60)  # seconds; what left must be written down


class Dispatcher:
    """Hands what is due to the channels, in one event loop; its worker id is new each time it starts.

    *live* is false where time stands still while it works. The ledger is asked right in the loop: a
    transaction takes milliseconds, and threads would fight the mails for the interpreter.
    """

    def __init__(
        self,
        engine: Engine,
        composer: Composes,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        batch: int = BATCH,
        lease: timedelta = LEASE,
        allow: frozenset[str] | None = None,
        live: bool = True,
        limits: Mapping[str, Limits] | None = None,
    ) -> None:
        self._engine = engine
        self._composer = composer
        self._watch = engine.watch
        self._outgoing = Outgoing(channels, clock, lease / EXTENDED, engine.watch)
        self._records = Records(engine, self._outgoing.abilities)
        self.counts = self._records.counts
        self._clock = clock
        self._batch = batch
        self._leases = Leases(lease, engine.ledger)
        self._behind = Behind()
        self._turns = NoTurns() if engine.replay else Turns(limits or {})
        self._allow = allow
        self._live = live
        self.worked_at: datetime | None = None  # when it last had the ledger to itself, for whoever watches

    @property
    def stopping(self) -> bool:
        """Once set, what is being sent is finished, the rest is given back, and nothing more is claimed."""
        return self._outgoing.stopping

    @stopping.setter
    def stopping(self, stop: bool) -> None:
        self._outgoing.stopping = stop

    async def drain(self, *, patient: bool = True) -> int:
        """Handle everything that is due now, in batches; return how many entries were taken.

        What was sent is planned on from once nothing waits to be sent: the guard asks the facts anyway.
        What a channel holds up that does not answer is waited for last, and not at all if this is not
        *patient*: then it goes on by itself, as long as the event loop runs.
        """
        if self._behind.ended():
            self._planned_on()
        taken = 0
        while count := sum(await every(*(self._lane() for _ in range(LANES if self._live else 1)))):
            taken += count
            self._planned_on()
        if patient and await self._behind.rest():
            self._planned_on()
        return taken

    async def one_batch(self, only: Sequence[int] | None = None) -> int:
        """Handle one batch of what is due now, or of *only* these entries; return how many were taken."""
        return await self._one(partial(self._due, only))

    def hand_over(self, defer: Defer, most: int) -> int:
        """Claim what is due for other workers, and have *defer* tell them in the same transaction.

        At most *most* wait for them at a time. Returns how many were handed over.
        """

        def claim(tx: Transaction, now: datetime) -> int:
            self._turns.call(tx, now)
            return self._leases.hand_over(tx, defer, most, now)

        return 0 if self.stopping else self._in_ledger(claim)

    async def take_over(self, handed: Sequence[Handed]) -> int:
        """Handle what was handed over and nobody else has meanwhile; return how many entries were taken."""
        taken = 0 if self.stopping else await self._one(partial(self._leases.take_over, handed))
        self._behind.ended()
        return taken

    async def _one(self, take: Take) -> int:
        with self._watch.step("dispatch") as whole:
            with self._watch.step("claim") as step:
                self._leases.show()
                batch = self._in_ledger(partial(self._claim, take))
                if batch is None:
                    step.idle()
                    whole.idle()
                    return 0
                step.note(entry=[entry.id for entry in batch.entries])
            if self._live:
                await self._behind.through(self._handled(batch), self._outgoing.any_stuck)
            else:
                await self._handled(batch)
            return len(batch.entries)

    async def _handled(self, batch: Batch) -> None:
        try:
            async with self._leases.kept(batch.entries, self._in_ledger if self._live else None):
                jobs = await self._rendered(batch)
                places = self._outgoing.by_place(jobs)
                await every(*(self._deliver(place, some, batch.sight) for place, some in places))
        finally:
            self._turns.forget(batch.entries)

    async def sweep(self) -> int:
        """Give back what dead workers held: unsent entries wait again, half-sent ones are `unknown`."""
        swept = self._in_ledger(self._sweep)
        if swept:
            self._planned_on()
        return swept

    def must_sweep(self, tx: Transaction, now: datetime) -> bool:
        """Did a lease run out, or did somebody die who held something?"""
        lease = tx.next_lease()
        return lease is not None and (lease <= now or self._leases.deaths.any(tx))

    def next_due(self, tx: Transaction, now: datetime) -> datetime | None:
        """Say when there is next something to do, as far as that is known *now*."""
        moments = (tx.next_due(), self._turns.next_call(tx, now))
        return min((moment for moment in moments if moment is not None), default=None)

    async def close(self) -> None:
        """Wait for what is still under way, and close the channels."""
        try:
            await self._behind.rest()
        finally:
            await self._outgoing.close()

    def _planned_on(self) -> None:
        """Plan the orders of what was sent; their marks stay until that succeeds."""
        try:
            while self._engine.plan_changed(self._clock.now()):
                pass
        except LedgerAway:
            raise
        except Exception as error:  # noqa: BLE001  what was sent stays written down, whatever planning does
            log.error("orders are planned later, for planning failed: %s", type(error).__name__)  # noqa: TRY400

    async def _lane(self) -> int:
        taken = 0
        while not self.stopping and (count := await self.one_batch()):
            taken += count
        return taken

    async def _deliver(self, place: str, jobs: Sequence[Job], sight: Sight) -> None:
        """Guard again, send and record, a portion at a time."""
        if self._live and self._outgoing.stuck(channel := channel_of(place)):
            self._in_ledger(partial(self._turns.silent, channel))
        async with self._outgoing.turn(place):
            tried: Sequence[Tried] = ()
            seen = sight
            while jobs:
                count = self._outgoing.portion(place) if self._live else len(jobs)
                begun, seen, ready = await self._gone_on(tried, seen, jobs[:count], sight)
                tried = await self._outgoing.send(place, ready, begun) if ready else ()
                jobs = jobs[count:]
            await self._recorded(tried, seen)

    # ── claim, and look at the orders ────────────────────────────────────────

    def _due(self, only: Sequence[int] | None, tx: Transaction, now: datetime) -> list[Entry]:
        self._turns.call(tx, now)
        entries = self._leases.claim(tx, self._batch, only, now)
        if self._engine.replay and self._engine.book.capped:
            return self._one_moment_each(tx, entries, now)
        return entries

    def _claim(self, take: Take, tx: Transaction, now: datetime) -> Batch | None:
        entries = take(tx, now)
        if not entries:
            return None
        apart: frozenset[str] = frozenset()
        if names := {entry.wanted.joins for entry in entries if entry.wanted.joins}:
            others = company(entries, tx.joining(names), now)
            entries += self._leases.claim_along(tx, others.along, now)
            apart = others.apart
        rules: dict[str, set[str]] = {}
        for entry in entries:  # what the order's other rules want is not asked here
            rules.setdefault(entry.wanted.order, set()).add(entry.wanted.rule)
        sight = self._engine.look(tx, self._moments(entries, now), now, rules)
        going = self._guarded(tx, entries, sight, now)
        go, early = bundles(going, sight.orders, partial(self._records.at, now=now))
        for entry in early:
            self._records.release(tx, entry, now)
        go, waits = self._turns.admit(tx, go, now)
        self._records.withheld(tx, waits, now)
        riding = lines.reserved(tx, (bundle[0][1] for bundle in go), sight, sight.book, now)
        return Batch(entries, go, sight, apart, riding)

    def _one_moment_each(self, tx: Transaction, entries: Sequence[Entry], now: datetime) -> list[Entry]:
        """Give back what a customer hears later: what they are sent first counts for its cap."""
        first: dict[str, datetime] = {}
        kept: list[Entry] = []
        for entry in sorted(entries, key=lambda one: (one.run_at, one.id)):
            if first.setdefault(entry.wanted.customer, entry.run_at) == entry.run_at:
                kept.append(entry)
            else:
                self._records.release(tx, entry, now)
        return kept

    def _guarded(self, tx: Transaction, entries: Sequence[Entry], sight: Sight, now: datetime) -> list[Going]:
        """Ask the guard about each entry; make it wait or withhold it at once, and return what may go."""
        together = beside(entries)
        moments = {entry.id: self._records.at(entry, now) for entry in entries}
        against = blocks(tx, entries, sight, self._allow, moments, now, self._turns.shut(tx, now))
        verdicts = [
            (entry, self._verdict(entry, sight, against, together.get(entry.id, ()), now))
            for entry in entries
        ]
        self._records.withheld(tx, verdicts, now)
        return [(entry, verdict) for entry, verdict in verdicts if isinstance(verdict, Send)]

    def _verdict(
        self, entry: Entry, sight: Sight, against: Blocks, together: Collection[str], now: datetime
    ) -> Verdict:
        order = sight.orders.get(entry.wanted.order)
        if order is None or order.id not in sight.decisions:
            return Undecided(sight.problems.get(entry.wanted.order, "the order is not known"))
        decision, customer = sight.decisions[order.id], sight.customer_of(order)
        try:
            zone = order_zone(order.location, sight.book.policy.time_zone)
            return guard(
                entry, decision, order, customer, against, self._records.at(entry, now), zone, together
            )
        except Exception as error:  # noqa: BLE001  whatever it is, the others must go on
            return Undecided(f"it cannot be decided: {type(error).__name__}")

    # ── render ───────────────────────────────────────────────────────────────

    async def _rendered(self, batch: Batch) -> list[Job]:
        """Make the messages; what cannot be rendered is parked with the reason, and its neighbours flow."""
        made: list[Job] = []
        broken: list[tuple[Entry, str]] = []
        messages = deque(batch.go)
        while messages:
            if self._live and len(made) % AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # what is being sent goes on
            bundle = messages.popleft()
            try:
                with self._watch.step("render", entry=bundle[0][0].id):
                    made.append(batch.job(bundle, self._composer, self._at))
                continue
            except (RenderError, NotFound) as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001  its text may quote the customer: only its name
                why = f"the message cannot be made: {type(error).__name__}"
            if len(bundle) > 1:
                messages.extend([one] for one in bundle)  # one order that is broken harms no other
            else:
                broken.append((bundle[0][0], why))
        if broken:
            self._in_ledger(partial(self._records.park_all, broken))
        return made

    # ── guard again, and commit `sending` ────────────────────────────────────

    def _begin(
        self, jobs: Sequence[Job], sight: Sight, tx: Transaction, now: datetime
    ) -> tuple[Sight, list[Job]]:
        """Decide everything again from the facts as they are now; what changed is rendered anew."""
        entries = [one.entry for job in jobs for one in job.all]
        fresh = self._engine.look_again(tx, sight, self._moments(entries, now), now)
        may = {entry.id: go for entry, go in self._guarded(tx, entries, fresh, now)}
        ready: list[Job] = []
        for job in jobs:
            going = [(one, may[one.entry.id]) for one in job.all if one.entry.id in may]
            whole = len(going) == len(job.all)
            if whole and not self.stopping and all(unchanged(one, go, fresh, sight) for one, go in going):
                ready.append(self._records.with_doubt(tx, job))
            else:
                for one, _ in going:
                    self._records.release(tx, one.entry, now)
        ready, waits = self._turns.take(tx, ready, now)
        self._records.withheld(tx, waits, now)
        return fresh, self._records.begin(tx, ready, now)

    # ── record, and go on ────────────────────────────────────────────────────

    async def _gone_on(
        self, tried: Sequence[Tried], seen: Sight, jobs: Sequence[Job], sight: Sight
    ) -> tuple[datetime, Sight, list[Job]]:
        """Write down what became of one portion and begin the next, in one transaction; say when it began.

        What left is written down whatever becomes of the next: if both fail together, each goes by itself.
        """
        begun = self._clock.now()
        if tried:
            try:
                with self._watch.step("record", entry=_ids(tried)):
                    done = self._in_ledger(partial(self._turn_over, tried, seen, jobs, sight))
            except Exception as error:  # noqa: BLE001  it is raised again by whichever of them it comes of
                log.warning("a portion is recorded before the next one begins: %s", type(error).__name__)
                await self._recorded(tried, seen)
                begun = self._clock.now()
            else:
                self._outgoing.written_down(tried)
                return begun, *done
        return begun, *self._in_ledger(partial(self._turn_over, (), seen, jobs, sight))

    async def _recorded(self, tried: Sequence[Tried], sight: Sight) -> None:
        """Write down what became of these; while the database is away, keep at it."""
        if not tried:
            return
        for wait in (*RECORD_AGAIN, None):
            try:
                with self._watch.step("record", entry=_ids(tried)):
                    self._in_ledger(partial(self._turn_over, tried, sight, (), sight))
            except LedgerAway:
                if wait is None:
                    raise
                log.warning("%d outcomes could not be written; again in %d s", len(tried), wait)
                await asyncio.sleep(wait)
            else:
                self._outgoing.written_down(tried)
                return

    def _turn_over(
        self, tried: Sequence[Tried], seen: Sight, jobs: Sequence[Job], sight: Sight,
        tx: Transaction, now: datetime,
    ) -> tuple[Sight, list[Job]]:  # fmt: skip
        """Record these, which were sent from what was *seen*, and begin those."""
        messages = (*(one.job for one in tried), *jobs)
        tx.own(one.entry.wanted.order for job in messages for one in job.all)
        if tried:
            self._records.answered(tx, tried, seen, now)
            self._turns.learn(tx, tried, now)
        return self._begin(jobs, sight, tx, now) if jobs else (seen, [])

    def _sweep(self, tx: Transaction, now: datetime) -> int:
        swept = self._leases.sweep(tx, now)
        self._records.died(tx, swept, now)
        self._records.trouble.tell(now)  # what failed within the minute after a warning
        return len(swept)

    # ── small things ─────────────────────────────────────────────────────────

    def _at(self, entry: Entry) -> datetime:
        return self._records.at(entry, self._clock.now())

    def _moments(self, entries: Sequence[Entry], now: datetime) -> dict[str, datetime]:
        return {entry.wanted.order: self._records.at(entry, now) for entry in entries}

    def _in_ledger(self, work: Callable[[Transaction, datetime], T]) -> T:
        """Run *work* in one transaction."""
        with self._records.counting(), self._engine.ledger.transaction() as tx:
            now = self._clock.now()
            done = work(tx, now)
        self.worked_at = now
        return done


def _ids(tried: Sequence[Tried]) -> list[int]:
    return [one.entry.id for each in tried for one in each.job.all]
