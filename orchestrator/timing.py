"""From a trigger's instant to when and through what a message leaves: windows, quiet hours, channels.

Pure. A preference never beats a deadline silently: a channel whose first good moment comes too late is
passed over, with the reason, and when none is left a person is asked to act.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from orchestrator import calendar
from orchestrator.case import Case, Firing
from orchestrator.journey import Duration, On, Rule
from orchestrator.model import Customer, Location, Order, Person, Purpose, Step, Window

WITHIN = Duration(days=1, text="1d")  # a message that says nothing else is useless after a day
STALE_AFTER = Duration(seconds=36 * 3600, text="36h")  # a nightly import of yesterday is still news
EVERY_DAY = frozenset(range(7))
NEVER = "the customer's hours and the quiet hours leave no moment"

_PRESENT = {On.UPCOMING, On.MOVED, On.SILENT}  # about how things stand: news of the past does not age them


@dataclass(frozen=True, slots=True)
class Timed:
    """When a firing's message may leave, by which steps, and what stood in the way."""

    due_at: datetime
    expires_at: datetime
    steps: tuple[Step, ...]
    passed_over: tuple[str, ...]  # channels whose window opens too late, with when
    unreachable: tuple[str, ...]  # channels without an address


def address(channel: str, recipient: Customer | Person) -> str:
    """Where *channel* reaches somebody, or ""; one that needs no contact point uses the customer's id."""
    if channel == "email":
        return recipient.email
    if channel == "sms":
        return recipient.phone
    if channel == "push":
        return recipient.devices[0] if isinstance(recipient, Customer) and recipient.devices else ""
    return recipient.id if isinstance(recipient, Customer) else ""


def recipient(role: str, order: Order, customer: Customer) -> Customer | Person:
    """Who plays *role* for this order."""
    if role == "customer":
        return customer
    if role == "owner":
        return order.owner
    if role == "manager":
        return order.manager
    return order.parties.get(role, Person())


def zone_of(who: Customer | Person, order_zone: str) -> str:
    """The recipient's own zone, or the order's when theirs is unknown."""
    return who.time_zone if who.time_zone and calendar.valid_zone(who.time_zone) else order_zone


def order_zone(location: Location, company_zone: str) -> str:
    """The zone of the order's location, or the company's."""
    known = location.time_zone and calendar.valid_zone(location.time_zone)
    return location.time_zone if known else company_zone


def expiry(rule: Rule, firing: Firing, case: Case) -> datetime:
    """The last useful moment: `within` of the news, `stale_after` of the happening, the promise's own end.

    Old news is stale after :data:`STALE_AFTER`, or `within` if that is longer, unless the rule says when.
    """
    timing = rule.timing
    within = timing.within or WITHIN
    limit = case.after(firing.news, within)
    if not firing.never_stale:
        if timing.stale_after is not None:
            limit = min(limit, case.add(firing.happened or firing.at, timing.stale_after))
        elif firing.news > firing.at and rule.trigger.on not in _PRESENT:
            limit = min(limit, max(case.add(firing.at, STALE_AFTER), case.add(firing.at, within)))
    return limit if firing.until is None else min(limit, firing.until)


def timed(rule: Rule, firing: Firing, case: Case) -> Timed:
    """Move a firing to its first good moment on each channel, in the order the customer prefers.

    A customer nobody has told us about is waited for, until the message would be useless.
    """
    who = recipient(rule.to, case.order, case.customer)
    expires = expiry(rule, firing, case)
    if isinstance(who, Customer) and not who.known:
        return Timed(max(firing.news, expires), expires, (), (), ())
    zone = zone_of(who, case.zone)
    steps: list[Step] = []
    late: list[str] = []
    nowhere: list[str] = []
    for channel in channels_for(rule, case, who):
        if not address(channel, who):
            nowhere.append(channel)
        elif expires <= firing.news:  # old already when it was heard: it ends as expired at once
            steps.append(Step(channel, firing.news))
        else:
            moment, why = _good(rule, channel, who, zone, firing.news, expires, case)
            if moment is None:
                late.append(f"{channel}: {NEVER}")
            elif moment >= expires:
                late.append(f"{channel}: not before {calendar.show(moment, zone)}, {why}")
            else:
                steps.append(Step(channel, moment, why))
    due = steps[0].at if steps else firing.news
    return Timed(due, expires, tuple(steps), tuple(late), tuple(nowhere))


def _good(
    rule: Rule, channel: str, who: Customer | Person, zone: str, news: datetime, expires: datetime, case: Case
) -> tuple[datetime | None, str]:
    """The first good moment after the *news* on this channel, and why not before.

    When that has passed unused (an outage, a retry) and now is no good moment, it is the next one.
    """
    base, own = news, ""
    if isinstance(rule.timing.at, time):
        base, own = _at_local(news, rule.timing.at, zone), f"the rule sends at {rule.timing.at:%H:%M}"
        if rule.timing.business_days:
            base = _on_business_day(base, rule.timing.at, zone, case)
    moment, why = allowed(rule, channel, who, base, zone, case)
    if moment is not None and moment < case.now < expires:
        again, why_again = allowed(rule, channel, who, case.now, zone, case)
        if again != case.now:
            moment, why = again, why_again
    if why and isinstance(who, Customer) and who.time_zone != zone:
        why += f" (by the clocks of {zone}: the customer's own time zone is not known)"
    return moment, why or (own if moment != news else "")


def channels_for(rule: Rule, case: Case, who: Customer | Person) -> tuple[str, ...]:
    """The rule's channels (or the policy's), those the customer prefers first."""
    offered = rule.channels or case.policy.preference
    chosen = who.channels if isinstance(who, Customer) else ()
    if not chosen:
        return offered
    return tuple(c for c in chosen if c in offered) + tuple(c for c in offered if c not in chosen)


def allowed(
    rule: Rule, channel: str, who: Customer | Person, base: datetime, zone: str, case: Case
) -> tuple[datetime | None, str]:
    """The first moment from *base* on at which this channel may be used, and why not before."""
    if rule.purpose is Purpose.SECURITY:
        return base, ""
    windows, what = _windows(rule, channel, who, case)
    quiet = case.policy.quiet.get(rule.purpose)
    business = case.business if rule.timing.business_days else None
    if not windows and quiet is None and business is None:
        return base, ""
    moment = calendar.next_allowed(base, windows, quiet, zone, business)
    if moment is None or moment == base:
        return moment, ""
    if windows and calendar.next_open(base, windows, zone) != base:
        return moment, f"outside {what}"
    if calendar.leave_quiet(base, quiet, zone) != base:
        return moment, "in the quiet hours"
    return moment, "the location is closed"


def _windows(rule: Rule, channel: str, who: Customer | Person, case: Case) -> tuple[tuple[Window, ...], str]:
    """What the customer chose for this channel, else the journey's default hours."""
    if rule.timing.at == "now":
        return (), ""
    own = who.windows if isinstance(who, Customer) else ()
    mine = tuple(w for w in own if w.channel == channel) or tuple(w for w in own if not w.channel)
    if mine:
        return mine, "the hours the customer chose"
    if rule.timing.at == "preferred" and case.journey.hours is not None:
        start, end = case.journey.hours
        return (Window(EVERY_DAY, start, end),), "the default hours"
    return (), ""


def _on_business_day(moment: datetime, at: time, zone: str, case: Case) -> datetime:
    """*moment*, or *at* on the next day on which the location opens."""
    day = calendar.day_of(moment, zone)
    for _ in range(calendar.HORIZON.days):
        if calendar.business_day(day, case.business):
            return calendar.local(day, at, zone)
        day += timedelta(days=1)
    return moment


def _at_local(moment: datetime, at: time, zone: str) -> datetime:
    """The next time the clocks of *zone* read *at*, *moment* included."""
    day = calendar.day_of(moment, zone)
    today = calendar.local(day, at, zone)
    return today if today >= moment else calendar.local(day + timedelta(days=1), at, zone)
