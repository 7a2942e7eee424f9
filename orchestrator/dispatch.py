"""Claim → render → guard → send → record. Nothing here decides what to say; it says it once, or says why not.

A batch takes three short transactions: claim and look; guard and commit `sending`; record and plan.
Between them, rendering and sending happen without a lock on the ledger.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from channels.base import (
    AfterUnknown,
    Channel,
    ChannelError,
    Message,
    Misconfigured,
    Receipt,
    Rejected,
    Unavailable,
    Unknown,
)
from orchestrator.clock import Clock
from orchestrator.engine import Engine, Sight
from orchestrator.errors import NotFound, RenderError, Stale
from orchestrator.fold import promised_data
from orchestrator.guard import Blocks, Send, Wait, Withhold, guard
from orchestrator.intake import Incoming
from orchestrator.ledger import Begin, Finish, Suppression, Transaction
from orchestrator.messages import Composer
from orchestrator.model import ENGINE, Entry, Fact, Kind, Notification, Status
from orchestrator.planner import journey_of
from orchestrator.reconcile import same
from orchestrator.retry import next_try
from orchestrator.timing import address, order_zone, recipient

T = TypeVar("T")

LEASE = timedelta(minutes=15)  # longer than any provider's timeout, so a slow send is never sent twice
BATCH = 200
PARKED = "parked"
STALE = "refused as too late"


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed entry on its way: what the guard allowed, and the message made of it."""

    entry: Entry
    go: Send
    message: Message | None  # a task without an address is only recorded

    @property
    def message_id(self) -> str:
        """Stored before the first attempt, and the same at every later one."""
        return self.message.message_id if self.message is not None else ""


@dataclass(frozen=True, slots=True)
class Result:
    """What the channel said: a receipt or an error."""

    job: Job
    answer: Receipt | ChannelError


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim took, what may go of it, and the facts that was decided from."""

    count: int
    go: tuple[tuple[Entry, Send], ...]
    sight: Sight


@dataclass
class Counts:
    """How many entries ended how, for the sentence at the end."""

    ended: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, status: str) -> int:
        return self.ended[status]


class Dispatcher:
    """Hands what is due to the channels. One per process; its worker id is new each time it starts."""

    def __init__(
        self,
        engine: Engine,
        composer: Composer,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        batch: int = BATCH,
        lease: timedelta = LEASE,
        allow: frozenset[str] | None = None,
        threaded: bool = True,
    ) -> None:
        self._engine = engine
        self._composer = composer
        self._channels = channels
        self._clock = clock
        self._batch = batch
        self._lease = lease
        self._allow = allow
        self._threaded = threaded
        self._worker = str(uuid4())
        self._room: dict[str, asyncio.Semaphore] = {}
        self._suppression_key: bytes | None = None
        self.counts = Counts()
        self.stopping = False

    async def drain(self) -> int:
        """Handle everything that is due now, in batches; return how many entries were taken."""
        taken = 0
        while not self.stopping and (count := await self.one_batch()):
            taken += count
        return taken

    async def one_batch(self, only: Sequence[int] | None = None) -> int:
        """Handle one batch of what is due now, or of *only* these entries; return how many were taken."""
        claimed = await self._in_ledger(partial(self._claim, only))
        if claimed is None:
            return 0
        for jobs in self._chunks(await self._rendered(claimed)):
            ready = await self._in_ledger(partial(self._begin, jobs, claimed.sight))
            async with self._leased(ready):
                results = await asyncio.gather(*(self._send(job) for job in ready))
            await self._in_ledger(partial(self._record, results))
        return claimed.count

    async def sweep(self) -> int:
        """Give back what dead workers held: unsent entries wait again, half-sent ones are `unknown`."""
        return await self._in_ledger(self._sweep)

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close()

    # ── 1: claim and look ────────────────────────────────────────────────────

    def _claim(self, only: Sequence[int] | None, tx: Transaction, now: datetime) -> Claimed | None:
        if only is None:
            entries = tx.claim(now, self._batch, self._worker, self._lease)
        else:
            entries = tx.claim_these(only, now, self._worker, self._lease)
        if not entries:
            return None
        sight = self._engine.look(tx, self._moments(entries, now), now)
        answers = self._guarded(tx, entries, sight, now)
        go = tuple((entry, answer) for entry, answer in answers if isinstance(answer, Send))
        return Claimed(len(entries), go, sight)

    def _at(self, entry: Entry, now: datetime) -> datetime:
        """The moment at which an entry is handled: now, or in a replay when it was due."""
        return entry.run_at if self._engine.replay else now

    def _moments(self, entries: Sequence[Entry], now: datetime) -> dict[str, datetime]:
        return {entry.wanted.order: self._at(entry, now) for entry in entries}

    def _guarded(
        self, tx: Transaction, entries: Sequence[Entry], sight: Sight, now: datetime
    ) -> list[tuple[Entry, Send | Wait | Withhold]]:
        """Ask the guard about each entry; carry out waiting and withholding at once."""
        blocks = self._blocks(tx, entries, sight)
        answers: list[tuple[Entry, Send | Wait | Withhold]] = []
        facts: list[Incoming] = []
        for entry in entries:
            moment = self._at(entry, now)
            order = sight.orders.get(entry.wanted.order)
            if order is None:
                reason = sight.problems.get(entry.wanted.order, "the order is not known")
                self._park(tx, entry, reason, moment)
                continue
            zone = order_zone(order.location, self._engine.book.policy.time_zone)
            decision = sight.decisions[order.id]
            answer = guard(entry, decision, order, sight.customer_of(order), blocks, moment, zone)
            if isinstance(answer, Wait):
                tx.back_to_schedule(
                    entry.id, entry.generation, step=entry.step, not_before=answer.until,
                    reason=answer.reason, now=moment,
                )  # fmt: skip
            elif isinstance(answer, Withhold):
                tx.withdraw(entry.id, answer.status, answer.reason, moment, generation=entry.generation)
                self.counts.ended[answer.status] += 1
                if answer.status is not Status.CANCELLED:
                    facts.append(outcome_fact(entry.wanted, entry, answer.status, moment, reason=answer.reason))
            answers.append((entry, answer))
        self._tell_engine(tx, facts, now)
        return answers

    def _blocks(self, tx: Transaction, entries: Sequence[Entry], sight: Sight) -> Blocks:
        """What stands against sending to these people: suppressions and paused channels."""
        addresses = {
            (step.channel, to)
            for entry in entries
            for step in entry.wanted.steps
            if (to := _address(entry, step.channel, sight))
        }
        hashes = {(channel, self._hash(tx, to)): (channel, to) for channel, to in addresses}
        listed = tx.suppressed(hashes) if hashes else {}
        return Blocks(
            suppressed={hashes[key]: found.reason for key, found in listed.items()},
            paused={name: pause.reason for name, pause in tx.paused().items()},
            allow=self._allow,
        )

    def _hash(self, tx: Transaction, address: str) -> str:
        if self._suppression_key is None:
            self._suppression_key = _suppression_key(tx)
        return hmac.new(self._suppression_key, address.lower().encode(), hashlib.sha256).hexdigest()

    # ── render ───────────────────────────────────────────────────────────────

    async def _rendered(self, claimed: Claimed) -> list[Job]:
        """Make the messages; what cannot be rendered is parked with the reason, and its neighbours flow."""
        made: list[Job] = []
        broken: list[tuple[Entry, str]] = []
        for entry, go in claimed.go:
            try:
                made.append(Job(entry, go, self._compose(entry, go, claimed.sight) if go.channel else None))
            except (RenderError, NotFound) as error:
                broken.append((entry, str(error)))
        if broken:
            await self._in_ledger(partial(self._park_all, broken))
        return made

    def _park_all(self, broken: Sequence[tuple[Entry, str]], tx: Transaction, now: datetime) -> None:
        for entry, reason in broken:
            self._park(tx, entry, reason, now)

    def _compose(self, entry: Entry, go: Send, sight: Sight) -> Message:
        order = sight.orders[go.wanted.order]
        journey = journey_of(order, self._engine.book)
        if isinstance(journey, str):
            raise RenderError(journey)
        moment = self._at(entry, self._clock.now())
        return self._composer.compose(go, order, sight.customer_of(order), journey, moment)

    def _park(self, tx: Transaction, entry: Entry, reason: str, now: datetime) -> None:
        tx.release(entry.id, entry.generation, now)
        tx.hold([entry.id], f"{PARKED}: {reason}", now)
        self.counts.ended[PARKED] += 1

    def _chunks(self, made: Sequence[Job]) -> list[list[Job]]:
        """Keep few of those in flight that nobody can ask about after a crash."""
        safe: list[Job] = []
        careful: dict[str, list[Job]] = {}
        for job in made:
            channel = self._channels.get(job.go.channel)
            if channel is None or channel.abilities.after_unknown is AfterUnknown.REPEAT:
                safe.append(job)
            else:
                careful.setdefault(job.go.channel, []).append(job)
        chunks = [safe] if safe else []
        for name, jobs in careful.items():
            size = self._channels[name].abilities.concurrency
            chunks += [jobs[start : start + size] for start in range(0, len(jobs), size)]
        return chunks

    # ── 2: guard again, and commit `sending` ─────────────────────────────────

    def _begin(self, jobs: Sequence[Job], sight: Sight, tx: Transaction, now: datetime) -> list[Job]:
        """Decide everything again from the facts as they are now; what changed is looked at anew."""
        unchanged = tx.newest_fact() == sight.newest
        entries = [job.entry for job in jobs]
        fresh = sight if unchanged else self._engine.look(tx, self._moments(entries, now), now)
        ready: list[Job] = []
        by_id = {job.entry.id: job for job in jobs}
        for entry, answer in self._guarded(tx, entries, fresh, now):
            if not isinstance(answer, Send):
                continue
            job = by_id[entry.id]
            if _same_message(answer, job.go):
                ready.append(job)
            else:
                tx.release(entry.id, entry.generation, now)  # it is claimed again, and rendered anew
        begun = [
            Begin(job.entry.id, job.entry.generation, job.go.channel, job.message_id, self._at(job.entry, now))
            for job in ready
        ]
        refused = tx.begin_many(begun, now)
        return [job for job in ready if job.entry.id not in refused]

    # ── send ─────────────────────────────────────────────────────────────────

    async def _send(self, job: Job) -> Result:
        if job.message is None:
            return Result(job, Receipt("", {"note": "on the list of tasks only"}))
        name = job.go.channel
        channel = self._channels.get(name)
        if channel is None:
            return Result(job, Misconfigured(f"there is no channel called {name!r}"))
        room = self._room.setdefault(name, asyncio.Semaphore(channel.abilities.concurrency))
        async with room:
            try:
                return Result(job, await channel.send(job.message))
            except ChannelError as error:
                return Result(job, error)
            except Exception as error:  # noqa: BLE001  an adapter's bug must not take the batch down
                return Result(job, Unknown(f"the channel failed: {type(error).__name__}", raw=str(error)))

    @asynccontextmanager
    async def _leased(self, jobs: Sequence[Job]) -> AsyncIterator[None]:
        """Extend the lease while the sends are under way."""

        async def extend() -> None:
            while True:
                await asyncio.sleep(self._lease.total_seconds() / 3)
                held = [job.entry.id for job in jobs]
                await self._in_ledger(lambda tx, now: tx.extend_lease(held, self._worker, now + self._lease))

        if not self._threaded:  # a virtual clock does not run while we send
            yield
            return
        task = asyncio.create_task(extend())
        try:
            yield
        finally:
            task.cancel()

    # ── 3: record and plan ───────────────────────────────────────────────────

    def _record(self, results: Sequence[Result], tx: Transaction, now: datetime) -> None:
        accepted: list[Finish] = []
        facts: dict[int, Incoming] = {}
        for result in results:
            job, answer, moment = result.job, result.answer, self._at(result.job.entry, now)
            if isinstance(answer, Receipt):
                entry, channel = job.entry, job.go.channel
                accepted.append(
                    Finish(entry.id, entry.generation, Status.ACCEPTED, channel, answer.provider_id, at=moment)
                )
                facts[entry.id] = outcome_fact(job.go.wanted, entry, Status.ACCEPTED, moment, channel=channel)
                continue
            try:
                if (fact := self._failed(tx, job, answer, moment)) is not None:
                    facts[job.entry.id] = fact
            except Stale:
                self.counts.ended[STALE] += 1
        late = tx.finish_many(accepted, now)
        self.counts.ended[Status.ACCEPTED] += len(accepted) - len(late)
        self.counts.ended[STALE] += len(late)
        self._tell_engine(tx, [fact for entry, fact in facts.items() if entry not in late], now)

    def _failed(self, tx: Transaction, job: Job, error: ChannelError, now: datetime) -> Incoming | None:
        """One table: who must react decides what follows."""
        entry, wanted = job.entry, job.go.wanted
        if isinstance(error, Misconfigured):
            tx.pause(job.go.channel, now, error.reason)
            self._again(tx, job, now, f"{job.go.channel} paused: {error.reason}", now)
            return None
        if isinstance(error, Unknown):
            return self._unknown(tx, job, error, now)
        if isinstance(error, Unavailable):
            retry = next_try(entry.attempts + 1, entry.key, now, error.retry_after, wanted.expires_at)
            if retry is not None:
                self._again(tx, job, retry, error.reason, now)
                return None
        if isinstance(error, Rejected) and error.suppress:
            digest = self._hash(tx, job.go.to)
            tx.suppress(Suppression(job.go.channel, digest, error.reason, error.code, now))
        if job.go.step + 1 < len(wanted.steps):
            self._again(tx, job, now, f"{job.go.channel}: {error.reason}; next step", now, step=job.go.step + 1)
            return None
        self._end(tx, job, Status.FAILED, error, now)
        return outcome_fact(wanted, entry, Status.FAILED, now, channel=job.go.channel, reason=error.reason)

    def _unknown(self, tx: Transaction, job: Job, error: ChannelError, now: datetime) -> Incoming | None:
        """The provider may have it: repeat what may be repeated, leave the rest to a person."""
        entry, wanted = job.entry, job.go.wanted
        self._end(tx, job, Status.UNKNOWN, error, now)
        channel = self._channels[job.go.channel]
        if channel.abilities.after_unknown is AfterUnknown.REPEAT:
            retry = next_try(entry.attempts + 1, entry.key, now, None, wanted.expires_at)
            if retry is not None:
                self._again(tx, job, retry, f"{error.reason}; again with the same Message-ID", now)
                return None
        return outcome_fact(wanted, entry, Status.UNKNOWN, now, channel=job.go.channel, reason=error.reason)

    def _end(self, tx: Transaction, job: Job, status: Status, error: ChannelError, now: datetime) -> None:
        self.counts.ended[status] += 1
        tx.finish(
            job.entry.id, job.entry.generation, status,
            now=now, channel=job.go.channel, reason=error.reason, code=error.code,
        )  # fmt: skip

    def _again(
        self, tx: Transaction, job: Job, when: datetime, reason: str, now: datetime, step: int | None = None
    ) -> None:
        tx.back_to_schedule(
            job.entry.id,
            job.entry.generation,
            step=job.entry.step if step is None else step,
            not_before=when,
            reason=reason,
            now=now,
        )

    def _sweep(self, tx: Transaction, now: datetime) -> int:
        swept = tx.sweep(now)
        facts: list[Incoming] = []
        for entry in swept:
            if entry.status is not Status.UNKNOWN:
                continue
            channel = self._channels.get(entry.channel)
            if channel is not None and channel.abilities.after_unknown is AfterUnknown.REPEAT:
                tx.back_to_schedule(
                    entry.id, entry.generation, step=entry.step, not_before=now,
                    reason="the worker died while sending; again with the same Message-ID", now=now,
                )  # fmt: skip
            else:
                reason = "the worker died while sending; nobody can say whether it left"
                facts.append(outcome_fact(entry.wanted, entry, Status.UNKNOWN, now, reason=reason))
        self._tell_engine(tx, facts, now)
        return len(swept)

    # ── small things ─────────────────────────────────────────────────────────

    def _tell_engine(self, tx: Transaction, facts: Sequence[Incoming], now: datetime) -> None:
        """What became of our notifications is a fact like any other, and planned like any other."""
        if facts:
            tx.append(facts)
            self._engine.plan(tx, self._engine.touched(tx, facts), now)

    async def _in_ledger(self, work: Callable[[Transaction, datetime], T]) -> T:
        """Run *work* in one transaction, off the event loop."""

        def call() -> T:
            with self._engine.ledger.transaction() as tx:
                return work(tx, self._clock.now())

        return await asyncio.to_thread(call) if self._threaded else call()


def outcome_fact(
    wanted: Notification, entry: Entry, status: Status, now: datetime, *, channel: str = "", reason: str = ""
) -> Incoming:
    """The fact that one of our notifications came to something."""
    data: dict[str, Any] = {
        "key": entry.key,
        "rule": wanted.rule,
        "occasion": wanted.occasion,
        "role": wanted.role,
        "kind": wanted.kind.value,
        "purpose": wanted.purpose.value,
        "template": wanted.template,
    }
    if channel:
        data["channel"] = channel
    if reason:
        data["reason"] = reason
    if wanted.kind is Kind.MESSAGE and wanted.tells:
        data["tells"] = [{"milestone": t.milestone, **promised_data(t.value)} for t in wanted.tells]
    fact = Fact(
        ENGINE, f"{entry.id}:{entry.generation}:{status}", f"notification.{status}", wanted.order, now, now, data
    )
    return Incoming(fact, b"", {})


def _suppression_key(tx: Transaction) -> bytes:
    """The key under which suppressed addresses are hashed; made once and kept in the ledger."""
    known = tx.remembered("suppression_key")
    if known is None:
        known = secrets.token_hex(32)
        tx.remember("suppression_key", known)
    return bytes.fromhex(known)


def _address(entry: Entry, channel: str, sight: Sight) -> str:
    order = sight.orders.get(entry.wanted.order)
    if order is None:
        return ""
    return address(channel, recipient(entry.wanted.role, order, sight.customer_of(order)))


def _same_message(now: Send, then: Send) -> bool:
    """Is what the guard allows now what was rendered?"""
    return now.channel == then.channel and now.to == then.to and same(now.wanted, then.wanted)
