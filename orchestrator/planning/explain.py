"""Why each thing was or was not said, and what will be said next, because of what, unless what. Pure.

Backwards from the ledger's entries and the facts; forwards from the planner's own answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from orchestrator.journey import Journey, RuleBook
from orchestrator.model import (
    ENGINE,
    IN_FLIGHT,
    WAITING,
    Customer,
    Decision,
    Entry,
    Fact,
    Notification,
    Order,
    Scope,
    Status,
    scope_of,
)
from orchestrator.persons.consents import Word
from orchestrator.planning.case import Case, complete, show
from orchestrator.planning.foresight import because
from orchestrator.planning.planner import case_of, journey_of
from orchestrator.planning.promises import promised
from orchestrator.planning.reconcile import intended
from orchestrator.reasons import NOTHING, OF_CHANNELS, Code, Reason
from orchestrator.reasons.sending import would_say
from orchestrator.timing import calendar
from orchestrator.timing.send_time import UNLISTED, order_zone

SPOKE = IN_FLIGHT | {Status.ACCEPTED, Status.UNKNOWN}
RELEASED = "`beforehand apply --release` or `--reject` lets it go on"
WRITTEN_AGAIN = "it goes on once its text, or the facts, are mended"
WAITS_FOR_CUSTOMER = "no address is known for the customer yet"


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of an order's timeline.

    ``kind`` is promised, happened, heard, said, task, not said, shadow: what a rule on trial would have said,
    or replaced: not said, for a newer message of the same rule took its place.
    """

    at: datetime
    kind: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """Something that will be said: when, to whom, through what, because of what, unless what.

    ``kind`` is message, task, shadow, or held: it waits for a person, and ``why_then`` says for what, and
    what lets it go on. ``key`` is the notification's.
    """

    at: datetime
    rule: str
    occasion: str
    role: str
    kind: str
    template: str
    channels: tuple[str, ...]
    because: str
    unless: str
    why_then: Reason
    key: str = ""


@dataclass(frozen=True, slots=True)
class NotSaid:
    """A rule that says nothing, and why; with what its condition saw, and whether it spoke before."""

    rule: str
    reason: Reason
    key: str
    values: tuple[tuple[str, str], ...]
    spoke: bool = False


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
    consents: tuple[Word, ...] = ()  # what the customer agreed and objected to, the oldest first


def explain(
    order: Order,
    customer: Customer,
    facts: Sequence[Fact],
    entries: Sequence[Entry],
    decision: Decision,
    book: RuleBook,
    tries: Mapping[int, Sequence[tuple[str, str]]] = MappingProxyType({}),
) -> Explanation:
    """Tell one order's story; *decision* is the planner's answer at the moment of asking.

    *tries* are the channels by which an entry, by its id, was tried, each with what became of that.
    """
    journey = journey_of(order, book)
    zone = order_zone(order.location, book.policy.time_zone)
    decision = _with_kept(decision, entries)
    spoke = {entry.wanted.rule for entry in entries if entry.status in SPOKE}
    coming = {note.key: told for note, told in _next(decision, entries, zone, customer)}
    past = [entry for entry in entries if entry.status is not Status.HELD or entry.key not in coming]
    moments = [*_facts(facts, order, zone), *_entries(past, tries)]
    if not isinstance(journey, str) and facts:
        moments += _derived(case_of(order, customer, journey, book, decision.at or facts[-1].heard))
    return Explanation(
        order=order.id,
        customer=customer.name or order.customer,
        journey="" if isinstance(journey, str) else journey.title or journey.id,
        status=_status(order, journey),
        zone=zone,
        timeline=tuple(sorted(moments, key=lambda moment: moment.at)),
        next=tuple(sorted(coming.values(), key=lambda one: (one.at, one.rule))),
        not_said=tuple(
            NotSaid(
                rule=s.rule,
                reason=s.reason,
                key=s.key,
                values=tuple((name, str(value)) for name, value in s.values.items()),
                spoke=s.rule in spoke,
            )
            for s in decision.silences
            if s.rule
        ),
        problems=(journey,) if isinstance(journey, str) else decision.errors,
    )


def _with_kept(decision: Decision, entries: Sequence[Entry]) -> Decision:
    """The same, with what an edited rule goes on to say because the ledger waits for it already."""
    old = {note.key for note in decision.kept}
    waiting = (entry for entry in entries if entry.status in WAITING and entry.key in old)
    goes_on = {entry.key: note for entry in waiting if (note := intended(decision, entry))}
    if not goes_on:
        return decision
    silences = tuple(silence for silence in decision.silences if silence.key not in goes_on)
    wanted = [note for note in decision.wanted if note.key not in goes_on]
    return replace(decision, wanted=(*wanted, *goes_on.values()), silences=silences)


def _status(order: Order, journey: Journey | str) -> str:
    """As lists of orders say it, or that nobody announced the order."""
    if not order.known:
        return "not announced"
    if not isinstance(journey, str) and complete(order, journey):
        return "complete"
    return order.status.value


def _facts(facts: Sequence[Fact], order: Order, zone: str) -> Iterator[Moment]:
    for fact in facts:
        if fact.source == ENGINE:
            continue
        late = fact.heard - fact.happened
        heard = f"heard {_length(late.total_seconds())} later" if late.total_seconds() >= 60 else ""
        kind = "promised" if fact.type == "promise.made" else "happened"
        if scope_of(fact.type) is Scope.CUSTOMER or fact.type == "order.upserted":
            kind = "heard"
        yield Moment(fact.happened, kind, _said_by(fact, order, zone), heard)


def _derived(case: Case) -> Iterator[Moment]:
    """The promises that followed from another milestone, unless one of its own was made before."""
    for name, (base, offset) in case.journey.promises.items():
        reached, own = case.milestone(base).reached, case.milestone(name).promises
        value = case.derived(name)
        if reached is None or value is None or any(promise.made <= reached for promise in own):
            continue
        follows = f"{offset.text} after {base}, as the journey has it"
        yield Moment(reached, "promised", f"{name} for {case.show(value)}", follows)


_WORDS = {  # what employees call the facts that need no detail of their own
    "order.upserted": "the order as its system knows it",
    "order.held": "the order was put on hold",
    "order.released": "the hold ended",
    "order.cancelled": "the order was cancelled",
    "message.replied": "the customer answered",
    "feedback.given": "the customer gave feedback",
    "slot.offered": "times were offered",
    "slot.chosen": "the customer chose a time",
    "customer.upserted": "the customer as their system knows them",
    "customer.active": "the customer was active",
    "customer.merged": "the customer is one with another",
    "customer.habit": "when the customer usually looks",
    "customer.erased": "the customer was erased",
    "preference.set": "the customer said how they want to be told",
    "consent.given": "the customer gave consent",
    "consent.withdrawn": "the customer withdrew consent",
}

REPORTED = {
    "message.accepted": "was taken by the provider",
    "message.deferred": "has not arrived yet; the provider tries again",
    "message.delivered": "was delivered",
    "message.machine_open": "was fetched by a machine, not opened",
    "message.opened": "was opened",
    "message.clicked": "was opened, and a link in it followed",
    "message.failed": "was given up by the provider",
    "message.bounced": "came back",
    "message.complained": "was called spam",
    "message.unsubscribed": "made the recipient unsubscribe",
}


def _said_by(fact: Fact, order: Order, zone: str) -> str:
    data = fact.data
    if fact.type == "promise.made":
        reason = f" ({data['reason']})" if data.get("reason") else ""
        return f"{data['milestone']} for {show(promised(data), zone)}{reason}"
    if fact.type == "milestone.reached":
        return f"{data['milestone']}{_in_words(data, 'note')}"
    if fact.type == "milestone.retracted":
        return f"{data['milestone']} taken back{_in_words(data, 'note')}"
    if fact.type == "contact.logged":
        return f"{_spoke(data)}{_in_words(data, 'reason', 'note')}"
    if fact.type in ("task.acknowledged", "task.done"):
        verb = "acknowledged" if fact.type == "task.acknowledged" else "finished"
        rule = _rule_of(data["task"], order)
        return f"{data.get('by') or 'somebody'} {verb} the task of {rule}{_in_words(data, 'outcome')}"
    if fact.type == "message.rescheduled":
        rule = _rule_of(data["message"], order)
        when = calendar.show(datetime.fromisoformat(data["at"]), zone)
        why = f": {data['reason']}" if data.get("reason") else ""
        return f"{data.get('by') or 'somebody'} wants what {rule} says to leave at {when}{why}"
    if fact.type in REPORTED:
        why = " ".join(filter(None, (data.get("code"), data.get("reason"))))
        return f"{_message(data, order)} {REPORTED[fact.type]}{f': {why}' if why else ''}"
    if fact.type == "message.line_added":
        return f"{data.get('by') or 'somebody'} wrote a line for the next message: {data.get('text') or '…'}"
    if fact.type == "message.taken_over":
        rule = _rule_of(data["message"], order)
        return f"{data.get('by') or 'somebody'} took over what {rule} says, and calls"
    if fact.type == "message.links_closed":
        rule = _rule_of(data["message"], order)
        why = f": {data['reason']}" if data.get("reason") else ""
        return f"{data.get('by') or 'somebody'} closed the links in what {rule} said{why}"
    return f"{_WORDS.get(fact.type, fact.type)}{_in_words(data, 'reason')}"


def _spoke(data: Mapping[str, Any]) -> str:
    """Who turned to whom, as far as a logged contact says so."""
    by = data.get("by")
    if data.get("direction") == "in":
        return f"the customer turned to {by or 'us'}"
    if data.get("direction") == "out":
        return f"{by or 'somebody here'} spoke with the customer"
    return f"{by} and the customer spoke" if by else "staff and customer spoke"


def _in_words(data: Mapping[str, Any], *names: str) -> str:
    """What people wrote about it."""
    words = "; ".join(str(data[name]) for name in names if data.get(name))
    return f": {words}" if words else ""


def _rule_of(key: str, order: Order) -> str:
    """The rule that wanted the notification of that key."""
    return key.removeprefix(f"{order.id}/").partition("/")[0]


def _message(data: Mapping[str, Any], order: Order) -> str:
    """The message a report is about, as the line that says it was said."""
    said = order.outcomes.get(data.get("message", ""))
    by = f" by {data['channel']}" if data.get("channel") else ""
    return f"{said.template} to the {said.role}{by}" if said is not None else f"a message{by}"


def _length(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _before(entry: Entry, tries: Sequence[tuple[str, str]]) -> str:
    """By which other channels it was tried before, and what became of that; or ""."""
    others = dict(one for one in tries if one[0] != entry.channel)
    said = (f"{channel}: {became}" if became else channel for channel, became in others.items())
    return f"; tried before by {', '.join(said)}" if others else ""


def _entries(entries: Sequence[Entry], tries: Mapping[int, Sequence[tuple[str, str]]]) -> Iterator[Moment]:
    for entry in entries:
        wanted, before = entry.wanted, _before(entry, tries.get(entry.id, ()))
        at = entry.updated_at or entry.due_at
        what = f"{wanted.template} to the {wanted.role}"
        if wanted.mode == "shadow" and entry.reason.code is Code.ON_TRIAL:
            yield Moment(at, "shadow", f"{what}: {would_say(entry.reason.about)}", wanted.because)
        elif entry.status is Status.ACCEPTED:
            kind = "task" if wanted.kind == "task" else "said"
            by = f" by {entry.channel}" if entry.channel else ""
            told = wanted.joins or entry.reason.code is Code.CARRIED
            more = f"; {entry.reason}" if told and entry.reason else ""
            unlisted = _unlisted(entry)
            yield Moment(at, kind, f"{what}{by}", f"{wanted.because}{more}{unlisted}{before}")
        elif entry.status in IN_FLIGHT:
            yield Moment(at, "said", f"{what}: on its way", wanted.because)
        elif entry.status is Status.UNKNOWN:
            yield Moment(
                at,
                "said",
                f"{what} by {entry.channel}: nobody can say whether it arrived",
                f"{entry.reason}{before}",
            )
        elif entry.status is Status.CANCELLED and entry.reason.code is Code.REPLACED:
            yield Moment(at, "replaced", what, entry.reason.about)
        elif entry.status not in WAITING:
            yield Moment(at, "not said", f"{what}: {entry.status.value}", f"{entry.reason}{before}")
        elif entry.status is Status.HELD:
            yield Moment(at, "not said", f"{what}: held", entry.reason)


def _unlisted(entry: Entry) -> str:
    """That it left by a channel which the customer had not listed, as the step says; or ""."""
    why = next((step.why for step in entry.wanted.steps if step.channel == entry.channel), "")
    found = [part for part in why.split("; ") if UNLISTED in part]
    return f"; {found[0]}" if found else ""


def _next(
    decision: Decision, entries: Sequence[Entry], zone: str, customer: Customer
) -> Iterator[tuple[Notification, Next]]:
    """What is wanted and not over, also what is held until a person lets it go on."""
    comes_up = WAITING | {Status.CANCELLED}
    over = {entry.key for entry in entries if entry.by_person or entry.status not in comes_up}
    waiting = {entry.key: entry for entry in entries if entry.status in WAITING}
    unsayable = {silence.key for silence in decision.silences if silence.reason.code is Code.NO_CHANNEL}
    for note in decision.wanted:
        if note.key in over or note.key in unsayable:
            continue
        entry = waiting.get(note.key)
        late = entry.not_before if entry is not None else None
        at = max(note.due_at, late) if late is not None else note.due_at
        in_line = entry is not None and entry.reason.code in OF_CHANNELS
        if note.expires_at is not None and at >= note.expires_at and note.steps and not in_line:
            continue  # old news: it will end as expired
        held = entry is not None and entry.status is Status.HELD
        yield (
            note,
            Next(
                at=at,
                rule=note.rule,
                occasion=note.occasion,
                role=note.role,
                kind="held" if held else "shadow" if note.mode == "shadow" else note.kind.value,
                template=note.template,
                channels=tuple(step.channel for step in note.steps),
                because=because(note, decision.at or at),
                unless=note.unless,
                why_then=_why_then(note, entry, zone, customer),
                key=note.key,
            ),
        )


def _why_then(note: Notification, entry: Entry | None, zone: str, customer: Customer) -> Reason:
    """Why at that moment: a retry says when and what went wrong, anything else why it waits."""
    if entry is not None and entry.status is Status.HELD:
        return entry.reason.also(RELEASED if entry.reason.code is Code.FROZEN else WRITTEN_AGAIN)
    if entry is not None and entry.not_before is not None and entry.not_before >= note.due_at:
        if not entry.attempts:
            return entry.reason
        return entry.reason.by(f"again at {calendar.show(entry.not_before, zone)}")
    if note.steps:
        first = note.steps[0]
        if note.joins and note.due_at > first.at:
            since = f"from {calendar.show(first.at, zone)} on with what this rule says of other orders"
            return Reason(Code.NOT_DUE, f"{first.why}; {since}" if first.why else since)
        return Reason(Code.NOT_DUE, first.why)
    if note.role != "customer":
        return NOTHING
    is_known = customer.email or customer.phone or customer.devices
    if is_known:
        return Reason(Code.NO_CHANNEL, "no channel can carry it in time")
    return Reason(Code.NOBODY_THERE, WAITS_FOR_CUSTOMER)
