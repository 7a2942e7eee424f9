"""Rows by the million: the database copies one that was written as always, without its indexes meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from psycopg import Connection

AT_ONCE = 500_000  # rows that are written in one statement
COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = %s "
    "AND is_generated = 'NEVER' ORDER BY ordinal_position"
)
INDEXES = (
    "SELECT schemaname || '.' || indexname, indexdef FROM pg_indexes "
    "WHERE tablename = %s AND schemaname = %s AND indexname NOT IN (SELECT conname FROM pg_constraint)"
)


def multiply(
    connection: Connection, table: str, count: int, changed: Mapping[str, str], where: str = "true"
) -> None:
    """Copy the one row of *table* that is *where* so many times, as number ``n``, some columns *changed*.

    A column that is changed to nothing takes its default. The table may name its schema.
    """
    schema, _, name = table.rpartition(".")
    home = (name, schema or "public")
    columns = [row[0] for row in connection.execute(COLUMNS, home) if changed.get(row[0]) != ""]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
    indexes = connection.execute(INDEXES, home).fetchall()
    connection.execute("SET session_replication_role = replica")  # no triggers
    for index, _ in indexes:
        connection.execute(f"DROP INDEX {index}".encode())
    for first in range(1, count + 1, AT_ONCE):
        connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} "  # noqa: S608
            f"FROM (SELECT * FROM {table} WHERE {where} LIMIT 1) AS one, "
            f"generate_series({first}, {min(first + AT_ONCE, count + 1) - 1}) AS n".encode()
        )
    for _, definition in indexes:
        connection.execute(definition.encode())
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute(f"VACUUM ANALYZE {table}".encode())


@contextmanager
def loading(connection: Connection) -> Iterator[None]:
    """What is loaded need not outlive a power cut; what is measured must."""
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("ALTER SYSTEM SET fsync = off")
    connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
    connection.execute("ALTER SYSTEM SET autovacuum = off")  # it would read all of it beside us
    connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        connection.execute("ALTER SYSTEM SET fsync = on")
        connection.execute("ALTER SYSTEM SET autovacuum = on")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")
