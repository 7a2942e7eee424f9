"""What another set of rules would have changed over the same history: whom it would have told more, less,
at another time, by another channel or with another text.

Two simulations of one history are read side by side, each notification by its key; histories too long for
memory are read a page at a time.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from orchestrator.engine import Engine
from orchestrator.journey import Mode, On, RuleBook
from orchestrator.ledger import AsOf, Ledger
from orchestrator.model import Entry, Silence, Status
from orchestrator.simulation.simulate import PAGE, Line, line_of

MORE, LESS, TIME, CHANNEL, TEXT = "more", "less", "time", "channel", "text"
CHANGES = (MORE, LESS, TIME, CHANNEL, TEXT)

TOLD = frozenset({Status.ACCEPTED.value, Status.SCHEDULED.value})  # said, or still to be said at the end


@dataclass(frozen=True, slots=True)
class Side:
    """What one set of rules says: when, by which channel, with which text, and why."""

    at: datetime
    channel: str
    template: str
    reason: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One notification that differs; ``changes`` are of :data:`CHANGES`.

    A side that does not say it is ``None``, and *why_before* or *why_after* says why not; else why it does.
    """

    changes: tuple[str, ...]
    rule: str
    order: str
    customer: str
    occasion: str
    role: str
    kind: str
    before: Side | None
    after: Side | None
    why_before: str
    why_after: str


@dataclass(frozen=True, slots=True)
class Run:
    """One finished simulation: the rules, and the ledgers of its parts."""

    book: RuleBook
    files: Sequence[Path]


def differences(before: Run, after: Run) -> Iterator[Difference | None]:
    """Give each notification that either run says: what differs, or nothing where they agree.

    The parts of both must hold the same orders. They come order by order. What one of them says on another
    occasion, such as a silence that began elsewhere, is the same at another time.
    """
    events = {
        rule.id
        for book in (before.book, after.book)
        for journey in book.journeys.values()
        for rule in journey.rules
        if rule.trigger.on is On.EVENT  # one event is not another
    }
    order: list[Difference] = []
    for found in _each(before, after):
        if found is None:
            yield None
            continue
        if order and order[-1].order != found.order:
            yield from _paired(order, events)
            order = []
        order.append(found)
    yield from _paired(order, events)


def _paired(found: Sequence[Difference], events: Collection[str]) -> Iterator[Difference | None]:
    """What differs about one order, with what is said on other occasions now made one, oldest first."""
    gone = [one for one in found if one.before is not None and one.after is None]
    come = [one for one in found if one.before is None and one.after is not None]
    pairs: dict[int, Difference] = {}
    for old in sorted(gone, key=_at):
        alike = (one for one in come if _kind(one) == _kind(old) and id(one) not in map(id, pairs.values()))
        new = min(alike, key=_at, default=None)
        if new is not None and old.rule not in events:
            pairs[id(old)] = new
    taken = set(map(id, pairs.values()))
    for one in found:
        if id(one) in pairs:
            yield _moved(one, pairs[id(one)])
        elif id(one) not in taken:
            yield one


def _at(one: Difference) -> datetime:
    side = one.before or one.after
    assert side is not None
    return side.at


def _kind(one: Difference) -> tuple[str, ...]:
    side = one.before or one.after
    assert side is not None
    return one.rule, one.role, one.kind, side.template


def _moved(old: Difference, new: Difference) -> Difference | None:
    assert old.before is not None
    assert new.after is not None
    differ = {TIME: old.before.at != new.after.at, CHANNEL: old.before.channel != new.after.channel}
    changes = tuple(change for change in CHANGES if differ.get(change))
    if not changes:
        return None
    return replace(old, changes=changes, occasion=new.occasion, after=new.after, why_after=new.why_after)


def _each(before: Run, after: Run) -> Iterator[Difference | None]:
    for one, other in zip(before.files, after.files, strict=True):
        with ExitStack() as opened:
            ledgers = [
                opened.enter_context(Ledger.open(f"sqlite:///{file}", scratch=True)) for file in (one, other)
            ]
            reasons = Reasons(ledgers[0], before.book), Reasons(ledgers[1], after.book)
            for left, right in _side_by_side(_by_key(ledgers[0]), _by_key(ledgers[1])):
                was, will = _told(left), _told(right)
                if was is not None or will is not None:
                    yield _compared(left, right, was, will, reasons)


def _compared(
    left: Entry | None,
    right: Entry | None,
    was: Line | None,
    will: Line | None,
    reasons: tuple["Reasons", "Reasons"],
) -> Difference | None:
    changes = _changes(was, will)
    if not changes:
        return None
    line = was or will
    assert line is not None
    return Difference(
        changes, line.rule, line.order, line.customer, line.occasion, line.role, line.kind,
        _side(was), _side(will),
        was.reason if was is not None else reasons[0].of(left, line),
        will.reason if will is not None else reasons[1].of(right, line),
    )  # fmt: skip


def _changes(was: Line | None, will: Line | None) -> tuple[str, ...]:
    if was is None or will is None:
        return (MORE,) if was is None else (LESS,)
    differ = {
        TIME: _moment(was) != _moment(will),
        CHANNEL: was.channel != will.channel,
        TEXT: was.template != will.template,
    }
    return tuple(change for change in CHANGES if differ.get(change))


def _told(entry: Entry | None) -> Line | None:
    if entry is None or entry.status.value not in TOLD or entry.wanted.mode == Mode.SHADOW:
        return None
    return line_of(entry)


def _side(line: Line | None) -> Side | None:
    return None if line is None else Side(_moment(line), line.channel, line.template, line.reason)


def _moment(line: Line) -> datetime:
    return line.when


def _by_key(ledger: Ledger) -> Iterator[Entry]:
    after = ""
    while True:
        with ledger.read() as tx:  # whoever reads may ask the same ledger for a reason meanwhile
            page = tx.entries_by_key(after=after, limit=PAGE)
        if not page:
            return
        yield from page
        after = page[-1].key


def _side_by_side(
    left: Iterator[Entry], right: Iterator[Entry]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Pair what has one key; both sides come by it."""
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.key < other.key):
            yield one, None
            one = next(left, None)
        elif one is None or other.key < one.key:
            yield None, other
            other = next(right, None)
        else:
            yield one, other
            one, other = next(left, None), next(right, None)


class Reasons:
    """Says why one set of rules does not say what the other does, from what was known at that moment."""

    def __init__(self, ledger: Ledger, book: RuleBook) -> None:
        self._engine = Engine(ledger, book)

    def of(self, entry: Entry | None, line: Line) -> str:
        """Why it does not say *line*: *entry* is what it has under its key."""
        if entry is not None:
            return entry.reason
        rule = self._engine.book.rule(line.rule)
        if rule is None:
            return "there is no such rule"
        if rule.mode is Mode.SHADOW:
            return "the rule is on trial (shadow) and sends nothing"
        moment = _moment(line)
        with self._engine.ledger.read() as tx:
            then = AsOf(tx, moment)
            sight = self._engine.look(then, {line.order: moment}, moment, {line.order: {line.rule}})
        decision = sight.decisions.get(line.order)
        if decision is None:
            return sight.problems.get(line.order, "the order is not known")
        mine = [note for note in decision.wanted if note.role == line.role and note.kind.value == line.kind]
        silences = sorted(decision.silences, key=lambda silence: not _about(silence, line))
        for reason in chain((s.reason for s in silences), (f"instead: {note.because}" for note in mine)):
            return reason
        return "nothing made it due"


def _about(silence: Silence, line: Line) -> bool:
    return silence.key == f"{line.order}/{line.rule}/{line.occasion}/{line.role}"
