"""The command ``import``: a company's order table, again and again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import output
from orchestrator.cli.facts import engine_now, hear, need_a_look, plan_the_rest, troubled
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, Progress, counted
from orchestrator.errors import Misconfigured, Problem, Problems

if TYPE_CHECKING:
    from orchestrator.config import Settings
    from orchestrator.engine import Engine
    from orchestrator.intake import Incoming
    from orchestrator.journey import RuleBook
    from orchestrator.ledger import Ledger
    from orchestrator.model import Customer, Fact, Order
    from orchestrator.tables.flaws import Flaw
    from orchestrator.tables.imports import Facts, Known, New

BATCH = 500  # events kept and planned in one transaction
SHOWN = 20  # flaws that are shown; the report has them all


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The table, with a line for each order.")],
    mapping: Annotated[
        Path, typer.Option("--map", metavar="MAP.yaml", help="Which column says what.", show_default=False)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing; say what would be new.")] = False,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="With --dry-run: as though nothing had been imported before.")
    ] = False,
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="OUT.jsonl", help="Write the new events there.", show_default=False),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="REPORT.csv",
            help="Write there which rows were refused.",
            show_default=False,
        ),
    ] = None,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Take orders from a table, again and again.

    The same export again says nothing new; a date that changed is a new promise. A row with problems is
    refused and told with its line; the others are kept. The exit code is 1 if any was refused.
    """
    from orchestrator.cli import house
    from orchestrator.tables.imports import Import
    from orchestrator.tables.mapping import attempt

    if afresh and not dry_run:
        raise Misconfigured(
            "--afresh goes with --dry-run only: what is kept is compared with what was before"
        )
    chosen = settings(ctx, config)
    mapped = attempt(str(mapping), _text(mapping))
    now = engine_now()
    work = Import(file, mapped, chosen.company.time_zone, now, chosen.intake.future_tolerance)
    if mapped.problems:
        raise Problems(work.misfits())
    found = _Found()
    with ExitStack() as stack:
        engine, ledger = _opened(chosen, stack, dry_run, afresh)
        book = house.written(chosen).book if engine is None else engine.book
        tell = stack.enter_context(_report(report))
        write = stack.enter_context(_events(events, now))
        progress = stack.enter_context(Progress(f"importing {file}", 2 * _size(file)))

        def refuse(flaw: Flaw) -> None:
            tell(flaw)
            found.add(flaw.problem(str(file)))

        known = _known(ledger)
        news = write(work.run(known, refuse, progress.advance))
        if engine is None:
            odd = need_a_look(_foreseen(book, news, known, found))
        else:
            odd = troubled(engine, _take(news, engine, str(file), found))
    found.show(form, report)
    counts = work.counts
    refused = counts["refused"] + found.counts["refused"]
    outcome = {
        "rows": counts["rows"],
        "new": found.counts["new"],
        "unchanged": counts["unchanged"],
        "repeated": counts["repeated"],
        "left_out": counts["left out"],
        "refused": refused,
    }
    if form is not Format.TABLE:
        output.records([outcome], Format.JSONL)
    output.sentence(_sentence(outcome, dry_run), form)
    if odd:
        output.note(odd)
    if refused:
        raise typer.Exit(1)


import_.__name__ = "import"  # the command's name, which Python keeps for itself


def _sentence(outcome: Mapping[str, int], dry_run: bool) -> str:
    parts = [
        f"{counted(outcome['new'], 'new event')}",
        f"{counted(outcome['unchanged'], 'row')} unchanged",
        *([f"{outcome['repeated']:,} repeated"] if outcome["repeated"] else []),
        *([f"{outcome['left_out']:,} left out"] if outcome["left_out"] else []),
        f"{outcome['refused']:,} refused",
    ]
    end = "; a dry run, nothing was kept" if dry_run else ""
    return f"{counted(outcome['rows'], 'row')}: {', '.join(parts)}{end}"


# ── the ledger ───────────────────────────────────────────────────────────────


def _opened(
    chosen: Settings, stack: ExitStack, dry_run: bool, afresh: bool
) -> tuple[Engine | None, Ledger | None]:
    """What hears the events, and what knows the facts; a dry run only looks, if there is anything to see."""
    from orchestrator.cli import ledgers

    if not dry_run:
        engine = stack.enter_context(ledgers.engine_in_force(chosen))
        return engine, engine.ledger
    if afresh or ledgers.is_new(chosen):
        return None, None
    return None, stack.enter_context(ledgers.opened(chosen))


def _known(ledger: Ledger | None) -> Known:
    def known(orders: Iterable[str], customers: Iterable[str]) -> tuple[Facts, Facts]:
        if ledger is None:
            return {}, {}
        with ledger.read() as tx:
            return tx.order_facts(orders), tx.customer_facts(customers)

    return known


class _Found:
    """What became of the events, and the first problems; there may be as many as there are rows."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: list[Problem] = []
        self._more = 0

    def add(self, problem: Problem) -> None:
        if len(self._first) < SHOWN:
            self._first.append(problem)
        else:
            self._more += 1

    def show(self, form: Format, report: Path | None) -> None:
        output.problems(self._first, form, stream=sys.stderr)
        if self._more:
            where = f"{report} lists them all" if report else "--report REPORT.csv lists them all"
            output.note(f"and {counted(self._more, 'problem')} more; {where}")


def _take(news: Iterable[New], engine: Engine, path: str, found: _Found) -> set[str]:
    """Have the engine hear what is new; the events of a row stay together. Return the orders it is about."""
    batch: list[Incoming] = []
    orders: set[str] = set()
    for new in news:
        batch += new.incoming
        orders.update(_apart(new)[0])
        if len(batch) >= BATCH:
            _hear(engine, batch, path, found)
            batch = []
    _hear(engine, batch, path, found)
    plan_the_rest(engine)
    return orders


def _foreseen(book: RuleBook, news: Iterable[New], known: Known, found: _Found) -> dict[str, str]:
    """Only count what is new, and say what would be wrong with which order; each is a line of its own."""
    from orchestrator.engine import problem_of
    from orchestrator.planning.fold import fold_customer, fold_order

    odd: dict[str, str] = {}
    people: dict[str, Customer] = {}  # whom the table names: it describes each in the first row that does
    others: dict[str, Order] = {}  # those of customers whom their row does not name; another row may
    for new in news:
        found.counts["new"] += len(new.incoming)
        of_order, of_customer = _apart(new)
        if of_customer or (new.customer and new.customer not in people):
            people[new.customer] = fold_customer(new.customer, [*new.of_customer, *of_customer])
        for name, heard in of_order.items():
            order = fold_order(name, [*new.of_order, *heard])
            if order.customer not in people:
                others[name] = order
            elif problem := problem_of(order, people[order.customer], book):
                odd[name] = problem
    _, facts = known([], {order.customer for order in others.values()} - people.keys())
    for name, order in others.items():
        who = order.customer
        customer = people.get(who) or fold_customer(who, facts.get(who, ()))
        if problem := problem_of(order, customer, book):
            odd[name] = problem
    return odd


def _apart(new: New) -> tuple[dict[str, list[Fact]], list[Fact]]:
    """The new facts of each order, and those of the customer."""
    from orchestrator.model import Scope, scope_of

    orders: dict[str, list[Fact]] = {}
    customer: list[Fact] = []
    for item in new.incoming:
        ours = scope_of(item.fact.type) is Scope.ORDER
        (orders.setdefault(item.fact.subject, []) if ours else customer).append(item.fact)
    return orders, customer


def _hear(engine: Engine, batch: list[Incoming], path: str, found: _Found) -> None:
    from orchestrator.intake.refusals import Refusals

    refused = Refusals()
    hear(engine, batch, path, found.counts, refused)
    found.counts["refused"] += refused.events
    for problem in refused.told():
        found.add(problem)


# ── files beside the table ───────────────────────────────────────────────────


def _text(mapping: Path) -> str:
    with TextIOWrapper(output.reading(mapping), encoding="utf-8", errors="surrogateescape") as text:
        return text.read()


def _size(file: Path) -> int:
    with output.reading(file):
        return file.stat().st_size


@contextmanager
def _report(path: Path | None) -> Iterator[Callable[[Flaw], None]]:
    """What adds a line to the report, if one is asked for. A spreadsheet needs its mark to see UTF-8."""
    from orchestrator.tables.report import writer

    if path is None:
        yield lambda _: None
        return
    with output.writing(path, encoding="utf-8-sig") as file:
        yield writer(file)


@contextmanager
def _events(path: Path | None, now: datetime) -> Iterator[Callable[[Iterable[New]], Iterable[New]]]:
    """What writes the events that pass by as JSON lines, if that is asked for."""
    if path is None:
        yield lambda news: news
        return
    recorded = now.isoformat()
    with output.writing(path, encoding="utf-8") as file:

        def written(news: Iterable[New]) -> Iterator[New]:
            for new in news:
                for event in new.documents:
                    line = event if "time" in event else {**event, "recordedtime": recorded}
                    print(output.dumped(line), file=file)
                yield new

        yield written
