"""From a trigger's instant to when and through what a message leaves: windows, quiet hours, caps, channels.

Pure. A preference never beats a deadline silently: a channel whose first good moment comes too late is
passed over, with the reason, and when none is left a person is asked to act.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from orchestrator.journey import Duration, On, Rule
from orchestrator.model import STAFF, Customer, Location, Order, Person, Purpose, Step, Window
from orchestrator.planning.case import STALE_AFTER, Case, Firing
from orchestrator.timing import calendar, habits, law
from orchestrator.timing.caps import Had, Limit, counting
from orchestrator.timing.gates import Clock, Gate, Way, cap_on, duties, habits_of, wishes

WITHIN = Duration(days=1, text="1d")  # a message that says nothing else is useless after a day
LAST_CALL = timedelta(minutes=5)  # so long before it is useless, nothing waits for others any more
ENDLESS = datetime.max.replace(tzinfo=UTC)
NEVER = "the customer's hours and the quiet hours leave no moment"

UNLISTED = ", though the customer listed "
MUST_HEAR = frozenset({Purpose.SERVICE, Purpose.SECURITY})
_PRESENT = {On.UPCOMING, On.MOVED, On.SILENT}  # about how things stand: news of the past does not age them


class Timed(NamedTuple):
    """When a firing's message may leave, by which steps, and what stood in the way."""

    due_at: datetime
    expires_at: datetime
    steps: tuple[Step, ...]
    passed_over: tuple[str, ...]  # channels whose window opens too late, with when


def addresses(kind: str, recipient: Customer | Person) -> tuple[str, ...]:
    """Where a channel of that *kind* reaches somebody: on all their devices, or in one place, or nowhere.

    A channel that needs no contact point uses the customer's id, or a colleague's mailbox. An inbox has
    every customer, and nobody else.
    """
    if kind == "push":
        return recipient.devices if isinstance(recipient, Customer) else ()
    if kind == "inbox":
        return (recipient.id,) if isinstance(recipient, Customer) and not recipient.erased else ()
    if kind in {"email", "sms"}:
        one = recipient.email if kind == "email" else recipient.phone
    else:
        one = recipient.id if isinstance(recipient, Customer) else recipient.email
    return (one,) if one else ()


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


class Hours(NamedTuple):
    """What a channel must wait for, the best first: the next counts where one leaves no moment in time.

    ``habits`` are when the recipient usually looks there.
    """

    ways: Sequence[Way]
    habits: tuple[Window, ...]


class Asked(NamedTuple):
    """One message that looks for its moment: everything it depends on but what the customer had of us."""

    rule: Rule
    firing: Firing
    case: Case
    who: Customer | Person
    clock: Clock
    expires: datetime
    hours: dict[str, "Hours"]  # by channel, once somebody asked; shared by all who ask the same

    @property
    def start(self) -> datetime:
        """From when it may leave: the news, or when the channel before it was given up."""
        return self.firing.step_at or self.firing.news


def asked(rule: Rule, firing: Firing, case: Case) -> Asked:
    """Gather whose time counts for a firing, and until when it is useful."""
    who = recipient(rule.to, case.order, case.customer)
    if firing.step_at is not None:
        rule = _whenever(rule)
    timing = rule.timing
    same = (
        rule.to, rule.purpose, timing.at, timing.hours, timing.business_hours, timing.business_days,
        timing.skip_holidays,
    )  # fmt: skip
    shared = case.made.get(same)
    if shared is None:
        clock = clock_of(who, rule, case)
        own = (who.windows, who.habits, who.learning) if isinstance(who, Customer) else who.working_hours
        there = (same, clock, own, case.zone, case.business, case.journey.hours)  # all that hours depend on
        shared = case.made[same] = clock, case.hours.setdefault(there, {})
    clock, hours = shared
    return Asked(rule, firing, case, who, clock, expiry(rule, firing, case), hours)


def _whenever(rule: Rule) -> Rule:
    """The same without a time of day of its own: who did not hear by one channel waits for no other day."""
    if not isinstance(rule.timing.at, time):
        return rule
    return replace(rule, timing=replace(rule.timing, at="preferred"))


def timed(one: Asked) -> Timed:
    """Move a firing to its first good moment on each channel, in the order the customer prefers.

    A customer nobody has told us about is waited for, until the message would be useless.
    """
    if isinstance(one.who, Customer) and not one.who.known:
        return Timed(max(one.firing.news, one.expires), one.expires, (), ())
    return _timed(one, _cap(one))


def timed_beside(one: Asked, limit: Limit) -> Timed | None:
    """The same beside what is planned for the customer; ``None`` where no day in time has room."""
    now, expires = one.case.now, one.expires
    if now < expires <= limit.room(max(now, one.start)):  # no need to look closer
        return None
    when = _timed(one, cap_on(limit))
    return when if when.steps else None


def _timed(one: Asked, cap: Gate | None) -> Timed:
    news, expires = one.firing.news, one.expires
    steps, late = _steps(one, cap, ENDLESS)
    if late and not steps and any(len(hours.ways) > 1 for hours in one.hours.values()):
        # All of a habit is better than no moment in it, and the default hours than a colleague not at work.
        steps, late = _steps(one, cap, expires)
    due = steps[0].at if steps else one.start
    if one.rule.combine is not None and steps and news < expires and one.firing.step_at is None:
        due = _with_others(one, one.rule.combine, steps[0], cap)
    return Timed(due, expires, tuple(steps), tuple(late))


def _steps(one: Asked, cap: Gate | None, before: datetime) -> tuple[list[Step], list[str]]:
    """The channels that reach somebody with their moments, and those that come too late.

    The last part of a habit that leaves no moment *before* that gives way to all of it.
    """
    rule, firing, case, who, clock, expires, _ = one
    steps: list[Step] = []
    late: list[str] = []
    for channel in channels_for(rule, case, who):
        if channel in firing.tried or not addresses(case.policy.kind(channel), who):
            continue
        if expires <= firing.news:  # old already when it was heard: it ends as expired at once
            steps.append(Step(channel, firing.news))
            continue
        hours = hours_of(one, channel)
        moment, why = _good(one, hours.ways, cap, before)
        if moment is None:
            late.append(f"{channel}: {NEVER} ({why})")
        elif moment >= expires:
            not_before = f"{channel}: not before {calendar.show(moment, clock.zone)}"
            late.append(f"{not_before}, {why}" if why else not_before)
        else:
            since = _unless_active(one, hours, moment)
            where = (rule.timing.unless_active or ()) if since is not None else ()
            if by := unlisted(channel, case.policy.kind(channel), who):
                why = f"{why}; {by}" if why else by
            steps.append(Step(channel, moment, why, since, where))
    return steps, late


def clock_of(who: Customer | Person, rule: Rule, case: Case) -> Clock:
    """By whose time this rule's message waits, and what is in doubt about it.

    Marketing to somebody whose zone is not known waits for hours that are allowed in every zone of their
    country.
    """
    zone = zone_of(who, case.zone)
    doubt, written = "", case.policy.law
    if who.time_zone != zone and rule.to not in STAFF:  # whose clocks are those of the place they work at
        doubt = law.UNHEARD if not who.time_zone else law.NO_ZONE
    marketing = rule.purpose is Purpose.MARKETING
    place = ("", "")
    if rule.purpose in written.purposes or (doubt and marketing):
        place = law.place_of(who, zone, written)
    candidates = law.clocks(zone, place[0], written) if doubt and marketing else (zone,)
    if doubt:
        whose = (
            f"by the clocks of {candidates[0]}" if len(candidates) == 1 else f"allowed all over {place[0]}"
        )
        doubt = f"{whose}: {doubt}"
    return Clock(zone, doubt, candidates, place)


def _cap(one: Asked) -> Gate | None:
    """What the customer had besides this very message, as far as it may keep it back."""
    rule, firing, case, who, clock, *_ = one
    if not isinstance(who, Customer) or not who.sent:
        return None
    had = case.made.get(Had)
    if had is None:
        had = case.made[Had] = counting(who.sent, case.policy.caps, clock.zone, case.now)
    key = case.key(rule, firing)
    if key in had.keys:
        return cap_on(had.limit(rule.purpose, key))
    if rule.purpose not in case.made:
        case.made[rule.purpose] = cap_on(had.limit(rule.purpose, key))
    found: Gate | None = case.made[rule.purpose]
    return found


def _good(
    one: Asked, found: Sequence[Way], cap: Gate | None, before: datetime
) -> tuple[datetime | None, str]:
    """The first good moment after the news by one of the ways that were *found*, and why not before.

    When that has passed unused (an outage, a retry) and now is no good moment, it is the next one.
    """
    rule, _, case, _, clock, expires, _ = one
    news = one.start
    base, own = _base(rule, news, clock, case)
    moment, why = allowed(base, found, cap, clock, before)
    if moment is not None and moment < case.now < expires:
        again, why_again = allowed(case.now, found, cap, clock, before)
        if again != case.now:
            moment, why = again, why_again
    return moment, why or (own if moment != news else "")


def _base(rule: Rule, news: datetime, clock: Clock, case: Case) -> tuple[datetime, str]:
    """The *news*, or the rule's own time of day after it, and that it is that."""
    at = rule.timing.at
    if not isinstance(at, time):
        return news, ""
    base = _at_local(news, at, clock.zone)
    if rule.timing.business_days:
        base = _on_business_day(base, at, clock.zone, case)
    doubt = f" ({clock.doubt})" if clock.doubt else ""
    return base, f"the rule sends at {at:%H:%M}{doubt}"


def _with_others(one: Asked, wait: Duration, step: Step, cap: Gate | None) -> datetime:
    """When it leaves if no other takes it along: *wait* after its first good moment, and never too late.

    A newer message does not begin to wait anew: it goes on with the wait of the one whose place it takes. If
    there is no good moment between the end of the wait and the expiry, it does not wait at all.
    """
    rule, firing, case, _, clock, expires, _ = one
    base, _ = _base(rule, firing.since or firing.news, clock, case)
    found = hours_of(one, step.channel).ways
    first, _ = allowed(base, found, cap, clock, expires)
    until = min(case.add(first or step.at, wait), expires - LAST_CALL)
    if until <= step.at:
        return step.at
    moment, _ = allowed(until, found, cap, clock, expires)
    if moment is None or moment >= expires:
        return step.at
    if moment < case.now < expires:
        again, _ = allowed(case.now, found, cap, clock, expires)
        return moment if again is None or again == case.now else again
    return moment


def channels_for(rule: Rule, case: Case, who: Customer | Person) -> tuple[str, ...]:
    """The rule's channels (or the policy's), those the customer listed first, in their order.

    What a customer must hear for their order or their safety leaves by the others too; nothing else does.
    """
    offered = rule.channels or case.policy.preference
    chosen = who.channels
    if not chosen:
        return offered
    kind = case.policy.kind
    listed = tuple(dict.fromkeys(one for name in chosen for one in offered if name in (one, kind(one))))
    if rule.purpose not in MUST_HEAR:
        return listed
    return listed + tuple(channel for channel in offered if channel not in listed)


def unlisted(channel: str, kind: str, who: Customer | Person) -> str:
    """That the customer listed other channels than this one, or ""."""
    if not who.channels or channel in who.channels or kind in who.channels:
        return ""
    return f"by {channel}{UNLISTED}{', '.join(who.channels)}"


def hours_of(one: Asked, channel: str) -> Hours:
    """The hours of this channel; what must be heard for somebody's safety waits for none."""
    found = one.hours.get(channel)
    if found is None:
        kind = one.case.policy.kind(channel)
        habits_there = habits_of(one.who, channel, kind) if isinstance(one.who, Customer) else ()
        ways = [Way(())]
        if one.rule.purpose is not Purpose.SECURITY:
            must = duties(one.rule, channel, one.clock, one.case)
            wished = wishes(one.rule, channel, one.who, one.clock, one.case)
            ways = [Way((*wish, *must), firm=firm) for wish, firm in wished]
        found = one.hours[channel] = Hours(ways, habits_there)
    return found


def allowed(
    base: datetime, found: Sequence[Way], cap: Gate | None, clock: Clock, before: datetime
) -> tuple[datetime | None, str]:
    """The first moment from *base* on at which one of the ways is open, and why not earlier.

    The next way counts where one leaves no moment *before* that, or, of a firm one, no moment at all. Where
    none does, it is what the last of them leaves.
    """
    moment, why, way = None, "", found[0]
    for way in found:
        moment, why = way.through(base, cap)
        if moment is not None and (way.firm or moment < before):
            break
    if clock.doubt and (way.gates or cap is not None):
        why = f"{why} ({clock.doubt})" if why else clock.doubt
    return moment, why


def _unless_active(one: Asked, hours: Hours, moment: datetime) -> datetime | None:
    """Since when the customer must not have been active: the later of the habit's start and our hearing."""
    if one.rule.timing.unless_active is None or not isinstance(one.who, Customer):
        return None
    began = habits.began(hours.habits, moment, one.clock.zone)
    return one.firing.news if began is None else max(one.firing.news, began)


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
