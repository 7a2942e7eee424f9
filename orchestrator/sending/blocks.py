"""What stands against sending besides an order's own facts: suppressions, pauses, staging, channels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.ledger import Transaction
from orchestrator.model import Entry, Kind, Sent
from orchestrator.planning.reconcile import intended
from orchestrator.sending.guard import Blocks, Shut
from orchestrator.sending.outcomes import in_doubt
from orchestrator.sending.suppressions import listed
from orchestrator.sight import Sight, sent_to
from orchestrator.timing.send_time import addresses, recipient


def blocks(
    tx: Transaction,
    entries: Sequence[Entry],
    sight: Sight,
    allow: frozenset[str] | None,
    moments: Mapping[int, datetime],
    now: datetime,
    shut: Mapping[str, Shut],
) -> Blocks:
    """Look up what stands against these entries, each handled at its moment (by id), for the guard."""
    suppressed = dict(listed(tx, (place for entry in entries for place in _places(entry, sight))))
    paused = {(pause.kind.value, pause.name): pause.reason for pause in tx.pauses()}
    sent = _sent(tx, sight, moments, now) if sight.book.capped else {}
    policy = sight.book.policy
    tried = (entry for entry in entries if entry.attempts and entry.wanted.kind is Kind.MESSAGE)
    doubt = frozenset(entry.id for entry in tried if _may_have_left(tx, entry))
    return Blocks(suppressed, paused, allow, policy.caps, sent, shut, policy.kinds, doubt)


def _may_have_left(tx: Transaction, entry: Entry) -> bool:
    """Does nobody know of a try by its last channel, which it still is to go by?

    Where the provider refused it afterwards, the next step was chosen with that in mind.
    """
    steps = [step.channel for step in entry.wanted.steps]
    passed = entry.channel in steps[: entry.step]
    return not passed and in_doubt(entry.channel, tx.attempts(entry.id)) is not None


def _sent(
    tx: Transaction, sight: Sight, moments: Mapping[int, datetime], now: datetime
) -> dict[str, list[Sent]]:
    """What counts for the caps of these customers. What was claimed and not begun counts as going now."""
    found = sent_to(tx, sight, min(moments.values(), default=now))
    return {
        customer: [replace(one, at=moments.get(one.entry, now)) if one.waits else one for one in theirs]
        for customer, theirs in found.items()
    }


def _places(entry: Entry, sight: Sight) -> set[tuple[str, str]]:
    """Where the notification might go, as it is wanted now."""
    order, decision = sight.orders.get(entry.wanted.order), sight.decisions.get(entry.wanted.order)
    if order is None or decision is None:
        return set()
    wanted = intended(decision, entry)
    if wanted is None:
        return set()
    who = recipient(wanted.role, order, sight.customer_of(order))
    kinds = {step.channel: sight.book.policy.kind(step.channel) for step in wanted.steps}
    return {
        (name, to)
        for channel, kind in kinds.items()
        for to in addresses(kind, who)
        for name in (channel, kind)
    }
