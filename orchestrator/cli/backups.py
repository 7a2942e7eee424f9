"""The commands that copy the ledger's file while it is used, and put a copy back."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import ledgers, output
from orchestrator.cli.options import Config, settings
from orchestrator.errors import Misconfigured

if TYPE_CHECKING:
    from orchestrator.config.settings import Settings

HUNDRED = 100  # progress is told in hundredths


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the copy.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Write in the place of an older backup.")
    ] = False,
    config: Config = None,
) -> None:
    """Copy the ledger's file as it is now, while a daemon works on it, and check the copy.

    FILE is there only once it is complete and sound. It holds everything about customers that the ledger
    holds; nobody else may read it.
    """
    chosen = settings(ctx, config)
    _demand_file(chosen, "pg_dump", f"--format=custom --file={shlex.quote(str(file))} --dbname")
    ledgers.demand_installation(chosen)
    from orchestrator.ledger import backups

    ledger = backups.file_at(chosen.ledger.url)
    with output.Progress("copying", HUNDRED) as progress:
        made = backups.back_up(ledger, file, replace=replace, progress=_shares(progress))
    until = f", with news until {made.newest:%Y-%m-%d %H:%M:%S}Z" if made.newest else ""
    output.sentence(f"{file} is complete and sound: {made.size:,} bytes{until}")


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `db backup` wrote.")],
    config: Config = None,
) -> None:
    """Put a backup in the place of the ledger, with everything paused.

    It is checked first, and refused while a daemon works. The ledger that was there is kept beside it. What
    was sent after the backup is not known any more: send the events since then again, and look, before
    `resume --all`.
    """
    chosen = settings(ctx, config)
    _demand_file(chosen, "pg_restore", f"--clean --if-exists {shlex.quote(str(file))} --dbname")
    ledgers.demand_folder(chosen)
    from orchestrator.clock import SystemClock
    from orchestrator.ledger import backups
    from orchestrator.ledger.schema import HEAD

    ledger = backups.file_at(chosen.ledger.url)
    with output.Progress("copying", HUNDRED) as progress:
        found, aside = backups.restore(file, ledger, SystemClock().now(), _shares(progress))
    until = f"{found.newest:%Y-%m-%d %H:%M:%S}Z" if found.newest else "before the first event"
    output.sentence(f"the ledger is as it was at {until}, and everything is paused")
    if aside is not None:
        output.note(f"what was there is kept as {aside.name}")
    if found.schema < HEAD:
        output.note(f"its schema is {found.schema}: beforehand db upgrade")
    output.note("next: send again the events since then; beforehand doctor; beforehand resume --all")


def _demand_file(chosen: Settings, tool: str, arguments: str) -> None:
    """Raise :class:`Misconfigured` for a ledger on a server, whose own tools copy it."""
    if chosen.ledger.url.startswith("postgresql:"):
        from sqlalchemy import URL, make_url

        it = make_url(chosen.ledger.url)
        where = URL.create("postgresql", it.username, None, it.host, it.port, it.database, it.query)
        raise Misconfigured(
            f"the ledger is in PostgreSQL, and the tools of the server copy it while daemons work\n"
            f"{tool} {arguments} '{where}'"
        )


def _shares(progress: output.Progress) -> Callable[[int, int], None]:
    return lambda done, pages: progress.to(HUNDRED * done // max(pages, 1))
