"""A promise for a day that was past when it was made: an error with a reason, and no apology. Pure.

What was promised in time and heard of late is no error: histories are imported, and old news mails nobody.
"""

from orchestrator.journey import Duration
from orchestrator.model import OrderStatus, Promise
from orchestrator.planning.case import STALE_AFTER, Case, show
from orchestrator.reasons import Reason
from orchestrator.reasons.unsaid import promise_past
from orchestrator.timing import calendar


def past(case: Case, name: str, tolerance: Duration = STALE_AFTER) -> Promise | None:
    """The promise for *name* that customers take us at, if it was past for that long when it was made."""
    promise = case.milestone(name).promise
    if promise is None or not promise.told or case.happened(name) is not None:
        return None
    return promise if case.add(calendar.ends(promise.value, case.zone), tolerance) <= promise.made else None


def problem(case: Case) -> str:
    """Say which promises of an open order were past already, or ""."""
    if case.order.status is not OrderStatus.OPEN or case.complete:
        return ""
    found = ((name, past(case, name)) for name in case.order.milestones)
    return "; ".join(why(case, name, promise) for name, promise in found if promise is not None)


def why(case: Case, name: str, promise: Promise) -> Reason:
    """That this promise was past, with both moments."""
    return promise_past(name, show(promise.value, case.zone), case.show(promise.made))
