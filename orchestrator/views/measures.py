"""What it brings, in numbers (DESIGN scene 14): promises kept, time to tell, silence, and who asked first.

:func:`readings` is pure over one order's facts and entries; :func:`summed` adds them up. How each number is
counted stands in docs/how-to/read-the-measures.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from orchestrator.journey import Journey, On, RuleBook
from orchestrator.ledger import Share, Transaction
from orchestrator.model import Entry, Fact, Kind, Milestone, Order, Status, first_occasion
from orchestrator.planning.case import complete
from orchestrator.planning.fold import fold_order
from orchestrator.planning.planner import journey_of
from orchestrator.timing.calendar import ends
from orchestrator.timing.send_time import order_zone

NEWS = frozenset({On.REACHED, On.MISSED, On.MOVED, On.RETRACTED, On.EVENT})  # what a customer may ask about
KEPT, TOLD, SILENT, FIRST = "kept", "told", "silent", "first"
BY = ("week", "phase", "journey", "location")
MOST = 1_000  # orders that are measured: of more so many by chance, which is right within three points
A_WEEK = timedelta(days=7)
HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing measured at one order: 1 or 0 (``kept``, ``first``), hours (``told``) or days (``silent``).

    ``week`` is its Monday by the clocks of the order's place.
    """

    name: str
    week: date
    phase: str
    journey: str
    location: str
    value: float
    order: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The measures of a week, phase, journey or location; ``None`` where there was nothing to measure."""

    key: str
    promises: int
    kept: float | None
    news: int
    told_hours: float | None
    gaps: int
    silent_days: float | None
    longest_days: float | None
    first: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """The readings of some orders, of about so many that had news in that time (*of*).

    Where these are more than :data:`MOST`, so many were chosen by chance, each as likely as any other;
    *orders* are those among them that the viewer may see.
    """

    readings: tuple[Reading, ...]
    orders: int
    of: int


def readings(
    order: Order, journey: Journey, facts: Sequence[Fact], entries: Sequence[Entry], zone: str, now: datetime
) -> Iterator[Reading]:
    """Measure one order, from what was heard and said about it until *now*."""
    local = ZoneInfo(zone)

    def at(moment: datetime, name: str, value: float) -> Reading:
        day = moment.astimezone(local).date()
        monday = day - timedelta(days=day.weekday())
        phase = _phase(order, journey, moment)
        return Reading(name, monday, phase, journey.id, order.location.id, value, order.id)

    for milestone in order.milestones.values():
        for moment, kept in _promises(order, milestone, zone, now):
            yield at(moment, KEPT, float(kept))
    asked = sorted(
        fact.happened
        for fact in facts
        if fact.type == "contact.logged" and fact.data.get("direction") == "in"
    )
    for began, told in _news(journey, entries):
        yield at(told, TOLD, (told - began) / HOUR)
        yield at(told, FIRST, float(not any(began <= moment < told for moment in asked)))
    for before, after in _gaps(order, journey):
        yield at(after, SILENT, (after - before) / A_DAY)


def _promises(
    order: Order, milestone: Milestone, zone: str, now: datetime
) -> Iterator[tuple[datetime, bool]]:
    """Each promise a customer was told whose time came, when, and whether it was kept.

    One that another took the place of before its time does not count, nor one of a cancelled order.
    """
    for telling, newer in zip(milestone.tellings, [*milestone.tellings[1:], None], strict=False):
        over = ends(telling.value, zone)
        reached = milestone.reached
        if newer is not None and newer.at < min(over, reached or over):
            continue
        if reached is not None and reached <= over:
            yield max(reached, telling.at), True
        elif over <= now and (order.cancelled is None or order.cancelled >= over):
            yield over, False


def _news(journey: Journey, entries: Iterable[Entry]) -> Iterator[tuple[datetime, datetime]]:
    """When something happened, or did not, and when the customer was told of it first."""
    rules = {rule.id: rule for rule in journey.rules}
    told: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for entry in entries:
        wanted = entry.wanted
        rule = rules.get(wanted.rule)
        if (
            rule is None
            or rule.trigger.on not in NEWS
            or entry.status is not Status.ACCEPTED
            or wanted.kind is not Kind.MESSAGE
            or wanted.role != "customer"
            or wanted.mode != "live"
            or wanted.trigger_at is None
            or entry.updated_at is None
        ):
            continue
        key = wanted.rule, first_occasion(wanted.occasion)
        found = (wanted.trigger_at, max(entry.updated_at, wanted.trigger_at))
        told[key] = min(told.get(key, found), found, key=lambda one: one[1])
    return iter(sorted(told.values()))


def _gaps(order: Order, journey: Journey) -> Iterator[tuple[datetime, datetime]]:
    """The times between two useful contacts, from the order's beginning until it is complete or cancelled."""
    closed = order.cancelled
    if complete(order, journey):
        closed = order.milestones[journey.last].reached if journey.last in order.milestones else closed
    moments = [moment for moment, _ in order.contacts]
    if order.since is not None:
        moments.insert(0, order.since)
    for before, after in pairwise(sorted(moments)):
        if closed is None or after <= closed:
            yield before, after


def _phase(order: Order, journey: Journey, moment: datetime) -> str:
    """The phase an order was in then: that of the furthest milestone it had reached."""
    done = [
        name
        for name in journey.milestones
        if (found := order.milestones.get(name)) is not None
        and found.reached is not None
        and found.reached < moment
    ]
    return journey.phase_of(done[-1]) if done else next(iter(journey.phases), "")


def summed(found: Iterable[Reading], by: str) -> list[Row]:
    """Add readings up by week, phase, journey or location (one of :data:`BY`), in the order of those."""
    groups: dict[str, dict[str, list[float]]] = {}
    for one in found:
        key = one.week.isoformat() if by == "week" else str(getattr(one, by))
        groups.setdefault(key, {}).setdefault(one.name, []).append(one.value)
    return [_row(key, groups[key]) for key in sorted(groups)]


def total(found: Iterable[Reading]) -> Row:
    """Add all readings up."""
    values: dict[str, list[float]] = {}
    for one in found:
        values.setdefault(one.name, []).append(one.value)
    return _row("", values)


def _row(key: str, values: Mapping[str, list[float]]) -> Row:
    kept, told, silent, first = (values.get(name, []) for name in (KEPT, TOLD, SILENT, FIRST))
    return Row(
        key,
        len(kept),
        sum(kept) / len(kept) if kept else None,
        len(told),
        median(told) if told else None,
        len(silent),
        median(silent) if silent else None,
        max(silent, default=None),
        sum(first) / len(first) if first else None,
    )


def measured(tx: Transaction, book: RuleBook, since: datetime, now: datetime, share: Share) -> Measured:
    """Measure the orders with news since then, or :data:`MOST` of them by chance."""
    names, of = tx.some_heard_of_since(since, MOST)
    found: list[Reading] = []
    count = 0
    for start in range(0, len(names), _BATCH):
        batch = names[start : start + _BATCH]
        facts, entries = tx.order_facts(batch), tx.entries_of(batch)
        for name in batch:
            try:
                order = fold_order(name, facts[name])
            except Exception:  # noqa: BLE001, S112  a broken order is a problem of its own, and told elsewhere
                continue
            journey = journey_of(order, book)
            if isinstance(journey, str) or not _is_of(order, share):
                continue
            count += 1
            zone = order_zone(order.location, book.policy.time_zone)
            found += readings(order, journey, facts[name], entries[name], zone, now)
    first = since.date() - timedelta(days=since.weekday())
    return Measured(tuple(one for one in found if one.week >= first), count, of)


def _is_of(order: Order, share: Share) -> bool:
    return (not share.locations or order.location.id in share.locations) and (
        not share.brands or order.location.brand in share.brands
    )
