"""What comes back, into the ledger: delivery reports and replies become events, and change what they must.

::

    Report ──which message?──▶ message.delivered …   what was in doubt, dead addresses, consent
    Reply  ──whose, of what?──▶ message.replied      STOP, START, HELP
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from channels.reports import Forged, Reply, Report
from orchestrator.callbacks import early, replies, reports
from orchestrator.callbacks.events import Caller
from orchestrator.callbacks.replies import House
from orchestrator.engine import Engine
from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction

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

    What is about nothing we know is counted and logged by its id, unless its message may become known. The
    same id with another body is no matter for the provider: what was heard first stays. Raises
    :class:`~channels.reports.Forged` where what proves it came with something else before.
    """
    new: list[Incoming] = []
    words: list[str] = []
    duplicates = strangers = 0
    for one in sorted(said, key=lambda one: one.at or now):  # what came of a delivery is judged after it
        if one.proof and not tx.prove(caller.name, *one.proof, now):
            raise Forged("what proves it proved something else before")
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
            if not found and early.keep(tx, caller, one, now):
                log.info("callback %s: report %s came before its message is known", caller.name, one.id)
            elif not found:
                strangers += 1
                log.info("callback %s: report %s is about no message of ours", caller.name, one.id)
        fresh = reports.kept(tx, caller, found)
        duplicates += len(found) - len(fresh)
        new += fresh
    tx.mark_each(engine.touched(tx, new))
    return Taken(len(new), duplicates, strangers, tuple(words))
