"""The commands about what happened: ingest, simulate, explain."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, BinaryIO
from zoneinfo import ZoneInfo

import typer

from orchestrator.cli import output
from orchestrator.cli.options import Config, Form, Templates, settings
from orchestrator.cli.output import Format, Progress, counted
from orchestrator.errors import Conflict, Misconfigured, Problems

if TYPE_CHECKING:
    from orchestrator.engine import Engine
    from orchestrator.intake import Incoming
    from orchestrator.intake.refusals import Refusals
    from orchestrator.model import Fact

NAMED = 3  # of the orders that need a look; the rest is counted
BATCH = 100  # events kept and planned in one transaction


# ── ingest ───────────────────────────────────────────────────────────────────


def ingest(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One CloudEvent a line; - is standard input.")],
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Take events from a file, one CloudEvent a line.

    An event that was taken before is not taken twice, so a file may be ingested again. An event with
    problems is refused and told with its place; the others are kept. The exit code is 1 if any was refused.
    """
    from orchestrator.cli.ledgers import engine_in_force
    from orchestrator.intake import parse_lines
    from orchestrator.intake.refusals import Refusals
    from orchestrator.model import Scope, scope_of

    chosen = settings(ctx, config)
    refused = Refusals()
    counts: Counter[str] = Counter()
    touched: set[str] = set()
    people: set[str] = set()
    with engine_in_force(chosen) as engine, _lines(file) as (source, progress):
        batch: list[Incoming] = []
        numbers: list[int] = []
        lines = Numbered(_told(source, progress))
        arrived = engine_now()
        tolerance = chosen.intake.future_tolerance
        for outcome in parse_lines(lines, str(file), arrived, future_tolerance=tolerance):
            if isinstance(outcome, list):
                refused.add(outcome)
                continue
            batch.append(outcome)
            numbers.append(lines.number)
            if scope_of(outcome.fact.type) is Scope.ORDER:
                touched.add(outcome.fact.subject)
            elif outcome.fact.type.startswith(("preference.", "consent.")):
                people.add(outcome.fact.subject)
            if len(batch) == BATCH:
                hear(engine, batch, str(file), counts, refused, numbers)
                batch, numbers = [], []
        hear(engine, batch, str(file), counts, refused, numbers)
        plan_the_rest(engine)
        odd = troubled(engine, touched)
        strange = _strangers(engine, people)
    output.problems(output.of_events(refused.told()), form, stream=sys.stderr)
    new, known, lost = counts["new"], counts["duplicates"], refused.events
    if form is not Format.TABLE:
        output.records([{"new": new, "duplicates": known, "refused": lost}], Format.JSONL)
    output.sentence(f"{counted(new, 'new event')}, {counted(known, 'duplicate')}, {lost:,} refused", form)
    for note in filter(None, (odd, strange)):
        output.note(note)
    if lost:
        raise typer.Exit(1)


def troubled(engine: Engine, orders: set[str]) -> str:
    """A sentence about those of the orders that have a problem, or ""."""
    with engine.ledger.read() as tx:
        found = {row.id: row.problem for row in tx.orders(orders).values() if row.problem}
    return need_a_look(found, "; `beforehand doctor` lists them")


def _strangers(engine: Engine, customers: set[str]) -> str:
    """A sentence about those of whom no order and no customer.upserted told, or ""."""
    with engine.ledger.read() as tx:
        alone = [one for one, theirs in tx.orders_of(customers).items() if not theirs]
        facts = tx.customer_facts(alone)
        unknown = sorted(one for one in alone if not _told_of(facts[one]))
        orders = tx.orders(unknown)
    if not unknown:
        return ""
    named = [f"{one} (an order; name its customer)" if one in orders else one for one in unknown[:NAMED]]
    more = ", …" if len(unknown) > NAMED else ""
    who = counted(len(unknown), "customer")
    return f"nothing is known about {who} who said something: {', '.join(named)}{more}"


def _told_of(facts: Iterable[Fact]) -> bool:
    return any(fact.type.startswith("customer.") for fact in facts)


def need_a_look(problems: Mapping[str, str], more: str = "") -> str:
    """A sentence about orders by what is wrong with them, and where there is *more*; "" if all are well."""
    if not problems:
        return ""
    named = " · ".join(f"{order}: {problem}" for order, problem in sorted(problems.items())[:NAMED])
    need = "order needs" if len(problems) == 1 else "orders need"
    return f"{len(problems):,} {need} a look: {named}{more}"


@contextmanager
def _lines(file: Path) -> Iterator[tuple[BinaryIO, Progress]]:
    """The events' bytes, and a progress in bytes where the length is known."""
    if str(file) == "-":
        with Progress("reading standard input") as progress:
            yield sys.stdin.buffer, progress
        return
    with output.reading(file) as stream, Progress(f"reading {file}", file.stat().st_size) as progress:
        yield stream, progress


def _told(stream: BinaryIO, progress: Progress) -> Iterator[bytes]:
    from orchestrator.intake.lines import lines

    for line in lines(stream):
        yield line
        progress.advance(len(line) if progress.total else 1)


class Numbered:
    """Lines, and the number of the one that was read last."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        """Give each line."""
        for line in self._lines:
            self.number += 1
            yield line


def hear(
    engine: Engine,
    batch: Sequence[Incoming],
    path: str,
    counts: Counter[str],
    refused: Refusals,
    lines: Sequence[int] = (),
) -> None:
    """Keep a batch that stands on these *lines*; what came before with another body is refused alone."""
    from orchestrator.intake.refusals import conflict

    if not batch:
        return
    try:
        heard = engine.hear(batch, engine_now())
    except Conflict as clash:
        if len(batch) == 1:
            refused.add([conflict(path, lines[0] if lines else 0, batch[0].fact.id)])
            return
        named = [index for index, item in enumerate(batch) if item.fact.id in clash.ids]
        others = [index for index in range(len(batch)) if index not in named]
        for some in (others, *([index] for index in named)):
            numbers = [lines[i] for i in some] if lines else ()
            hear(engine, [batch[i] for i in some], path, counts, refused, numbers)
    else:
        counts["new"] += heard.new
        counts["duplicates"] += heard.duplicates


def plan_the_rest(engine: Engine) -> None:
    """A customer's news may touch more orders than one transaction plans."""
    from orchestrator.activation import plan_marked

    plan_marked(engine, engine_now())


# ── simulate ─────────────────────────────────────────────────────────────────


def simulate(
    ctx: typer.Context,
    events: Annotated[Path, typer.Option("--events", help="The history: one CloudEvent a line.")],
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="The folder of rules; otherwise the settings say.", show_default=False),
    ] = None,
    templates: Templates = None,
    until: Annotated[
        str,
        typer.Option("--until", help="Stop there: 2026-03-12, or a moment such as 2026-03-12T17:30+01:00."),
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="On a terminal, also what was replaced before it was due.")
    ] = False,
    diff: Annotated[
        Path | None,
        typer.Option(
            "--diff",
            metavar="RULES2",
            help="Another folder of rules: show only what they would change, for whom.",
            show_default=False,
        ),
    ] = None,
    undelivered: Annotated[
        bool,
        typer.Option(
            "--undelivered",
            help="No message arrives or is opened, unless the history says so: see who climbs.",
        ),
    ] = False,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Run the same engine over a history, on a virtual clock.

    Every event is heard when it was recorded, or else when it happened. Shown is what would have been said,
    to whom, when, through which channel, and what was not said and why. With --diff the same history is heard
    under both sets of rules, and shown is whom the other set tells more, less, at another time, by another
    channel or with another text. Nothing is sent and nothing is kept. No provider reports
    anything, so what is accepted counts as delivered and opened unless the history says that it came back;
    see --undelivered.
    """
    from orchestrator.cli.compared import Comparison
    from orchestrator.cli.simulated import Result, Zones, problems_in, run, unwritten, written
    from orchestrator.simulation import history
    from orchestrator.simulation.differences import Run
    from orchestrator.simulation.simulate import AFTERWARDS

    chosen = settings(ctx, config)
    sets = written(chosen, [rules or chosen.rules.path, *([diff] if diff else [])], templates)
    size = events.stat().st_size if events.exists() else 0
    with output.reading(events), Progress(f"reading {events}", size) as progress, _told_of_events():
        past = history.read(events, progress.to)
    end = _moment(until, chosen.company.time_zone) if until else past.furthest + AFTERWARDS
    if end < past.first:
        first = past.first.astimezone(ZoneInfo(chosen.company.time_zone))
        raise Misconfigured(f"nothing happened by {until}: the first event is of {first:%Y-%m-%d %H:%M %Z}")
    zones = Zones(past.zone_of, chosen.company.time_zone)
    with TemporaryDirectory(prefix="beforehand-") as folder:
        with Progress("simulating", past.count * len(sets)) as progress, _told_of_events():
            runs = [
                Run(
                    one.book,
                    run(
                        chosen,
                        one,
                        past,
                        end,
                        Path(folder) / str(number),
                        progress.advance,
                        undelivered=undelivered,
                    ),
                )
                for number, one in enumerate(sets)
            ]
        shown = Comparison(*runs) if diff else Result(runs[0].files)
        shown.show(form, zones, everything=everything)
        output.sentence(shown.sentence(), form)
        for broken in filter(None, dict.fromkeys(unwritten(one.files) for one in runs)):
            output.note(broken)
        if odd := need_a_look(problems_in(file for one in runs for file in one.files)):
            output.note(odd)
    waits = any(rule.fallback_after for one in sets for j in one.book.journeys.values() for rule in j.rules)
    if waits and not undelivered:
        output.note("every message counts as opened once it was accepted; --undelivered: none")


@contextmanager
def _told_of_events() -> Iterator[None]:
    """Problems of a history, told as those of :func:`output.of_events`."""
    try:
        yield
    except Problems as wrong:
        raise Problems(output.of_events(wrong.problems)) from None


def _moment(text: str, zone: str) -> datetime:
    """A moment as people write it; a day means its end, and without an offset it is the company's time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"{text!r} is no moment; write 2026-03-12 or 2026-03-12T17:30+01:00") from None
    if len(text) == len("2026-03-12"):
        moment = datetime.combine(moment, time()) + timedelta(days=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


# ── explain ──────────────────────────────────────────────────────────────────


def explain(
    ctx: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Also what a newer message of the same rule replaced.")
    ] = False,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Say why each thing was or was not said about an order.

    Backwards from what is recorded, with the values that conditions saw; forwards what will be said next,
    when, because of what, unless what.
    """
    from orchestrator.cli.ledgers import engine_in_force
    from orchestrator.cli.story import tell
    from orchestrator.views.story import story_of

    with engine_in_force(settings(ctx, config)) as engine:
        story = story_of(engine, order, engine_now())
    if form is Format.TABLE:
        tell(story, everything=everything)
    else:
        print(output.dumped(asdict(story), indent=2 if form is Format.JSON else None))


def engine_now() -> datetime:
    """The time the command runs at."""
    from orchestrator.clock import SystemClock

    return SystemClock().now()
