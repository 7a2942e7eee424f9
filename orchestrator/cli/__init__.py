"""The command ``beforehand``: the table of commands, and what every one of them does with an error.

Only typer and the standard library are imported here; each command imports what it needs when it runs, so
that ``beforehand --help`` and ``beforehand check`` answer at once.
"""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_command_name

from orchestrator import garbage
from orchestrator.cli import (
    admin,
    backups,
    channels,
    daemon,
    demo,
    facts,
    importing,
    inbox,
    keys,
    letters,
    output,
    pauses,
    people,
    preview,
    privacy,
    receiving,
    rules,
    subscribers,
    suppressions,
    testing,
    trial,
    versions,
)
from orchestrator.cli.exit_codes import FINE, INTERRUPTED, PROBLEMS, USAGE
from orchestrator.errors import BeforehandError, LedgerBehind, Misconfigured, Problems

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

COMMANDS: tuple[tuple[str, tuple[Callable[..., None], ...]], ...] = (
    ("Start here", (demo.demo, admin.init)),
    ("Write rules and templates", (rules.check, testing.test, preview.preview, facts.simulate, rules.schema)),
    ("Bring them into force", (rules.plan, rules.apply, trial.shadow)),
    ("Run", (daemon.serve, daemon.run, facts.ingest, importing.import_, receiving.receive)),
    ("Understand", (facts.explain,)),
    ("Look after", (admin.doctor, pauses.pause, pauses.resume)),
    ("Privacy", (privacy.export, privacy.erase)),
)
"""Every command, in the order a person needs them."""

GROUPS: tuple[tuple[str, str, str, tuple[tuple[str, Callable[..., None]], ...]], ...] = (
    ("Look after", "config", "Show the settings in force.", (("show", admin.config_show),)),
    (
        "Look after",
        "db",
        "Look after the ledger.",
        (
            ("upgrade", admin.db_upgrade),
            ("backup", backups.backup),
            ("restore", backups.restore),
            ("prune", admin.db_prune),
            ("rebuild", admin.db_rebuild),
            ("copy", admin.db_copy),
        ),
    ),
    (
        "Look after",
        "channels",
        "List channels, send a test message, begin a new one.",
        (("list", channels.list_), ("test", channels.send_one), ("new", channels.new)),
    ),
    (
        "Bring them into force",
        "rules",
        "What was in force, and what the console edited.",
        (("versions", versions.versions), ("pull", versions.pull)),
    ),
    (
        "Look after",
        "suppressions",
        "Addresses that nothing is sent to any more.",
        (
            ("list", suppressions.list_),
            ("add", suppressions.add),
            ("remove", suppressions.remove),
            ("import", suppressions.import_),
            ("export", suppressions.export),
        ),
    ),
    (
        "Look after",
        "people",
        "Who may sign in to the console.",
        (
            ("add", people.add),
            ("list", people.list_),
            ("disable", people.disable),
            ("enable", people.enable),
            ("link", people.link),
        ),
    ),
    (
        "Look after",
        "keys",
        "The keys of other systems.",
        (("add", keys.add), ("list", keys.list_), ("rotate", keys.rotate), ("revoke", keys.revoke)),
    ),
    (
        "Look after",
        "subscribers",
        "Other systems that are told what happens here.",
        (("list", subscribers.list_), ("test", subscribers.send_one), ("skip", subscribers.skip)),
    ),
    ("Look after", "inbox", "Let a page read a customer's inbox.", (("token", inbox.token),)),
)
"""Commands of commands: heading, name, what for, members."""


class Commands(TyperGroup):
    """A group whose help lists its commands under headings, before the options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by heading, then the options (the signature is typer's)."""
        headings: dict[str, list[tuple[str, str]]] = {}
        room = formatter.width - max(map(len, self.commands)) - 6
        for name, command in self.commands.items():
            heading = getattr(command, "rich_help_panel", None) or "Commands"
            headings.setdefault(heading, []).append((name, command.get_short_help_str(room)))
        options = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        for heading, rows in [*headings.items(), ("Options", options)]:
            with formatter.section(heading):
                formatter.write_dl(rows)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"beforehand {version('beforehand')}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The settings file; otherwise $BEFOREHAND_CONFIG, otherwise ./config.toml.",
            show_default=False,
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Tell the customer before they have to ask.

    Beforehand watches what was promised to a customer and what really happened, and decides who should
    hear what, when and through which channel, or who inside the company must act.

    New here? `beforehand demo` plays a whole story on your machine; `beforehand init` starts your own.
    """
    ctx.obj = config
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def _group(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        members = getattr(ctx.command, "commands", {})
        output.failure(f"say which: {' or '.join(f'{ctx.command_path} {name}' for name in members)}")
        raise typer.Exit(USAGE)


def build(only: str = "") -> typer.Typer:
    """Return the application with every command of the tables above, or with the *only* one of that name.

    To make all of them takes 20 ms. A name that no command has means all: the error that follows names them.
    """
    commands = {get_command_name(function.__name__) for _, functions in COMMANDS for function in functions}
    chosen = {only} & (commands | {name for _, name, _, _ in GROUPS}) or None
    app = typer.Typer(cls=Commands, invoke_without_command=True, **_PLAIN)
    app.callback()(_root)
    for heading, functions in COMMANDS:
        for function in functions:
            if chosen is None or get_command_name(function.__name__) in chosen:
                app.command(rich_help_panel=heading)(function)
    for heading, name, words, members in GROUPS:
        if chosen is not None and name not in chosen:
            continue
        group = typer.Typer(cls=Commands, invoke_without_command=True, help=words, **_PLAIN)
        group.callback()(_group)
        for member, function in members:
            group.command(member)(function)
        app.add_typer(group, name=name, rich_help_panel=heading)
    return app


_PLAIN: dict[str, Any] = {
    "rich_markup_mode": None,  # rich costs 0.3 s before the first word of help
    "pretty_exceptions_enable": False,  # they print local variables, and those hold customers
    "add_completion": False,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (:mod:`.exit_codes`)."""
    sys.excepthook = _nobody_foresaw
    output.told_by(None)
    letters.whatever_the_encoding()
    garbage.seldom()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for some reads every package
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except BrokenPipeError:
        return _reader_gone()
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return _no_room(error)


def _run(arguments: list[str]) -> int:
    try:
        command = get_command(build(arguments[0] if arguments else ""))
        with command.make_context("beforehand", arguments) as ctx:
            command.invoke(ctx)
        sys.stdout.flush()
    except typer.Exit as end:
        with suppress(BrokenPipeError):
            sys.stdout.flush()
            return end.exit_code
        _reader_gone()
        return end.exit_code
    except KeyboardInterrupt:
        output.note("interrupted")
        return INTERRUPTED
    except typer.TyperException as error:
        return _usage(error)
    except BeforehandError as error:
        return _refused(error)
    return FINE


def _nobody_foresaw(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell an error without its own words: they may quote a customer."""
    from orchestrator.cli import logs

    logs.nobody_foresaw(kind, error, trace)


def _reader_gone() -> int:
    """Whoever read our output has enough (``| head``): the rest goes nowhere, without a word."""
    _to_nowhere(sys.stdout)
    return FINE


def _no_room(error: OSError) -> int:
    """What a command writes has no room: what it did until then is kept."""
    _to_nowhere(sys.stdout)
    where = f" to {error.filename}" if error.filename else ""
    try:
        output.failure(f"cannot write{where}: {(error.strerror or 'no room').lower()}")
    except OSError:  # not even this
        _to_nowhere(sys.stderr)
    return PROBLEMS


def _to_nowhere(stream: TextIO) -> None:
    """What is left in it would be written at the end, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _usage(error: typer.TyperException) -> int:
    """The command line itself is wrong."""
    near = sorted(getattr(error, "possibilities", None) or ())
    ctx = getattr(error, "ctx", None)
    hint = f"`{ctx.command_path if ctx else 'beforehand'} --help` lists what there is"
    output.failure(
        error.message if near else error.format_message(),
        f"did you mean {' or '.join(near)}?" if near else hint,
    )
    return USAGE


def _refused(error: BeforehandError) -> int:
    """The engine refused on purpose: say why, and what to do."""
    if isinstance(error, Problems):
        output.problems(error.problems, stream=sys.stderr)
        output.note(f"{output.counted(len(error.problems), 'problem')} found")
        return PROBLEMS
    output.failure(str(error))
    return USAGE if isinstance(error, Misconfigured | LedgerBehind) else PROBLEMS
