"""The commands about what happened: ingest, simulate, explain."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, BinaryIO
from zoneinfo import ZoneInfo

import typer

from orchestrator.cli import house, output
from orchestrator.cli.options import Config, Form, Templates, settings
from orchestrator.cli.output import Format, Progress, counted
from orchestrator.errors import Conflict, Misconfigured, Problem, Problems

if TYPE_CHECKING:
    from orchestrator.engine import Engine
    from orchestrator.intake import Incoming
    from orchestrator.simulate import Simulation

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
    from orchestrator.model import Scope, scope_of

    chosen = settings(ctx, config)
    problems: list[Problem] = []
    counts: Counter[str] = Counter()
    touched: set[str] = set()
    with engine_in_force(chosen) as engine, _lines(file) as (source, progress):
        batch: list[Incoming] = []
        arrived = engine_now()
        tolerance = chosen.intake.future_tolerance
        for outcome in parse_lines(_told(source, progress), str(file), arrived, future_tolerance=tolerance):
            if isinstance(outcome, list):
                problems += outcome
                counts["refused"] += 1
                continue
            batch.append(outcome)
            if scope_of(outcome.fact.type) is Scope.ORDER:
                touched.add(outcome.fact.subject)
            if len(batch) == BATCH:
                problems += hear(engine, batch, str(file), counts)
                batch = []
        problems += hear(engine, batch, str(file), counts)
        plan_the_rest(engine)
        troubled = _troubled(engine, touched)
    output.problems(problems, form, stream=sys.stderr)
    new, known, refused = (counts[name] for name in ("new", "duplicates", "refused"))
    if form is not Format.TABLE:
        output.records([{"new": new, "duplicates": known, "refused": refused}], Format.JSONL)
    output.sentence(f"{counted(new, 'new event')}, {counted(known, 'duplicate')}, {refused:,} refused", form)
    if troubled:
        output.note(troubled)
    if refused:
        raise typer.Exit(1)


def _troubled(engine: Engine, orders: set[str]) -> str:
    """A sentence about those of the orders that have a problem, or ""."""
    with engine.ledger.read() as tx:
        found = sorted((row.id, row.problem) for row in tx.orders(orders).values() if row.problem)
    if not found:
        return ""
    named = " · ".join(f"{order}: {problem}" for order, problem in found[:NAMED])
    need = "order needs" if len(found) == 1 else "orders need"
    return f"{len(found):,} {need} a look: {named}; `beforehand doctor` lists them"


@contextmanager
def _lines(file: Path) -> Iterator[tuple[BinaryIO, Progress]]:
    """The events' bytes, and a progress in bytes where the length is known."""
    if str(file) == "-":
        with Progress("reading standard input") as progress:
            yield sys.stdin.buffer, progress
        return
    with _opened(file) as stream, Progress(f"reading {file}", file.stat().st_size) as progress:
        yield stream, progress


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from error
    with stream:
        yield stream


def _told(stream: BinaryIO, progress: Progress) -> Iterator[bytes]:
    for line in stream:
        yield line
        progress.advance(len(line) if progress.total else 1)


def hear(engine: Engine, batch: list[Incoming], path: str, counts: Counter[str]) -> list[Problem]:
    """Keep a batch; an event whose id came before with another body is refused alone, not its neighbours."""
    refused: list[str] = []
    while batch:
        try:
            heard = engine.hear(batch, engine_now())
        except Conflict as conflict:
            refused += conflict.ids
            batch = [item for item in batch if item.fact.id not in conflict.ids]
        else:
            counts["new"] += heard.new
            counts["duplicates"] += heard.duplicates
            break
    counts["refused"] += len(refused)
    return [Problem(path, 0, 0, "E203", f"event {name!r} came before with another body") for name in refused]


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
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Run the same engine over a history, on a virtual clock.

    Every event is heard when it was recorded, or else when it happened. Shown is what would have been said,
    to whom, when, through which channel, and what was not said and why. Nothing is sent and nothing is kept.
    """
    from channels.memory import MemoryChannel
    from channels.registry import NAMES
    from orchestrator import history, parts
    from orchestrator.cli.simulated import Result
    from orchestrator.rules import read
    from orchestrator.simulate import AFTERWARDS, Rehearsal, Simulation

    chosen = settings(ctx, config)
    found, missing = house.rehearsed(chosen, read(rules or chosen.rules.path), templates)
    if found.problems:
        raise Problems(found.problems)
    if missing:
        output.note(f"nobody has written yet: {', '.join(sorted(missing))}; simulated without their texts")
    with _opened(events), Progress(f"reading {events}", events.stat().st_size) as progress:
        past = history.read(events, progress.to)
    end = _moment(until, chosen.company.time_zone) if until else past.furthest + AFTERWARDS
    composer = Rehearsal(house.composer(chosen, found.renderer), missing)

    def make(file: Path) -> Simulation:
        sinks = {name: MemoryChannel(name, keep=False) for name in NAMES}
        return Simulation(found.book, composer, sinks, start=past.first, file=file)

    with TemporaryDirectory(prefix="beforehand-") as folder:
        with Progress("simulating", past.count) as progress:
            files = parts.simulate(past, end, parts.worth(past.count), make, Path(folder), progress.advance)
        result = Result(files)
        result.show(form, chosen.company.time_zone, everything=everything)
        output.sentence(result.sentence(), form)


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
    from orchestrator.cli.story import story_of, tell

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
