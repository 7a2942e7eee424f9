"""The commands that stay: run, which plans and sends, and serve, which also takes events over HTTP."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from orchestrator import garbage
from orchestrator.cli import house, ledgers, listening, logs, output, roles, watching
from orchestrator.cli.inbox import served, tidying
from orchestrator.cli.options import Config, settings
from orchestrator.cli.roles import Role
from orchestrator.cli.subscribers import listeners

if TYPE_CHECKING:
    import asyncio
    import socket

    from channels.reports import Reporting
    from orchestrator.callbacks import Caller
    from orchestrator.cli.watching import Watched
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.inbox.store import Inbox

PRUNE = timedelta(minutes=1)  # between two looks for what is older than the settings keep it
TIDY = timedelta(hours=1)  # between two looks for what is too old for an inbox
FOLLOW = timedelta(seconds=5)  # until a daemon follows `beforehand apply`, and templates that changed
A_WEEK = timedelta(days=6)  # within it a weekday says which day is meant


def run(
    ctx: typer.Context,
    role: Annotated[
        Role,
        typer.Option(
            "--role",
            help="What this process does: `all` plans and sends; `planner` plans, and hands over; "
            "`dispatcher` sends what is handed over; `web` takes events over HTTP and nothing else.",
        ),
    ] = Role.ALL,
    config: Config = None,
) -> None:
    """Plan and send, until it is stopped.

    SIGTERM and Ctrl+C finish what is in flight. One daemon works on a ledger in a file; a second one is
    refused. Every role but `all` needs the ledger in PostgreSQL.
    """
    with _ended_by_ctrl_c():
        chosen = settings(ctx, config, sends=True)
        if role is not Role.WEB:
            _work(chosen, None, role)
            return
        with closing(listening.bound(chosen.server.host, chosen.server.port)) as server:
            _work(chosen, server, role)


def serve(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; otherwise the settings say.")
    ] = "",
    port: Annotated[
        int, typer.Option("--port", help="The port; otherwise the settings say.", show_default=False)
    ] = 0,
    config: Config = None,
) -> None:
    """Plan and send, and take events over HTTP (POST /events).

    An event is answered once it is kept. SIGTERM and Ctrl+C finish what is in flight.
    """
    with _ended_by_ctrl_c():
        chosen = settings(ctx, config, sends=True)
        with closing(listening.bound(host or chosen.server.host, port or chosen.server.port)) as server:
            _work(chosen, server, Role.ALL)


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """While a daemon starts nothing is in flight: let Ctrl+C end the process, as the system does.

    An exception that comes between any two lines is lost in whatever catches everything, or takes no
    exceptions at all, and the daemon would go on. Once its loop runs, that one listens to signals itself.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, or somebody's own
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _work(chosen: Settings, server: socket.socket | None, role: Role) -> None:
    """Be the daemon of the ledger, or a part of it, until a signal says stop."""
    import asyncio

    from orchestrator.config.in_force import at_start

    logs.to_stderr(chosen.log.level, chosen.log.format)
    roles.demand_shared(chosen, role)
    with (
        watching.door(chosen) as monitor,
        ledgers.engine_in_force(chosen) as engine,
        engine.ledger.daemon_lock(),
    ):
        roles.demand_jobs(engine, role)
        if why_not := ledgers.take_up(chosen, engine.ledger):
            output.note(f"the rules in force stay as they are: {why_not}", "rules stay as they are")
        with engine.ledger.transaction() as tx:
            engine.follow(tx)
            tx.remember(ledgers.DAEMON, at_start(chosen))
            if server is not None or not engine.ledger.is_shared:  # of several processes one may listen
                tx.remember(ledgers.LISTENS, "" if server is None else listening.address(server))
        metered = not (monitor is None and server is None)
        with (
            house.inbox(chosen, engine) as inbox,
            watching.watched(chosen, engine.ledger, metered=metered) as seen,
        ):
            engine.watch = seen.watch
            seen.monitor = monitor
            done = asyncio.run(_until_stopped(chosen, engine, server, inbox, role, seen))
        output.sentence("; ".join(filter(None, [done, _waiting(engine, chosen.company.time_zone)])))


def _waiting(engine: Engine, zone: str) -> str:
    """What is due next and until when it waits, or ""."""
    with engine.ledger.read() as tx:
        moment = tx.next_due()
        count = tx.backlog(moment).due if moment is not None else 0
    if moment is None:
        return ""
    local, now = moment.astimezone(ZoneInfo(zone)), datetime.now(ZoneInfo(zone))
    when = f"{local:%a %H:%M}" if now < local < now + A_WEEK else f"{local:%a %Y-%m-%d %H:%M}"
    return f"{count:,} to send, not before {when}"  # messages and tasks alike


async def _until_stopped(
    chosen: Settings,
    engine: Engine,
    server: socket.socket | None,
    inbox: Inbox | None,
    role: Role,
    seen: Watched,
) -> str:
    """Work, and return what was done as a sentence."""
    import asyncio

    from orchestrator.callbacks.early import AGAIN, Early
    from orchestrator.cli.following import Follower, Texts
    from orchestrator.cli.heartbeat import BEAT, Heartbeat
    from orchestrator.cli.standing import Standing
    from orchestrator.clock import Jumps
    from orchestrator.config import written
    from orchestrator.retention import Pruner
    from orchestrator.sending.dispatch import Dispatcher

    clock = ledgers.clock_of(engine.ledger)
    channels = house.channels(chosen, inbox)
    texts = Texts(house.composer(chosen, house.texts(chosen), engine.book.policy))
    dispatcher = Dispatcher(
        engine,
        texts,
        channels,
        clock,
        batch=chosen.daemon.batch,
        lease=chosen.daemon.lease,
        allow=frozenset(chosen.staging.allow) or None,
        limits=house.limits(chosen),
    )
    transport = roles.transport(chosen, role, engine, dispatcher, clock)
    if role.sends:
        transport.every(FOLLOW, Follower(chosen, engine, texts, clock), "rules and texts")
    transport.every(FOLLOW, Jumps(clock), "clock")
    if inbox is not None and role.plans:
        transport.every(TIDY, tidying(chosen, inbox, clock), "old messages in inboxes")
    if role.plans:
        transport.every(AGAIN, Early(engine, clock.now), "reports that came early")
    keeps = chosen.retention.keeps()
    if not keeps.everything and role.plans:
        transport.every(PRUNE, Pruner(engine.ledger, keeps, clock.now), "what is over")
    heartbeat = Heartbeat(engine.ledger, role, clock, lambda: dispatcher.worked_at)
    transport.every(BEAT, heartbeat, "heartbeat")
    seen.standing = Standing(engine.ledger, role, clock, heartbeat.scanned_at, chosen.daemon.lease)
    seen.stop = stop = asyncio.Event()
    garbage.settled()
    with heartbeat, _stopping_at_signals(stop):
        part = "" if role is Role.ALL else f" as {role}"
        output.note(f"working on {written(chosen.ledger.url)}{part}; SIGTERM or Ctrl+C stops", "started")
        jobs: list[Awaitable[Any]] = [transport.run(stop)]
        if chosen.subscribers and role.plans:
            from orchestrator.subscribers import Telling

            jobs.append(Telling(engine.ledger, listeners(chosen), clock).run(stop))
        if server is not None:
            readers = house.readers(chosen, channels)
            jobs.append(_listen(chosen, engine, readers, server, stop, transport.wake, inbox, seen))
        async with seen.answering():
            work = [asyncio.ensure_future(job) for job in jobs]
            try:
                await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stop.set()  # whatever ended one of them, half a daemon must not go on
                await asyncio.wait(work)
            await asyncio.gather(*work)  # raises what ended it
    ended = ", ".join(f"{count:,} {word}" for word, count in sorted(dispatcher.counts.items()) if count)
    return f"stopped: {ended}" if ended else "stopped: nothing was sent"


@contextmanager
def _stopping_at_signals(stop: asyncio.Event) -> Iterator[None]:
    import asyncio

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        yield
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


async def _listen(
    chosen: Settings,
    engine: Engine,
    readers: Mapping[Caller, Reporting],
    server: socket.socket,
    stop: asyncio.Event,
    wake: Callable[[], None],
    inbox: Inbox | None,
    seen: Watched,
) -> None:
    """Serve HTTP until *stop*, and then answer what was asked before."""
    import asyncio

    from orchestrator.cli.people import first_link
    from orchestrator.cli.web import application
    from orchestrator.web.console.live import Watcher
    from orchestrator.web.hearing import writing

    routers, end_streams = served(chosen, inbox, ledgers.clock_of(engine.ledger))
    watcher = Watcher(engine.ledger.mark)
    with writing(engine) as write:
        routers = [*routers, *seen.routers()]
        app = application(chosen, engine, write, readers, routers, wake, seen.ready, watcher, server)
        listener = listening.server(app, server)
        base = listening.address(server)
        if welcome := await asyncio.to_thread(first_link, chosen, engine, base):
            said = f"nobody can sign in yet; within a day, this makes the first admin once: {welcome}"
            output.note(said, "nobody can sign in yet")

        async def end() -> None:
            await stop.wait()
            end_streams()  # the server waits for every answer to end
            watcher.close()
            listener.should_exit = True

        ending = asyncio.create_task(end())
        try:
            await listener.serve([server])
        finally:
            ending.cancel()
            end_streams()
            watcher.close()
