"""Customers are folded from their facts when they are asked for: the table of their folds stayed empty."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the table away."""
    op.drop_table("customers")
