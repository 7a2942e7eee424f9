"""The command that a mail server gives mail to: receive."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import output
from orchestrator.cli.exit_codes import LATER, PROBLEMS
from orchestrator.cli.options import Config, loaded
from orchestrator.errors import BeforehandError, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from channels.reports import Reply, Report
    from orchestrator.callbacks import Taken
    from orchestrator.config import Settings


def receive(
    ctx: typer.Context,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            envvar=["ORIGINAL_RECIPIENT", "RECIPIENT"],
            help="The mailbox it came to, by its envelope; may be given again.",
        ),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option("--from", envvar="SENDER", help="Who sent it, by its envelope; empty for a bounce."),
    ] = None,
    config: Config = None,
) -> None:
    """Read one mail from standard input: a bounce, or an answer.

    For the pipe of a mail server, which gives it what comes to `sender.bounces` and `sender.replies`. What
    nothing of ours proves changes nothing. The exit code is 1 if it is no mail, and 75 if it cannot be kept
    now: the server tries again.
    """
    from channels.inbound.mail import LARGEST, parse
    from channels.reports import Unreadable

    try:
        mail = parse(sys.stdin.buffer.read(LARGEST + 1), sender=sender, to=to or ())
    except Unreadable as unreadable:
        output.failure(unreadable.reason)
        raise typer.Exit(PROBLEMS) from None
    try:
        chosen = loaded(ctx, config)
        from channels.inbound.reading import read
        from orchestrator.cli.ledgers import demand_installation
        from orchestrator.cli.senders import signing

        demand_installation(chosen)
        said = read(mail, signing(chosen))
        taken = _kept(chosen, said) if said else None
    except Problems as refused:
        output.problems(refused.problems, stream=sys.stderr)
        raise typer.Exit(LATER) from None
    except (BeforehandError, OSError) as error:
        output.failure(str(error))
        raise typer.Exit(LATER) from None
    output.sentence(_became_of_it(taken))


def _became_of_it(taken: Taken | None) -> str:
    if taken is None or not (taken.new or taken.duplicates):
        return "nothing in it is proven to be ours"
    if not taken.new:
        return "nothing new: it was kept before"
    before = f", {taken.duplicates:,} known already" if taken.duplicates else ""
    return f"{output.counted(taken.new, 'event')} kept{before}"


def _kept(chosen: Settings, said: Sequence[Report | Reply]) -> Taken:
    """Take what the mail says, in one transaction."""
    from orchestrator import callbacks
    from orchestrator.cli.ledgers import engine_in_force
    from orchestrator.clock import SystemClock

    with engine_in_force(chosen) as engine, engine.ledger.transaction() as tx:
        return callbacks.take(engine, tx, callbacks.Caller("mail", "email"), said, SystemClock().now())
