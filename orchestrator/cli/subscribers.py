"""The commands about subscribers: who is told what happens here, and how far they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.errors import NotFound

if TYPE_CHECKING:
    from orchestrator.config.settings import Settings
    from orchestrator.ledger import Subscriber, Transaction
    from orchestrator.subscribers import Listener

COLUMNS = ("subscriber", "waiting", "told_at", "failing_since", "failures", "retry_at", "reason")
MOST = 1000  # facts that are looked through for what waits

Name = Annotated[str, typer.Argument(metavar="NAME", help="Who, as `[subscribers.NAME]` says.")]


def listeners(chosen: Settings) -> dict[str, Listener]:
    """Whom the settings want told, each with what reaches them."""
    if not chosen.subscribers:
        return {}
    from channels.signed_posts import SignedPosts
    from orchestrator.subscribers import Listener

    return {
        name: Listener(
            SignedPosts(one.url, one.signers(), allowed=one.networks(), timeout=one.timeout.total_seconds()),
            one.types,
        )
        for name, one in chosen.subscribers.items()
    }


def list_(ctx: typer.Context, form: Form = Format.TABLE, config: Config = None) -> None:
    """Show who is told what happens here, how much waits for each, and why it does."""
    from orchestrator.cli.ledgers import opened

    chosen = settings(ctx, config)
    with opened(chosen) as ledger, ledger.read() as tx:
        known = {one.name: one for one in tx.subscribers()}
        rows = [_row(tx, name, wants.types, known.get(name)) for name, wants in chosen.subscribers.items()]
    output.records(rows, form, COLUMNS)
    failing = [row["subscriber"] for row in rows if row.get("failures")]
    if not rows:
        output.sentence("nobody is told: there is no [subscribers.NAME] in the settings")
    elif failing:
        output.sentence(f"{' and '.join(failing)} did not take what happened; it waits, and is told again")
    else:
        output.sentence(f"{counted(len(rows), 'subscriber')}; nobody refuses what they are told")


def _row(tx: Transaction, name: str, types: Collection[str], one: Subscriber | None) -> dict[str, Any]:
    from orchestrator.subscribers import is_wanted

    if one is None:
        return {"subscriber": name, "reason": "no daemon has begun with it yet"}
    news = tx.next_facts(one, MOST)
    waiting = sum(is_wanted(fact.type, types) for _, fact in news)
    return {
        "subscriber": name,
        "waiting": f"{waiting:,} or more" if len(news) == MOST else waiting,
        "told_at": one.told_at,
        "failing_since": one.failing_since,
        "failures": one.failures,
        "retry_at": one.retry_at if one.failures else None,
        "reason": one.reason,
    }


def send_one(ctx: typer.Context, name: Name, config: Config = None) -> None:
    """Post one signed event of type `beforehand.test` to a subscriber, and show the answer."""
    import asyncio

    from channels.base import ChannelError
    from orchestrator.clock import SystemClock
    from orchestrator.model import ENGINE, Fact
    from orchestrator.subscribers import document, identity
    from orchestrator.subscribers.telling import CONTENT_TYPE

    chosen = settings(ctx, config, sends=True)
    listener = _one(chosen, name)
    now = SystemClock().now()
    fact = Fact(ENGINE, f"test:{now.isoformat()}", "beforehand.test", name, now, now, {"works": True})

    async def post() -> tuple[int, str]:
        try:
            return await listener.posts.post(identity(fact), now, document(fact), CONTENT_TYPE)
        finally:
            await listener.posts.close()

    try:
        status, text = asyncio.run(post())
    except ChannelError as error:
        output.sentence(f"{name} did not take it: {error.reason}")
        raise typer.Exit(1) from None
    output.sentence(f"{name} took it: {status} {text[:200]}".rstrip())


def skip(ctx: typer.Context, name: Name, config: Config = None) -> None:
    """Leave out the one event that a subscriber does not take, and go on with the next.

    What happened stays in the ledger; only this subscriber never hears of it.
    """
    from orchestrator.cli.ledgers import opened
    from orchestrator.clock import SystemClock
    from orchestrator.subscribers import is_wanted
    from orchestrator.subscribers.telling import LEASE

    chosen = settings(ctx, config, sends=True)
    wants = _one(chosen, name).types
    with opened(chosen) as ledger, ledger.transaction() as tx:
        known = next((one for one in tx.subscribers() if one.name == name), None)
        if known is None or not known.failures:
            raise NotFound(f"{name} takes what it is told: there is nothing to leave out")
        now = SystemClock().now()
        at = max(now, known.retry_at)
        mine = tx.take_subscriber(name, at, at + LEASE)
        if mine is None:
            raise NotFound(f"{name} is being told just now: look again with beforehand subscribers list")
        news = tx.next_facts(mine, MOST)
        left_out = next(((place, fact) for place, fact in news if is_wanted(fact.type, wants)), None)
        reached = left_out or (news[-1] if news else None)
        if reached is not None:
            mine = mine.at(reached[0])
        tx.give_back_subscriber(replace(mine, retry_at=now), at + LEASE)
    if left_out is None:
        output.sentence(f"nothing waits for {name}")
        return
    _, fact = left_out
    output.sentence(f"{name} never hears of {fact.type} {fact.id} about {fact.subject}")


def _one(chosen: Settings, name: str) -> Listener:
    found = listeners(chosen).get(name)
    if found is None:
        from orchestrator.findings import suggestion

        raise NotFound(f"no subscriber is called {name!r}\n{suggestion(name, chosen.subscribers)}".rstrip())
    return found
