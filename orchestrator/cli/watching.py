"""Who watches a daemon: metrics where somebody can ask for them, traces where a collector is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from orchestrator.cli import ledgers, listening
from orchestrator.errors import Misconfigured, NotReady
from orchestrator.watching import Watch, together

if TYPE_CHECKING:
    import asyncio
    import socket

    from fastapi import APIRouter

    from orchestrator.config.settings import Settings
    from orchestrator.ledger import Ledger

Exposed = Callable[[], bytes]
MISSING = "traces need OpenTelemetry, which is not installed: pip install 'beforehand[telemetry]'"


class Watched:
    """Who watches one process, and what it answers whoever asks over HTTP how it does.

    ``exposed`` is what Prometheus reads, if it can ask for it; ``monitor`` a socket of its own for that.
    """

    def __init__(self, watch: Watch, exposed: Exposed | None) -> None:
        self.watch = watch
        self.monitor: socket.socket | None = None
        self.standing: Callable[[], bool] = lambda: True
        self.stop: asyncio.Event | None = None
        self._exposed = exposed

    async def ready(self) -> bool:
        """Is it able to work? Raises :class:`~orchestrator.errors.NotReady` or LedgerError."""
        import asyncio

        if self.stop is not None and self.stop.is_set():
            raise NotReady("it is stopping")
        return await asyncio.to_thread(self.standing)

    def routers(self) -> list[APIRouter]:
        """The routes for whoever watches, at the port of everybody: none if there is one of its own."""
        from orchestrator.web.standing import metrics_router

        return [metrics_router(self._exposed)] if self._exposed and self.monitor is None else []

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Answer at the port of its own, if there is one: also while what is in flight is finished."""
        if self.monitor is None or self._exposed is None:
            yield
            return
        import asyncio

        from orchestrator.web.standing import monitor_app

        listener = listening.server(monitor_app(self.ready, self._exposed), self.monitor, "watched")
        serving = asyncio.create_task(listener.serve([self.monitor]))
        try:
            yield
        finally:
            listener.should_exit = True
            await serving


def door(chosen: Settings) -> AbstractContextManager[socket.socket | None]:
    """Listen where the daemon is watched, if that is a port of its own; raises :class:`Misconfigured`."""
    if chosen.metrics.port is None:
        return nullcontext()
    hint = "another one is chosen with host and port in [metrics]"
    return closing(listening.bound(chosen.metrics.host, chosen.metrics.port, hint))


@contextmanager
def watched(chosen: Settings, ledger: Ledger, *, metered: bool) -> Iterator[Watched]:
    """Give who watches; with *metered* somebody can ask for metrics. What was traced is sent at the end.

    Raises :class:`Misconfigured` if traces are wanted and cannot be made.
    """
    watchers: list[Watch] = []
    exposed: Exposed | None = None
    if metered:
        exposed = _metrics(chosen, ledger, watchers)
    if not chosen.telemetry.endpoint:
        yield Watched(together(watchers), exposed)
        return
    try:
        from orchestrator.watching.traces import Traces
    except ModuleNotFoundError as missing:
        raise Misconfigured(MISSING) from missing
    traces = Traces(chosen.telemetry.endpoint, chosen.telemetry.share)
    watchers.append(traces)
    try:
        yield Watched(together(watchers), exposed)
    finally:
        traces.close()


def _metrics(chosen: Settings, ledger: Ledger, watchers: list[Watch]) -> Exposed:
    from prometheus_client import CollectorRegistry, generate_latest

    from orchestrator.watching.gauges import Gauges
    from orchestrator.watching.meters import Meters

    registry = CollectorRegistry()
    watchers.append(Meters(registry))
    registry.register(Gauges(ledger, ledgers.clock_of(ledger).now, chosen.channels.named()))
    return lambda: generate_latest(registry)
