"""A provider refuses for the recipient: they said STOP to it, and so to us."""

from datetime import datetime

from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction
from orchestrator.model import Fact
from orchestrator.sending.outcomes import Job
from orchestrator.sending.suppressions import suppress


def opt_out(tx: Transaction, job: Job, reason: str, code: str, now: datetime) -> None:
    """Record it as the customer's word, which START takes back; anybody else gets nothing there any more."""
    entry, wanted, channel = job.entry, job.go.wanted, job.go.channel
    if wanted.role != "customer":
        suppress(tx, channel, job.go.to, reason, code, now)
        return
    evidence = {"how": f"refused by the provider: {reason}", "code": code, "message": entry.key}
    data = {"channel": channel, "evidence": evidence}
    name = f"{entry.id}:{entry.generation}:opted out"
    fact = Fact(f"channel:{channel}", name, "consent.withdrawn", wanted.customer, now, now, data)
    tx.append([Incoming(fact, b"", {})])
    tx.mark_customers([wanted.customer], now)
