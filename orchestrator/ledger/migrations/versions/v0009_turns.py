"""A channel has its rates and its health in the ledger, and what waits for it stands in line.

And what was taken off the suppression list is kept, with the reason.
"""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WAITING_FOR = sa.text("status = 'scheduled' AND waits_for <> ''")


def upgrade() -> None:
    """Make the tables; what waits already is looked at again at its time, and stands in line then."""
    column = sa.Column("waits_for", sa.Text(), nullable=False, server_default="")
    if op.get_bind().dialect.name == "sqlite":  # whose files name the columns in the order of the tables
        with op.batch_alter_table("entries", recreate="always") as table:
            table.add_column(column, insert_after="joins")
            table.alter_column("joins", server_default="")  # a copied one would stand in brackets
    else:
        op.add_column("entries", column)
    op.create_index(
        "ix_entries_waits_for",
        "entries",
        ["waits_for", "due_at", "id"],
        sqlite_where=WAITING_FOR,
        postgresql_where=WAITING_FOR,
    )
    op.create_table(
        "health",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=True),
        sa.Column("probe_until", Moment(), nullable=True),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_health"),
    )
    op.create_table(
        "rates",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("used_to", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rates"),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "unsuppressions",
        sa.Column("id", number, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("removed_at", Moment(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unsuppressions"),
    )
    op.create_index("ix_unsuppressions_address", "unsuppressions", ["channel", "address_hash"])
