"""Alembic's way in: works on the connection it is given, and on our tables only."""

from collections.abc import Mapping
from typing import Any

from alembic import context

from orchestrator.ledger import access_tables  # noqa: F401  whose tables are among the metadata
from orchestrator.ledger.schema import OLDEST
from orchestrator.ledger.tables import metadata

NOT_OURS = ("procrastinate_", OLDEST)  # the engine of the distributed transport looks after its own


def ours(name: str | None, kind: str, _parents: Mapping[Any, Any]) -> bool:
    """Say whether autogenerate looks at a table."""
    return not (kind == "table" and name is not None and name.startswith(NOT_OURS))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=ours,
    compare_type=True,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
