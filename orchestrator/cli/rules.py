"""The commands for those who write rules and templates: check, preview, schema, plan, apply."""

from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator import garbage
from orchestrator.cli import house, output
from orchestrator.cli.options import Config, Form, Templates, loaded, settings
from orchestrator.cli.output import Format, counted
from orchestrator.cli.people import asking
from orchestrator.errors import Misconfigured, NotFound, Problems

if TYPE_CHECKING:
    from orchestrator.config.settings import Settings
    from orchestrator.ledger import Transaction
    from orchestrator.planning.reconcile import Plan


def check(
    ctx: typer.Context,
    rules_dir: Annotated[
        Path | None,
        typer.Argument(
            metavar="RULES_DIR", help="The folder of rules; otherwise the settings say.", show_default=False
        ),
    ] = None,
    templates: Templates = None,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Find every problem in rules, templates and settings.

    Each is shown with its place, the line itself and a hint. The exit code is 1 if there is any, and 2 if the
    settings cannot be used. Rules that can never fire and texts that a reader would miss something in are
    problems too.
    """
    garbage.never()
    try:
        settings = loaded(ctx, config)
        found = house.written(settings, rules_dir, templates)
    except Problems as refused:
        output.problems(refused.problems, form)
        count = counted(len(refused.problems), "problem")
        output.sentence(f"the settings cannot be used: {count} found", form)
        raise typer.Exit(2) from None
    problems = tuple(house.reviewed(settings, found, whole=rules_dir is None, folder=rules_dir))
    journeys = found.book.journeys.values()
    counts = ", ".join(
        (
            counted(len(journeys), "journey"),
            counted(sum(len(journey.rules) for journey in journeys), "rule"),
            counted(len(found.renderer.names()), "template"),
        )
    )
    output.problems(problems, form)
    output.sentence(
        f"{counts}: {counted(len(problems), 'problem') if problems else 'no problem'} found", form
    )
    if problems:
        raise typer.Exit(1)


def schema(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[rules|tests|map|events]",
            help="Of rule files, of files of rule tests, of the mapping of a table, or of events.",
        ),
    ] = "rules",
) -> None:
    """Print the JSON Schema that editors check against.

    The ones of rule files, of their tests and of mappings (`import --map`) complete and check them while
    they are written; the one of events says what each core type's data may hold.
    """
    owners = {
        "rules": "orchestrator.rules",
        "tests": "orchestrator.rule_tests.shape",
        "map": "orchestrator.tables.schema",
        "events": "orchestrator.intake.types",
    }
    if what not in owners:
        raise Misconfigured(f"there are schemas of {', '.join(owners)}, none of {what!r}")
    print(output.dumped(import_module(owners[what]).json_schema(), indent=2))


def plan(ctx: typer.Context, form: Form = Format.TABLE, config: Config = None) -> None:
    """Show what the rules and settings as written would change.

    The rules as they are written, and the settings that planning depends on, are compared with what is
    scheduled now; nothing is written.
    """
    from orchestrator.cli.ledgers import proposal

    chosen = settings(ctx, config)
    with proposal(chosen) as (_, proposed):
        _show(proposed.plan, chosen, form)
        if proposed.new and proposed.alarm:
            output.note(f"held for a person: {proposed.alarm}")
        if len(proposed.plan) or proposed.new:
            then = "beforehand apply --release" if proposed.new and proposed.alarm else "beforehand apply"
            output.sentence(
                f"{_changes(proposed.plan)} of {counted(proposed.orders, 'order')}; next: {then}", form
            )
        else:
            output.sentence("these rules and settings are in force, and nothing would change", form)


def apply(
    ctx: typer.Context,
    release: Annotated[
        bool, typer.Option("--release", help="Even if they change more than the limits allow.")
    ] = False,
    reject: Annotated[
        bool, typer.Option("--reject", help="Throw away the rules that were held, and keep those in force.")
    ] = False,
    files: Annotated[
        bool, typer.Option("--files", help="The files alone, without what was edited in the console.")
    ] = False,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Bring rules and settings into force as they are written.

    The settings that planning depends on are [staff], [quiet_hours], [caps], [habits], [calendars] and the
    time_zone of [company]. First
    `beforehand plan` shows what that changes. More than [limits] allows is held: it is shown, what is in
    force stays, and what the change touches is not sent until --release or --reject. What was edited in the
    console stays, unless its file was changed as well: then nothing happens before `beforehand rules pull`
    or --files.
    """
    from orchestrator import activation
    from orchestrator.access.audit import Told, record
    from orchestrator.activation import adopt
    from orchestrator.cli.ledgers import in_force, opened, outdated, proposal
    from orchestrator.clock import SystemClock

    chosen = settings(ctx, config)

    def told(what: str, **after: str) -> "Callable[[Transaction], None]":
        return lambda tx: record(tx, asking(), Told(what, "rules", after=after), SystemClock().now())

    if reject:
        if release:
            raise Misconfigured("held rules are released or rejected, not both")
        with opened(chosen) as ledger:
            thawed = activation.reject(ledger, SystemClock().now(), also=told("reject rules"))
        if thawed is None:
            raise NotFound("no rules are held")
        output.sentence(f"rejected; {counted(thawed, 'notification')} that waited for it may go", form)
        return
    with proposal(chosen, edits=not files) as (ledger, proposed):
        version = proposed.digest[:12]
        if proposed.new and proposed.alarm and not release:
            also = told("propose rules", version=version)
            frozen = activation.hold(ledger, proposed, SystemClock().now(), also)
            _show(proposed.plan, chosen, form)
            output.failure(
                f"held for a person: {proposed.alarm}; {counted(frozen, 'notification')} held with it",
                "beforehand apply --release, or beforehand apply --reject",
            )
            raise typer.Exit(1)
        also = told("apply rules", version=version)
        orders = adopt(ledger, proposed, SystemClock().now(), in_force(chosen), also=also)
        _show(proposed.plan, chosen, form)
        output.sentence(f"in force: {_changes(proposed.plan)}, {counted(orders, 'order')} planned", form)
        if sections := outdated(chosen, ledger):
            output.note(f"the daemon runs with older settings of {', '.join(sections)}: restart it")
    if found := house.reviewed(chosen, house.written(chosen), whole=True):
        first = found[0]
        where = ":".join(filter(None, [first.path, str(first.line or "")]))
        more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
        what = f"{counted(len(found), 'finding')} in rules and texts"
        output.note(f"{what}: {where}: {first.code} {first.message}{more}; see `beforehand check`")


def _show(plan: "Plan", chosen: "Settings", form: Format) -> None:
    from orchestrator.clock import SystemClock
    from orchestrator.views.plans import by_rule

    rows = map(asdict, by_rule(plan, chosen.company.time_zone, SystemClock().now()))
    output.records(rows, form, ["rule", "create", "reschedule", "cancel", "example"])


def _changes(plan: "Plan") -> str:
    create, reschedule, cancel = map(len, (plan.create, plan.reschedule, plan.cancel))
    return f"{create:,} to create, {reschedule:,} to reschedule, {cancel:,} to cancel"
