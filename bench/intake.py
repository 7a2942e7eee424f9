"""Events a second, durable and planned, against the same rows written by hand to the same disk."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from bench.dealership import (
    BEFORE,
    NOW,
    TOGETHER,
    customer,
    dealership,
    folder,
    hear,
    in_batches,
    ledger,
    order,
    promised,
)
from bench.report import Cost, Line, Runs, rate, ratio, timed
from orchestrator.engine import Engine
from orchestrator.intake import Incoming, parse_lines

ORDERS = 2_000
RUNS = 3


def measure() -> list[Line]:
    """Hear customers, orders and promises; write the rows that came of it again, without us."""
    lines = _events()
    with folder() as home:
        heard, parsed, bare = Runs(), Runs(), Runs()
        for turn in range(RUNS + 1):
            with timed(len(lines)) as parsing:
                events = _parsed(lines)
            with ledger(home, f"turn-{turn}.db") as opened:
                engine = Engine(opened, dealership().book)
                with timed(len(events)) as hearing:
                    hear(engine, events, BEFORE)
            with ledger(home, f"bare-{turn}.db"):
                pass  # the same empty tables
            costs = parsing, hearing, _written(home / f"turn-{turn}.db", home / f"bare-{turn}.db")
            if turn:  # the first was for warmth
                for runs, cost in zip((parsed, heard, bare), costs, strict=True):
                    runs.add(cost)
    return _lines(heard.median, parsed.median, bare.median)


def _lines(heard: Cost, parsed: Cost, bare: Cost) -> list[Line]:
    share = heard.rate / bare.rate
    whole = Cost(heard.wall + parsed.wall, heard.cpu + parsed.cpu, heard.items)
    return [
        Line(
            "intake", f"durable and planned, {TOGETHER} events a commit", rate(heard, "events"),
            rate(bare, "rows"), ratio(share, bare.cpu_each / heard.cpu_each), "at least 0.1", share >= 0.1,
        ),
        Line(
            "intake", "the same with reading and checking JSON lines", rate(whole, "events"),
            rate(bare, "rows"), ratio(whole.rate / bare.rate, bare.cpu_each / whole.cpu_each),
        ),
    ]  # fmt: skip


def _events() -> list[bytes]:
    """Three events an order, the customers first, as lines of JSON."""
    documents: list[dict[str, Any]] = [customer(number) for number in range(ORDERS)]
    for number in range(ORDERS):
        documents += [order(number), promised(number, NOW)]
    return [orjson.dumps(document) for document in documents]


def _parsed(lines: Sequence[bytes]) -> list[Incoming]:
    found = []
    for outcome in parse_lines(lines, "bench", None):
        if not isinstance(outcome, Incoming):
            raise SystemExit(f"a measured event is wrong: {outcome[0]}")
        found.append(outcome)
    return found


def _written(source: Path, target: Path) -> Cost:
    """Write the facts of *source* into *target*: one statement and one commit for each batch."""
    with closing(sqlite3.connect(source)) as connection:
        rows = connection.execute("SELECT * FROM facts ORDER BY seq").fetchall()
    marks = ", ".join("?" * len(rows[0]))
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")  # the write-ahead log is a property of the file
        with timed(len(rows)) as cost:
            for batch in in_batches(rows):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(f"INSERT INTO facts VALUES ({marks})", batch)  # noqa: S608
                connection.execute("COMMIT")
    return cost
