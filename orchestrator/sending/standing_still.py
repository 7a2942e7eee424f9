"""What a person stops for a while and lets go on: a channel, a rule, a location or everything."""

from datetime import datetime

from orchestrator.ledger import Stops, Transaction
from orchestrator.sending.guard import standstill


def go_on(tx: Transaction, kind: Stops, name: str, now: datetime) -> int | None:
    """Let it work again, and say how many notifications waited for it; ``None`` if it was not paused."""
    if not tx.resume(kind, name):
        return None
    return tx.wake(standstill(kind.value, name, ""), now)
