"""What is planned fills the days of a customer too: of two messages for one capped day one comes later. Pure.

Counted in the order in which they are due, over one order. What may never be sent takes no room for good: the
plan that follows its end moves the others back, and at sending only what was sent counts.
"""

from collections.abc import Callable, Collection, Mapping

from orchestrator.model import Kind, Notification, first_occasion
from orchestrator.planning.case import Case
from orchestrator.timing.caps import Limit, counting
from orchestrator.timing.send_time import zone_of

Again = Callable[[Notification, Limit], Notification]


def spread(want: Mapping[str, Notification], case: Case, again: Again) -> Collection[Notification]:
    """Each of *want*, by key, on a day with room beside those due before; *again* finds its time beside them.

    One that would come too late on every such day stays where it is.
    """
    ended = case.order.outcomes
    waiting = [(note.due_at, key, note) for key, note in want.items() if key not in ended and _counts(note)]
    if len(waiting) < 2:
        return want.values()
    moved: dict[str, Notification] = {}
    zone = zone_of(case.customer, case.zone)
    before = counting(case.customer.sent, case.policy.caps, zone, case.now)
    (due, key, note), *later = sorted(waiting)
    before.plan(due, note.purpose, key)
    for due, key, note in later:
        limit = before.limit(note.purpose, key)
        if limit.room(due) != due:
            moved[key] = again(note, limit)
        before.plan(moved.get(key, note).due_at, note.purpose, key)
    return {**want, **moved}.values()


def _counts(note: Notification) -> bool:
    to_customer = note.role == "customer" and note.kind is Kind.MESSAGE
    perhaps = first_occasion(note.occasion) != note.occasion  # a further step takes room once it is sent
    return to_customer and note.mode == "live" and bool(note.steps) and not perhaps
