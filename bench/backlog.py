"""What a claim and its finish cost on PostgreSQL with a million entries waiting, against ten thousand."""

import psycopg

from bench import claims, filling, postgres
from bench.dealership import NOW, folder
from bench.report import Line, Runs, micro, ratio
from bench.sizes import scaled
from orchestrator.ledger import Ledger

FEW, MANY = 10_000, 1_000_000
RUNS = 5
TARGET = 1.4


def measure() -> list[Line]:
    """Work off the same entries in front of both backlogs, in turns."""
    few, many = scaled(FEW, 1000), scaled(MANY, 10_000)
    with folder() as home, postgres.server(home) as server:
        small, large = Runs(), Runs()
        with Ledger.open(postgres.database(server), upgrade=True) as near:
            wait(near, few)
            with Ledger.open(postgres.database(server), upgrade=True) as far:
                wait(far, many)
                for turn in range(RUNS + 1):
                    costs = (claims.worked_off(near, turn), claims.worked_off(far, turn))
                    if turn:  # the first was for warmth
                        small.add(costs[0])
                        large.add(costs[1])
                each = _bytes(far) / many
    floor, cost = small.median, large.median
    by_wall = cost.each / floor.each
    return [
        Line(
            "backlog", f"PostgreSQL: claim + finish, {many:,} waiting against {few:,}", micro(cost),
            micro(floor), ratio(by_wall, cost.cpu_each / floor.cpu_each), f"at most {TARGET}",
            by_wall <= TARGET,
        ),
        Line("backlog", "on disk, for one that waits, with its order and all indexes", f"{each:,.0f} bytes"),
    ]  # fmt: skip


def wait(opened: Ledger, count: int) -> None:
    """Have *count* entries wait for their moment, a second apart, each of an order of its own.

    One is written by the ledger; the rest are copies of its rows, made by the database.
    """
    with opened.transaction() as tx:
        tx.create([claims.notification("waiting-0", -1)], NOW)
    moments = {name: f"{name} + n * interval '1 second'" for name in ("due_at", "run_at", "expires_at")}
    names = {name: f"replace({name}, 'waiting-0', 'waiting-' || n)" for name in ("id", "key", "order_id")}
    driver = opened.driver_arguments()
    with psycopg.connect(**driver, autocommit=True) as connection, filling.loading(connection):
        filling.multiply(connection, "orders", count - 1, names, "id = 'waiting-0'")
        filling.multiply(
            connection, "entries", count - 1, names | moments | {"id": ""}, "order_id = 'waiting-0'"
        )


def _bytes(opened: Ledger) -> int:
    """What entries and orders take on the server's disk."""
    with psycopg.connect(**opened.driver_arguments(), autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_total_relation_size('entries') + pg_total_relation_size('orders')"
        ).fetchone()
    return int(row[0]) if row else 0
