"""Whose turn it is: before a channel that is at its rate, or does not work, messages wait in a queue.

A queue is the ledger's: it outlasts this process, costs nothing while it stands, and whoever is due longest
is called first as soon as there is room. Nothing waits in `sending`: the rate counts what becomes `sending`,
in the transaction that commits it, so that no crash and no other worker can exceed it.

What must be heard (security, service) goes before the rest.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from channels.base import ChannelError
from channels.rates import Limits, Rate
from orchestrator.ledger import Health, Stops, Transaction
from orchestrator.model import Entry
from orchestrator.planning.combining import Going
from orchestrator.reasons import Reason, sending
from orchestrator.sending import health
from orchestrator.sending.guard import Shut, Wait, look_again
from orchestrator.sending.outcomes import Job, NotAsked, Tried
from orchestrator.timing.send_time import MUST_HEAR

log = logging.getLogger(__name__)

MANY = 500  # called at once where there is no limit; more come at the next look
NO_LIMITS = Limits()
AFTER = " after"  # ends the name of a queue's second part
Waits = list[tuple[Entry, Wait]]


def queue_of(place: str, entry: Entry) -> str:
    """Name the queue in which an entry waits for a *place*: a channel, or one of its senders."""
    return place if not place or entry.wanted.purpose in MUST_HEAR else f"{place}{AFTER}"


def place_of(queue: str) -> str:
    """What is waited for in that queue."""
    return queue.removesuffix(AFTER)


def channel_of(queue: str) -> str:
    """The channel that is waited for in that queue."""
    return queue.partition(" ")[0]


def turn_of(tx: Transaction, number: int) -> str:
    """Say when an entry that waits in a queue has its turn, or "" if it waits in none."""
    line = tx.place_in_line(number)
    if line is None:
        return ""
    queue, ahead = line
    place = place_of(queue)
    ahead += tx.in_queue(place) if queue != place else 0  # what must be heard goes first
    return f"{ahead:,} before it" if ahead else "it is the next"


class Turns:
    """The queues before the channels of one dispatcher; *limits* by the channel's name."""

    def __init__(self, limits: Mapping[str, Limits]) -> None:
        self._shared = {name: one.shares for name, one in limits.items() if one.shares}
        own = {name: limits.get(other, NO_LIMITS) for name, other in self._shared.items()}
        self._limits = {**limits, **own}
        self._promised: dict[str, set[int]] = {}  # by channel: who was let through and has not left yet

    # ── who may go ───────────────────────────────────────────────────────────

    def call(self, tx: Transaction, now: datetime) -> None:
        """Let those at the head of each queue go for whom there is room."""
        queues = tx.queues()
        if not queues:
            return
        known, paused = tx.health(), _paused(tx)
        left: dict[str, int] = {}
        open_ones = [
            queue
            for queue in sorted(queues, key=lambda one: (one.endswith(AFTER), one))
            if channel_of(queue) not in paused and health.shut(known.get(channel_of(queue)), now) is None
        ]
        if self._shared:  # of those that share a room, whoever waits longest is called first
            heads = {queue: tx.head_of(queue) or (now, 0) for queue in open_ones}
            open_ones.sort(key=lambda one: (one.endswith(AFTER), heads[one]))
        beside = Counter(self._beside(queue) for queue in open_ones)
        for queue in open_ones:
            place, name = place_of(queue), self._kept_as(place_of(queue))
            if name not in left:
                left[name] = self._room(tx, place, known.get(channel_of(queue)), now)
            if left[name] > 0:
                left[name] -= tx.call(queue, -(-left[name] // beside[self._beside(queue)]))
            beside[self._beside(queue)] -= 1

    def shut(self, tx: Transaction, now: datetime) -> dict[str, Shut]:
        """Name the channels that take nothing *now* and will by themselves, for the guard.

        For one at its rate it says when somebody would have their turn who came now.
        """
        found: dict[str, Shut] = {}
        for channel, limits in self._limits.items():
            if limits.whole is not None and (waiting := self._waiting(tx, channel)):
                used = tx.rate_used(self._kept_as(channel))
                turn = limits.whole.when(used, now) + waiting * limits.whole.each
                found[channel] = Shut(_at_its_rate(channel, channel, limits.whole), turn)
        for channel, known in tx.health().items():
            if (closed := health.shut(known, now)) is not None:
                found[channel] = closed
        return found

    def admit(
        self, tx: Transaction, messages: Iterable[list[Going]], now: datetime
    ) -> tuple[list[list[Going]], Waits]:
        """Say for which of these messages there is room, and send the others to their queues.

        Room is promised here, and used when a message leaves.
        """
        known = tx.health()
        room: dict[str, int] = {}
        go: list[list[Going]] = []
        waits: Waits = []
        for message in sorted(messages, key=_order):
            entry, channel = message[0][0], message[0][1].channel
            if not channel or not self._is_limited(channel, known.get(channel)):
                go.append(message)
                continue
            if channel not in room:
                room[channel] = self._room(tx, channel, known.get(channel), now)
            if room[channel] > 0:
                room[channel] -= 1
                self._promised.setdefault(self._kept_as(channel), set()).add(entry.id)
                go.append(message)
            else:
                why = self._why(channel, channel, known.get(channel))
                waits += [(one, _wait(one, send.step, channel, why, now)) for one, send in message]
        return go, waits

    def take(self, tx: Transaction, jobs: Sequence[Job], now: datetime) -> tuple[list[Job], Waits]:
        """Use the room for those that leave now; what there is no room for waits in its queue."""
        tx.own_channels(self._kept_as(job.go.channel) for job in jobs if job.message is not None)
        known = tx.health()
        used: dict[str, datetime | None] = {}
        go: list[Job] = []
        waits: Waits = []
        for job in jobs:
            if job.message is None:
                go.append(job)
                continue
            channel = job.go.channel
            state, rates = known.get(channel), self._rates(channel, job.message.sender)
            self._promised.get(self._kept_as(channel), set()).discard(job.entry.id)
            kept = {place: self._kept_as(place) for place in rates}
            used.update({name: tx.rate_used(name) for name in {*kept.values()} - used.keys()})
            full = [place for place, rate in rates.items() if rate.room(used[kept[place]], now) <= 0]
            if full or health.shut(state, now) is not None:
                place = full[0] if full else channel
                why = self._why(place, channel, state)
                waits += [(one.entry, _wait(one.entry, one.go.step, place, why, now)) for one in job.all]
                continue
            used.update({kept[place]: rate.use(used[kept[place]], now) for place, rate in rates.items()})
            if state is not None and health.is_tried(state):
                known[channel] = health.tried(state, now)
                tx.keep_health(known[channel])
            go.append(job)
        for name, moment in used.items():
            if moment is not None:
                tx.use_rate(name, moment)
        return go, waits

    def forget(self, entries: Iterable[Entry]) -> None:
        """Take back what was promised to these and not used."""
        ids = {entry.id for entry in entries}
        for promised in self._promised.values():
            promised.difference_update(ids)

    # ── what is learnt ───────────────────────────────────────────────────────

    def learn(self, tx: Transaction, tried: Sequence[Tried], now: datetime) -> None:
        """Take note of what the channels answered."""
        answers: dict[str, list[health.Answer]] = {}
        for one in tried:
            if one.job.message is not None and not isinstance(one.answer, NotAsked):
                answers.setdefault(one.job.go.channel, []).append(one.answer)
        known = tx.health()
        for channel, said in answers.items():
            before = known.get(channel)
            if before is not None or any(isinstance(one, ChannelError) for one in said):
                _keep(tx, channel, before, health.after(before, channel, said, now))

    def silent(self, channel: str, tx: Transaction, now: datetime) -> None:
        """Take note that a channel owes answers and gives none."""
        before = tx.health().get(channel)
        if health.shut(before, now) is None:
            _keep(tx, channel, before, health.silent(before, channel, now))

    # ── when there is something to do ────────────────────────────────────────

    def next_call(self, tx: Transaction, now: datetime) -> datetime | None:
        """When somebody in a queue may go next; ``None`` if nobody waits, or only for a person.

        A queue is not called for each alone, but when there is room for some.
        """
        moments: list[datetime] = []
        queues = tx.queues()
        known, paused = (tx.health(), _paused(tx)) if queues else ({}, frozenset())
        for queue in queues:
            place, channel = place_of(queue), channel_of(queue)
            if channel in paused:
                continue
            closed, rate = health.shut(known.get(channel), now), self._rate(place)
            if closed is not None:
                moments.append(closed.until)
            elif rate is not None:
                some = min(tx.in_queue(queue), (rate.at_once + 1) // 2)
                moments.append(rate.when(tx.rate_used(self._kept_as(place)), now, some))
            else:
                moments.append(now)
        return min(moments, default=None)

    # ── small things ─────────────────────────────────────────────────────────

    def _room(self, tx: Transaction, place: str, state: Health | None, now: datetime) -> int:
        """For how many there is room, without those to whom it is promised."""
        promised, rate = len(self._promised.get(self._kept_as(place), ())), self._rate(place)
        room = MANY if rate is None else rate.room(tx.rate_used(self._kept_as(place)), now)
        return (min(room, 1) if health.is_tried(state) else room) - promised

    def _kept_as(self, place: str) -> str:
        """Under which name it is kept what of a place's rate is used: of one account under one."""
        channel, space, sender = place.partition(" ")
        return f"{self._shared.get(channel, channel)}{space}{sender}"

    def _beside(self, queue: str) -> tuple[str, bool]:
        """What the queues have in common that share one room, those that must be heard apart."""
        return self._kept_as(place_of(queue)), queue.endswith(AFTER)

    def _waiting(self, tx: Transaction, channel: str) -> int:
        """How many wait for what this channel may send."""
        name = self._kept_as(channel)
        return sum(_waiting(tx, one) for one in {channel, *self._limits} if self._kept_as(one) == name)

    def _is_limited(self, channel: str, state: Health | None) -> bool:
        return self._rate(channel) is not None or health.is_tried(state)

    def _rate(self, place: str) -> Rate | None:
        limits = self._limits.get(channel_of(place), NO_LIMITS)
        return limits.sender if " " in place else limits.whole

    def _rates(self, channel: str, sender: str) -> dict[str, Rate]:
        """The rates a message has to keep, by the place where it waits for each."""
        places = (channel, f"{channel} {sender}") if sender else (channel,)
        return {place: rate for place in places if (rate := self._rate(place)) is not None}

    def _why(self, place: str, channel: str, state: Health | None) -> Reason:
        rate = self._rate(place)
        if state is not None and health.is_tried(state):
            return health.why(state)
        return _at_its_rate(place, channel, rate) if rate is not None else sending.busy(channel)


class NoTurns(Turns):
    """Where nothing leaves: every channel works, and none has a rate. A replay asks for that all the time."""

    def __init__(self) -> None:
        super().__init__({})

    def call(self, tx: Transaction, now: datetime) -> None:
        """Nobody waits."""

    def shut(self, tx: Transaction, now: datetime) -> dict[str, Shut]:
        """No channel is."""
        del tx, now
        return {}

    def admit(
        self, tx: Transaction, messages: Iterable[list[Going]], now: datetime
    ) -> tuple[list[list[Going]], Waits]:
        """There is room for all."""
        del tx, now
        return list(messages), []

    def take(self, tx: Transaction, jobs: Sequence[Job], now: datetime) -> tuple[list[Job], Waits]:
        """There is room for all."""
        del tx, now
        return list(jobs), []

    def learn(self, tx: Transaction, tried: Sequence[Tried], now: datetime) -> None:
        """There is nothing to learn."""


def _order(message: Sequence[Going]) -> tuple[bool, datetime, int]:
    """What must be heard first, then what is due longest."""
    entry = message[0][0]
    return entry.wanted.purpose not in MUST_HEAR, entry.due_at, entry.id


def _wait(entry: Entry, step: int, place: str, why: Reason, now: datetime) -> Wait:
    return Wait(look_again(entry.wanted, step, now), why, place)


def _at_its_rate(place: str, channel: str, rate: Rate) -> Reason:
    return sending.at_its_rate(channel, place != channel, rate)


def _paused(tx: Transaction) -> frozenset[str]:
    return frozenset(pause.name for pause in tx.pauses() if pause.kind is Stops.CHANNEL)


def _waiting(tx: Transaction, place: str) -> int:
    return tx.in_queue(place) + tx.in_queue(f"{place}{AFTER}")


def _keep(tx: Transaction, channel: str, before: Health | None, after: Health | None) -> None:
    if after == before:
        return
    if after is None:
        tx.is_well(channel)
        if before is not None and before.until is not None:
            log.warning("channel %s works again", channel)
        return
    tx.keep_health(after)
    if after.until is not None and (before is None or before.until != after.until):
        again = f"{after.reason}; it is tried again at {after.until:%Y-%m-%d %H:%M:%S}Z"
        log.warning("channel %s is left alone: %s", channel, again)
