"""The web application of a daemon: what it hears over HTTP wakes whoever plans and sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from orchestrator.cli import house, ledgers, listening, senders, workbench

if TYPE_CHECKING:
    import socket

    from fastapi import APIRouter, FastAPI

    from channels.reports import Reporting
    from orchestrator.callbacks import Caller
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.web.console.live import Watcher
    from orchestrator.web.hearing import Write

P = ParamSpec("P")
T = TypeVar("T")


def application(
    chosen: Settings,
    engine: Engine,
    write: Write,
    readers: Mapping[Caller, Reporting],
    routers: Iterable[APIRouter],
    wake: Callable[[], None],
    ready: Callable[[], Awaitable[bool]],
    watcher: Watcher,
    server: socket.socket,
) -> FastAPI:
    """Wire the routes for events, callbacks, clicks in messages, customers and people, beside *routers*.

    *server* is where it listens.
    """
    from orchestrator.access.signing_in import Ages
    from orchestrator.callbacks import House
    from orchestrator.web.app import Rooms, create_app
    from orchestrator.web.callbacks import callbacks_router
    from orchestrator.web.customer import customer_routers
    from orchestrator.web.customer.entrance import Entrance
    from orchestrator.web.customer.paper import dress_router
    from orchestrator.web.customer.unsubscribe import unsubscribe_router
    from orchestrator.web.desk import Desk
    from orchestrator.web.hearing import called_back, hearing, locales, withdrawing
    from orchestrator.web.owner import mine_router, owner_routers
    from orchestrator.web.session_door import SessionDoor

    now = ledgers.clock_of(engine.ledger).now
    desk = Desk(
        engine,
        write,
        now,
        company=chosen.company.name,
        zone=chosen.company.time_zone,
        locale=chosen.company.locale,
        public_url=chosen.server.public_url,
        brands=frozenset(chosen.brands),
        outbox=chosen.outbox.path,
        wake=wake,
        rules=workbench.Rules(chosen),
        texts=workbench.Texts(chosen),
        channels=workbench.Channels(chosen),
    )
    ages = Ages(chosen.console.session_idle, chosen.console.session_longest)
    callbacks = callbacks_router(
        _waking(wake, called_back(engine, write, readers, now, House(chosen.company.help))),
        {caller.name: reader for caller, reader in readers.items()},
        public_url=chosen.server.public_url,
        now=now,
        max_body=chosen.intake.max_body,
        watch=engine.watch,
    )
    pages = house.pages(chosen)
    routers = [*routers, callbacks, dress_router(pages), mine_router(desk, pages)]
    if (links := senders.links(chosen)) is not None:
        withdraw = withdrawing(engine, write, now)
        routers.append(unsubscribe_router(links, withdraw, locales(engine), pages))
        entrance = Entrance(desk, links, pages)
        routers += [*customer_routers(entrance), *owner_routers(entrance)]
    return create_app(
        _waking(wake, hearing(engine, write, now)),
        now=now,
        ready=ready,
        max_body=chosen.intake.max_body,
        future_tolerance=chosen.intake.future_tolerance,
        routers=routers,
        rooms=Rooms(desk, SessionDoor(desk, ages), watcher),
        events_key=_asks_for_a_key(chosen, server),
    )


def _asks_for_a_key(chosen: Settings, server: socket.socket) -> bool:
    """Whether events are taken only with an API key: by default unless nobody else can reach us."""
    if chosen.server.events_key != "auto":
        return chosen.server.events_key == "required"
    return bool(chosen.server.public_url) or not listening.is_loopback(server)


def _waking(wake: Callable[[], None], keep: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """The same, and *wake* once it is kept."""

    async def kept(*args: P.args, **named: P.kwargs) -> T:
        answer = await keep(*args, **named)
        wake()
        return answer

    return kept
