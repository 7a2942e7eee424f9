"""The inbox as customers' pages read it: its routes in the daemon, and tokens for whoever tries it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import house, ledgers, output
from orchestrator.cli.options import Config, settings
from orchestrator.errors import Misconfigured

if TYPE_CHECKING:
    from fastapi import APIRouter

    from orchestrator.clock import Clock
    from orchestrator.config.settings import Settings
    from orchestrator.inbox.store import Inbox


def token(
    ctx: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    minutes: Annotated[
        int,
        typer.Option("--minutes", min=1, help="How long it is good, at most as long as the settings let."),
    ] = 60,
    config: Config = None,
) -> None:
    """Print a token by which a page reads this customer's inbox, to try it out.

    Pages get theirs from the company's own backend, which signs them with the same key
    (docs/how-to/show-an-inbox.md). Whoever has it reads what we told this customer.
    """
    if not customer.strip():
        raise Misconfigured("name the customer: an empty id is nobody's")
    chosen = settings(ctx, config, sends=True)
    ledgers.demand_installation(chosen)
    found = house.inbox_settings(chosen)
    if found is None:
        raise Misconfigured("there is no inbox that customers read\n[channels.inbox] live = true makes one")
    length = timedelta(minutes=minutes)
    if length > found.token_age:
        most = int(found.token_age.total_seconds() // 60)
        raise Misconfigured(f"a token is good for {most} minutes at most (channels.inbox.token_age)")
    from orchestrator.clock import SystemClock
    from orchestrator.inbox.tokens import issue

    if not ledgers.is_new(chosen):
        with ledgers.opened(chosen) as ledger, ledger.read() as tx:
            if not tx.customer_facts([customer])[customer] and not tx.orders_of([customer])[customer]:
                output.note(f"nothing is known about a customer {customer!r}")
    print(issue(customer, found.keys[0], SystemClock().now() + length))


def tidying(chosen: Settings, inbox: Inbox, clock: Clock) -> Callable[[], None]:
    """What drops the messages that are older than the settings keep them."""
    found = house.inbox_settings(chosen)
    assert found is not None
    keep = found.keep
    return lambda: inbox.tidy(clock.now() - keep)


def served(
    chosen: Settings, inbox: Inbox | None, clock: Clock
) -> tuple[Sequence[APIRouter], Callable[[], None]]:
    """Return the routes of the inbox, and what ends the streams of the pages that follow it.

    In an event loop that runs, and once for a process.
    """
    found = house.inbox_settings(chosen)
    if inbox is None or found is None:
        return (), lambda: None
    import asyncio

    from orchestrator.inbox.listeners import Listeners
    from orchestrator.web.inbox import Door, inbox_router

    listeners = Listeners(inbox)
    inbox.changed = listeners.ring
    telling = asyncio.create_task(listeners.run())
    door = Door(found.keys, found.token_age, frozenset(found.origins))

    def end() -> None:
        listeners.close()
        telling.cancel()

    return (inbox_router(inbox, listeners, door, clock.now),), end
