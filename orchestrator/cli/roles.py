"""What one process does of a daemon's work: all of it, or a part that others complete over one PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import Misconfigured

if TYPE_CHECKING:
    import asyncio

    from orchestrator.clock import Clock
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.ledger import Ledger
    from orchestrator.sending.dispatch import Dispatcher

MISSING = "the jobs need Procrastinate, which is not installed: pip install 'beforehand[distributed]'"


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    PLANNER = "planner"
    DISPATCHER = "dispatcher"
    WEB = "web"

    @property
    def plans(self) -> bool:
        """Does it plan, and look for what is due?"""
        return self in (Role.ALL, Role.PLANNER)

    @property
    def sends(self) -> bool:
        """Does it send what is due?"""
        return self in (Role.ALL, Role.DISPATCHER)


class Transport(Protocol):
    """What brings due entries to those who send them."""

    def every(self, interval: timedelta, call: Callable[[], object], name: str) -> None:
        """Have *call* called every *interval* too."""
        ...

    def wake(self) -> None:
        """Look now, if that is this process's business."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop*, and then finish what is in flight."""
        ...


class Nobody:
    """The transport of a process that neither plans nor sends: others see what it heard in the ledger."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        from orchestrator.clock import Ticker

        self._dispatcher = dispatcher
        self._ticker = Ticker()

    def every(self, interval: timedelta, call: Callable[[], object], name: str) -> None:
        """Have *call* called every *interval*, in a thread; before :meth:`run`."""
        self._ticker.every(interval, call, name)

    def wake(self) -> None:
        """Nobody sleeps here."""

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for *stop*, and close the channels that read callbacks."""
        import asyncio

        self._ticker.start()
        try:
            await stop.wait()
        finally:
            await asyncio.to_thread(self._ticker.stop)
            await self._dispatcher.close()


def demand_shared(chosen: Settings, role: Role) -> None:
    """Raise :class:`Misconfigured` if others cannot work on the ledger of a process with this role."""
    if role is not Role.ALL and not chosen.ledger.url.startswith("postgresql:"):
        raise Misconfigured(
            f"a {role} shares its work with others, and a ledger in a file has one daemon\n"
            "keep it in PostgreSQL (docs/how-to/run-on-many-machines.md), or leave --role away"
        )
    if role in (Role.PLANNER, Role.DISPATCHER) and not _is_installed():
        raise Misconfigured(MISSING)


def demand_jobs(engine: Engine, role: Role) -> None:
    """Raise :class:`~orchestrator.errors.LedgerBehind` if the tables that this role needs are not there."""
    if role in (Role.PLANNER, Role.DISPATCHER):
        from orchestrator.transport import jobs

        jobs.demand(engine.ledger)


def make_jobs(ledger: Ledger) -> None:
    """Make the tables of the jobs, where there may be planners and dispatchers."""
    if not ledger.is_shared or not _is_installed():
        return
    from orchestrator.transport import jobs

    jobs.make(ledger)


def transport(
    chosen: Settings, role: Role, engine: Engine, dispatcher: Dispatcher, clock: Clock
) -> Transport:
    """Choose what carries entries in a process with this role."""
    tick = chosen.daemon.tick
    if role is Role.ALL:
        from orchestrator.transport.local import LocalTransport

        return LocalTransport(engine, dispatcher, clock, tick)
    if role is Role.WEB:
        return Nobody(dispatcher)
    from orchestrator.transport.distributed import DistributedTransport, Part
    from orchestrator.transport.local import SWEEP

    sweep = min(SWEEP, chosen.daemon.lease / 4)
    return DistributedTransport(engine, dispatcher, clock, tick, frozenset({Part(role)}), sweep=sweep)


def _is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("procrastinate") is not None
