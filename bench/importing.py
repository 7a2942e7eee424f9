"""A table of 100,000 orders, imported and imported again, and how much memory a file of 100 MB takes."""

import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from bench.dealership import NOW, dealership, folder, ledger
from bench.report import Cost, Line, ratio, timed
from orchestrator.engine import Engine
from orchestrator.intake import Incoming
from orchestrator.ledger import Ledger
from orchestrator.tables.imports import Facts, Import
from orchestrator.tables.mapping import load

ROWS = 100_000
LARGE = 100_000_000  # bytes
BATCH = 500  # events in a commit, as the command has it
MEGABYTE = 1 << 20
MAP = """
version: 1
table: bench
zone: Europe/Berlin
customer: {id: "{Customer}", name: "{Name}", email: "{Mail}"}
order: {id: "{Order}", journey: new-car, placed: Ordered, attributes: {model: "{Model}", colour: blue}}
promises: {arrived: Promised}
milestones: {arrived: Arrived}
"""
HEADER = "Order,Customer,Name,Mail,Model,Ordered,Promised,Arrived,Remarks\n"


def measure() -> list[Line]:
    """Import a table for the first time, again, and a large one for its memory alone."""
    with folder() as home:
        table = home / "orders.csv"
        _write(table, ROWS)
        with ledger(home) as opened:
            engine = Engine(opened, dealership().book)
            first, heard = _imported(table, engine)
            again, _ = _imported(table, engine)
        grown = _growth(home)
    whole, share = first.cpu / heard.cpu, again.cpu / first.cpu
    return [
        Line(
            "importing", f"{ROWS:,} rows for the first time", _shown(first), _shown(heard),
            ratio(first.wall / heard.wall, whole), "at most 2", whole <= 2,
        ),
        Line(
            "importing", "the same rows again", _shown(again), _shown(first),
            ratio(again.wall / first.wall, share), "at most 0.5", share <= 0.5,
        ),
        Line(
            "importing", f"memory for {LARGE // 1_000_000:,} MB more", f"{grown / MEGABYTE:,.0f} MB",
            "", "", "under 30 MB", grown < 30 * MEGABYTE,
        ),
    ]  # fmt: skip


def _shown(cost: Cost) -> str:
    return f"{cost.wall:,.1f} s ({cost.cpu:,.1f} s CPU)"


def _write(table: Path, rows: int, remarks: str = "") -> None:
    with table.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(
            f"O-{n},C-{n // 2},Maria Keller,customer{n // 2}@example.com,Corsa,2026-01-{n % 28 + 1:02},"
            f"2026-04-{n % 28 + 1:02},{'' if n % 3 else '2026-03-09'},{remarks}\n"
            for n in range(rows)
        )


def _imported(table: Path, engine: Engine) -> tuple[Cost, Cost]:
    """What an import costs, and how much of that the engine alone takes to keep and plan its events."""
    heard = Cost(items=ROWS)
    batch: list[Incoming] = []

    def hear() -> None:
        with timed() as cost:
            engine.hear(batch, NOW)
        heard.wall, heard.cpu = heard.wall + cost.wall, heard.cpu + cost.cpu
        batch.clear()

    with timed(ROWS) as whole:
        for incoming in _news(table, engine.ledger):
            batch += incoming
            if len(batch) >= BATCH:
                hear()
        hear()
    return whole, heard


def _news(table: Path, opened: Ledger | None) -> Iterator[Iterable[Incoming]]:
    """What is new in each row; nothing is known without a ledger."""

    def known(orders: Iterable[str], customers: Iterable[str]) -> tuple[Facts, Facts]:
        if opened is None:
            return {}, {}
        with opened.read() as tx:
            return tx.order_facts(orders), tx.customer_facts(customers)

    def refused(flaw: object) -> None:
        raise SystemExit(f"a measured row is refused: {flaw}")

    work = Import(table, load("map.yaml", MAP), "UTC", NOW, timedelta(0))
    for new in work.run(known, refused):
        yield new.incoming


def _growth(home: Path) -> int:
    """Bytes by which resident memory grows over a large file, after a small one has filled every cache."""
    remarks = "x" * 400
    small, large = home / "small.csv", home / "large.csv"
    _write(small, 20_000, remarks)
    _write(large, LARGE // 500, remarks)
    peaks = []
    for table in (small, large):
        for _ in _news(table, None):
            pass
        peaks.append(_peak())
    return peaks[1] - peaks[0]


def _peak() -> int:
    """The most memory that this process ever held, in bytes; the system counts kilobytes, on macOS bytes."""
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
