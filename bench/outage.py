"""Back after six hours with 50,000 behind: how fast it is worked off, and what is said and what is not."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from bench.dealership import (
    NOW,
    believed,
    customer,
    dealership,
    event,
    folder,
    hear,
    in_batches,
    ledger,
    order,
)
from bench.progress import said
from bench.report import Line, rate, timed
from bench.sizes import scaled
from channels.base import Abilities, AfterUnknown, Message, Receipt
from channels.rates import Limits, Rate
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.journey import Policy
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.rules import load
from orchestrator.sending.dispatch import Dispatcher

BEHIND = 50_000
HOUR = timedelta(hours=1)
OUTAGE = 6 * HOUR
SOON = 4  # every fourth has an appointment during the outage, of which to be reminded is useless afterwards
RULES = """\
version: 1
journey: new-car
milestones: [ordered, built, shipped, arrived, prepared, collected, first_service]
rules:
  - id: moved
    on: {moved: collected, by: 1d}
    say: hand-over-moved
    channels: [email]
    timing: {at: now, within: 12h}
  - id: reminder
    on: {upcoming: collected, before: 1h}
    say: ready-to-collect
    channels: [email]
    timing: {at: now, within: 1h}
"""


class Provider:
    """Takes everything, and knows when."""

    name = "email"
    abilities = Abilities(rich=True, attachments=True, after_unknown=AfterUnknown.REPEAT, concurrency=64)

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.taken: Counter[datetime] = Counter()
        self.to: Counter[str] = Counter()

    async def send(self, message: Message) -> Receipt:
        self.taken[self._clock.now().replace(microsecond=0)] += 1
        self.to[message.to] += 1
        return Receipt("taken")

    async def close(self) -> None:
        """Nothing to give back."""


def measure() -> list[Line]:
    """Let six hours pass in which dates move and nobody sends, and then work all of it off."""
    count = scaled(BEHIND, 500)
    kept = Rate(count // 50, 1)
    book, problems = load_rules()
    if problems:
        raise SystemExit(f"a measured rule is wrong: {problems[0]}")
    clock = VirtualClock(NOW)
    provider = Provider(clock)
    with folder() as home, ledger(home) as opened:
        engine = Engine(opened, book)
        dispatcher = Dispatcher(
            engine, dealership().composer, {"email": provider}, clock, limits={"email": Limits(kept)}
        )
        said(f"  {count:,} orders are heard of")
        hear(engine, believed([one for n in range(count) for one in _known(n)]), NOW - HOUR)
        for hour in (1, 2, 3):
            said(f"  {count - -(-count // SOON):,} dates move, {hour} of 3 times")
            clock.advance(HOUR)
            moved = [_promise(n, 9 + 2 * hour, clock.now()) for n in range(count) if n % SOON]
            for batch in in_batches(believed(moved)):
                engine.hear(batch, clock.now())
        clock.set(NOW + OUTAGE)
        with timed(count) as cost:
            asyncio.run(_worked_off(dispatcher, opened, clock, count))
        with opened.read() as tx:
            ended = tx.status_counts()
    busiest = max(provider.taken.values())
    once = all(times == 1 for times in provider.to.values())
    sent, expired = sum(provider.to.values()), ended[Status.EXPIRED]
    right = (sent, expired) == (count - -(-count // SOON), -(-count // SOON)) and once
    return [
        Line("outage", f"{count:,} behind after six hours, worked off", rate(cost, "entries")),
        Line(
            "outage", "told the newest date, once each; expired", f"{sent:,}; {expired:,}",
            result="right" if right else "WRONG", target="all", met=right,
        ),
        Line(
            "outage", f"most in one second, at a rate of {kept.count:,}/s", f"{busiest:,}",
            target=f"at most {kept.count + kept.at_once:,}", met=busiest <= kept.count + kept.at_once,
        ),
    ]  # fmt: skip


def load_rules() -> tuple[Any, Any]:
    """The rules of this bench."""
    return load({"outage.yaml": RULES}, policy=Policy(time_zone="Europe/Berlin"))


async def _worked_off(dispatcher: Dispatcher, opened: Ledger, clock: VirtualClock, count: int) -> None:
    """Go from one moment with something to do to the next, as a daemon sleeps."""
    told = 0
    while True:
        await dispatcher.drain()
        if (done := sum(dispatcher.counts.values())) * 10 // count > told:
            told = done * 10 // count
            said(f"  {done:,} of {count:,} worked off")
        with opened.read() as tx:
            due = dispatcher.next_due(tx, clock.now())
        if due is None or due > NOW + OUTAGE + HOUR:
            return
        clock.set(max(due, clock.now()))


def _known(number: int) -> list[dict[str, Any]]:
    soon = NOW + 3 * HOUR if number % SOON == 0 else NOW + timedelta(days=9)
    first = event(
        "promise.made", f"O-{number}", NOW - HOUR, milestone="collected", at=soon.isoformat(), told=True
    )
    return [customer(number), order(number), first]


def _promise(number: int, days: int, made: datetime) -> dict[str, Any]:
    day = (NOW + timedelta(days=days)).isoformat()
    return event("promise.made", f"O-{number}", made, milestone="collected", at=day, told=False)
