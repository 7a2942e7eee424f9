"""Delivery reports → the ledger: events, what was in doubt, dead addresses, withdrawn consent."""

import logging
from collections.abc import Sequence
from datetime import datetime

from channels.base import ChannelError, Receipt
from channels.reports import Became, Report
from orchestrator.callbacks.events import SEEN, Caller, reported, truly, withdrawal
from orchestrator.intake import Incoming
from orchestrator.ledger import Appended, Stops, Suppression, Transaction
from orchestrator.model import Entry, Status
from orchestrator.private import without_addresses
from orchestrator.sending.late_answers import answer, settle
from orchestrator.sending.suppressions import hashed, suppress

log = logging.getLogger(__name__)

DELIVERED = f"message.{Became.DELIVERED}"


def named(tx: Transaction, channel: str, report: Report) -> list[Entry]:
    """Every entry of the message that a report is about; none if we know no such message."""
    found: list[Entry] = []
    if report.key and (entry := tx.entry(report.key)):
        found = [entry]
    if not found:
        found = tx.entries_by_provider_id(channel, report.provider_id)
    if not found and report.message_id:
        found = tx.entries_by_message_id([report.message_id])
    together = tx.entries_by_message_id({entry.message_id for entry in found if entry.wanted.joins})
    return list({entry.id: entry for entry in (*found, *together)}.values())


def take(tx: Transaction, caller: Caller, report: Report, now: datetime) -> list[Incoming]:
    """Do what a report means, and return the facts of it; none if it is about nothing we know.

    What was heard before does nothing a second time, whatever it says now: people may have mended since
    what followed from it.
    """
    entries = _owned(tx, caller.channel, report)
    if report.unproven and not _went_to(tx, caller.channel, entries) & set(hashed(tx, [report.to]).values()):
        return []
    facts: list[Incoming] = []
    news: list[Entry] = []
    for entry in entries:
        delivered = _delivered(tx, entry, caller.channel) if report.became in SEEN else None
        said = reported(caller, report, entry, truly(report, entry, now, delivered), now)
        facts.append(said)
        if not tx.has_payload(said.fact.source, said.fact.id):
            news.append(entry)
            settled = settle(tx, entry, caller.channel, _answer(report), now)
            facts += filter(None, [withdrawal(caller, report, entry, now), settled])
    if news and report.ours:
        _pause(tx, caller, report, now)
    if not_again := _not_again(report, news):
        _suppress(tx, caller, report, not_again, now)
    return facts


def kept(tx: Transaction, caller: Caller, facts: Sequence[Incoming]) -> list[Incoming]:
    """Keep what is new, and return it."""
    results = list(zip(facts, tx.append(facts), strict=True))
    for item, result in results:
        if result is Appended.CONFLICT:
            log.warning("callback %s: %s came before with another body", caller.name, item.fact.id)
    return [item for item, result in results if result is Appended.NEW]


def _owned(tx: Transaction, channel: str, report: Report) -> list[Entry]:
    """The entries of the message, with which nobody else does anything until the end."""
    entries = named(tx, channel, report)
    others_wrote = tx.own(entry.wanted.order for entry in entries)
    return named(tx, channel, report) if others_wrote else entries


def _not_again(report: Report, news: Sequence[Entry]) -> Sequence[Entry]:
    """Those whose address gets nothing more; a customer who complains withdraws consent instead."""
    if report.dead:
        return news
    if report.became is Became.COMPLAINED:
        return [entry for entry in news if entry.wanted.role != "customer"]
    return ()


def _went_to(tx: Transaction, channel: str, entries: Sequence[Entry]) -> set[str]:
    """The keyed hashes of where these left for."""
    tries = (one for entry in entries for one in tx.attempts(entry.id))
    return {one.address for one in tries if one.channel == channel and one.address}


def _pause(tx: Transaction, caller: Caller, report: Report, now: datetime) -> None:
    """Stop a channel whose every message would fare so."""
    reason = f"reported by {caller.name}: {without_addresses(report.reason, report.to)}"
    if tx.pause(Stops.CHANNEL, caller.channel, now, reason):
        log.error("channel %s is paused: %s", caller.channel, reason)


def _suppress(
    tx: Transaction, caller: Caller, report: Report, entries: Sequence[Entry], now: datetime
) -> None:
    reason = without_addresses(report.reason, report.to) or report.became.value
    evidence = " ".join(filter(None, (f"{report.became} reported by {caller.name}", report.code)))
    if report.to:
        suppress(tx, caller.channel, report.to, reason, evidence, now)
        return
    for place in _went_to(tx, caller.channel, entries):
        tx.suppress(Suppression(caller.channel, place, reason, evidence, now))


def _answer(report: Report) -> Receipt | ChannelError:
    """What the report would have been as the answer to the send."""
    reason = without_addresses(report.reason, report.to)
    return answer(report.became, provider_id=report.provider_id, code=report.code, reason=reason)


def _delivered(tx: Transaction, entry: Entry, channel: str) -> datetime | None:
    """When the message arrived, or else when it was taken; ``None`` if nobody knows yet."""
    order = entry.wanted.order
    arrived = [
        fact.happened
        for fact in tx.order_facts([order])[order]
        if fact.type == DELIVERED
        and (fact.data.get("message"), fact.data.get("channel")) == (entry.key, channel)
    ]
    taken = [
        one.finished_at
        for one in tx.attempts(entry.id)
        if one.channel == channel and one.outcome == Status.ACCEPTED and one.finished_at
    ]
    return min(arrived, default=None) or max(taken, default=None)
