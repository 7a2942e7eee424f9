"""What is planned fills the days of a customer too: of two messages for one capped day one comes later. Pure.

Counted in the order in which they are due, over one order. What may never be sent takes no room for good: the
plan that follows its end moves the others back, and at sending only what was sent counts.
"""

from collections.abc import Callable, Iterable

from orchestrator.model import Kind, Notification, Sent, first_occasion
from orchestrator.planning.case import Case
from orchestrator.timing.caps import Had, counting, full
from orchestrator.timing.send_time import zone_of

Again = Callable[[Notification, Had], Notification]


def spread(want: Iterable[Notification], case: Case, again: Again) -> list[Notification]:
    """Each of *want*, on a day with room beside those due before it; *again* finds its time beside those.

    One that would come too late on every such day stays where it is.
    """
    notes = list(want)
    moved: dict[str, Notification] = {}
    caps, zone = case.policy.caps, zone_of(case.customer, case.zone)
    before = counting(case.customer.sent, zone, case.now)
    ahead = False
    for note in sorted(filter(_counts, notes), key=lambda one: (one.due_at, one.key)):
        if note.key in case.order.outcomes:
            continue
        others = before.besides(note.key)
        if ahead and full(caps, note.purpose, others.tally, note.due_at, zone):
            moved[note.key] = again(note, others)
        before.plan(Sent(moved.get(note.key, note).due_at, note.purpose, note.key, 0))
        ahead = True
    return [moved.get(note.key, note) for note in notes]


def _counts(note: Notification) -> bool:
    to_customer = note.role == "customer" and note.kind is Kind.MESSAGE
    perhaps = first_occasion(note.occasion) != note.occasion  # a further step takes room once it is sent
    return to_customer and note.mode == "live" and bool(note.steps) and not perhaps
