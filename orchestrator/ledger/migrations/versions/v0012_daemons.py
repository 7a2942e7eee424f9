"""Who works on the ledger and when they last looked, and since when a closed order is quiet."""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

QUIET = sa.text("quiet_since IS NOT NULL")
PRUNED = sa.text("type = 'order.pruned'")

FILL = sa.text(
    "UPDATE orders SET quiet_since = "
    "(SELECT max(heard) FROM facts WHERE scope = 'order' AND subject = orders.id) "
    "WHERE status IN ('cancelled', 'complete')"
)


def upgrade() -> None:
    """Make the table and the column; a closed order is quiet since its last news."""
    op.create_table(
        "daemons",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("scanned_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_daemons"),
    )
    op.add_column("orders", sa.Column("quiet_since", Moment(), nullable=True))
    op.execute(FILL)
    op.create_index(
        "ix_orders_quiet", "orders", ["quiet_since", "id"], sqlite_where=QUIET, postgresql_where=QUIET
    )
    op.create_index("ix_facts_pruned", "facts", ["subject"], sqlite_where=PRUNED, postgresql_where=PRUNED)
