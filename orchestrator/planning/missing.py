"""The day is over and it did not happen: when a rule about a missed promise is due. Pure."""

from collections.abc import Iterator
from datetime import datetime

from orchestrator.journey import Rule
from orchestrator.model import Promised, Telling, first_occasion
from orchestrator.planning.case import STALE_AFTER, Answer, Case, Firing
from orchestrator.planning.correcting import correction
from orchestrator.planning.past import past, why
from orchestrator.planning.rungs import ladder, owed
from orchestrator.reasons import NOTHING, Reason, due, unsaid
from orchestrator.timing import calendar

MISSED_ON_HOLD = "tell-about-the-missed-promise"


def told_to(rule: Rule, name: str, case: Case) -> Telling | None:
    """What the reader of this rule was last told: others who hear the same may hear it after the customer."""
    tellings = case.milestone(name).tellings
    if rule.to == "customer" or len(tellings) < 2:
        return case.told(name)
    said, _, role = (tellings[-1].key or "").rpartition("/")
    said = first_occasion(said)
    mine = role == "customer" and said.startswith(f"{case.order.id}/{rule.id}/")
    return tellings[-2] if mine and f"{said}/{rule.to}" not in case.order.outcomes else tellings[-1]


def missed(rule: Rule, case: Case) -> Answer:
    """Due at the deadline, the end of the told promise plus D, if M did not happen before it."""
    name = rule.trigger.milestone
    told, current = told_to(rule, name, case), case.promise(name)
    if current is None:
        return unsaid.no_promise(name)
    speaks = any(rung.say for rung in rule.rungs)
    value = told.value if told is not None and speaks else current
    first = _due(rule, case, name, value)
    deadline = first.at
    done = case.happened(name)
    if done is not None and done[0] < deadline:
        return unsaid.kept(done[1], case.show(done[0]), case.show(deadline))
    if told is None or current == told.value:
        first = first._replace(hushed=_untold(rule, name, case))
    if (hold := case.hold_at(deadline)) is not None:
        release = hold.until or case.now
        first = first._replace(at=release, news=max(release, first.news))
        if speaks and told is not None:
            return [_on_hold(first, case)] if done is None else _late(done, case)
    found = ladder(rule, case, first, correction(rule, case, name))
    if done is None or done[0] > case.now:
        return [*found, *_owed(rule, case, name, value)] if speaks else found
    # What happens at the very deadline has not kept it: at that instant, both are true.
    return [firing for firing in found if firing.at == done[0] == case.now] or _late(done, case)


def _due(rule: Rule, case: Case, name: str, value: Promised) -> Firing:
    """What is due when nothing happened by the deadline of that promise."""
    deadline = case.add(calendar.ends(value, case.zone, rule.trigger.closes), rule.trigger.by)
    known = case.heard(name, value)
    return Firing(
        occasion=f"{name}#{case.milestone(name).episode}.{value}",
        at=deadline,
        news=deadline if known is None else max(deadline, known),
        because=due.missed(name, case.show(value), case.show(deadline), deadline.isoformat()),
        unless=f"{name} happens before, or the promise moves",
        milestone=name,
        deadline=deadline,
    )


def _owed(rule: Rule, case: Case, name: str, value: Promised) -> Iterator[Firing]:
    """The tasks of promises missed before the customer was told *value*: a date is no answer to them.

    Who told the customer that date without us has spoken with them.
    """
    told = told_to(rule, name, case)
    if told is None:
        return
    heard = {telling.value: telling.at for telling in reversed(case.milestone(name).tellings)}
    for one, at in heard.items():
        before = _due(rule, case, name, one)
        if one != value and (told.key or told.at < before.at):
            news = max(before.at, min(before.news, at))
            unless = f"{name} happens, or somebody speaks with the customer"
            yield from owed(rule, case, before._replace(news=news, unless=unless))


def _untold(rule: Rule, name: str, case: Case) -> Reason:
    """Why nobody can have been told the promise for *name* that stands, or ""."""
    if case.told(name) is None:
        return unsaid.never_told(name)
    over = past(case, name, rule.timing.stale_after or STALE_AFTER)
    return why(case, name, over) if over is not None else NOTHING


def _on_hold(first: Firing, case: Case) -> Firing:
    """A told promise that passed during a hold makes a task at the release, and no apology."""
    return first._replace(
        because=due.missed_on_hold(first.milestone, case.show(first.deadline or first.at)),
        hushed=unsaid.OWNER_TELLS,
        instead=MISSED_ON_HOLD,
    )


def _late(done: tuple[datetime, str], case: Case) -> Reason:
    return unsaid.happened_late(done[1], case.show(done[0]))
