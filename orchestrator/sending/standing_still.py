"""What a person stops for a while and lets go on: a channel, a rule, a location or everything."""

from datetime import datetime

from orchestrator.access.audit import By, Told, record
from orchestrator.ledger import Stops, Transaction
from orchestrator.reasons.sending import paused


def stand_still(tx: Transaction, by: By, kind: Stops, name: str, reason: str, now: datetime) -> bool:
    """Let it work no more, and keep who stopped it; say whether that is new."""
    if not tx.pause(kind, name, now, reason):
        return False
    record(tx, by, Told("pause", in_words(kind, name), after={"reason": reason}), now)
    return True


def go_on(tx: Transaction, by: By, kind: Stops, name: str, now: datetime) -> int | None:
    """Let it work again, keep who did, and say how many waited; ``None`` if it was not paused."""
    if not tx.resume(kind, name):
        return None
    record(tx, by, Told("resume", in_words(kind, name)), now)
    return tx.wake(paused(kind.value, name, ""), now)


def in_words(kind: Stops, name: str) -> str:
    """``rule arrived``; everything has no name."""
    return f"{kind} {name}".rstrip()
