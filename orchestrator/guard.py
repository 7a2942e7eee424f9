"""May this go now, how, and if not, why? Decided from the facts as they are at this moment.

Pure. Asked in the transaction that commits `sending`, after rendering: whoever said STOP a second ago
gets nothing from a batch that was claimed before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator import calendar
from orchestrator.model import (
    Consent,
    Customer,
    Decision,
    Entry,
    Kind,
    Notification,
    Order,
    Person,
    Purpose,
    Status,
    Step,
)
from orchestrator.reconcile import why_not
from orchestrator.timing import address, recipient

RECHECK = timedelta(minutes=5)  # how long a paused channel's notification sleeps before it is looked at again


@dataclass(frozen=True, slots=True)
class Blocks:
    """What stands against sending besides the order's own facts.

    ``suppressed`` maps (channel, address) to why nothing is sent there any more; ``paused`` maps a
    channel to why it stands still; ``allow`` lists the only addresses a staging system may use.
    """

    suppressed: Mapping[tuple[str, str], str]
    paused: Mapping[str, str]
    allow: frozenset[str] | None = None


NO_BLOCKS = Blocks({}, {})


@dataclass(frozen=True, slots=True)
class Send:
    """Go, by the step of that index, to this address. ``wanted`` is the notification as it is now."""

    wanted: Notification
    step: int
    channel: str
    to: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before *until*."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Withhold:
    """Never: the entry ends as *status* (suppressed, expired or cancelled)."""

    status: Status
    reason: str


Answer = Send | Wait | Withhold


def guard(
    entry: Entry, decision: Decision, order: Order, customer: Customer, blocks: Blocks, now: datetime, zone: str
) -> Answer:
    """Decide about one claimed entry; *decision* is the planner's answer for its order at *now*."""
    wanted = next((note for note in decision.wanted if note.key == entry.key), None)
    if wanted is None:
        failed = next((e for e in decision.errors if e.startswith(f"{entry.wanted.rule}: ")), None)
        if failed:
            return Wait(now + RECHECK, f"the rule cannot be decided: {failed}")
        return Withhold(Status.CANCELLED, why_not(decision, entry))
    if wanted.mode == "shadow":
        return Withhold(Status.SUPPRESSED, "shadow: the rule is on trial and sends nothing")
    if wanted.expires_at is not None and now >= wanted.expires_at:
        return Withhold(Status.EXPIRED, f"useless since {calendar.show(wanted.expires_at, zone)}")
    if wanted.due_at > now:
        return Wait(wanted.due_at, f"due {calendar.show(wanted.due_at, zone)}")
    return _by_step(entry, wanted, order, customer, blocks, now, zone)


def _by_step(
    entry: Entry, wanted: Notification, order: Order, customer: Customer, blocks: Blocks, now: datetime, zone: str
) -> Answer:
    """The first step that may be used now; else wait for the first that may be used later; else nothing."""
    if wanted.role == "customer" and not customer.known:
        return Withhold(Status.SUPPRESSED, f"unreachable: nothing is known about customer {wanted.customer!r}")
    if wanted.role == "customer" and customer.erased:
        return Withhold(Status.SUPPRESSED, "the customer was erased")
    who = recipient(wanted.role, order, customer)
    tried = {step.channel for step in entry.wanted.steps[: entry.step]}
    never: list[str] = []
    later: list[tuple[datetime, str]] = []
    for index, step in enumerate(wanted.steps):
        if step.channel in tried:
            continue
        to = address(step.channel, who)
        block = _blocked(wanted, step, to, who, blocks)
        if block:
            never.append(block)
        elif step.channel in blocks.paused:
            later.append((now + RECHECK, f"{step.channel} is paused: {blocks.paused[step.channel]}"))
        elif step.at > now:
            later.append((step.at, f"{step.channel}: {step.why} on {calendar.show(step.at, zone)}"))
        else:
            return Send(wanted, index, step.channel, to)
    if later:
        until, why = min(later)
        return Wait(until, why)
    if wanted.kind is Kind.TASK:  # the task stands all the same: the ledger is the list of tasks
        return Send(wanted, len(wanted.steps), "", "")
    return Withhold(Status.SUPPRESSED, "; ".join(never) or _unreachable(wanted, who))


def _blocked(wanted: Notification, step: Step, to: str, who: Customer | Person, blocks: Blocks) -> str:
    """Why this step may never be used, or ""."""
    if not to:
        return f"unreachable: no address for {step.channel}"
    if isinstance(who, Customer):
        refusal = refused(who, wanted.purpose, step.channel)
        if refusal:
            return refusal
    listed = blocks.suppressed.get((step.channel, to))
    if listed:
        return f"unreachable: the address for {step.channel} is on the suppression list: {listed}"
    if blocks.allow is not None and to not in blocks.allow:
        return f"staging: {step.channel} sends only to the allow list"
    return ""


def _unreachable(wanted: Notification, who: Customer | Person) -> str:
    if isinstance(who, Person) and who == Person():
        return f"unreachable: the order names no {wanted.role}"
    return "unreachable: no address for any of the rule's channels"


def refused(customer: Customer, purpose: Purpose, channel: str) -> str:
    """Why consent forbids this purpose on this channel, or "".

    Marketing needs a consent that still stands; service and relationship need no opt-out; security
    needs nothing. The last word on the purpose and the channel, or on all of them, counts.
    """
    if purpose is Purpose.SECURITY:
        return ""
    words = [
        consent
        for key in ((purpose.value, channel), (purpose.value, ""), ("", channel), ("", ""))
        if (consent := customer.consents.get(key)) is not None
    ]
    last: Consent | None = max(words, key=lambda consent: (consent.at, not consent.given)) if words else None
    if last is not None and not last.given:
        return f"the customer withdrew consent for {channel} on {last.at:%Y-%m-%d}"
    if purpose is Purpose.MARKETING and last is None:
        return f"the customer never gave consent to marketing by {channel}"
    return ""
