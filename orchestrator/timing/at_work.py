"""When staff see what they must do: in their own working hours, else while the location is open. Pure.

============================  ===========================  ====================
the task                      somebody with working hours  anybody else
============================  ===========================  ====================
of a rule with `timing: now`  at once                      at once
`within` an hour              at once                      at once
`within` a business hour      the location opens           the location opens
any other                     they are at work             the location opens
============================  ===========================  ====================

A location that keeps no calendar is always open. What is useless by then does not wait either: nobody can be
asked whether the car stands outside once its day is over.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache, partial

from orchestrator.journey import Duration, Rule
from orchestrator.model import Person, Window
from orchestrator.planning.case import Case, Firing
from orchestrator.timing import calendar
from orchestrator.timing.gates import while_open
from orchestrator.timing.send_time import recipient, zone_of

SOON = timedelta(hours=1)  # who must react within that is not left to sleep

Opens = Callable[[datetime], datetime | None]


def at_work(
    rule: Rule,
    within: Duration | None,
    role: str,
    firing: Firing,
    case: Case,
    due: datetime,
    *,
    given: bool,
) -> tuple[datetime, str]:
    """The first moment from *due* on at which whoever plays *role* is to see a task, and why not before.

    When that has passed unused (an outage, a retry) and nobody is at work now, it is the next one; what was
    *given* stays.
    """
    found = _hours(rule, within, role, case)
    if found is None:
        return due, ""
    opens, works = found
    moment = opens(due)
    if moment is not None and moment < case.now and not given:
        again = opens(case.now)
        moment = moment if again == case.now else again
    if moment is None or moment == due:
        return due, ""
    if firing.until is not None and due < firing.until <= moment:
        return due, ""
    weekday, _, clock = calendar.show(moment, case.zone).split()
    return moment, f"{works} {weekday} {clock}"


def _hours(rule: Rule, within: Duration | None, role: str, case: Case) -> tuple[Opens, str] | None:
    """When a task opens, and whose hours these are; ``None`` if it waits for nobody's."""
    soon = within is not None and _is_soon(within)
    if rule.timing.at == "now" or (soon and within is not None and not within.business_minutes):
        return None
    who = recipient(role, case.order, case.customer)
    if isinstance(who, Person) and who.working_hours and not soon:
        own = partial(_working, hours=who.working_hours, zone=zone_of(who, case.zone))
        return own, f"{who.name or f'the {role}'} works from"
    business = case.policy.declared(case.order.location.calendar)
    if business is None:
        return None
    return partial(while_open, zone=case.zone, business=business), "the location opens"


@lru_cache(maxsize=8192)  # tasks are due at deadlines, which orders share: 0.4 µs where it takes 10
def _working(moment: datetime, hours: tuple[Window, ...], zone: str) -> datetime | None:
    return calendar.next_open(moment, hours, zone)


@lru_cache(maxsize=256)  # the lengths that rules declare
def _is_soon(within: Duration) -> bool:
    """Is that no longer than :data:`SOON` even where the calendar is never closed?"""
    days = within.days + within.business_days
    return timedelta(days=days, minutes=within.business_minutes, seconds=within.seconds) <= SOON
