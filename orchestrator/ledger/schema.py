"""The schema's version: read without Alembic, brought up with it."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from orchestrator.errors import LedgerBehind
from orchestrator.ledger.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0019"  # the newest file in migrations/versions
SERVES = "0018"  # the oldest program that can work with it: migrations since then only add (decision 36)
MIGRATIONS = Path(__file__).parent / "migrations"
OLDEST = "schema_serves"  # a table beside the ledger's, which no copy takes along


def version(connection: Connection) -> str | None:
    """Read the schema's version; ``None`` for an empty database."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def demand(connection: Connection) -> None:
    """Raise :class:`LedgerBehind` unless the schema is this program's, or a newer one that serves it."""
    found = version(connection)
    if found is None:
        raise LedgerBehind("the ledger is empty: `beforehand db upgrade` makes its tables")
    if found == HEAD or (found > HEAD and _serves(connection) <= HEAD):
        return
    way_out = "`beforehand db upgrade`" if found < HEAD else "update the program"
    raise LedgerBehind(f"the ledger has schema {found}, this program needs {HEAD}: {way_out}")


def breaks_older(found: str | None) -> bool:
    """Would an upgrade of a ledger with the schema *found* break a program that works on it now?"""
    return found is not None and found < SERVES


def _serves(connection: Connection) -> str:
    """The oldest schema whose programs can work with this ledger, as whoever upgraded it knew."""
    if not connection.dialect.has_table(connection, OLDEST):
        return HEAD + "?"  # nobody said: only newer ones
    return str(connection.execute(text(f"SELECT oldest FROM {OLDEST}")).scalar_one())  # noqa: S608


def _note(connection: Connection) -> None:
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {OLDEST} (oldest VARCHAR(32) NOT NULL)"))
    connection.execute(text(f"DELETE FROM {OLDEST}"))  # noqa: S608
    connection.execute(text(f"INSERT INTO {OLDEST} VALUES (:oldest)"), {"oldest": SERVES})  # noqa: S608


def upgrade(connection: Connection) -> None:
    """Make the tables in an empty database, or run the migrations an older one misses.

    Raises :class:`LedgerBehind` for a newer one.
    """
    found = version(connection)
    if found is None:
        create(connection)
    elif found < HEAD:
        migrate(connection)
        _note(connection)
    demand(connection)


def create(connection: Connection) -> None:
    """Make every table at once in an empty database; the same as all migrations, and much faster."""
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
    _note(connection)


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, inside the transaction that *connection* is in."""
    from alembic import command  # 0.2 s to import, and only an upgrade needs it

    command.upgrade(config(connection), "head")


def config(connection: Connection) -> "Config":
    """Point Alembic at our migrations and at *connection*."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings
