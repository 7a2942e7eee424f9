"""What a claim and its finish cost on PostgreSQL with a million entries waiting, against ten thousand."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection

from bench import claims, postgres
from bench.dealership import NOW, folder
from bench.report import Line, Runs, micro, ratio
from bench.sizes import scaled
from orchestrator.ledger import Ledger

FEW, MANY = 10_000, 1_000_000
RUNS = 5
TARGET = 1.4
AT_ONCE = 500_000  # rows that are written in one statement
COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public' "
    "AND is_generated = 'NEVER' AND (column_name <> 'id' OR %s = 'orders') ORDER BY ordinal_position"
)
INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND schemaname = 'public' "
    "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
)


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
    with psycopg.connect(**opened.driver_arguments(), autocommit=True) as connection, _loading(connection):
        for table in ("orders", "entries"):
            names = [row[0] for row in connection.execute(COLUMNS, (table, table))]
            copied, quoted = ", ".join(_copied(names)), ", ".join(f'"{name}"' for name in names)
            one = "id" if table == "orders" else "order_id"
            indexes = connection.execute(INDEXES, (table,)).fetchall()
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}".encode())
            for first in range(1, count, AT_ONCE):
                connection.execute(
                    f"INSERT INTO {table} ({quoted}) SELECT {copied} FROM {table}, "  # noqa: S608
                    f"generate_series({first}, {min(first + AT_ONCE, count) - 1}) AS n "
                    f"WHERE {one} = 'waiting-0'".encode()
                )
            for _, definition in indexes:
                connection.execute(definition.encode())
        connection.execute("VACUUM ANALYZE entries")
        connection.execute("VACUUM ANALYZE orders")


def _bytes(opened: Ledger) -> int:
    """What entries and orders take on the server's disk."""
    with psycopg.connect(**opened.driver_arguments(), autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_total_relation_size('entries') + pg_total_relation_size('orders')"
        ).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _loading(connection: Connection) -> Iterator[None]:
    """What is loaded need not outlive a power cut; what is measured must."""
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("ALTER SYSTEM SET fsync = off")
    connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
    connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        connection.execute("ALTER SYSTEM SET fsync = on")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")


def _copied(names: list[str]) -> Iterator[str]:
    """The columns of a copy: another key, order and moment."""
    for name in names:
        if name in {"key", "order_id", "id"}:
            yield f"replace({name}, 'waiting-0', 'waiting-' || n)"
        elif name in {"due_at", "run_at", "expires_at"}:
            yield f"{name} + n * interval '1 second'"
        else:
            yield f'"{name}"'
