"""What every page for people works with: the engine, the company's zone and name, and the time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from orchestrator.drafting.bench import ChannelBench, RuleBench, TextBench
from orchestrator.engine import Engine
from orchestrator.ledger import Transaction
from orchestrator.web.hearing import Write

T = TypeVar("T")


def _nobody_sleeps() -> None:
    """Where nobody plans and sends in this process."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One for a process; every router of the console is made with it.

    ``public_url`` is how the server is reached from outside, "" if nobody said so; ``outbox`` the folder in
    which messages are kept.
    """

    engine: Engine
    write: Write
    now: Callable[[], datetime]
    company: str = ""
    zone: str = "UTC"
    locale: str = "en"
    public_url: str = ""
    brands: frozenset[str] = frozenset()
    wake: Callable[[], None] = field(default=_nobody_sleeps)
    outbox: Path = Path("outbox")
    rules: RuleBench | None = None  # without one nobody reads or changes rules here
    channels: ChannelBench | None = None  # nor looks after channels
    texts: TextBench | None = None  # nor sees messages as their readers do

    async def read(self, look: Callable[[Transaction], T]) -> T:
        """Return what *look* finds in one unchanging view of the ledger, in a thread of its own.

        Raises :class:`~orchestrator.errors.LedgerError`, which the application answers with 503.
        """

        def looked() -> T:
            with self.engine.ledger.read() as tx:
                return look(tx)

        return await asyncio.to_thread(looked)

    async def change(self, work: Callable[[Transaction], T]) -> T:
        """Return what *work* answers once its writes are committed, and wake whoever plans and sends.

        Raises :class:`~orchestrator.errors.LedgerError`; then nothing was kept.
        """
        answer = await self.write(work)
        self.wake()
        return answer
