"""The commands about rules as they were: every version, and the console's edits pulled into the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import ledgers, output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.errors import NotFound

if TYPE_CHECKING:
    from orchestrator.ledger import RuleSet
    from orchestrator.rules.edited import Edit

COLUMNS = ("version", "state", "since", "by", "decided_by", "why", "changed")
BESIDE = ".console"  # ends the name of what lies beside a file that changed as well


def versions(
    ctx: typer.Context,
    most: Annotated[int, typer.Option("--last", min=1, help="So many.")] = 20,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """List the rules that were in force or proposed, the newest first.

    Each with who edited it in the console and who decided about it; nobody's name means the files, and the
    command line. None is ever thrown away: the console shows each, and brings it back.
    """
    chosen = settings(ctx, config)
    with ledgers.existing(chosen) as ledger, ledger.read() as tx:
        found = tx.rulesets(limit=most + 1)
    rows = list(_rows(found, chosen.rules.path.as_posix()))[:most]
    output.records(rows, form, COLUMNS)
    output.sentence(f"{counted(len(rows), 'version')}", form)


def pull(ctx: typer.Context, form: Form = Format.TABLE, config: Config = None) -> None:
    """Write what was edited in the console into the files of rules.

    A file that was changed as well is left alone, and the console's version is written beside it
    (new-car.yaml.console): bring the two together in the file, then `beforehand apply --files`.
    """
    from dataclasses import replace

    from orchestrator.ledger import RuleSetState
    from orchestrator.rules import edited, read

    chosen = settings(ctx, config)
    folder = chosen.rules.path
    with ledgers.existing(chosen) as ledger:
        with ledger.read() as tx:
            active = tx.ruleset(RuleSetState.ACTIVE)
        edits = edited.read(active.edits) if active is not None else ()
        if active is None or not edits:
            raise NotFound("nothing was edited in the console")
        over = edited.overlaid(read(folder), edits, folder.as_posix())
        rows = [_write(edit, folder, beside=edit in over.clashes) for edit in over.edits]
        seen = [edit if edit in over.clashes else replace(edit, seen=True) for edit in over.edits]
        with ledger.transaction() as tx:
            tx.keep_edits(active.id, edited.written(seen))
    output.records(rows, form, ["file", "by", "at", "done"])
    ours = len(rows) - len(over.clashes)
    beside = f", {counted(len(over.clashes), 'file')} beside" if over.clashes else ""
    output.sentence(f"{counted(ours, 'file')} as in force{beside}", form)
    if over.clashes:
        raise typer.Exit(1)


def _write(edit: Edit, folder: Path, *, beside: bool) -> dict[str, Any]:
    """Write one file, or take it away, and say so."""
    file = folder / edit.name
    done = "written"
    if beside:
        file = file.with_name(file.name + BESIDE)
        done = f"changed as well; the console's version is {file}"
    if edit.text is None:
        if not beside:
            file.unlink(missing_ok=True)
        done = "changed, and taken away in the console" if beside else "taken away"
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        with output.writing(file) as out:
            out.write(edit.text)
    return {"file": edit.name, "by": edit.by, "at": edit.at, "done": done}


def _rows(found: list[RuleSet], folder: str) -> Iterator[dict[str, Any]]:
    from orchestrator.rules.edited import changed_between, name_of

    for one, before in zip(found, [*found[1:], None], strict=False):
        changed = changed_between(before.sources if before else {}, one.sources)
        yield {
            "version": one.id,
            "state": one.state.value,
            "since": one.activated_at or one.proposed_at,
            "by": one.by,
            "decided_by": one.decided_by,
            "why": one.why,
            "changed": ", ".join(name_of(path, folder) for path in changed),
        }
