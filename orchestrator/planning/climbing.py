"""From channel to channel for one thing: when nothing says that a message arrived, or it came back. Pure.

No state of its own: that a channel took a message is a fact, and so is that it was delivered, opened, or came
back. What is missing so long after is an absence like any other, planned ahead and cancelled by the report.

==========================  ============================  =================================================
the last message            reported                      what follows
==========================  ============================  =================================================
not sent yet                                              nothing: it is tried first
accepted                    as far as `until`             nothing: it was said
accepted                    less, or nothing              after `fallback_after` by the next channel
accepted                    failed, bounced               at once by the next channel
any of the three            by the last channel           a person, where the message is service to a customer
failed, unknown, withheld                                 as it is without steps: a person, or nobody
==========================  ============================  =================================================

A channel whose messages nobody reports about has done what it can once it took one.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from channels.reports import Became
from orchestrator.journey import Mode, Rule
from orchestrator.model import (
    Customer,
    Kind,
    Outcome,
    Person,
    Status,
    first_occasion,
    key_of,
    step_occasion,
)
from orchestrator.persons.consents import refused
from orchestrator.planning.case import UNSAID, Case, Firing
from orchestrator.planning.delivery import RANKS, came_back, got
from orchestrator.reasons import NOTHING, Reason, due
from orchestrator.reasons.unsaid import arrived as got_there
from orchestrator.timing.send_time import addresses, channels_for, recipient


class Unheard(NamedTuple):
    """Why a message that was accepted is to be said again, since when, and what would make that needless."""

    at: datetime
    why: Reason
    unless: str


class Climb(NamedTuple):
    """The messages by which one firing was said or is to be said.

    The last of the ``steps`` is to come, unless it has an outcome. ``end``: no channel is left, and a person
    must. ``arrived`` says that a message got far enough, and ``key`` of what that makes needless. What is
    ``old`` was accepted before the rule was edited: it is only gone on with.
    """

    steps: tuple[Firing, ...]
    end: Unheard | None = None
    arrived: Reason = NOTHING
    key: str = ""
    old: bool = False


def climb(rule: Rule, firing: Firing, case: Case) -> Climb:
    """Follow a firing from message to message as far as its outcomes lead."""
    outcome = case.outcome(rule, firing.occasion)
    if outcome is None or (rule.to == "customer" and case.customer.erased):
        return Climb((firing,))
    steps = [firing]
    tried: list[str] = []
    since, old = case.since(rule), False
    while outcome is not None:
        tried.append(outcome.channel)
        left = _left(rule, case, tried)
        number = len(steps) + 1
        again = _unheard(rule, outcome, case)
        if again is None:
            arrived = _arrived(rule, outcome, case)
            occasion = step_occasion(firing.occasion, number) if left else firing.occasion + UNSAID
            needless = key_of(case.order.id, rule.id, occasion, rule.to if left else "owner", rule.mode)
            return Climb(tuple(steps), None, arrived, needless if arrived else "", old)
        old = since is not None and outcome.at < since and not came_back(outcome)
        if not left:
            return Climb(tuple(steps), end=again, old=old)
        occasion = step_occasion(firing.occasion, number)
        steps.append(
            firing._replace(
                occasion=occasion,
                step_at=again.at,
                tried=frozenset(tried),
                because=again.why,
                unless=" or ".join(filter(None, (again.unless, firing.unless))),
            )
        )
        outcome = case.outcome(rule, occasion)
    return Climb(tuple(steps), old=old)


def unheard(rule: Rule, case: Case) -> dict[str, set[str]]:
    """What the rule said that was accepted and did not get far enough: by its occasion the messages' keys."""
    found: dict[str, set[str]] = {}
    settled: set[str] = set()
    for outcome in case.order.outcomes.values():
        if outcome.rule != rule.id:
            continue
        occasion = first_occasion(outcome.occasion)
        if outcome.occasion.endswith(UNSAID):
            settled.add(occasion.removesuffix(UNSAID))
        elif outcome.role == rule.to and outcome.kind == Kind.MESSAGE and outcome.status is Status.ACCEPTED:
            if got(outcome, _until(rule, outcome.channel, case)):
                settled.add(occasion)
            found.setdefault(occasion, set()).add(outcome.key)
    return {occasion: keys for occasion, keys in found.items() if occasion not in settled}


def unsaid(case: Case, waits: dict[str, set[str]]) -> Case:
    """The same case as if those messages had neither told anything nor been a contact."""
    keys = {key for chain in waits.values() for key in chain}
    order = case.order
    milestones = {
        name: replace(state, tellings=[telling for telling in state.tellings if telling.key not in keys])
        for name, state in order.milestones.items()
    }
    contacts = [contact for contact in order.contacts if contact[1] not in keys]
    return replace(case, order=replace(order, milestones=milestones, contacts=contacts))


def _until(rule: Rule, channel: str, case: Case) -> str:
    """How far this channel's message must get: no further than anybody reports."""
    aim = rule.aim(channel, case.policy.kind(channel))
    return min(aim, case.policy.reports.get(channel, Became.ACCEPTED), key=RANKS.__getitem__)


def _unheard(rule: Rule, outcome: Outcome, case: Case) -> Unheard | None:
    if rule.mode is not Mode.LIVE:
        return None
    if came_back(outcome):
        return Unheard(outcome.at, due.lost(outcome.channel, outcome.reason), "")
    if outcome.status is not Status.ACCEPTED or rule.fallback_after is None:
        return None
    until = _until(rule, outcome.channel, case)
    if got(outcome, until):
        return None
    why = due.unheard(outcome.channel, case.show(outcome.at), until, str(rule.fallback_after))
    return Unheard(case.after(outcome.at, rule.fallback_after), why, f"it is {until}")


def _arrived(rule: Rule, outcome: Outcome, case: Case) -> Reason:
    """What was reported, where something waited for that; or ""."""
    if rule.fallback_after is None or outcome.delivery_at is None or outcome.status is not Status.ACCEPTED:
        return NOTHING
    return got_there(outcome.channel, outcome.delivery, case.show(outcome.delivery_at))


def _left(rule: Rule, case: Case, tried: Collection[str]) -> tuple[str, ...]:
    """The channels by which it was not said yet, and by which the recipient can and wants to be reached."""
    who, kind = recipient(rule.to, case.order, case.customer), case.policy.kind
    return tuple(
        channel
        for channel in channels_for(rule, case, who)
        if channel not in tried
        and addresses(kind(channel), who)
        and not _refuses(rule, (channel, kind(channel)), who)
    )


def _refuses(rule: Rule, channel: tuple[str, str], who: Customer | Person) -> bool:
    """Do they refuse a channel, by its name or its kind?"""
    if isinstance(who, Customer):
        return bool(refused(who, rule.purpose, *channel))
    return any(name in who.refuses for name in channel)
