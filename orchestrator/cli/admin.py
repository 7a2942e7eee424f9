"""The commands that look after an installation: init, config show, db upgrade and rebuild, doctor."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format
from orchestrator.errors import LedgerBusy, Misconfigured

if TYPE_CHECKING:
    from orchestrator.ledger import Ledger

STARTER = ("config.toml", "rules", "templates")
NAMED = 5  # of the files that are in the way; the rest is counted


_IN_THE_WAY = "nothing was written, because these files exist:"


def _starter() -> Path:
    """Where the starting point lies: inside the installed package, or at the root of a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "starter"
    return inside if inside.is_dir() else package.parent


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write them; here unless told.", show_default=False)
    ] = Path(),
) -> None:
    """Write rules, templates and settings to start from.

    They are config.toml, and rules/ and templates/ of a new car's whole journey and of a parcel's. Nothing
    is ever overwritten: if one of the files exists, nothing is written.
    """
    files = write_starter(directory)
    inside = "" if directory == Path() else f"cd {directory} && "
    output.sentence(f"{output.counted(files, 'file')} written; next: {inside}beforehand check")


def write_starter(directory: Path) -> int:
    """Copy the starting point into *directory*, all of it or nothing; return how many files."""
    files = starter_files()
    folders = {folder for name in files for folder in (directory / name).parents}
    for in_the_way in sorted(folder for folder in folders if folder.exists() and not folder.is_dir()):
        raise Misconfigured(f"{in_the_way} is no folder; name another one")
    taken = [name for name in files if (directory / name).exists()]
    if taken:
        more = [f"and {len(taken) - NAMED:,} more"] if len(taken) > NAMED else []
        raise Misconfigured("\n".join([_IN_THE_WAY, *taken[:NAMED], *more]))
    for name, source in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(source.read_bytes())
    return len(files)


def starter_files() -> dict[str, Path]:
    """The files of the starting point, by their names in a folder of one's own."""
    source = _starter()
    return {
        path.relative_to(source).as_posix(): path
        for name in STARTER
        for path in sorted([source / name, *(source / name).rglob("*")])
        if path.is_file()
    }


def config_show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Show every setting in force, secrets masked."""
    chosen = settings(ctx, config)
    from orchestrator.config import rows

    columns = ["name", "value", "origin"] if origin else ["name", "value"]
    output.records(({name: getattr(row, name) for name in columns} for row in rows(chosen)), form, columns)


def db_upgrade(ctx: typer.Context, config: Config = None) -> None:
    """Make the ledger's tables, or bring them up to this program.

    In PostgreSQL the tables of the jobs between planners and dispatchers are made with them.
    """
    chosen = settings(ctx, config)
    from orchestrator.cli.roles import make_jobs
    from orchestrator.ledger import Ledger
    from orchestrator.ledger.schema import HEAD

    with Ledger.open(chosen.ledger.url, upgrade=True) as ledger:
        make_jobs(ledger)
        found = ledger.version()
        newest = "the newest" if found == HEAD else f"newer than this program's {HEAD}, which it serves"
        output.sentence(f"the ledger has schema {found}, {newest}")


def db_copy(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="The empty ledger to copy into, `postgresql://USER@HOST/DATABASE`."
        ),
    ],
    config: Config = None,
) -> None:
    """Copy the ledger into an empty one, as when one machine is not enough any more.

    No daemon may run meanwhile, and nothing else write. The settings stay: put the new URL into them then.
    """
    chosen = settings(ctx, config)
    from orchestrator.ledger import Ledger, copying

    with (
        Ledger.open(chosen.ledger.url) as old,
        _alone(old),
        Ledger.open(target, upgrade=True) as new,
        output.Progress("copying", copying.rows(old)) as progress,
    ):
        copied = copying.copy(old, new, progress.advance)
    facts = output.counted(copied["facts"], "fact")
    entries = output.counted(copied["entries"], "entry", "entries")
    output.sentence(f"{facts} and {entries} copied; now set ledger.url to the new one, and start again")


def _alone(ledger: "Ledger") -> AbstractContextManager[None]:
    """Be alone with a file from here on; on a server, raise LedgerBusy if somebody works on it now."""
    if ledger.is_shared and ledger.has_daemon():
        raise LedgerBusy("daemons work on this ledger: stop them all first")
    return ledger.daemon_lock()


def db_prune(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be deleted.")] = False,
    config: Config = None,
) -> None:
    """Delete what is older than `[retention]` says.

    A daemon does so by itself, a little at a time. What keeps a message from being sent twice stays, and so
    do consents, suppressed addresses and erasures.
    """
    from orchestrator.cli import ledgers
    from orchestrator.retention import Pruner

    chosen = settings(ctx, config)
    keeps = chosen.retention.keeps()
    if keeps.everything:
        raise Misconfigured('everything is kept: [retention] orders = "1095d" says how long, for example')
    with ledgers.existing(chosen) as ledger:
        gone = Pruner(ledger, keeps, ledgers.clock_of(ledger).now).run(dry=dry_run)
    verb = "would be deleted" if dry_run else "deleted"
    orders = output.counted(gone.orders, "closed order")
    attempts = output.counted(gone.attempts, "attempt")
    looks = output.counted(
        gone.activity, "fact that a customer was active", "facts that customers were active"
    )
    output.sentence(f"{orders}, {attempts} and {looks} {verb}")


def db_rebuild(ctx: typer.Context, config: Config = None) -> None:
    """Work out again, from its facts, how every order stands.

    Lists and searches use what is stored about an order; this stores it anew and changes nothing else. It is
    never needed, and never harmful.
    """
    from orchestrator.cli.ledgers import engine_in_force
    from orchestrator.clock import SystemClock

    with engine_in_force(settings(ctx, config)) as engine:
        orders = engine.rebuild(SystemClock().now())
    output.sentence(f"{output.counted(orders, 'order')} rebuilt from their facts")


def doctor(ctx: typer.Context, form: Form = Format.TABLE, config: Config = None) -> None:
    """Look whether all is well, and say what to do if not.

    Settings, rules and templates, channels that fail, what is due, retried, held, paused or of unknown fate,
    and orders that could not be planned. The exit code is 1 if anything needs somebody.
    """
    from orchestrator.cli.health import findings

    found = list(findings(settings(ctx, config)))
    output.records(
        ({"what": f.what, "state": f.state, "detail": f.detail, "remedy": f.remedy} for f in found),
        form,
        ["what", "state", "detail", "remedy"],
    )
    unwell = sum(not finding.well for finding in found)
    output.sentence(f"{output.counted(unwell, 'thing')} to look at" if unwell else "all is well", form)
    if unwell:
        raise typer.Exit(1)
