"""The commands that look after an installation: init, config show, db upgrade and rebuild, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import output
from orchestrator.errors import Misconfigured

STARTER = ("config.toml", "rules", "templates")


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

    They are config.toml, rules/ and templates/ of a new car's whole journey. Nothing is ever overwritten:
    if one of the files exists, nothing is written and each is named.
    """
    source = _starter()
    files = [
        path.relative_to(source)
        for name in STARTER
        for path in sorted([source / name, *(source / name).rglob("*")])
        if path.is_file()
    ]
    taken = [str(name) for name in files if (directory / name).exists()]
    if taken:
        raise Misconfigured("\n".join(["nothing was written, because these files exist:", *taken]))
    for name in files:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write((source / name).read_bytes())
    inside = "" if directory == Path() else f"cd {directory} && "
    output.sentence(f"{output.counted(len(files), 'file')} written; next: {inside}beforehand check")
