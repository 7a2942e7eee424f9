"""Reports that come before the answer to the send: kept for a while, and understood once that is written.

A provider may say that it delivered a message before the transaction with its receipt is committed. It calls
the message by its own id, which nobody knows here until then.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from channels.reports import Became, Report
from orchestrator.callbacks.events import Caller
from orchestrator.callbacks.reports import kept, take
from orchestrator.engine import Engine
from orchestrator.ledger import EarlyReport, Transaction
from orchestrator.private import without_addresses

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=15)  # longer than any send; what is unknown by then is of somebody else
MOST = 10_000  # others may send by the same account, and nobody knows theirs
AGAIN = timedelta(seconds=5)
AT_ONCE = 500  # in one transaction
USED = timedelta(hours=26)  # longer than any reporter takes a signature for new


def keep(tx: Transaction, caller: Caller, report: Report, now: datetime) -> bool:
    """Keep a report about nothing we know, if it may become known, without addresses; was it kept?"""
    if not report.provider_id or report.unproven:
        return False
    said = asdict(replace(report, to="", reason=without_addresses(report.reason, report.to), raw={}))
    said["at"] = report.at.isoformat() if report.at else None
    early = EarlyReport(caller.name, caller.channel, report.id, report.provider_id, said)
    return tx.keep_early(early, now, MOST)


class Early:
    """What a daemon does every :data:`AGAIN`: understand by now what came too early, and forget the rest."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine, self._now = engine, now

    def __call__(self) -> int:
        """Return how many reports were understood."""
        now = self._now()
        with self._engine.ledger.transaction() as tx:
            found = tx.early_known(AT_ONCE)
            for one in found:
                caller = Caller(one.caller, one.channel)
                facts = take(tx, caller, _report(one), now)
                tx.mark_each(self._engine.touched(tx, kept(tx, caller, facts)))
                tx.early_done(one.caller, one.report)
            if lost := tx.forget_early(now - PATIENCE):
                log.info("%d reports were about no message of ours", lost)
            tx.forget_proofs(now - USED)
        return len(found)


def _report(early: EarlyReport) -> Report:
    said = dict(early.said)
    at = datetime.fromisoformat(said.pop("at")) if said.get("at") else said.pop("at", None)
    return Report(**{**said, "at": at, "became": Became(said["became"])})
