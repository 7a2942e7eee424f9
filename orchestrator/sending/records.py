"""What becomes of entries, written down. Every write says its claim's generation; a late one is refused."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from channels.base import Abilities, Receipt, Rejected, Unknown
from orchestrator.engine import Engine
from orchestrator.errors import LedgerAway, Stale
from orchestrator.intake import Incoming
from orchestrator.ledger import Begin, Finish, Stops, Transaction
from orchestrator.model import Entry, Status
from orchestrator.planning.case import SAID
from orchestrator.private import without_mailboxes
from orchestrator.reasons import Reason, sending
from orchestrator.sending import late_answers, outcomes
from orchestrator.sending.guard import Answer, Wait, Withhold
from orchestrator.sending.opting_out import opt_out
from orchestrator.sending.outcomes import Follows, Job, Tried
from orchestrator.sending.suppressions import hashed, suppress
from orchestrator.sending.trouble import Trouble
from orchestrator.sending.turns import queue_of
from orchestrator.sight import Sight, go_on
from orchestrator.withholding import withhold

log = logging.getLogger(__name__)

FOUND = "found:"  # begins the name under which it is used up whose a message is that a provider has

STALE = "refused as too late"
AGAIN = "to be tried again"
PARKED = "held"


@dataclass(frozen=True, slots=True)
class Undecided:
    """The guard has no answer, because of *why*."""

    why: str


Verdict = Answer | Undecided


class Records:
    """Writes down what becomes of claimed entries, and tells the engine."""

    def __init__(self, engine: Engine, abilities: Callable[[str], Abilities | None]) -> None:
        self._engine = engine
        self._abilities = abilities
        self.counts: Counter[str] = Counter()  # how many entries ended how
        self._said: list[tuple[Entry, str, str, timedelta | None]] = []  # what is counted once it is kept
        self.trouble = Trouble()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is written down in one transaction (``with``) if it was kept, and never twice."""
        try:
            yield
            for entry, word, channel, lag in self._said:
                self.counts[word] += 1
                self._engine.watch.ended(entry.wanted.rule, channel or entry.channel, word, lag)
        finally:
            self._said.clear()

    def at(self, entry: Entry, now: datetime) -> datetime:
        """The moment at which an entry is handled: now, or in a replay when it was due."""
        return entry.run_at if self._engine.replay else now

    @contextmanager
    def fenced(self, entry: Entry) -> Iterator[None]:
        """Let a write about *entry* be refused without harm to its neighbours."""
        try:
            yield
        except Stale:
            self.refused({entry.id})

    def refused(self, late: set[int]) -> set[int]:
        """Count and log the entries whose write came too late; return them."""
        for entry_id in sorted(late):
            self.counts[STALE] += 1
            log.warning("entry %d: somebody else has it by now; this worker's write was refused", entry_id)
        return late

    def back(
        self, tx: Transaction, entry: Entry, step: int, at: datetime, reason: Reason, now: datetime, *,
        outcome: str = "unavailable", code: str = "", queue: str = "",
    ) -> None:  # fmt: skip
        """Schedule it again, from *step* and not before *at*, unless it is called in its *queue*."""
        tx.back_to_schedule(
            entry.id, entry.generation, step=step, not_before=at, now=now,
            reason=reason.washed(without_mailboxes), outcome=outcome, code=code,
            waits_for=queue_of(queue, entry),
        )  # fmt: skip

    def release(self, tx: Transaction, entry: Entry, now: datetime) -> None:
        """Give it back as it was; it is claimed and rendered anew."""
        with self.fenced(entry):
            tx.release(entry.id, entry.generation, now)

    def withheld(self, tx: Transaction, verdicts: Sequence[tuple[Entry, Verdict]], now: datetime) -> None:
        """Carry out what the guard said of those that may not go now."""
        facts: list[Incoming] = []
        for entry, verdict in verdicts:
            moment = self.at(entry, now)
            with self.fenced(entry):
                if isinstance(verdict, Wait):
                    until, queue = verdict.until, verdict.queue
                    self.back(tx, entry, entry.step, until, verdict.reason, moment, queue=queue)
                elif isinstance(verdict, Undecided):
                    self.park(tx, entry, verdict.why, moment)
                elif isinstance(verdict, Withhold):
                    status, reason = verdict.status, verdict.reason.washed(without_mailboxes)
                    status, reason = withhold(
                        tx, entry, status, reason, moment, self._engine.book.policy.time_zone,
                        generation=entry.generation,
                    )  # fmt: skip
                    self._count(entry, status)
                    if status is not Status.CANCELLED:  # that is the planner's own word
                        facts.append(outcomes.fact_of(entry.wanted, entry, status, moment, reason=reason))
        self.tell(tx, facts, now)

    def with_doubt(self, tx: Transaction, job: Job) -> Job:
        """The same, knowing since when the provider may have it, where that can be asked."""
        channel, own = job.go.channel, [one.entry.id for one in job.all]
        again = [one.entry.id for one in job.all if one.entry.message_id]
        if not again or not outcomes.may_be_found(self._abilities(channel)):
            return job
        tries = [attempt for entry_id in again for attempt in tx.attempts(entry_id)]
        since = outcomes.in_doubt(channel, tries)
        if since is None:
            return job
        place = hashed(tx, {job.go.to})[job.go.to]
        theirs = tx.provider_ids_of_others(channel, place, own)
        return replace(job, doubt=since, theirs=frozenset(theirs))

    def begin(self, tx: Transaction, jobs: Sequence[Job], now: datetime) -> list[Job]:
        """Commit that their bytes may leave from now on, and return those that nobody else has taken.

        If somebody else has one order of a message, the message does not leave.
        """
        places = hashed(tx, {job.go.to for job in jobs})
        begun = [
            Begin(
                one.entry.id, one.entry.generation, one.go.channel, one.message_id,
                self.at(one.entry, now), places[job.go.to],
            )
            for job in jobs
            for one in job.all
        ]  # fmt: skip
        late = self.refused(tx.begin_many(begun, now))
        if not late:
            return list(jobs)
        whole = [job for job in jobs if late.isdisjoint(one.entry.id for one in job.all)]
        for job in jobs:
            for one in job.all if job not in whole else ():
                if one.entry.id not in late:
                    moment = self.at(one.entry, now)
                    self.back(
                        tx, one.entry, one.entry.step, moment, sending.CAME_APART, now, outcome="stopped"
                    )
        return whole

    def park(self, tx: Transaction, entry: Entry, reason: str, now: datetime) -> None:
        """Freeze it until somebody mends what is wrong, or news of its order comes."""
        tx.release(entry.id, entry.generation, now)
        tx.hold([entry.id], sending.parked(without_mailboxes(reason)), now)
        self._count(entry, PARKED)

    def park_all(self, broken: Sequence[tuple[Entry, str]], tx: Transaction, now: datetime) -> None:
        """Park several, each with its reason."""
        tx.own(entry.wanted.order for entry, _ in broken)
        for entry, reason in broken:
            with self.fenced(entry):
                self.park(tx, entry, reason, self.at(entry, now))

    def answered(self, tx: Transaction, tried: Sequence[Tried], sight: Sight, now: datetime) -> None:
        """Carry out what follows from what the channels said; *sight* is what was sent from."""
        answers = [pair for one in tried for pair in self._follows(tx, one, now)]
        self._write_down(tx, answers, now, sight)

    def died(self, tx: Transaction, entries: Sequence[Entry], now: datetime) -> None:
        """Carry out what follows for those of the swept entries whose worker died in `sending`."""
        answers = [
            outcomes.died(entry, tx.attempts(entry.id), self._abilities(entry.channel), now)
            for entry in entries
            if entry.status is Status.UNKNOWN
        ]
        self._write_down(tx, answers, now)

    def _follows(self, tx: Transaction, tried: Tried, now: datetime) -> list[tuple[Job, Follows]]:
        """What follows for every entry of one message; the tries of the first count for all."""
        job, answer = tried.job, tried.answer
        if isinstance(answer, Receipt) and job.doubt is not None and not self._is_ours(tx, job, answer, now):
            answer = Unknown("what the provider has was found for another message meanwhile")
        if isinstance(answer, Receipt):
            return [(one, outcomes.accepted(one, answer)) for one in job.all]
        abilities, attempts = self._abilities(job.go.channel), tx.attempts(job.entry.id)
        moment, stop = self.at(job.entry, now), isinstance(answer, Rejected) and answer.opted_out
        follows = [(one, outcomes.refused(one, answer, attempts, abilities, moment)) for one in job.all]
        return [(one, replace(then, dead=answer.dead, opted_out=stop)) for one, then in follows]

    def _is_ours(self, tx: Transaction, job: Job, found: Receipt, now: datetime) -> bool:
        """Is what was found nobody else's, also where several daemons look at once?"""
        whose = str(min(one.entry.id for one in job.all))
        return not found.provider_id or tx.prove(f"{FOUND}{job.go.channel}", found.provider_id, whose, now)

    def _write_down(
        self,
        tx: Transaction,
        answers: Sequence[tuple[Job, Follows]],
        now: datetime,
        sight: Sight | None = None,
    ) -> None:
        late = self.refused(tx.finish_many(self._endings(answers, now), now))
        facts: list[Incoming] = []
        lines = [
            outcomes.told_line(job, self.at(job.entry, now))
            for job, then in answers
            if job.line and then.status in SAID and then.again is None and job.entry.id not in late
        ]
        if lines:
            tx.append(lines)
        noted: set[str] = set()
        for job, then in answers:
            entry, wanted, channel = job.entry, job.go.wanted, job.go.channel
            kind = self._engine.book.policy.kind(channel)  # an address that is dead is dead for all of them
            moment = self.at(entry, now)
            if then.pause:
                tx.pause(Stops.CHANNEL, channel, moment, then.reason)
                log.error("channel %s is paused: %s", channel, then.reason)
            failed = then.status is not Status.ACCEPTED and then.outcome != "stopped"
            if then.reason and failed and job.message is not None and job.message_id not in noted:
                noted.add(job.message_id)
                self.trouble.note(channel, then.code, then.reason, entry.id)
            if then.opted_out:
                opt_out(tx, job, then.reason, then.code, moment)
            if then.suppress:
                suppress(tx, kind, job.go.to, then.reason, then.code, moment)
            for to, why in then.dead.items():
                suppress(tx, kind, to, why, then.code, moment)
            if entry.id in late:
                continue
            if then.again is not None:
                self._count(entry, AGAIN, channel)
                with self.fenced(entry):
                    again = then.again
                    self.back(
                        tx, entry, again.step, again.at, then.reason, moment,
                        outcome=then.outcome, code=then.code, queue=again.queue,
                    )  # fmt: skip
            elif then.status is not None:
                lag = moment - entry.wanted.due_at if then.status is Status.ACCEPTED else None
                self._count(entry, then.status, channel, lag)
                facts.append(
                    outcomes.fact_of(wanted, entry, then.status, moment, channel=channel, reason=then.reason)
                )
        self.trouble.tell(now)
        doubtful = [job.entry.id for job, then in answers if then.status is Status.UNKNOWN]
        known = late_answers.known_before(tx, filter(None, map(tx.entry, doubtful)), now)
        settled = {item.fact.data["key"] for item in known}
        facts = [item for item in facts if item.fact.data["key"] not in settled] + known
        self.tell(tx, facts, now, sight)

    def _count(self, entry: Entry, word: str, channel: str = "", lag: timedelta | None = None) -> None:
        self._said.append((entry, word, channel, lag))

    def _endings(self, answers: Sequence[tuple[Job, Follows]], now: datetime) -> list[Finish]:
        return [
            Finish(
                job.entry.id, job.entry.generation, then.status, job.go.channel, then.provider_id,
                sending.carried(job.line, then.reason) if job.line else then.reason, then.code,
                self.at(job.entry, now),
            )
            for job, then in answers
            if then.status is not None and then.status is not job.entry.status
        ]  # fmt: skip

    def tell(
        self, tx: Transaction, facts: Sequence[Incoming], now: datetime, sight: Sight | None = None
    ) -> None:
        """What became of our notifications is a fact like any other, and planned like any other.

        The mark that has an order planned again lasts; in a replay it is planned at once, at its moment.
        A *sight* of their orders that still holds saves reading them again; it is used up.
        """
        if not facts:
            return
        orders = {item.fact.subject: item.fact.heard for item in facts}
        if not self._engine.replay:
            tx.append(facts)
            tx.mark_each(orders)
            return
        if sight is not None and not self._engine.still_holds(tx, sight, orders, now):
            sight = None
        tx.append(facts)
        try:
            with tx.apart():
                after = go_on(sight, [item.fact for item in facts], orders) if sight is not None else None
                if after is None:
                    self._engine.plan(tx, orders, now)
                else:
                    self._engine.settle(tx, after, orders, now)
        except LedgerAway:
            raise
        except Exception as error:  # noqa: BLE001  what was sent stays written down, whatever planning does
            log.error("orders are planned later, for planning after sending failed: %s", type(error).__name__)  # noqa: TRY400
            tx.mark_each(orders)
