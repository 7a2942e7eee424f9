"""A line that rides along is given to one mail at a time, whichever dispatcher makes it."""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "lines",
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("customer", "line", name="pk_lines"),
    )
