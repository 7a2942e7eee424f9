"""The options that many commands share, and the settings behind ``--config``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import output
from orchestrator.cli.output import Format
from orchestrator.errors import Problems

if TYPE_CHECKING:
    from orchestrator.config import Settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="The settings file; otherwise $BEFOREHAND_CONFIG, otherwise ./config.toml.",
        show_default=False,
    ),
]
Form = Annotated[
    Format,
    typer.Option("--format", help="A table for people; json or jsonl (one object a line) for programs."),
]
Templates = Annotated[
    Path | None,
    typer.Option(
        "--templates", help="The folder of templates; otherwise the settings say.", show_default=False
    ),
]


def settings(ctx: typer.Context, config: Path | None, *, sends: bool = False) -> Settings:
    """Return the settings in force, or tell what is wrong with them and end with exit code 2.

    A command that *sends* needs the secrets; any other works where only the daemon has them.
    """
    try:
        return loaded(ctx, config, sends=sends)
    except Problems as refused:
        output.problems(refused.problems, stream=sys.stderr)
        raise typer.Exit(2) from None


def loaded(ctx: typer.Context, config: Path | None, *, sends: bool = True) -> Settings:
    """Return the settings in force; *config* may also stand before the command (``beforehand --config …``).

    Raises :class:`Problems`.
    """
    from orchestrator.config import load

    return load(config or ctx.find_root().obj, os.environ, sends=sends)
