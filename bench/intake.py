"""Events a second, durable and planned, against the same rows written by hand to the same disk."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
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
    ledger,
    order,
    promised,
)
from bench.report import Cost, Line, Runs, against, timed
from orchestrator.engine import Engine
from orchestrator.intake import Incoming, parse_lines
from orchestrator.ledger import Ledger

ORDERS = 2_000
RUNS = 3
TABLES = ("facts", "orders", "entries")
Row = tuple[Any, ...]


def measure() -> list[Line]:
    """Hear customers, orders and promises; write the rows that came of it again, without us."""
    lines = _events()
    with folder() as home:
        heard, parsed, bare, whole = Runs(), Runs(), Runs(), Runs()
        for turn in range(RUNS + 1):
            with timed(len(lines)) as parsing:
                events = _parsed(lines)
            with ledger(home, f"turn-{turn}.db") as opened:
                engine = Engine(opened, dealership().book)
                with timed(len(events)) as hearing:
                    hear(engine, events, BEFORE)
            source = home / f"turn-{turn}.db"
            facts = _written(source, home / f"facts-{turn}.db", ("facts",), len(events))
            everything = _written(source, home / f"all-{turn}.db", TABLES, len(events))
            costs = parsing, hearing, facts, everything
            for runs, cost in zip((parsed, heard, bare, whole), costs, strict=True) if turn else ():
                runs.add(cost)  # the first was for warmth
    return _lines(heard.median, parsed.median, bare.median, whole.median)


def _lines(heard: Cost, parsed: Cost, bare: Cost, whole: Cost) -> list[Line]:
    line = partial(against, "intake", unit="events")
    read_too = Cost(heard.wall + parsed.wall, heard.cpu + parsed.cpu, heard.items)
    return [
        line(f"{TOGETHER} events a commit, against the rows of the facts", heard, bare, target=0.1),
        line("the same, against the rows of facts, orders and entries", heard, whole),
        line("with reading and checking JSON, against the facts", read_too, bare),
    ]


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


def _written(source: Path, target: Path, tables: Sequence[str], events: int) -> Cost:
    """Write the rows of *source* into the same empty tables: a statement for each table, a commit a batch."""
    with Ledger.open(f"sqlite:///{target}", upgrade=True):
        pass
    batches = -(-events // TOGETHER)
    with closing(sqlite3.connect(source)) as connection:
        parts = [_cut(connection.execute(f"SELECT * FROM {name}").fetchall(), batches) for name in tables]  # noqa: S608
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")  # the write-ahead log is a property of the file
        with timed(events) as cost:
            for number in range(batches):
                connection.execute("BEGIN IMMEDIATE")
                for name, part in zip(tables, parts, strict=True):
                    marks = ", ".join("?" * len(part[0][0]))
                    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", part[number])  # noqa: S608
                connection.execute("COMMIT")
    return cost


def _cut(rows: Sequence[Row], batches: int) -> list[Sequence[Row]]:
    """*rows* in so many parts."""
    return [rows[len(rows) * n // batches : len(rows) * (n + 1) // batches] for n in range(batches)]
