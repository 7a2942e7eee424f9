"""The page docs/reference/commands.md, written from the commands themselves."""

from typing import Any

import typer
from typer.main import get_command

from orchestrator.cli import build

HEAD = """# Commands

Written by `make docs` from what each command says about itself; a test fails when this page is stale.

- Data is on stdout; logs and progress are on stderr. `--format table` is for people; `json` and `jsonl` (one
  object a line) are for programs. A terminal folds a table to its width; in a file or a pipe each row is one
  line, nothing is cut, and columns stay below each other.
- Exit codes: 0 fine, 1 problems found, 2 usage or configuration, 130 interrupted; 75 from `receive`:
  the mail should come again.
- Settings come from `--config`, else `$BEFOREHAND_CONFIG`, else `./config.toml`.
- Colours only on a terminal, and not with `NO_COLOR`.
"""


def page() -> str:
    """Return the page as Markdown."""
    root: Any = get_command(build())
    parts = [HEAD, _fenced(root, "beforehand")]
    for name, command in root.commands.items():
        members = getattr(command, "commands", {})
        for member, inner in members.items():
            parts.append(f"## {name} {member}\n\n{_fenced(inner, f'beforehand {name} {member}')}")
        if not members:
            parts.append(f"## {name}\n\n{_fenced(command, f'beforehand {name}')}")
    return "\n".join(parts)


def _fenced(command: Any, path: str) -> str:
    # The width is fixed: the page must not depend on who writes it.
    ctx = typer.Context(command, info_name=path, terminal_width=90)
    return f"```text\n{command.get_help(ctx).strip()}\n```\n"
