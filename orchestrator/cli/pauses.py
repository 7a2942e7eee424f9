"""The commands that stop sending for a while, and let it go on: pause and resume."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import house, ledgers, output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.errors import Misconfigured, NotFound

if TYPE_CHECKING:
    from orchestrator.config import Settings
    from orchestrator.ledger import Ledger, Stops, Transaction

Everything = Annotated[bool, typer.Option("--all", help="Everything.")]
Location = Annotated[str, typer.Option("--location", metavar="ID", help="What is about a location's orders.")]
Rule = Annotated[str, typer.Option("--rule", metavar="ID", help="What one rule says.")]
Channel = Annotated[str, typer.Option("--channel", metavar="NAME", help="One channel; the next one is used.")]


def pause(
    ctx: typer.Context,
    everything: Everything = False,
    location: Location = "",
    rule: Rule = "",
    channel: Channel = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for your colleagues.", show_default=False)
    ] = "by hand",
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Stop sending for a while; alone, list what is paused.

    What is not yet being sent stands still at once, in a running daemon too. It waits, and says why; what is
    useless by the time it may go is not sent at all. Where a channel is paused, a rule's next one is used.
    """
    chosen = settings(ctx, config)
    what = _what(everything, location, rule, channel)
    if what is None:
        _list(chosen, form)
        return
    from orchestrator.clock import SystemClock

    kind, name = what
    with ledgers.opened(chosen) as ledger:
        _demand(chosen, ledger, kind, name)
        with ledger.transaction() as tx:
            new = tx.pause(kind, name, SystemClock().now(), reason)
    stands = "is paused" if new else "was paused already"
    output.sentence(f"{_words(kind, name)} {stands}; to let it go on: {remedy(kind, name)}", form)


def resume(
    ctx: typer.Context,
    everything: Everything = False,
    location: Location = "",
    rule: Rule = "",
    channel: Channel = "",
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Let go on what was paused.

    What waited for it and is still useful is sent by the daemon at once. `beforehand pause` lists what is
    paused; something else that is paused stays so.
    """
    chosen = settings(ctx, config)
    what = _what(everything, location, rule, channel)
    if what is None:
        raise Misconfigured("say what goes on: --all, --location, --rule or --channel")
    from orchestrator.clock import SystemClock
    from orchestrator.sending.guard import standstill

    kind, name = what
    with ledgers.opened(chosen) as ledger, ledger.transaction() as tx:
        if not tx.resume(kind, name):
            raise NotFound(f"{_words(kind, name)} is not paused; {_others(tx)}")
        count = tx.wake(standstill(kind.value, name, ""), SystemClock().now())
    waited = f"{counted(count, 'notification')} waited for it"
    output.sentence(f"{_words(kind, name)} goes on; {waited}", form)


def remedy(kind: Stops, name: str) -> str:
    """The command that lets it go on."""
    return f"beforehand resume {f'--{kind} {name}' if name else '--all'}"


def _what(everything: bool, location: str, rule: str, channel: str) -> tuple[Stops, str] | None:
    """What the options name; ``None`` if they name nothing. Raises :class:`Misconfigured` for several."""
    from orchestrator.ledger import Stops

    named = [
        (kind, name)
        for kind, name in ((Stops.LOCATION, location), (Stops.RULE, rule), (Stops.CHANNEL, channel))
        if name
    ]
    if everything:
        named.append((Stops.EVERYTHING, ""))
    if len(named) > 1:
        raise Misconfigured("name one thing at a time: --all, --location, --rule or --channel")
    return named[0] if named else None


def _words(kind: Stops, name: str) -> str:
    return f"{kind} {name}".rstrip()


def _demand(chosen: Settings, ledger: Ledger, kind: Stops, name: str) -> None:
    """Raise :class:`Misconfigured` for a name that nothing has: a slip would stop nothing, in silence."""
    from orchestrator.ledger import Stops

    known: Collection[str]
    if kind is Stops.CHANNEL:
        known = chosen.channels.named()
    elif kind is Stops.RULE:
        with ledger.read() as tx:
            book = ledgers.book_in_force(chosen, tx)
        book = book if book.journeys else house.written(chosen).book  # before the first start
        known = [rule.id for journey in book.journeys.values() for rule in journey.rules]
    elif kind is Stops.LOCATION:
        with ledger.read() as tx:
            known = tx.locations()
    else:
        return
    if name not in known:
        from orchestrator.findings import did_you_mean

        hint = did_you_mean(name, sorted(known)) or f"there is: {', '.join(sorted(known)) or 'none'}"
        raise Misconfigured(f"no {kind} is called {name!r}\n{hint}")


def _list(chosen: Settings, form: Format) -> None:
    paused = []
    if not ledgers.is_new(chosen):
        with ledgers.opened(chosen) as ledger, ledger.read() as tx:
            paused = tx.pauses()
    output.records(
        ({"kind": p.kind.value, "name": p.name, "since": p.since, "reason": p.reason} for p in paused),
        form,
        ["kind", "name", "since", "reason"],
    )
    output.sentence(f"{counted(len(paused), 'pause')}" if paused else "nothing is paused", form)


def _others(tx: Transaction) -> str:
    paused = tx.pauses()
    return f"paused: {', '.join(map(str, paused))}" if paused else "nothing is"
