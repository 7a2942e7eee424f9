"""A reason has a code, and names what it is about, beside the sentence that people read."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

AFTER = {"reason_code": "reason", "reason_about": "reason_code"}


def upgrade() -> None:
    """Make the columns; what stands in them of old rows, `db upgrade` recognises afterwards."""
    if op.get_bind().dialect.name == "sqlite":  # whose files name the columns in the order of the tables
        with op.batch_alter_table("entries", recreate="always") as table:
            for name, before in AFTER.items():
                table.add_column(_column(name), insert_after=before)
            for name in ("joins", "waits_for"):
                table.alter_column(name, server_default="")  # a copied one would stand in brackets
    else:
        for name in AFTER:
            op.add_column("entries", _column(name))


def _column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")
