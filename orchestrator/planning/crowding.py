"""What is planned fills the days of a customer too: of two messages for one capped day one comes later. Pure.

Counted in the order in which they are due, over one order. What may never be sent takes no room for good: the
plan that follows its end moves the others back, and at sending only what was sent counts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from orchestrator.model import Kind, Notification, Sent
from orchestrator.planning.case import Case
from orchestrator.timing import caps
from orchestrator.timing.caps import Tally
from orchestrator.timing.send_time import zone_of

Again = Callable[[Notification, Case], Notification | None]


def spread(want: Iterable[Notification], case: Case, again: Again) -> Iterator[Notification]:
    """Each of *want*, on a day with room beside those due before it; *again* decides one anew with those.

    One that would come too late on every such day stays where it is.
    """
    notes = list(want)
    moved: dict[str, Notification] = {}
    ahead: list[Sent] = []
    zone = zone_of(case.customer, case.zone)
    so_far = Tally({}, {})
    for one in case.customer.sent:
        caps.counted(so_far, one, zone)
    for note in sorted(filter(_counts, notes), key=lambda one: (one.due_at, one.key)):
        if note.key in case.order.outcomes:
            continue
        if ahead and caps.full(case.policy.caps, note.purpose, so_far, note.due_at, zone):
            moved[note.key] = again(note, replace(case, ahead=tuple(ahead))) or note
        due = moved.get(note.key, note).due_at
        ahead.append(Sent(due, note.purpose, note.key, 0))
        caps.counted(so_far, ahead[-1], zone)
    return (moved.get(note.key, note) for note in notes)


def _counts(note: Notification) -> bool:
    to_customer = note.role == "customer" and note.kind is Kind.MESSAGE
    return to_customer and note.mode == "live" and bool(note.steps)
