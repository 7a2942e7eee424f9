"""Merged customers find each other, and what comes later about an erased one is kept without payload."""

import json

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and list who was merged before they were there."""
    merges = op.create_table(
        "merges",
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("into", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("customer", "into", name="pk_merges"),
    )
    op.create_index("ix_merges_into", "merges", ["into"])
    op.create_table(
        "erasures",
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("customer", name="pk_erasures"),
    )
    said = op.get_bind().execute(sa.text("SELECT subject, data FROM facts WHERE type = 'customer.merged'"))
    known = {(subject, json.loads(data)["into"]) for subject, data in said}
    if known:
        op.bulk_insert(merges, [{"customer": customer, "into": into} for customer, into in sorted(known)])
