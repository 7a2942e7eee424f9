"""What a rule says of several orders of one person leaves in one message."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JOINING = sa.text("joins <> '' AND status IN ('dispatched', 'held', 'scheduled', 'sending')")


def upgrade() -> None:
    """Name what leaves together; what waits already leaves alone until it is planned again."""
    column = sa.Column("joins", sa.Text(), nullable=False, server_default="")
    if op.get_bind().dialect.name == "sqlite":  # whose files name the columns in the order of the tables
        with op.batch_alter_table("entries", recreate="always") as table:
            table.add_column(column, insert_after="wanted")
    else:
        op.add_column("entries", column)
    op.create_index("ix_entries_joins", "entries", ["joins"], sqlite_where=JOINING, postgresql_where=JOINING)
