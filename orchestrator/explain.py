"""Why each thing was or was not said, and what will be said next, because of what, unless what. Pure.

Backwards from the ledger's entries and the facts; forwards from the planner's own answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.journey import RuleBook
from orchestrator.model import ENGINE, WAITING, Customer, Decision, Entry, Fact, Order, Scope, Status, scope_of
from orchestrator.planner import journey_of
from orchestrator.timing import order_zone


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of an order's timeline. ``kind``: promised, happened, said, not said, heard, due."""

    at: datetime
    kind: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """Something that will be said: when, to whom, through what, because of what, unless what."""

    at: datetime
    rule: str
    occasion: str
    role: str
    kind: str
    template: str
    channels: tuple[str, ...]
    because: str
    unless: str
    why_then: str


@dataclass(frozen=True, slots=True)
class NotSaid:
    """A rule that says nothing, and why; with what its condition saw."""

    rule: str
    reason: str
    key: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one order, as a person asks for it."""

    order: str
    customer: str
    journey: str
    status: str
    zone: str
    timeline: tuple[Moment, ...]
    next: tuple[Next, ...]
    not_said: tuple[NotSaid, ...]
    problems: tuple[str, ...]


def explain(
    order: Order,
    customer: Customer,
    facts: Sequence[Fact],
    entries: Sequence[Entry],
    decision: Decision,
    book: RuleBook,
) -> Explanation:
    """Tell one order's story; *decision* is the planner's answer at the moment of asking."""
    journey = journey_of(order, book)
    moments = [*_facts(facts, order), *_entries(entries)]
    return Explanation(
        order=order.id,
        customer=customer.name or order.customer,
        journey=journey if isinstance(journey, str) else journey.title or journey.id,
        status=order.status.value,
        zone=order_zone(order.location, book.policy.time_zone),
        timeline=tuple(sorted(moments, key=lambda moment: moment.at)),
        next=tuple(sorted(_next(decision, entries), key=lambda coming: (coming.at, coming.rule))),
        not_said=tuple(
            NotSaid(s.rule, s.reason, s.key, tuple((name, str(value)) for name, value in s.values.items()))
            for s in decision.silences
        ),
        problems=decision.errors,
    )


def _facts(facts: Sequence[Fact], order: Order) -> Iterator[Moment]:
    for fact in facts:
        if fact.source == ENGINE:
            continue
        late = fact.heard - fact.happened
        heard = f"heard {_length(late.total_seconds())} later" if late.total_seconds() >= 60 else ""
        kind = "promised" if fact.type == "promise.made" else "happened"
        if scope_of(fact.type) is Scope.CUSTOMER or fact.type == "order.upserted":
            kind = "heard"
        yield Moment(fact.happened, kind, _said_by(fact, order), heard)


def _said_by(fact: Fact, order: Order) -> str:
    data = fact.data
    if fact.type == "promise.made":
        value = data.get("date") or data.get("at") or f"{data.get('from')} to {data.get('to')}"
        reason = f" ({data['reason']})" if data.get("reason") else ""
        return f"{data['milestone']} for {value}{reason}"
    if fact.type == "milestone.reached":
        return f"{data['milestone']}"
    if fact.type == "milestone.retracted":
        return f"{data['milestone']} taken back"
    if fact.type in ("task.acknowledged", "task.done"):
        verb = "acknowledged" if fact.type == "task.acknowledged" else "finished"
        return f"{data.get('by') or order.owner.name or 'somebody'} {verb} {data['task'].split('/')[1]}"
    reason = f": {data['reason']}" if data.get("reason") else ""
    return f"{fact.type}{reason}"


def _length(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _entries(entries: Sequence[Entry]) -> Iterator[Moment]:
    for entry in entries:
        wanted = entry.wanted
        at = entry.updated_at or entry.due_at
        what = f"{wanted.template} to the {wanted.role}"
        if entry.status is Status.ACCEPTED:
            kind = "task" if wanted.kind == "task" else "said"
            by = f" by {entry.channel}" if entry.channel else ""
            yield Moment(at, kind, f"{what}{by}", wanted.because)
        elif entry.status not in WAITING:
            yield Moment(at, "not said", f"{what}: {entry.status.value}", entry.reason)
        elif entry.status is Status.HELD:
            yield Moment(at, "not said", f"{what}: held", entry.reason)


def _next(decision: Decision, entries: Sequence[Entry]) -> Iterator[Next]:
    over = {entry.key for entry in entries if entry.status not in WAITING and entry.status is not Status.CANCELLED}
    waiting = {entry.key: entry for entry in entries if entry.status in WAITING}
    for note in decision.wanted:
        if note.key in over:
            continue
        entry = waiting.get(note.key)
        late = entry.not_before if entry is not None else None
        at = max(note.due_at, late) if late is not None else note.due_at
        why = note.steps[0].why if note.steps else ""
        yield Next(
            at=at, rule=note.rule, occasion=note.occasion, role=note.role, kind=note.kind.value,
            template=note.template, channels=tuple(step.channel for step in note.steps), because=note.because,
            unless=note.unless, why_then=(entry.reason if entry is not None and late is not None else "") or why,
        )  # fmt: skip
