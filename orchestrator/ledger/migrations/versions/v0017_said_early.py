"""What providers say too early is kept for a while, and what proves one callback proves no other."""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "proofs",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "token", name="pk_proofs"),
    )
    op.create_index("ix_proofs_at", "proofs", ["at"])
    op.create_table(
        "early_reports",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "report", name="pk_early_reports"),
    )
    op.create_index("ix_early_reports_at", "early_reports", ["at"])
