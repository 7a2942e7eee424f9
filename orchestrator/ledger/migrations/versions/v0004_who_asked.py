"""Whoever asked to be erased is found without reading every fact."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ERASED = sa.text("type = 'customer.erased'")


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_facts_erased", "facts", ["subject"], sqlite_where=ERASED, postgresql_where=ERASED)
