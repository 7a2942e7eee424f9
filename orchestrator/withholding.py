"""Ending what is not to be said any more, without denying what may have left already."""

from datetime import datetime

from orchestrator.ledger import Transaction
from orchestrator.model import Entry, Kind, Status
from orchestrator.reasons import Reason
from orchestrator.reasons.sending import not_repeated
from orchestrator.timing import calendar


def withhold(
    tx: Transaction,
    entry: Entry,
    status: Status,
    reason: Reason,
    now: datetime,
    zone: str,
    *,
    generation: int | None = None,
    by_person: bool = False,
) -> tuple[Status, Reason]:
    """End *entry* as *status* because of *reason*; return what it ended as, and why.

    A message of which a try ended unknown may have been read. It is unknown again, neither said nor withheld,
    and its reason says when (by the clocks of *zone*) and why it was not repeated. What a person ended
    (*by_person*) is never wanted again. Raises :class:`Stale`.
    """
    since = tx.in_doubt(entry.id) if entry.attempts and entry.wanted.kind is Kind.MESSAGE else None
    if since is not None:
        status = Status.UNKNOWN
        reason = not_repeated(calendar.show(since, zone), reason)
    tx.withdraw(entry.id, status, reason, now, by_person, generation=generation)
    return status, reason
