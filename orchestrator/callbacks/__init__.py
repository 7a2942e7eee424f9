"""What comes back, into the ledger: delivery reports and replies become events, and change what they must.

::

    Report ──which message?──▶ message.delivered …   what was in doubt, dead addresses, consent
    Reply  ──whose, of what?──▶ message.replied      STOP, START, HELP
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from channels.reports import Reply, Report
from orchestrator.callbacks import replies, reports
from orchestrator.callbacks.events import Caller
from orchestrator.callbacks.replies import House
from orchestrator.engine import Engine
from orchestrator.intake import Incoming
from orchestrator.ledger import Appended, Transaction

__all__ = ["NO_HOUSE", "Caller", "House", "Taken", "take"]

log = logging.getLogger(__name__)

NO_HOUSE = House()
STRANGE = "about nothing we know"


@dataclass(frozen=True, slots=True)
class Taken:
    """How many events were new or known, how many reports were about nothing we know; what to answer."""

    new: int = 0
    duplicates: int = 0
    strangers: int = 0
    words: tuple[str, ...] = ()


def take(
    engine: Engine,
    tx: Transaction,
    caller: Caller,
    said: Sequence[Report | Reply],
    now: datetime,
    house: House = NO_HOUSE,
) -> Taken:
    """Keep what a provider said, in a transaction that others may share, and mark what is to be planned.

    What is about nothing we know is counted and logged by its id. The same id with another body is no matter
    for the provider: what was heard first stays.
    """
    new: list[Incoming] = []
    words: list[str] = []
    duplicates = strangers = 0
    for one in sorted(said, key=lambda one: one.at or now):  # what came of a delivery is judged after it
        if isinstance(one, Reply):
            followed = replies.take(engine, tx, caller, one, now, house)
            found = followed.facts
            words += followed.words
            engine.watch.called_back(caller.name, "replied")
            if followed.stray:
                log.warning("callback %s: what came as %s belongs to no order", caller.name, one.id)
        else:
            found = reports.take(tx, caller, one, now)
            engine.watch.called_back(caller.name, one.became.value if found else STRANGE)
            if not found:
                strangers += 1
                log.info("callback %s: report %s is about no message of ours", caller.name, one.id)
        kept = _kept(tx, caller, found)
        duplicates += len(found) - len(kept)
        new += kept
    tx.mark_each(engine.touched(tx, new))
    return Taken(len(new), duplicates, strangers, tuple(words))


def _kept(tx: Transaction, caller: Caller, facts: Sequence[Incoming]) -> list[Incoming]:
    """Keep what is new, and return it."""
    results = list(zip(facts, tx.append(facts), strict=True))
    for item, result in results:
        if result is Appended.CONFLICT:
            log.warning("callback %s: %s came before with another body", caller.name, item.fact.id)
    return [item for item, result in results if result is Appended.NEW]
