"""A rule, a location and everything can be paused, not a channel only."""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give pauses a kind; the channels that are paused stay so."""
    op.create_table(
        "pauses",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_pauses"),
    )
    op.execute("INSERT INTO pauses SELECT 'channel', name, paused_since, reason FROM channels")
    op.drop_table("channels")
