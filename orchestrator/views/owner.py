"""An order as whoever looks after it needs it on a telephone: what to do, what stands, what goes out next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from orchestrator.journey import Journey, RuleBook
from orchestrator.model import WAITING, Customer, Entry, Kind, Order, OrderStatus
from orchestrator.planning.by_hand import lines_waiting
from orchestrator.planning.case import Case
from orchestrator.planning.planner import case_of
from orchestrator.planning.standing import OpenTask, broken_at, standing
from orchestrator.render.dates import Dates
from orchestrator.render.words import When
from orchestrator.timing import calendar
from orchestrator.views.tracker import shown


@dataclass(frozen=True, slots=True)
class Job:
    """An open task: what to do, why, since when, by when somebody must say that they have it, who does."""

    key: str
    do: str
    because: str
    ack_by: When
    by: str


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The next message to the customer that waits; ``taken_by`` calls in its place."""

    key: str
    at: When
    channel: str
    because: str
    taken_by: str


@dataclass(frozen=True, slots=True)
class OwnerView:
    """The page of one order; ``milestone`` is what may have happened, or get a new day, from ``today`` on."""

    order: str
    customer: str
    phone: str
    milestone: str
    milestone_name: str
    told: When
    is_late: bool
    jobs: tuple[Job, ...]
    next: Upcoming | None
    lines: tuple[str, ...]
    today: date

    @property
    def is_over(self) -> bool:
        """Is there nothing that anybody could do here?"""
        return not (self.milestone or self.jobs or self.next)


def owner_view(
    order: Order,
    customer: Customer,
    journey: Journey,
    entries: Sequence[Entry],
    book: RuleBook,
    now: datetime,
    locale: str,
    *,
    role: str,
    about: str = "",
) -> OwnerView:
    """Look at an order for whoever plays *role* in it, and was asked *about* a milestone."""
    case = case_of(order, customer, journey, book, now)
    dates = Dates(case.zone, locale, calendar.day_of(case.now, case.zone))
    stands = standing(case)
    milestone = _milestone(about, case)
    told = case.told(milestone) if milestone else None
    return OwnerView(
        order=order.id,
        customer=customer.name or order.customer,
        phone=customer.phone,
        milestone=milestone,
        milestone_name=(shown(case, milestone, locale) or milestone) if milestone else "",
        told=dates.promised(told.value if told is not None else None),
        is_late=told is not None and broken_at(case, milestone, told.value) <= case.now,
        jobs=tuple(_job(task, entries, dates) for task in stands.tasks if task.role == role),
        next=_next(order, entries, book, dates),
        lines=tuple(line.text for line in lines_waiting(order)),
        today=dates.today,
    )


def _milestone(about: str, case: Case) -> str:
    """What the task is about, else what the customer waits for next; "" once nobody waits."""
    if case.order.status is not OrderStatus.OPEN or case.complete:
        return ""
    if about in case.journey.position and case.happened(about) is None:
        return about
    told = standing(case).promise
    return told or next((name for name in case.journey.milestones if case.happened(name) is None), "")


def _job(task: OpenTask, entries: Iterable[Entry], dates: Dates) -> Job:
    entry = next((one for one in entries if one.key == task.task), None)
    return Job(
        key=task.task,
        do=task.do.rpartition("/")[2].replace("-", " "),
        because=entry.wanted.because if entry is not None else "",
        ack_by=dates.moment(entry.wanted.ack_by if entry is not None else None),
        by=task.by,
    )


def _next(order: Order, entries: Iterable[Entry], book: RuleBook, dates: Dates) -> Upcoming | None:
    waiting = [
        one
        for one in entries
        if one.status in WAITING
        and (one.wanted.role, one.wanted.kind, one.wanted.mode) == ("customer", Kind.MESSAGE, "live")
    ]
    if not waiting:
        return None
    first = min(waiting, key=lambda one: (one.run_at, one.id))
    steps = first.wanted.steps[first.step :] or first.wanted.steps
    taken = order.taken.get(first.key)
    return Upcoming(
        key=first.key,
        at=dates.moment(first.run_at),
        channel=book.policy.kind(steps[0].channel) if steps else "",
        because=first.wanted.because,
        taken_by=(taken.by or "…") if taken is not None else "",
    )
