"""How an order stands: since when nobody spoke, what the customer counts on, what staff must still do. Pure.

It depends on facts alone and not on the time, so that it can be kept beside the order for whoever asks over
all of them.
"""

from collections.abc import Iterator
from datetime import datetime

from orchestrator.facts import value
from orchestrator.model import Kind, OrderStatus, Outcome, Promised, Status
from orchestrator.planning.answering import DO
from orchestrator.planning.case import Case
from orchestrator.timing import calendar

GIVEN = frozenset({Status.ACCEPTED, Status.UNKNOWN, Status.FAILED})  # who was not reached must do it too


@value(frozen=True, slots=True)
class OpenTask:
    """A task that was given *at* a moment to whoever has that role and that nobody has finished.

    ``do`` is what is to be done (a template's name), ``by`` who acknowledged it.
    """

    task: str
    do: str
    role: str
    at: datetime
    by: str = ""


@value(frozen=True, slots=True)
class Standing:
    """How an order stands; of one that is over or on hold only its tasks are told.

    ``silent_since`` is the last useful contact, or else the order's beginning. ``promise`` is the milestone
    of the promise that ends first of those the customer was told and that are open, ``promised`` its value.
    """

    silent_since: datetime | None = None
    promise: str = ""
    promised: Promised | None = None
    promise_ends: datetime | None = None
    tasks: tuple[OpenTask, ...] = ()


def standing(case: Case) -> Standing:
    """Read from the facts of one order how it stands."""
    tasks = tuple(sorted(_tasks(case), key=lambda task: (task.at, task.task)))
    order = case.order
    if order.status is not OrderStatus.OPEN or case.complete:
        return Standing(tasks=tasks)
    since = max(order.contacts)[0] if order.contacts else order.since
    told = [
        (broken_at(case, name, telling.value), name, telling.value)
        for name in order.milestones
        if (telling := case.told(name)) is not None and case.happened(name) is None
    ]
    if not told:
        return Standing(since, tasks=tasks)
    ends, name, promised = min(told, key=lambda one: one[:2])
    return Standing(since, name, promised, ends, tasks)


def broken_at(case: Case, milestone: str, promised: Promised) -> datetime:
    """When that promise is broken if nothing happens: a day is over when the rules say so, or at midnight."""
    return calendar.ends(promised, case.zone, case.journey.closes_at.get(milestone))


def _tasks(case: Case) -> Iterator[OpenTask]:
    """One for each thing to do, to whoever was asked last; what one of them finished is done."""
    order = case.order
    asked: dict[str, list[Outcome]] = {}
    for said in order.outcomes.values():
        if said.kind == Kind.TASK and said.status in GIVEN:
            asked.setdefault(said.key.rpartition("/")[0], []).append(said)
    for given in asked.values():
        answers = [order.answers[one.key] for one in given if one.key in order.answers]
        given.sort(key=lambda one: one.at)
        if any(answer.done for answer in answers) or _is_moot(given[-1], case):
            continue
        by = next((answer.by for answer in reversed(answers)), "")
        yield OpenTask(given[-1].key, given[-1].template, given[-1].role, given[0].at, by)


def _is_moot(task: Outcome, case: Case) -> bool:
    """Is it over by what happened since: its milestone, or the order? Whoever wrote is answered anyway."""
    if task.template.endswith(f"/{DO}"):
        return False
    name, _, rest = task.occasion.partition("#")
    state = case.order.milestones.get(name) if rest else None
    if state is not None:
        if rest.partition(".")[0] != str(state.episode):
            return True  # that episode of the milestone was taken back
        if state.reached is not None and max(state.reached, state.heard or state.reached) > task.at:
            return True
    end = _over(case)
    return end is not None and end > task.at


def _over(case: Case) -> datetime | None:
    """Since when nobody waits any more."""
    order = case.order
    if order.cancelled is not None:
        return order.cancelled
    closing = order.milestones.get(case.journey.last)
    if closing is None or closing.reached is None:
        return None
    return max(closing.reached, closing.heard or closing.reached)
