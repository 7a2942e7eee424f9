"""What is asked over all orders stands beside each: who waits since when, for what, and who must act.

And whoever looks for a customer finds them by the words of their name.
"""

import orjson
import sqlalchemy as sa
from alembic import op

from orchestrator.ledger.moments import Moment
from orchestrator.ledger.tables import Plain
from orchestrator.ledger.traces import name_words

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SAID = sa.text(
    "SELECT seq, subject, data FROM facts WHERE type = 'customer.upserted' AND seq > :after "
    "ORDER BY seq LIMIT 1000"
)
NAME = sa.text("INSERT INTO names (word, customer) VALUES (:word, :customer) ON CONFLICT DO NOTHING")
WHERE = ("location", "brand")
ORDERS = {
    "silent": ["silent_since", "id", *WHERE],
    "promise": ["promise_ends", "id", *WHERE],
    "tasks": ["tasks_since", "id", *WHERE],
}


def upgrade() -> None:
    """Make the columns and have every order planned once more, which fills them; find every name."""
    for name in ("owner", "brand", "promise", "promised", "tasks"):
        op.add_column("orders", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    for name in ("silent_since", "promise_ends", "tasks_since"):
        op.add_column("orders", sa.Column(name, Moment(), nullable=True))
    for name, columns in ORDERS.items():
        _index(f"ix_orders_{name}", "orders", columns, f"{columns[0]} IS NOT NULL")
    _index("ix_orders_problem", "orders", ["id", *WHERE], "problem <> ''")
    _index("ix_entries_held", "entries", ["id"], "status = 'held'")
    _index("ix_entries_on_trial", "entries", ["mode", "run_at"], "status = 'scheduled' AND mode = 'shadow'")
    op.execute("UPDATE orders SET changed = changed + 1")
    op.create_table(
        "names",
        sa.Column("word", Plain, nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", "customer", name="pk_names"),
    )
    op.create_index("ix_names_customer", "names", ["customer"])
    _find_names()


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _find_names() -> None:
    connection, after = op.get_bind(), 0
    while rows := connection.execute(SAID, {"after": after}).all():
        found = [
            {"word": word, "customer": customer}
            for _, customer, data in rows
            for word in name_words(orjson.loads(data))
        ]
        if found:
            connection.execute(NAME, found)
        after = rows[-1][0]
