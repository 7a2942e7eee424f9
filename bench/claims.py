"""What a claim and its finish cost with a million entries waiting, against ten thousand."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bench.dealership import NOW, folder, ledger
from bench.report import Cost, Line, Runs, micro, ratio, timed
from orchestrator.ledger import Begin, Finish, Ledger
from orchestrator.model import Kind, Notification, Purpose, Status, Step
from orchestrator.reasons.due import reached

FEW, MANY = 10_000, 1_000_000
DUE = 2_000  # entries claimed and finished in one run
RUNS = 5
BATCH = 200  # as the dispatcher takes them
LEASE = timedelta(minutes=2)


def measure() -> list[Line]:
    """Work off the same entries in front of both backlogs, in turns."""
    with folder() as home, ledger(home, "few.db") as few, ledger(home, "many.db") as many:
        _wait(few, home / "few.db", FEW)
        _wait(many, home / "many.db", MANY)
        small, large = Runs(), Runs()
        for turn in range(RUNS + 1):
            costs = (worked_off(few, turn), worked_off(many, turn))
            if turn:  # the first was for warmth
                small.add(costs[0])
                large.add(costs[1])
    floor, cost = small.median, large.median
    by_wall = cost.each / floor.each
    return [
        Line(
            "claims", f"claim + finish, {MANY:,} waiting against {FEW:,}", micro(cost), micro(floor),
            ratio(by_wall, cost.cpu_each / floor.cpu_each), "at most 1.3", by_wall <= 1.3,
        )
    ]  # fmt: skip


def worked_off(opened: Ledger, turn: int) -> Cost:
    """Claim, begin and finish what is due, each in a transaction of its own, as sending does."""
    with opened.transaction() as tx:
        tx.create([notification(f"due-{turn}-{n}", n) for n in range(DUE)], NOW)
    with timed(DUE) as cost:
        for _ in range(0, DUE, BATCH):
            with opened.transaction() as tx:
                entries = tx.claim(NOW, BATCH, "bench", LEASE)
            if len(entries) != BATCH:
                raise SystemExit(f"claimed {len(entries)}, not {BATCH}")
            begun = [Begin(e.id, e.generation, "email", f"<{e.id}@example.com>") for e in entries]
            with opened.transaction() as tx:
                tx.begin_many(begun, NOW)
            with opened.transaction() as tx:
                tx.finish_many([Finish(e.id, e.generation, Status.ACCEPTED, "email") for e in entries], NOW)
    return cost


def _wait(opened: Ledger, file: Path, count: int) -> None:
    """Have *count* entries wait for their moment, a minute apart, each of an order of its own.

    One is written by the ledger; the rest are copies of its row, made by the database.
    """
    with opened.transaction() as tx:
        tx.create([notification("waiting-0", -1)], NOW)
    with closing(sqlite3.connect(file)) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(entries)") if row[1] != "id"]
        copied = ", ".join(_copied(names))
        connection.execute(
            "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ?) "  # noqa: S608
            f"INSERT INTO entries ({', '.join(names)}) SELECT {copied} FROM entries, series",
            (count - 1,),
        )
        connection.commit()


def _copied(names: list[str]) -> Iterator[str]:
    """The columns of a copy: another key, order and moment."""
    for name in names:
        if name in {"key", "order_id"}:
            yield f"replace({name}, 'waiting-0', 'waiting-' || n)"
        elif name in {"due_at", "run_at"}:
            yield f"{name} + n * 60000000"
        else:
            yield name


def notification(order: str, number: int) -> Notification:
    """One mail; due now, or (a negative number) in an hour."""
    due = NOW + timedelta(hours=1) if number < 0 else NOW - timedelta(seconds=DUE - number)
    return Notification(
        order, "arrived", "1", "customer", "C-1", Kind.MESSAGE, "new-car/arrived", Purpose.SERVICE, due,
        due + timedelta(days=1), (Step("email", due, "the rule's hours"),),
        because=reached("it", "Mon 2026-03-02 10:00"),
        unless="it is taken back", milestone="arrived", journey="new-car",
    )  # fmt: skip
