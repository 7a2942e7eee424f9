"""What many requests bring in one commit: the disk is waited for once, and nobody waits for long."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol, TypeVar

from channels.reports import Reply, Report
from orchestrator import callbacks
from orchestrator.callbacks import withdrawing as clicks
from orchestrator.engine import Engine
from orchestrator.engine import Heard as HeardEvents
from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction, Writer
from orchestrator.web.callbacks import Take
from orchestrator.web.events import Hear

T = TypeVar("T")

Withdraw = Callable[[str], Awaitable[bool]]
"""Withdraw the consent under which the mail of that Message-ID was sent; False if there is no such mail."""

LocaleOf = Callable[[str], Awaitable[str]]
"""The language of whoever got the mail of that Message-ID, or ""."""

PATIENCE = 5.0  # seconds; a sender that waits longer for somebody else's write takes us for dead


class Write(Protocol):
    """Has something done in a transaction that others share, and returns once that is committed."""

    def __call__(self, work: Callable[[Transaction], T]) -> Awaitable[T]: ...  # noqa: D102


@contextmanager
def writing(engine: Engine, patience: float = PATIENCE) -> Iterator[Write]:
    """Give the function that does what a request asks, together with those that came meanwhile.

    Each request is kept whole or refused by itself. It raises LedgerAway once it waited *patience* seconds
    for another writer; the engine's own work waits as long as it always does.
    """
    with Writer(engine.ledger, patience) as writer:

        def write(work: Callable[[Transaction], T]) -> Awaitable[T]:
            return asyncio.wrap_future(writer.submit(work))

        yield write


def hearing(engine: Engine, write: Write, now: Callable[[], datetime]) -> Hear:
    """The function that hears a request's events."""

    async def hear(events: Sequence[Incoming]) -> HeardEvents:
        return await write(lambda tx: engine.take(tx, events, now()))

    return hear


def withdrawing(engine: Engine, write: Write, now: Callable[[], datetime]) -> Withdraw:
    """The function that takes a click on a link of a mail as the withdrawal it is."""

    async def withdraw(message_id: str) -> bool:
        return await write(lambda tx: clicks.withdraw(engine, tx, message_id, now()))

    return withdraw


def locales(engine: Engine) -> LocaleOf:
    """The function that knows the language of whoever got a mail."""

    def look(message_id: str) -> str:
        with engine.ledger.read() as tx:
            return clicks.locale_of(tx, message_id)

    async def locale_of(message_id: str) -> str:
        return await asyncio.to_thread(look, message_id)

    return locale_of


def called_back(
    engine: Engine,
    write: Write,
    callers: Iterable[callbacks.Caller],
    now: Callable[[], datetime],
    house: callbacks.House = callbacks.NO_HOUSE,
) -> Take:
    """The function that takes what one of *callers* says, by its name."""
    by_name = {caller.name: caller for caller in callers}

    async def take(name: str, said: Sequence[Report | Reply]) -> Sequence[str]:
        taken = await write(lambda tx: callbacks.take(engine, tx, by_name[name], said, now(), house))
        return taken.words

    return take
