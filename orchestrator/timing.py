"""From a trigger's instant to when and through what a message leaves: windows, quiet hours, channels.

Pure. A preference never beats a deadline silently: a channel whose first good moment comes too late is
passed over, with the reason, and when none is left a person is asked to act.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from orchestrator import calendar
from orchestrator.journey import Duration, On, Rule
from orchestrator.model import Customer, Location, Order, Person, Purpose, Step, Window
from orchestrator.triggers import Case, Firing

WITHIN = Duration(days=1, text="1d")  # a message that says nothing else is useless after a day
STALE_AFTER = Duration(seconds=36 * 3600, text="36h")  # a nightly import of yesterday is still news
EVERY_DAY = frozenset(range(7))

_PAST = {On.REACHED, On.AFTER, On.EVENT, On.RETRACTED}  # triggers that old news can set off


@dataclass(frozen=True, slots=True)
class Timed:
    """When a firing's message may leave, by which steps, and what stood in the way."""

    due_at: datetime
    expires_at: datetime
    steps: tuple[Step, ...]
    passed_over: tuple[str, ...]  # channels whose window opens too late, with when
    unreachable: tuple[str, ...]  # channels without an address


def address(channel: str, recipient: Customer | Person) -> str:
    """Where *channel* reaches somebody, or ""; a channel that needs no contact point uses the customer's id."""
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
    return location.time_zone if location.time_zone and calendar.valid_zone(location.time_zone) else company_zone


def expiry(rule: Rule, firing: Firing, case: Case) -> datetime:
    """The last useful moment: `within` of the news, `stale_after` of the happening, the promise's own end."""
    limits = [case.add(firing.news, rule.timing.within or WITHIN)]
    if rule.trigger.on in _PAST and not firing.never_stale:
        limits.append(case.add(firing.at, rule.timing.stale_after or STALE_AFTER))
    elif rule.timing.stale_after is not None and not firing.never_stale:
        limits.append(case.add(firing.at, rule.timing.stale_after))
    if firing.until is not None:
        limits.append(firing.until)
    return min(limits)


def timed(rule: Rule, firing: Firing, case: Case) -> Timed:
    """Move a firing to its first good moment on each channel, in the order the customer prefers."""
    who = recipient(rule.to, case.order, case.customer)
    zone = zone_of(who, case.zone)
    base = firing.news
    if isinstance(rule.timing.at, time):
        base = _at_local(base, rule.timing.at, zone)
    expires = expiry(rule, firing, case)
    steps: list[Step] = []
    late: list[str] = []
    nowhere: list[str] = []
    for channel in channels_for(rule, case, who):
        if not address(channel, who):
            nowhere.append(channel)
            continue
        moment, why = allowed(rule, channel, who, base, zone, case)
        if moment is None:
            late.append(f"{channel}: its window and the quiet hours never meet")
        elif moment >= expires > base:
            late.append(f"{channel}: {why} only on {calendar.show(moment, zone)}")
        else:
            steps.append(Step(channel, moment, why))
    due = steps[0].at if steps else base
    return Timed(due, expires, tuple(steps), tuple(late), tuple(nowhere))


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
        return moment, f"{what} open"
    if calendar.leave_quiet(base, quiet, zone) != base:
        return moment, "the quiet hours end"
    return moment, "the location opens"


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


def _at_local(moment: datetime, at: time, zone: str) -> datetime:
    """The next time the clocks of *zone* read *at*, *moment* included."""
    day = calendar.day_of(moment, zone)
    today = calendar.local(day, at, zone)
    return today if today >= moment else calendar.local(day + timedelta(days=1), at, zone)
