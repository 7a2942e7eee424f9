"""Where many write at once, what is news is told by the transactions that wrote it."""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.functions import this_transaction

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WRITTEN = sa.text("written IS NOT NULL")


def upgrade() -> None:
    """Make the column; what stands there already is no news."""
    op.add_column("facts", sa.Column("written", sa.BigInteger(), server_default=this_transaction()))
    op.create_index("ix_facts_written", "facts", ["written"], sqlite_where=WRITTEN, postgresql_where=WRITTEN)
