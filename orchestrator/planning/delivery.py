"""What became of our own messages: what the engine says of them, and what providers report later. Pure.

=================  ==========================================================================================
reported           what follows
=================  ==========================================================================================
accepted …         a message that nobody could say of whether it left was said: it tells, and was a contact
opened, clicked    the same, and somebody has read it
machine_open       the same as delivered: a proxy fetched it, and nobody has read it
failed, bounced    it was not said: what it told was not told, and it was no contact
=================  ==========================================================================================

Providers report twice, late, and by clocks of their own. Only the furthest of all that was reported counts,
whenever it comes, also before we know ourselves that the message left. That it came back is the furthest:
saying something again does less harm than silence.
"""

from bisect import insort_right
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from channels.reports import Became
from orchestrator.model import (
    Delivery,
    Fact,
    Kind,
    Milestone,
    Order,
    Outcome,
    Purpose,
    Status,
    Telling,
    Tells,
)
from orchestrator.planning.promises import promised
from orchestrator.reasons import Code
from orchestrator.reasons.recognised import kept
from orchestrator.reasons.sending import came_back as came_to_nothing

RANKS: Mapping[str, int] = {
    became: rank
    for rank, became in enumerate(
        (
            Became.ACCEPTED,
            Became.DEFERRED,
            Became.DELIVERED,
            Became.MACHINE_OPEN,
            Became.OPENED,
            Became.CLICKED,
            Became.UNSUBSCRIBED,
            Became.COMPLAINED,
            Became.FAILED,
            Became.BOUNCED,
        ),
        start=1,
    )
}
"""How far a message got; who complains about it or unsubscribes by it has seen it."""

CAME_BACK: Mapping[str, Code] = {Became.FAILED: Code.GIVEN_UP, Became.BOUNCED: Code.CAME_BACK}
"""Why a message that was accepted did not reach anybody."""

_STATUSES = frozenset(Status)


def came_back(outcome: Outcome) -> bool:
    """Did its provider take it and then fail to deliver it?"""
    return outcome.delivery in CAME_BACK


def got(outcome: Outcome, until: str) -> bool:
    """Is it known that the message got as far as *until*: accepted, delivered or opened?"""
    if came_back(outcome):
        return False
    known = RANKS[outcome.delivery] if outcome.delivery else 0
    if outcome.status is Status.ACCEPTED:
        known = max(known, RANKS[Became.ACCEPTED])
    return known >= RANKS[until]


def milestone_of(order: Order, name: str) -> Milestone:
    """The state of a milestone, made when the first fact about it comes."""
    milestone = order.milestones.get(name)
    if milestone is None:
        milestone = order.milestones[name] = Milestone(name)
    return milestone


def outcome(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    """Our own notification came to something: the planner learns it like any other fact."""
    status = fact.type.removeprefix("notification.")
    key = data["key"]
    if status == Became.BOUNCED:  # what ``message.bounced`` was called once
        _report(order, key, "", Delivery(status, fact.happened, data.get("reason") or ""))
        return
    if status not in _STATUSES:
        return
    _untell(order, key)
    order.outcomes[key] = said = Outcome(
        key=key,
        rule=data["rule"],
        occasion=data["occasion"],
        role=data["role"],
        kind=data["kind"],
        status=Status(status),
        at=fact.happened,
        channel=data.get("channel", ""),
        template=data.get("template", ""),
        purpose=data.get("purpose", ""),
        reason=kept(data.get("reason_code"), data.get("reason", "")),
        tells=tuple([Tells(told["milestone"], promised(told)) for told in data.get("tells", ())]),
    )
    if said.status is Status.ACCEPTED:
        _tell(order, said)
    if key in order.reports:
        _settle(order, key)


def reported(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    """A provider, or the company's own app, says what became of a message."""
    key = data.get("message")
    if not key:  # from before these were types of ours
        return
    reason = " ".join(filter(None, (data.get("code"), data.get("reason"))))
    became = fact.type.removeprefix("message.")
    _report(order, key, data.get("channel") or "", Delivery(became, fact.happened, reason))


def _report(order: Order, key: str, channel: str, new: Delivery) -> None:
    known = order.reports.setdefault(key, {})
    before = known.get(channel)
    if before is None or RANKS[new.became] > RANKS[before.became]:
        known[channel] = new
        _settle(order, key)


def _settle(order: Order, key: str) -> None:
    """Let what is reported of a message count for it, if we know of it: by the channel it left through."""
    said = order.outcomes.get(key)
    if said is None:
        return
    reports = order.reports[key]
    mine = (said.channel, "") if said.channel else tuple(reports)
    found = [reports[channel] for channel in mine if channel in reports]
    if not found:
        return
    furthest = max(found, key=lambda report: (RANKS[report.became], -report.at.timestamp()))
    after = replace(said, delivery=furthest.became, delivery_at=furthest.at)
    if said.kind == Kind.MESSAGE and said.status in (Status.ACCEPTED, Status.UNKNOWN):  # a task stands anyway
        if furthest.became in CAME_BACK:
            reason = came_to_nothing(CAME_BACK[furthest.became], furthest.reason)
            after = replace(after, status=Status.FAILED, at=furthest.at, reason=reason)
            _untell(order, key)
        elif said.status is Status.UNKNOWN:
            after = replace(after, status=Status.ACCEPTED)
            _tell(order, after)
    order.outcomes[key] = after


def _tell(order: Order, said: Outcome) -> None:
    """What was said to the customer was told, and was a contact."""
    if said.role != "customer" or said.kind != Kind.MESSAGE:
        return
    for told in said.tells:
        tellings = milestone_of(order, told.milestone).tellings
        insort_right(tellings, Telling(told.value, said.at, said.key), key=lambda telling: telling.at)
    if said.purpose == Purpose.SERVICE:
        insort_right(order.contacts, (said.at, said.key), key=lambda contact: contact[0])


def _untell(order: Order, key: str) -> None:
    if key not in order.outcomes:
        return
    for milestone in order.milestones.values():
        milestone.tellings = [telling for telling in milestone.tellings if telling.key != key]
    order.contacts = [contact for contact in order.contacts if contact[1] != key]
