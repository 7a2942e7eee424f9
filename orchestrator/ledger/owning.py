"""One at a time for each order: so that of many writers none plans from half the facts.

SQLite has one writer, and nothing here does anything. In PostgreSQL whoever reads the facts of an order to
write about it owns the order first, until the transaction ends, and so does whoever takes an entry of it;
whoever hears news of a customer, or of an order of theirs, owns the customer before that. Orders are taken
in the order of their ids, so that no two wait for each other.
"""

from collections.abc import Iterable
from zlib import crc32

from sqlalchemy import Integer, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from orchestrator.ledger.orders import NOTHING_KNOWN
from orchestrator.ledger.tables import orders
from orchestrator.ledger.verbs import Verbs, batches

CUSTOMER_LOCKS = 4096  # the server keeps room for some thousand locks of this kind in all
_SPACE = 0x626566  # of our advisory locks
_CHANNELS = CUSTOMER_LOCKS  # where those of channels begin

_OWN = (
    select(orders.c.id)
    .where(orders.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(orders.c.id)
    .with_for_update()
)
_MAKE = (
    insert(orders)
    .values(id=bindparam("id"), **NOTHING_KNOWN, changed=0, planned=0, heard_to=None)
    .on_conflict_do_nothing(index_elements=["id"])
)
_LOCK = select(func.pg_advisory_xact_lock(literal_column(str(_SPACE)), cast(bindparam("lock"), Integer)))


class Owning(Verbs):
    """The verbs that wait until nobody else works on something."""

    def own(self, order_ids: Iterable[str]) -> bool:
        """Wait until nobody else plans or sends about these orders, and let nobody until the end.

        Says whether others may have written since this transaction began: what was read before may be old.
        """
        if not self._is_shared:
            return False
        for batch in batches(sorted(set(order_ids))):
            found = {row[0] for row in self._rows(_OWN, {"ids": batch})}
            if missing := [order for order in batch if order not in found]:
                self._run(_MAKE, [{"id": order} for order in missing])
                self._rows(_OWN, {"ids": missing})
        return True

    def own_customers(self, customer_ids: Iterable[str]) -> None:
        """Wait until nobody else keeps news of these customers or of who waits for what."""
        if not self._is_shared:
            return
        for lock in sorted({_number(customer) for customer in customer_ids}):
            self._rows(_LOCK, {"lock": lock})

    def own_channels(self, channels: Iterable[str]) -> None:
        """Wait until nobody else counts what these channels may send."""
        if self._is_shared:
            for lock in sorted({_number(channel) for channel in channels}):
                self._rows(_LOCK, {"lock": _CHANNELS + lock})


def _number(name: str) -> int:
    """Which lock a customer or a channel has, the same in every process; some share one."""
    return crc32(name.encode(errors="replace")) % CUSTOMER_LOCKS
