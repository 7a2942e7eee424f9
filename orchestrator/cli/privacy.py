"""The commands about what is kept of a person: export shows it, erase takes it away."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import output
from orchestrator.cli.exit_codes import INTERRUPTED, PROBLEMS
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format
from orchestrator.cli.people import asking
from orchestrator.errors import Misconfigured

if TYPE_CHECKING:
    from orchestrator.persons.erasure import Report
    from orchestrator.persons.remains import Note

Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")]


def export(ctx: typer.Context, customer: Customer, form: Form = Format.TABLE, config: Config = None) -> None:
    """Show everything that is kept about a customer.

    Who they are, every consent with its evidence, every fact, message and task, under every id that is the
    same person. As text for a reader, or as one JSON document (`--format json`). Look through it before you
    hand it on: it may name other people.
    """
    from orchestrator.cli.ledgers import existing
    from orchestrator.clock import SystemClock
    from orchestrator.persons.disclosure import as_text, disclose

    chosen = settings(ctx, config)
    with existing(chosen) as ledger, ledger.read() as tx:
        document = disclose(tx, customer, chosen.outbox.path, SystemClock().now())
    if form is Format.TABLE:
        for line in as_text(document):
            print("\n".join(map(output.printable, line.split("\n"))))
    else:
        print(output.dumped(document, indent=2 if form is Format.JSON else None))


def erase(
    ctx: typer.Context,
    customer: Customer,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why: a request and its date.", show_default=False)
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking first.")] = False,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Erase a customer for good.

    Facts, entries, attempts and outbox files lose everything that says who they are; their orders go on
    without a name. Their addresses are kept as keyed hashes, so that they are never written to again. Shows
    what it would do and asks first. The exit code is 1 if something of it still stands in a file.
    """
    from orchestrator.access.audit import Told, record
    from orchestrator.cli.ledgers import engine_in_force
    from orchestrator.clock import SystemClock
    from orchestrator.persons.erasure import dry_run as survey
    from orchestrator.persons.erasure import erase as erase_for_good

    chosen = settings(ctx, config)
    with engine_in_force(chosen) as engine:
        before = survey(engine, customer, chosen.outbox.path)
        if dry_run:
            _show(before, form)
            return
        if not yes:
            _ask(before, form)
        now = SystemClock().now()
        after = erase_for_good(engine, customer, reason, now, chosen.outbox.path)
        told = Told("customer erased", f"customer {customer}", after={"left": list(after.left)})
        with engine.ledger.transaction() as tx:
            record(tx, asking(), told, now)
    _show(after, form)
    if after.left or after.unclean:
        raise typer.Exit(1)


def _ask(before: Report, form: Format) -> None:
    """Let a person type the id, or end the command; raises :class:`Misconfigured` where nobody can."""
    if not sys.stdin.isatty():
        raise Misconfigured(
            "erasing asks first, and nobody can answer here\nlook with --dry-run, then use --yes"
        )
    _show(before, form)
    question = f"This cannot be undone. Type {output.printable(before.customer)} to erase: "
    print(question, end="", file=sys.stderr, flush=True)
    code = PROBLEMS
    try:
        if (typed := sys.stdin.readline()).rstrip("\r\n") == before.customer:
            return
    except KeyboardInterrupt:
        typed, code = "", INTERRUPTED
    if not typed:
        output.note("")  # the answer ended no line
    output.note("nothing was erased")
    raise typer.Exit(code)


def _show(report: Report, form: Format) -> None:
    output.records((asdict(line) for line in report.lines), form, ["what", "count", "became", "why"])
    output.sentence(_sentence(report), form)


def _sentence(report: Report) -> str:
    who = f"customer {report.customer}" if len(report.ids) == 1 else f"customers {', '.join(report.ids)}"
    if report.dry:
        return f"this would happen to {who}; nothing was erased"
    if report.unclean:
        return f"{who} erased, but not from the ledger's free space: {report.unclean}; erase again later"
    if not report.looked and report.before:
        return "; ".join(_before(name, note) for name, note in report.before)
    more = "".join(f"; {_before(name, note)}" for name, note in report.before)
    if report.left:
        return f"{who} erased, but something of it still stands in {', '.join(report.left)}: see above{more}"
    return f"{who} erased; neither the ledger's files nor the outbox hold a name or an address of it{more}"


def _before(customer: str, note: Note | None) -> str:
    """What can be said of somebody erased before: nobody knows any more what to look for."""
    blind = (
        "their names and addresses are not known any more, so what came in since cannot be searched for them"
    )
    if note is None:
        return f"customer {customer} was erased before; {blind}"
    found = (
        "what was left then and still stands is named above" if note.left else "nothing of it is left of then"
    )
    return f"customer {customer} was erased before, on {note.at:%Y-%m-%d}; {found}; {blind}"
