"""Other systems are told what happens here: up to where each was told, and whether it takes it."""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.functions import this_transaction
from orchestrator.ledger.moments import Moment

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "subscribers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("written", sa.BigInteger(), nullable=True, server_default=this_transaction()),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("told_at", Moment(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", Moment(), nullable=True),
        sa.Column("retry_at", Moment(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lease_until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_subscribers"),
    )
