"""When customers looked is found without reading everything."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ACTIVE = sa.text("type = 'customer.active'")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_facts_active", "facts", ["heard", "seq"], sqlite_where=ACTIVE, postgresql_where=ACTIVE
    )
