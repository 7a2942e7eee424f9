"""One order as the company sees it: its promises in every version, its story, tasks, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.engine import Engine
from orchestrator.journey import Journey
from orchestrator.ledger import Transaction
from orchestrator.model import (
    Answer,
    Customer,
    Entry,
    Fact,
    Kind,
    Order,
    OrderStatus,
    Promise,
    Promised,
    Status,
    Telling,
)
from orchestrator.planning.explain import Explanation
from orchestrator.planning.planner import case_of, journey_of
from orchestrator.planning.promises import promised_text
from orchestrator.planning.standing import GIVEN, OpenTask, broken_at
from orchestrator.views.customer import TOLD, words_said
from orchestrator.views.now import open_tasks
from orchestrator.views.people import named
from orchestrator.views.story import told

REPLIES = 50  # the newest that are shown


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a promise; ``told_at`` is when the customer first heard that value, ``by`` who or what
    told it: the key of a message, or "" for somebody else.
    """

    number: int
    value: Promised
    made: datetime
    heard: datetime
    source: str
    reason: str
    told_at: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone; ``state`` is done, broken, due (promised and not over), next or ahead.

    ``derived`` is a promise that follows from another milestone by the journey, and that nobody made.
    """

    name: str
    phase: str
    state: str
    reached: datetime | None
    note: str
    told: Promised | None
    derived: Promised | None
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """Something staff had to do: who was asked when, who took it on, and what came of it.

    ``state`` is open, taken on, done, passed on (somebody else was asked since), or over (it is moot).
    """

    key: str
    do: str
    role: str
    given: datetime
    answer: Answer | None
    state: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wrote to us, or chose on their page."""

    at: datetime
    channel: str
    text: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """The page; ``movable`` are the keys of what still waits, which a person may move or cancel."""

    order: Order
    customer: Customer
    name: str
    journey: str
    story: Explanation
    silent_since: datetime | None
    promise: str
    promised: Promised | None
    promise_ends: datetime | None
    steps: tuple[Step, ...]
    tasks: tuple[Task, ...]
    replies: tuple[Reply, ...]
    movable: frozenset[str]
    milestones: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Does nobody wait any more?"""
        return self.story.status in ("cancelled", "complete")


def order_view(engine: Engine, tx: Transaction, order: str, now: datetime) -> OrderView:
    """Look at one order; raises :class:`NotFound`."""
    found = told(engine, tx, order, now)
    seen, row = found.order, found.row
    journey = journey_of(seen, engine.book)
    return OrderView(
        order=seen,
        customer=found.customer,
        name=named(found.customer),
        journey=found.story.journey or seen.journey,
        story=found.story,
        silent_since=row.silent_since,
        promise=row.promise,
        promised=promised_text(row.promised) if row.promised else None,
        promise_ends=row.promise_ends,
        steps=_steps(seen, found.customer, journey, engine, now),
        tasks=_tasks(seen, open_tasks(row)),
        replies=_replies(found.facts),
        movable=frozenset(one.key for one in found.entries if _may_move(one)),
        milestones=tuple(seen.milestones) if isinstance(journey, str) else journey.milestones,
    )


def _may_move(entry: Entry) -> bool:
    return entry.status is Status.SCHEDULED and entry.wanted.mode == "live"


# ── the path ─────────────────────────────────────────────────────────────────


def _steps(
    order: Order, customer: Customer, journey: Journey | str, engine: Engine, now: datetime
) -> tuple[Step, ...]:
    """Every milestone on the path, and those that are on none."""
    if isinstance(journey, str):
        return tuple(_step(order, name, "", "", None) for name in order.milestones)
    case = case_of(order, customer, journey, engine.book, now)
    found = []
    is_over = order.status is OrderStatus.CANCELLED or case.complete
    coming = "next"
    for name in (*journey.milestones, *(one for one in order.milestones if one not in journey.position)):
        state, promise = case.milestone(name), case.promise(name)
        telling = case.told(name)
        counted_on = telling.value if telling is not None else promise
        if state.reached is not None or case.overtaken(name) is not None:
            what = "done" if state.reached is not None else "passed"
        elif counted_on is not None and not is_over and broken_at(case, name, counted_on) <= now:
            what = "broken"
        elif is_over or name not in journey.position:
            what = "ahead"
        else:
            what, coming = coming, "ahead"
        derived = promise if not state.promises else None
        found.append(_step(order, name, journey.phase_of(name), what, derived))
    return tuple(found)


def _step(order: Order, name: str, phase: str, what: str, derived: Promised | None) -> Step:
    state = order.milestones.get(name)
    if state is None:
        return Step(name, phase, what, None, "", None, derived, ())
    versions = tuple(_version(one, state.tellings) for one in reversed(state.promises))
    told = state.told.value if state.told is not None else None
    return Step(name, phase, what, state.reached, state.note, told, derived, versions)


def _version(one: Promise, tellings: Sequence[Telling]) -> Version:
    first = next((telling for telling in tellings if telling.value == one.value), None)
    return Version(
        number=one.version,
        value=one.value,
        made=one.made,
        heard=one.heard,
        source=one.source,
        reason=one.reason,
        told_at=first.at if first is not None else None,
        by=first.key or "" if first is not None else "",
    )


# ── tasks and replies ────────────────────────────────────────────────────────


def _tasks(order: Order, still: Sequence[OpenTask]) -> tuple[Task, ...]:
    """Those that are open, the oldest first, and then what became of the others, the newest first."""
    given = [
        Task(said.key, said.template, said.role, said.at, order.answers.get(said.key), state)
        for said in order.outcomes.values()
        if said.kind == Kind.TASK and said.status in GIVEN
        for state in (_state(said.key, order, still),)
    ]
    open_keys = {task.task for task in still}
    waiting = sorted((task for task in given if task.key in open_keys), key=lambda task: task.given)
    others = [task for task in given if task.key not in open_keys]
    return (*waiting, *sorted(others, key=lambda task: task.given, reverse=True))


def _state(key: str, order: Order, still: Sequence[OpenTask]) -> str:
    answer = order.answers.get(key)
    for task in still:
        if task.task == key:
            return "taken on" if task.by else "open"
    if answer is not None and answer.done:
        return "done"
    same = key.rpartition("/")[0]
    return "passed on" if any(task.task.rpartition("/")[0] == same for task in still) else "over"


def _replies(facts: Sequence[Fact]) -> tuple[Reply, ...]:
    wrote = [fact for fact in facts if fact.type in TOLD]
    wrote.sort(key=lambda fact: fact.happened, reverse=True)
    return tuple(
        Reply(fact.happened, _text(fact.data, "channel"), words_said(fact.data)) for fact in wrote[:REPLIES]
    )


def _text(data: Any, name: str) -> str:
    return str(data.get(name) or "")
