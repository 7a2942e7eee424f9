"""The commands about channels: list them, send one message through one, begin a package with a new one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import house, output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted, failure, sentence
from orchestrator.errors import LedgerError, Misconfigured

if TYPE_CHECKING:
    from channels.base import Channel, ChannelError, Message, Receipt
    from channels.inbox import Feed
    from orchestrator.config import Settings

_PACKAGE = re.compile(r"[a-z][a-z0-9_]{1,30}")


def list_(ctx: typer.Context, form: Form = Format.TABLE, config: Config = None) -> None:
    """List the channels there are: of which kind, live or not, what they can do, and how they do.

    The last line names the kinds that are installed and not set up: a table `[channels.NAME]` sets one up.
    """
    chosen = settings(ctx, config)
    from channels import registry

    packages = {source.name: source.package for source in registry.sources()}
    rows = list(_rows(chosen, packages))
    output.records(rows, form, ["name", "kind", "from", "live", "abilities", "health"])
    used = {row["kind"] for row in rows}
    others = [name if origin == registry.OURS else f"{name} ({origin})" for name, origin in packages.items()
              if name not in used]  # fmt: skip
    more = f"; not set up: {', '.join(others)}" if others else ""
    sentence(f"{counted(len(rows), 'channel')}{more}", form)


def _rows(chosen: Settings, packages: dict[str, str]) -> Iterator[dict[str, Any]]:
    from channels import matrix

    health = _health(chosen)
    can = house.abilities(chosen)
    for name, channel in chosen.channels.named().items():
        kind = channel.kind or name
        yield {
            "name": name,
            "kind": kind,
            "from": packages.get(kind, ""),
            "live": channel.live,
            "abilities": ", ".join(matrix.words(can[name])),
            "health": health.get(name, "well" if channel.live else f"outbox: {chosen.outbox.path}"),
        }


def _health(chosen: Settings) -> dict[str, str]:
    """What the ledger knows of the channels that are not well; the worst of each."""
    from orchestrator.cli import ledgers

    if ledgers.is_new(chosen):
        return {}
    from orchestrator.cli.channel_health import standings
    from orchestrator.clock import SystemClock
    from orchestrator.ledger import Ledger

    try:
        with Ledger.open(chosen.ledger.url) as ledger, ledger.read() as tx:
            found = standings(chosen, tx, SystemClock().now())
    except LedgerError as error:
        return dict.fromkeys(chosen.channels.named(), f"not known: {error}")
    return {name: standing.words for name, standing in found.items()}


def send_one(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The channel: email.")],
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Whom to send it to.")],
    outbox: Annotated[
        Path | None,
        typer.Option("--outbox", help="Write it into this folder instead of sending it.", show_default=False),
    ] = None,
    config: Config = None,
) -> None:
    """Send one test message through a channel as it is set up, and say what became of it.

    Nothing of it is recorded. A channel that is not live sends nothing: say --outbox to see the message. On a
    system for trying out, only the addresses on its list are sent to.
    """
    chosen = settings(ctx, config, sends=True)
    named = chosen.channels.named()
    if name not in named:
        from orchestrator.findings import suggestion

        raise Misconfigured(f"no channel is called {name!r}\n{suggestion(name, named)}")
    to = _address(to, named[name].kind or name)
    allowed = chosen.staging.allow
    if outbox is None and not named[name].live:
        raise Misconfigured(
            f"{name} is not live, so nothing was sent\n"
            f"[channels.{name}] live = true sends for real; --outbox DIR writes the message into a folder"
        )
    if outbox is None and allowed and to not in allowed:
        raise Misconfigured(f"{to} is not on the list of this system for trying out (staging.allow)")
    from channels.file import FileChannel

    if outbox is not None:
        receipt = _sent(FileChannel(outbox, name), message_to(chosen, name, to))
        sentence(f"nothing was sent; the message is in {outbox / receipt.provider_id}")
        return
    with _feed(chosen, name) as feed:
        receipt = _sent(house.channels(chosen, feed)[name], message_to(chosen, name, to))
    sentence(f"{name} took it as {receipt.provider_id}; whether it arrives, only the recipient can say")


def _address(to: str, kind: str) -> str:
    """Where the message is to go, as that kind of channel takes it; raises :class:`Misconfigured`."""
    from channels import devices
    from orchestrator.tables.flaws import Flawed
    from orchestrator.tables.suppressions import place

    try:
        if kind == "push":
            devices.parse(to)
        elif kind in ("email", "sms"):
            scope, to = place(to, "", "", ("email", "sms", "push"))
            if scope != kind:
                raise Misconfigured(f"{to!r} is no {'mailbox' if kind == 'email' else 'number'}")
    except Flawed as wrong:
        raise Misconfigured(f"{to!r} {wrong.message}\n{wrong.hint}".rstrip()) from None
    except ValueError as wrong:
        raise Misconfigured(f"it is no device: {wrong}") from None
    return to


@contextmanager
def _feed(chosen: Settings, name: str) -> Iterator[Feed | None]:
    """What keeps the messages of the inbox; no other channel opens the ledger."""
    from channels.kinds.inbox import NAME

    if name != NAME:
        yield None
        return
    from orchestrator.cli.ledgers import engine_in_force

    with engine_in_force(chosen) as engine, house.inbox(chosen, engine) as inbox:
        yield inbox


def message_to(chosen: Settings, name: str, to: str) -> Message:
    """The test message of a channel."""
    from uuid import uuid4

    from channels.base import Message
    from orchestrator.clock import SystemClock

    company = chosen.company.name or "Beforehand"
    key = uuid4()
    return Message(
        id=f"test/{key}",
        message_id=f"<{key}@{chosen.sender.email.rpartition('@')[2] or 'localhost'}>",
        channel=name,
        to=to,
        text=f"This is a test of the channel {name} of {company}. It can be ignored.",
        subject=f"Test of {name}",
        title=f"Test of {name}",
        sender=chosen.sender.email,
        sender_name=chosen.sender.name or chosen.company.name,
        reply_to=chosen.sender.reply_to,
        locale="en",
        purpose="service",
        collapse_key=f"test/{name}",
        at=SystemClock().now(),
    )


def _sent(channel: Channel, message: Message) -> Receipt:
    """Send it, or say in one sentence what it means that it was not, with the provider's own words."""
    import asyncio

    from channels import base

    try:
        return asyncio.run(_send(channel, message))
    except base.ChannelError as error:
        failure(_meaning(channel, error), error.raw)
        raise typer.Exit(1) from None


def outcome(channel: Channel, message: Message) -> tuple[str, str]:
    """Send a message, and give what it means that it was not, or what the provider calls it."""
    import asyncio

    from channels import base

    try:
        return "", asyncio.run(_send(channel, message)).provider_id
    except base.ChannelError as error:
        return _meaning(channel, error), ""


def _meaning(channel: Channel, error: ChannelError) -> str:
    """What it means that a message was not sent, with the provider's own words."""
    from channels import base

    meaning = {
        base.Misconfigured: "our settings are wrong",
        base.Unavailable: "not now; nothing was sent",
        base.Rejected: "refused, this recipient or this message",
        base.Unknown: "nobody can say whether it was sent",
    }.get(type(error), "it failed")
    said = f" ({error.code})" if error.code else ""
    return f"{channel.name}: {meaning}: {error.reason}{said}"


async def _send(channel: Channel, message: Message) -> Receipt:
    try:
        return await channel.send(message)
    finally:
        await channel.close()


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the kind of channel is called: pigeon.")],
    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="The folder to write it into.", show_default=False)
    ] = Path(),
) -> None:
    """Write a package with a new kind of channel: adapter, settings, a fake provider and tests that pass.

    ADDING_A_CHANNEL.md says how to go on from there. Nothing is ever overwritten.
    """
    from channels import starter
    from channels.registry import BUILT_IN

    if not _PACKAGE.fullmatch(name):
        raise Misconfigured(f"{name!r} cannot be the name of a kind\nwrite small letters, digits and _")
    if name in BUILT_IN:
        raise Misconfigured(f"{name} comes with Beforehand\ngive yours a name of its own")
    folder = into / f"beforehand-{name.replace('_', '-')}"
    if folder.exists():
        raise Misconfigured(f"nothing was written, because {folder} exists")
    count = starter.write(folder, name)
    sentence(f"{counted(count, 'file')} written; next: cd {folder} && python -m pytest")
