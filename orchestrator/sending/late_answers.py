"""What was in doubt and becomes known: a provider says late what became of a message.

It ends the doubt as an answer in time would have. An entry that is being sent is left to whoever sends it:
:func:`known_before` asks again once that ends in doubt.
"""

from collections.abc import Iterable
from datetime import datetime

from channels.base import ChannelError, Receipt, Rejected
from channels.reports import Became
from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction
from orchestrator.model import Entry, Fact, Kind, Status
from orchestrator.reasons.sending import reported
from orchestrator.sending import outcomes

LOST = frozenset({Became.FAILED, Became.BOUNCED})
_REPORTS = {f"message.{became}": became for became in Became}
_MAY_BE_IN_DOUBT = frozenset({Status.UNKNOWN, Status.SCHEDULED, Status.DISPATCHED, Status.HELD})


def answer(
    became: Became, *, provider_id: str = "", code: str = "", reason: str = ""
) -> Receipt | ChannelError:
    """What a report would have been as the answer to a send."""
    if became in LOST:
        return Rejected(reason or became.value, code=code)
    return Receipt(provider_id)


def settle(
    tx: Transaction, entry: Entry, channel: str, said: Receipt | ChannelError, now: datetime
) -> Incoming | None:
    """End the doubt about *entry* on *channel*, if there is any; return the fact of what it came to.

    Whoever has claimed it to ask or to send again comes too late.
    """
    lost = isinstance(said, ChannelError)
    status = Status.FAILED if lost else Status.ACCEPTED
    reason = reported(said.reason if isinstance(said, ChannelError) else "")
    code = said.code if isinstance(said, ChannelError) else ""
    provider_id = said.provider_id if isinstance(said, Receipt) else ""
    if entry.status not in _MAY_BE_IN_DOUBT:
        return None
    known = tx.known_now(
        entry.id, channel, status.value, now, provider_id=provider_id, code=code, detail=reason
    )
    if not known or (entry.wanted.kind is Kind.TASK and lost):
        return None  # a task goes its way to the list by itself
    if entry.status is not Status.UNKNOWN:
        tx.withdraw(entry.id, Status.UNKNOWN, reported(), now)
    names = [step.channel for step in entry.wanted.steps]
    following = names.index(channel) + 1 if channel in names else len(names)
    if lost and following < len(names):
        tx.back_to_schedule(
            entry.id, entry.generation, step=following, not_before=now, reason=reason.by(channel), now=now
        )
        return None
    tx.finish(entry.id, entry.generation, status, now=now, channel=channel, reason=reason, code=code)
    return outcomes.fact_of(entry.wanted, entry, status, now, channel=channel, reason=reason)


def known_before(tx: Transaction, entries: Iterable[Entry], now: datetime) -> list[Incoming]:
    """End the doubt about *entries* of which reports came while they were being sent."""
    facts: list[Incoming] = []
    for entry in entries:
        tried = [one for one in tx.attempts(entry.id) if one.outcome == Status.UNKNOWN]
        said = _furthest(tx, entry, tried[-1].channel, tried[-1].started_at) if tried else None
        if said is not None:
            facts += filter(None, [settle(tx, entry, tried[-1].channel, said, now)])
    return facts


def _furthest(tx: Transaction, entry: Entry, channel: str, since: datetime) -> Receipt | ChannelError | None:
    """What was reported of it on that channel since then, as an answer; that it came back counts more."""
    found = [
        fact
        for fact in tx.order_facts([entry.wanted.order])[entry.wanted.order]
        if _about(fact, entry, channel) and fact.heard >= since
    ]
    if not found:
        return None
    last = max(found, key=lambda fact: (_REPORTS[fact.type] in LOST, fact.heard))
    said = last.data.get
    return answer(_REPORTS[last.type], code=said("code") or "", reason=said("reason") or "")


def _about(fact: Fact, entry: Entry, channel: str) -> bool:
    return (
        fact.type in _REPORTS
        and fact.data.get("message") == entry.key
        and fact.data.get("channel") == channel
    )
