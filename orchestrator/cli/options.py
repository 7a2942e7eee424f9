"""The options that many commands share, and the settings behind ``--config``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.output import Format

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


def settings(ctx: typer.Context, config: Path | None) -> Settings:
    """Return the settings in force; *config* may also stand before the command (``beforehand --config …``).

    Raises :class:`orchestrator.errors.Problems` or :class:`orchestrator.errors.Misconfigured`.
    """
    from orchestrator.config import load

    return load(config or ctx.find_root().obj, os.environ)
