"""Of every set of rules the ledger knows who proposed and who decided it, and what the console edited."""

import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns; what was in force until now is from the files."""
    op.add_column("rulesets", sa.Column("edits", sa.Text(), nullable=False, server_default=""))
    op.add_column("rulesets", sa.Column("proposed_at", Moment(), nullable=True))
    for name in ("by", "why", "decided_by"):
        op.add_column("rulesets", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("rulesets", sa.Column("person", sa.BigInteger(), nullable=True))
