"""Messages to their channels: how many at once, and every failure as one of the errors of a channel."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from typing import TypeVar

from channels.base import (
    Abilities,
    Channel,
    ChannelError,
    Findable,
    Message,
    Misconfigured,
    Parted,
    Receipt,
    Unknown,
)
from orchestrator.clock import Clock
from orchestrator.sending.outcomes import Job, NotAsked, Tried, may_be_found, may_repeat
from orchestrator.sending.turns import channel_of
from orchestrator.watching import NOBODY, Watch

T = TypeVar("T")

QUICK, SLOW = 0.5, 2.0  # seconds in which a portion should leave
STUCK = 10.0  # seconds without a single answer on a channel: nobody waits for it any longer
PATIENCE = timedelta(seconds=1)  # what waits longer for its turn is decided anew
START = 4  # times the sends at once: the first portion


class Outgoing:
    """The channels of one dispatcher, each with room for so many sends at once.

    A *place* is a channel, or one of several services behind it (:class:`~channels.base.Parted`).
    """

    def __init__(
        self, channels: Mapping[str, Channel], clock: Clock, most: timedelta, watch: Watch = NOBODY
    ) -> None:
        self._channels = channels
        self._parted = {name: one for name, one in channels.items() if isinstance(one, Parted)}
        self._clock = clock
        self._most = most  # after it was begun: what is frozen for longer may be another's by then
        self._watch = watch
        self._room: dict[str, asyncio.Semaphore] = {}
        self._alone: dict[str, asyncio.Lock] = {}
        self._portion: dict[str, int] = {}
        self._asked: Counter[str] = Counter()  # how many answers each channel owes
        self._moved: dict[str, float] = {}  # when it last answered, or was first asked after that
        self._whose: dict[tuple[str, str], frozenset[int]] = {}  # what was found, until that is written down
        self.stopping = False

    def abilities(self, place: str) -> Abilities | None:
        """What the channel of that place can do; ``None`` without such a channel."""
        channel = self._channels.get(channel_of(place))
        return channel.abilities if channel is not None else None

    def by_place(self, jobs: Iterable[Job]) -> Iterator[tuple[str, list[Job]]]:
        """Sort messages by place; one that is slow delays no other."""
        sorted_out: dict[str, list[Job]] = {}
        for job in jobs:
            sorted_out.setdefault(self._place(job), []).append(job)
        yield from sorted_out.items()

    def _place(self, job: Job) -> str:
        channel = self._parted.get(job.go.channel)
        if channel is None or job.message is None:
            return job.go.channel
        try:
            return f"{job.go.channel} {channel.part(job.message)}"
        except ChannelError:  # sending it will say what is wrong
            return job.go.channel

    def turn(self, place: str) -> AbstractAsyncContextManager[None]:
        """Be the only one who begins on a channel that cannot be asked about after a crash."""
        name, abilities = channel_of(place), self.abilities(place)
        if abilities is None or may_repeat(abilities) or may_be_found(abilities):
            return nullcontext()
        return self._alone.setdefault(name, asyncio.Lock())

    def portion(self, place: str) -> int:
        """How many may be `sending` at once: what leaves in about a second.

        What waits in `sending` is past the guard, so a STOP would come too late for it, and is unknown
        after a crash: as many as are sent at once where that cannot be mended. Where the provider has to
        be asked about each, it never gets more than at the start.
        """
        abilities = self.abilities(place)
        if abilities is None:
            return 1000
        if not (may_repeat(abilities) or may_be_found(abilities)):
            return abilities.concurrency
        return self._portion.get(place, abilities.concurrency * START)

    def stuck(self, channel: str) -> bool:
        """Does the channel of that name owe answers, and gave none for :data:`STUCK` seconds?"""
        owing = [place for place, count in self._asked.items() if count and channel_of(place) == channel]
        return bool(owing) and all(map(self._owes_long, owing))

    def any_stuck(self) -> bool:
        """Does one of the places keep everybody waiting?"""
        return any(self._owes_long(place) for place, count in self._asked.items() if count)

    def _owes_long(self, place: str) -> bool:
        return asyncio.get_running_loop().time() - self._moved[place] >= STUCK

    async def send(self, place: str, jobs: Sequence[Job], begun: datetime) -> list[Tried]:
        """Hand these over, and learn from the time it took how many to take next.

        *begun* is when the transaction began that committed `sending`.

        Where a channel turns slow, those whose turn does not come are given back: whoever says STOP
        meanwhile, or what expires, must not leave because a fast hour before had made the portion large.
        """
        loop = asyncio.get_running_loop()
        began, guarded = loop.time(), self._clock.now()
        abilities = self.abilities(place)
        answers: dict[int, Tried] = {}
        waiting = iter(enumerate(jobs))

        async def one_after_the_other() -> None:
            for number, job in waiting:
                answers[number] = await self._send(place, job, guarded, begun + self._most)

        at_once = min(len(jobs), abilities.concurrency if abilities is not None else 1)
        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
        tried = [answers[number] for number in range(len(jobs))]
        if abilities is not None and jobs:
            took, now = loop.time() - began, self.portion(place)
            if took < QUICK and len(jobs) >= now and may_repeat(abilities):
                self._portion[place] = now * 2
            elif took > SLOW:
                left = sum(not isinstance(one.answer, NotAsked) for one in tried)
                self._portion[place] = max(abilities.concurrency, min(left, now // 2))
        return tried

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close()

    async def _send(self, place: str, job: Job, guarded: datetime, until: datetime) -> Tried:
        if job.message is None:
            return Tried(job, Receipt(""))
        channel = self._channels.get(job.go.channel)
        if channel is None:
            return Tried(job, Misconfigured(f"there is no channel called {job.go.channel!r}"))
        if place not in self._room:
            self._room[place] = asyncio.Semaphore(channel.abilities.concurrency)
        async with self._room[place]:
            if self.stopping:
                return Tried(job, NotAsked("stopped before it was sent"))
            now, expires = self._clock.now(), job.go.wanted.expires_at
            expired = expires is not None and guarded < expires <= now  # in a replay *now* stands still
            if now - guarded > PATIENCE or now > until or expired:
                return Tried(job, NotAsked("its turn came too late: it is decided anew"))
            clock = asyncio.get_running_loop().time
            if not self._asked[place]:
                self._moved[place] = clock()
            self._asked[place] += 1
            wanted = job.go.wanted
            step = self._watch.step(
                "send", entry=job.entry.id, order=wanted.order, rule=wanted.rule, channel=job.go.channel
            )
            try:
                with step:
                    return Tried(job, await self._found(channel, job) or await channel.send(job.message))
            except ChannelError as error:
                return Tried(job, error)
            except Exception as error:  # noqa: BLE001  an adapter's bug must not take the others down
                return Tried(job, Unknown(f"the channel failed: {type(error).__name__}"))
            finally:
                self._asked[place] -= 1
                self._moved[place] = clock()

    async def _found(self, channel: Channel, job: Job) -> Receipt | None:
        """Ask the provider for a message that it may have; whoever cannot ask leaves it unknown."""
        if job.doubt is None or job.message is None:
            return None
        if not isinstance(channel, Findable):
            raise Unknown("it may have left, and the channel cannot ask the provider")
        try:
            return await self._asked_for(channel, job, job.message, job.doubt)
        except Misconfigured:
            raise
        except ChannelError as error:
            raise Unknown(f"the provider could not be asked: {error.reason}", code=error.code) from None

    async def _asked_for(
        self, channel: Findable, job: Job, message: Message, since: datetime
    ) -> Receipt | None:
        """Ask until what is found is nobody else's: two that say the same may be in doubt at once."""
        own, name = frozenset(one.entry.id for one in job.all), job.go.channel
        while True:
            found = ((by, known) for (by, known), whose in self._whose.items() if not whose & own)
            theirs = job.theirs | {known for by, known in found if by == name}
            receipt = await channel.find(message, since, theirs)
            if receipt is None or not receipt.provider_id:
                return receipt
            if receipt.provider_id in theirs:
                raise Unknown("the channel takes another message for it")
            if self._whose.setdefault((name, receipt.provider_id), own) & own:
                return receipt

    def written_down(self, tried: Iterable[Tried]) -> None:
        """Forget what was found for these: from here on the ledger knows whose it is."""
        for one in tried:
            if isinstance(one.answer, Receipt):
                self._whose.pop((one.job.go.channel, one.answer.provider_id), None)


async def every(*work: Awaitable[T]) -> list[T]:
    """Wait for all of them, and only then raise what the first of those that failed raised."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]
