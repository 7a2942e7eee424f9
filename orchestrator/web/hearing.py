"""Events of many requests in one commit: the disk is waited for once, and nobody waits for long."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from orchestrator.engine import Engine
from orchestrator.engine import Heard as HeardEvents
from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction, Writer
from orchestrator.web.events import Hear

PATIENCE = 5.0  # seconds; a sender that waits longer for somebody else's write takes us for dead


@contextmanager
def gathering(engine: Engine, now: Callable[[], datetime], patience: float = PATIENCE) -> Iterator[Hear]:
    """Give the function that hears a request's events, together with those that came meanwhile.

    Each request is kept whole or refused by itself. It raises LedgerAway once it waited *patience* seconds
    for another writer; the engine's own work waits as long as it always does.
    """
    with Writer(engine.ledger, patience) as writer:

        async def hear(events: Sequence[Incoming]) -> HeardEvents:
            def take(tx: Transaction) -> HeardEvents:
                return engine.take(tx, events, now())

            return await asyncio.wrap_future(writer.submit(take))

        yield hear
