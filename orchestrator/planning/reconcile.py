"""wanted × ledger → plan. Pure; a second pass over the result of the first changes nothing.

==========================  ==============  ==================  =======================
the ledger has              wanted, same    wanted, different   not wanted
==========================  ==============  ==================  =======================
nothing                     create          create              –
held, scheduled             –               reschedule          cancel
cancelled by the planner    create again    create again        –
cancelled by a person       –               –                   –
in flight, unknown          –               –                   – (the guard decides)
accepted, failed, expired,  –               –                   –
suppressed
==========================  ==============  ==================  =======================
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter

from orchestrator.model import WAITING, Decision, Entry, Notification, Status
from orchestrator.planning.foresight import because
from orchestrator.reasons import Reason, unsaid

_intent = attrgetter(*(field.name for field in fields(Notification) if field.name != "values"))

FEW = 20  # entries: below that a share of them says nothing, for one order has six


@dataclass(frozen=True, slots=True)
class Reschedule:
    """An entry whose notification changed while it waited."""

    entry: Entry
    wanted: Notification


@dataclass(frozen=True, slots=True)
class Cancel:
    """An entry that is no longer wanted, and why; *at* the moment as of which that was decided."""

    entry: Entry
    reason: Reason
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would have to change for the ledger to hold just what is wanted."""

    create: tuple[Notification, ...] = ()
    reschedule: tuple[Reschedule, ...] = ()
    cancel: tuple[Cancel, ...] = ()

    def __len__(self) -> int:
        return len(self.create) + len(self.reschedule) + len(self.cancel)

    def too_big(self, waiting: int, most: int, share: float) -> str:
        """Say why a person should look before this is applied, or "".

        *waiting* entries are in the ledger now; a plan over *most* changes, or over *share* of them
        (once ``FEW`` wait), is too big to be right. What a rule on trial would say is sent to
        nobody, and counts for nothing.
        """
        changed = sum(move.entry.wanted.mode == "live" for move in self.reschedule)
        changed += sum(gone.entry.wanted.mode == "live" for gone in self.cancel)
        count = changed + sum(note.mode == "live" for note in self.create)
        if count > most:
            return f"{count} changes are more than the {most} allowed at once"
        if waiting >= FEW and changed > share * waiting:
            return f"{changed} of {waiting} waiting notifications would change, more than {share:.0%}"
        return ""


def reconcile(decisions: Iterable[Decision], have: Mapping[str, Sequence[Entry]]) -> Plan:
    """Compare what is wanted for some orders with the entries the ledger *has* for them, by order."""
    create: list[Notification] = []
    reschedule: list[Reschedule] = []
    cancel: list[Cancel] = []
    for decision in decisions:
        entries = {entry.key: entry for entry in have.get(decision.order, ())}
        want = {note.key: note for note in decision.wanted}
        for key in [note.key for note in decision.kept]:  # an edited rule makes up for nothing
            entry = entries.get(key)
            if entry is not None and entry.status in WAITING and (note := intended(decision, entry)):
                want[key] = note
        for key, note in want.items():
            entry = entries.get(key)
            if entry is None or (entry.status is Status.CANCELLED and not entry.by_person):
                create.append(_not_before(decision.at, note))
            elif entry.status in WAITING:
                now = _overdue_as(entry, carried_on(entry, note), decision.at)
                if not same(entry.wanted, now):
                    reschedule.append(Reschedule(entry, now))
        failed = {error.partition(":")[0] for error in decision.errors}
        cancel += [
            Cancel(entry, why_not(decision, entry), decision.at)
            for key, entry in entries.items()
            if key not in want and entry.status in WAITING and entry.wanted.rule not in failed
        ]
    return Plan(tuple(sorted(create, key=_happened)), tuple(reschedule), tuple(cancel))


def intended(decision: Decision, entry: Entry) -> Notification | None:
    """What is wanted of this entry now, if anything.

    What was planned before its rule was edited goes on as it was, while that is useful: the text that begins
    a ladder is not put off to where the edited rule would have begun it.
    """
    new, old = _called(entry.key, decision.wanted), _called(entry.key, decision.kept)
    if new is None or old is None:
        return new or old
    began, begins = entry.wanted.trigger_at, new.trigger_at
    put_off = began is not None and begins is not None and began < begins
    useful = old.expires_at is None or decision.at is None or decision.at < old.expires_at
    return old if put_off and useful else new


def _called(key: str, notes: Iterable[Notification]) -> Notification | None:
    for note in notes:
        if note.key == key:
            return note
    return None


def _happened(note: Notification) -> datetime:
    """What entries are made in order of: of those that leave at one moment, the oldest news goes first."""
    return note.trigger_at or note.due_at


def _not_before(at: datetime | None, note: Notification) -> Notification:
    """*note* as the ledger keeps it: nothing is due before it was decided."""
    return note if at is None or note.due_at >= at else replace(note, due_at=at)


def _overdue_as(entry: Entry, note: Notification, at: datetime | None) -> Notification:
    """What is overdue in the ledger already stays as overdue as it is."""
    due = entry.wanted.due_at
    if at is not None and max(due, note.due_at) <= at:
        return note if note.due_at == due else replace(note, due_at=due)
    return _not_before(at, note)


def carried_on(entry: Entry, note: Notification) -> Notification:
    """*note* for an entry that tried some steps already: those stay first, so that none is tried again."""
    if not entry.step:
        return note
    before = entry.wanted.steps[: entry.step]
    tried = {step.channel for step in before}
    return replace(note, steps=before + tuple(step for step in note.steps if step.channel not in tried))


def same(one: Notification, other: Notification) -> bool:
    """Do two notifications intend the same? What the condition saw on the way does not matter."""
    return one is other or _intent(one) == _intent(other)


def why_not(decision: Decision, entry: Entry) -> Reason:
    """The planner's own reason why this entry is not wanted: about it, about its rule, or what is instead."""
    rule = [silence for silence in decision.silences if silence.rule in (entry.wanted.rule, "")]
    mine = [silence for silence in rule if silence.key == entry.key]
    general = [silence for silence in rule if not silence.key]
    for silence in mine or general:
        return silence.reason
    instead = _instead(decision, entry.wanted)
    if instead is not None and instead.mode != entry.wanted.mode:
        return unsaid.SWITCHED[instead.mode]
    if instead is not None:
        return unsaid.replaced(instead.because)
    if rule:
        return rule[0].reason
    goes_on = next((note for note in decision.wanted if note.rule == entry.wanted.rule), None)
    if goes_on is None:
        return unsaid.GONE
    next_one = goes_on.because if decision.at is None else because(goes_on, decision.at)
    return unsaid.later(next_one)


def _instead(decision: Decision, gone: Notification) -> Notification | None:
    """What the same rule wants of the same person now, on another occasion.

    Of a task that goes on to the next person it is the first person's, which says what it is about.
    """
    same_rule = [note for note in decision.wanted if note.rule == gone.rule and note.kind is gone.kind]
    for note in same_rule:
        if note.role == gone.role:
            return next(first for first in same_rule if first.occasion == note.occasion)
    return None
