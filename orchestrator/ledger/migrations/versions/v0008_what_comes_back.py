"""Whoever answers or reports finds the message: by its Message-ID, its provider's id, or where it went."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PLACES = """
INSERT OR IGNORE INTO places (place, customer)
SELECT {place}, subject FROM facts WHERE type = 'customer.upserted' AND coalesce({place}, '') <> ''
"""


def upgrade() -> None:
    """Keep the names of every try; of those before, the Message-ID of the last is known."""
    for name in ("message_id", "address"):
        op.add_column("attempts", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE attempts SET message_id = "
        "(SELECT e.message_id FROM entries e WHERE e.id = attempts.entry_id) "
        "WHERE n = (SELECT e.attempts FROM entries e WHERE e.id = attempts.entry_id)"
    )
    for name in ("provider_id", "message_id", "address"):
        where = sa.text(f"{name} <> ''")
        op.create_index(f"ix_attempts_{name}", "attempts", [name], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "places",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place", "customer", name="pk_places"),
    )
    op.create_index("ix_places_customer", "places", ["customer"])
    if op.get_bind().dialect.name != "sqlite":
        return  # every ledger so old is in SQLite
    for place in ("json_extract(data, '$.phone')", "lower(json_extract(data, '$.email'))"):
        op.execute(PLACES.format(place=place))
