"""How the channels do, for `channels list` and `doctor`: one answer for each, with what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.cli.output import counted

if TYPE_CHECKING:
    from channels.rates import Limits
    from orchestrator.config.settings import Settings
    from orchestrator.ledger import Failing, Health, Transaction

AN_HOUR = timedelta(hours=1)
FAILING = 0.1  # of a channel's tries: more is no longer the recipients' doing


@dataclass(frozen=True, slots=True)
class Standing:
    """How one channel does. What is not ``well`` wants somebody; the ``remedy`` says what they can do."""

    words: str
    well: bool = True
    remedy: str = ""


def standings(settings: Settings, tx: Transaction, now: datetime) -> dict[str, Standing]:
    """Say of every channel of which there is something to say how it does; the gravest of each."""
    from orchestrator.cli.pauses import remedy
    from orchestrator.ledger import Stops

    waiting = _waiting(tx)
    found: dict[str, Standing] = {}
    for one in tx.failing(now - AN_HOUR):
        if one.failed > FAILING * one.tries:
            found[one.channel] = _failing(one)
    for name, channel in settings.channels.named().items():
        if channel.live and (standing := _at_its_rate(channel.limits, waiting.get(name, 0))) is not None:
            found[name] = standing
    for name, known in tx.health().items():
        if known.until is not None:
            found[name] = _alone(known, waiting.get(name, 0), now)
    for pause in tx.pauses():
        if pause.kind is Stops.CHANNEL:
            words = f"paused since {pause.since:%Y-%m-%d %H:%M}Z: {pause.reason}"
            found[pause.name] = Standing(
                f"{words}{_wait(waiting.get(pause.name, 0))}",
                well=False,
                remedy=remedy(pause.kind, pause.name),
            )
    return found


def _waiting(tx: Transaction) -> dict[str, int]:
    """How many stand in line for each channel."""
    from orchestrator.sending.turns import channel_of

    counts: dict[str, int] = {}
    for queue in tx.queues():
        counts[channel_of(queue)] = counts.get(channel_of(queue), 0) + tx.in_queue(queue)
    return counts


def _failing(one: Failing) -> Standing:
    words = f"{one.failed:,} of {counted(one.tries, 'try', 'tries')} failed in the last hour"
    return Standing(words, well=False, remedy="the log and `beforehand explain` say why")


def _at_its_rate(limits: Limits, count: int) -> Standing | None:
    if not count or (limits.whole is None and limits.sender is None):
        return None
    rates = [str(limits.whole)] if limits.whole is not None else []
    rates += [f"{limits.sender} for each sender"] if limits.sender is not None else []
    left = f", for about {_length(count * limits.whole.each)}" if limits.whole is not None else ""
    return Standing(f"at its rate ({', '.join(rates)}){_wait(count)}{left}")


def _alone(known: Health, count: int, now: datetime) -> Standing:
    words = f"left alone since {known.since:%Y-%m-%d %H:%M}Z: {known.reason}"
    again = "tried again with the next message"
    if known.until is not None and known.until > now:
        again = f"tried again at {known.until:%H:%M:%S}Z"
    remedy = "it is tried again by itself; the log and `beforehand explain` say what it answers"
    return Standing(f"{words}; {again}{_wait(count)}", well=False, remedy=remedy)


def _wait(count: int) -> str:
    return f"; {count:,} {'waits' if count == 1 else 'wait'} for it" if count else ""


def _length(time: timedelta) -> str:
    minutes = round(time / timedelta(minutes=1))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(minutes, 1)} min"
