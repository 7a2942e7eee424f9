"""The commands that stop sending for a while, and let it go on: pause and resume."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import house, ledgers, output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.cli.people import asking
from orchestrator.errors import Misconfigured, NotFound

if TYPE_CHECKING:
    from orchestrator.config import Settings
    from orchestrator.ledger import Ledger, Pause, Stops

Everything = Annotated[bool, typer.Option("--all", help="Everything.")]
Location = Annotated[
    list[str] | None,
    typer.Option("--location", metavar="ID", help="What is about a location's orders; may be given again."),
]
Rule = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="ID", help="What one rule says; may be given again."),
]
Channel = Annotated[
    list[str] | None,
    typer.Option("--channel", metavar="NAME", help="One channel; the next one is used; may be given again."),
]


def pause(
    ctx: typer.Context,
    everything: Everything = False,
    location: Location = None,
    rule: Rule = None,
    channel: Channel = None,
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
    if not what:
        _list(chosen, form)
        return
    from orchestrator.clock import SystemClock
    from orchestrator.sending.standing_still import in_words, stand_still

    with ledgers.opened(chosen) as ledger:
        for kind, name in what:
            _demand(chosen, ledger, kind, name)
        with ledger.transaction() as tx:
            now = SystemClock().now()
            new = [stand_still(tx, asking(), kind, name, reason, now) for kind, name in what]
    for (kind, name), is_new in zip(what, new, strict=True):
        stands = "is paused" if is_new else "was paused already"
        output.sentence(f"{in_words(kind, name)} {stands}; to let it go on: {remedy(kind, name)}", form)


def resume(
    ctx: typer.Context,
    everything: Everything = False,
    location: Location = None,
    rule: Rule = None,
    channel: Channel = None,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Let go on what was paused.

    What waited for it and is still useful is sent by the daemon at once. `beforehand pause` lists what is
    paused; something else that is paused stays so.
    """
    chosen = settings(ctx, config)
    what = _what(everything, location, rule, channel)
    if not what:
        raise Misconfigured("say what goes on: --all, --location, --rule or --channel")
    from orchestrator.clock import SystemClock
    from orchestrator.sending.standing_still import go_on, in_words

    with ledgers.existing(chosen) as ledger, ledger.transaction() as tx:
        paused = tx.pauses()
        now = SystemClock().now()
        counts = [go_on(tx, asking(), kind, name, now) for kind, name in what]
        running = [in_words(*one) for one, count in zip(what, counts, strict=True) if count is None]
        if running:  # and so the others stay paused too
            verb = "is" if len(running) == 1 else "are"
            raise NotFound(f"{', '.join(running)} {verb} not paused; {_others(paused)}")
    for (kind, name), count in zip(what, counts, strict=True):
        waited = f"{counted(count or 0, 'notification')} waited for it"
        output.sentence(f"{in_words(kind, name)} goes on; {waited}", form)


def remedy(kind: Stops, name: str) -> str:
    """The command that lets it go on."""
    return f"beforehand resume {f'--{kind} {name}' if name else '--all'}"


def _what(
    everything: bool, location: list[str] | None, rule: list[str] | None, channel: list[str] | None
) -> list[tuple[Stops, str]]:
    """What the options name, each once; raises :class:`Misconfigured` for everything and something."""
    from orchestrator.ledger import Stops

    given = ((Stops.LOCATION, location), (Stops.RULE, rule), (Stops.CHANNEL, channel))
    named = list(dict.fromkeys((kind, name) for kind, names in given for name in names or ()))
    if empty := next((kind for kind, name in named if not name.strip()), None):
        raise Misconfigured(f"--{empty} names nothing")
    if everything and named:
        raise Misconfigured("--all is everything: name nothing beside it")
    return [(Stops.EVERYTHING, "")] if everything else named


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
    ledgers.demand_installation(chosen)
    if not ledgers.is_new(chosen):
        with ledgers.opened(chosen) as ledger, ledger.read() as tx:
            paused = tx.pauses()
    output.records(
        ({"kind": p.kind.value, "name": p.name, "since": p.since, "reason": p.reason} for p in paused),
        form,
        ["kind", "name", "since", "reason"],
    )
    output.sentence(f"{counted(len(paused), 'pause')}" if paused else "nothing is paused", form)


def _others(paused: Collection[Pause]) -> str:
    return f"paused: {', '.join(map(str, paused))}" if paused else "nothing is"
