"""What a message must wait for, as gates: it leaves at the first moment at which all are open. Pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from functools import lru_cache, partial
from itertools import cycle
from typing import NamedTuple

from orchestrator.journey import BusinessCalendar, Rule
from orchestrator.model import STAFF, Customer, Person, Window
from orchestrator.planning.case import Case
from orchestrator.timing import calendar, habits, law
from orchestrator.timing.caps import Limit

CHOSEN = "outside the hours the customer chose"
LOOKS = "when the customer usually looks"
WORKS = "outside their working hours"
DEFAULT = "outside the default hours"
QUIET = "in the quiet hours"
CLOSED = "the location is closed"
HOLIDAY = "the location has a holiday"


class Gate(NamedTuple):
    """Lets a message pass at some times, and says *why* not at others.

    ``opens`` returns the moment it is given, the first later one that may pass, or ``None`` for never.
    ``rare`` gates may stay shut for longer than a fortnight.
    """

    why: str
    opens: Callable[[datetime], datetime | None]
    rare: bool = False


def through(moment: datetime, gates: Sequence[Gate]) -> tuple[datetime | None, str]:
    """Return the first moment from *moment* on at which all gates are open, and which kept it back.

    ``None`` when there is none within 15 days, or within 400 where only a rare gate keeps it so long.
    """
    start, last = moment, moment + calendar.CYCLE
    reasons: dict[str, None] = {}
    open_ones = 0  # so many in a row are open at *moment*
    for why, opens, _ in cycle(gates):
        then = opens(moment)
        if then is None:
            return None, why
        if then <= moment:
            open_ones += 1
        else:
            if then > last:
                usual = [one for one in gates if not one.rare]
                if len(usual) == len(gates) or then > start + calendar.HORIZON:
                    return None, why
                if (never := through(start, usual))[0] is None:
                    return never
                last = start + calendar.HORIZON
            moment, open_ones = then, 1
            reasons[why] = None
        if open_ones == len(gates):
            break
    return moment, ", ".join(reasons)


class Led(NamedTuple):
    """Where asking each gate once, one after the other, led; which kept it back; ``None`` if one never opens.

    ``settled`` says that all of them are open then.
    """

    then: datetime | None
    kept: Sequence[str]
    settled: bool


class Way:
    """What one channel must wait for besides the customer's caps.

    It remembers where its gates led from a moment: the messages of one order meet the same moments. One that
    is ``firm`` gives way to the next only if it never opens; any other also if it opens too late.
    """

    __slots__ = ("_led", "firm", "gates")

    def __init__(self, gates: Sequence[Gate], *, firm: bool = False) -> None:
        self.gates = tuple(gates)
        self.firm = firm
        self._led: dict[datetime, Led] = {}

    def through(self, moment: datetime, cap: Gate | None) -> tuple[datetime | None, str]:
        """The same as :func:`through` these gates and the *cap*."""
        start, last = moment, moment + calendar.CYCLE
        reasons: list[str] = []
        while moment <= last:
            led = self._led.get(moment)
            if led is None:
                led = self._led[moment] = self._lead(moment)
            then, kept, settled = led
            if then is None:
                break
            reasons += kept
            room = then if cap is None else cap.opens(then)
            if room is None:
                break
            if room > then:
                assert cap is not None
                reasons.append(cap.why)
            elif settled and then <= last:
                return then, ", ".join(dict.fromkeys(reasons)) if reasons else ""
            moment = room
        # It never opens, or only a rare gate keeps it so long.
        return through(start, self.gates if cap is None else (*self.gates, cap))

    def _lead(self, moment: datetime) -> Led:
        kept: list[str] = []
        settled = True  # a gate that is asked about a moment it named itself is open
        for index, (why, opens, _) in enumerate(self.gates):
            then = opens(moment)
            if then is None:
                return Led(None, (), settled=False)
            if then > moment:
                moment, settled = then, not index
                kept.append(why)
        return Led(moment, kept, settled)


# ── when the customer wants it ───────────────────────────────────────────────


class Clock(NamedTuple):
    """By whose time a message waits: the recipient's zone, or the order's where theirs is not known.

    ``doubt`` says why it is not the recipient's own, "" if it is; ``candidates`` are all zones that may be
    theirs, ``place`` is their country and region, as far as the law asks.
    """

    zone: str
    doubt: str
    candidates: tuple[str, ...]
    place: tuple[str, str]


def wishes(
    rule: Rule, channel: str, who: Customer | Person, clock: Clock, case: Case
) -> Iterator[tuple[tuple[Gate, ...], bool]]:
    """What the recipient's day asks for, the best first, and whether that is firm (:class:`Way`).

    What they chose for this channel stands alone. Of a habit it is the last part, else all of it; the default
    hours only where quiet hours leave nothing of it. These are nobody's own: they must be open in every zone
    that may be the recipient's. Staff are written to at work, else in the default hours.
    """
    zone = clock.zone
    if rule.timing.at == "now":
        yield (), False
        return
    if isinstance(who, Customer):
        kind = case.policy.kind(channel)
        chosen = for_channel(who.windows, channel, kind)
        if chosen:
            yield (_open(CHOSEN, chosen, zone),), False
            return
        if rule.timing.at == "preferred" and (habit := habits_of(who, channel, kind)):
            lead = case.policy.habit_lead
            yield (_open(LOOKS, tuple(habits.last_part(one, lead) for one in habit), zone),), False
            yield (_open(LOOKS, habit, zone),), True
    elif rule.to in STAFF and rule.timing.at == "preferred" and who.working_hours:
        yield (_open(WORKS, who.working_hours, zone),), False
    default = rule.timing.hours or case.journey.hours
    if rule.timing.at == "preferred" and default is not None:
        yield tuple(_open(DEFAULT, _every_day(*default), one) for one in clock.candidates), False
    else:
        yield (), False


def for_channel(windows: tuple[Window, ...], *names: str) -> tuple[Window, ...]:
    """Those of the first of these channels that has any, else those of every channel."""
    if not windows:
        return ()
    for name in (*dict.fromkeys(names), ""):
        if mine := tuple([one for one in windows if (one.channel or "") == name]):
            return mine
    return ()


def habits_of(who: Customer, *channels: str) -> tuple[Window, ...]:
    """When the customer usually looks there, if they let us notice."""
    return for_channel(who.habits, *channels) if who.habits and who.learning else ()


@lru_cache(maxsize=256)  # the hours that rules and journeys declare
def _every_day(start: time, end: time) -> tuple[Window, ...]:
    return (Window(calendar.EVERY_DAY, start, end),)


def _open(why: str, windows: tuple[Window, ...], zone: str) -> Gate:
    return Gate(why, partial(calendar.next_open, windows=windows, zone=zone))


# ── what nobody can wish away ────────────────────────────────────────────────


def duties(rule: Rule, channel: str, clock: Clock, case: Case) -> list[Gate]:
    """Quiet hours of policy and law, and what the rule asks of the location."""
    policy, timing = case.policy, rule.timing
    found: list[Gate] = []
    zones = clock.candidates
    quiet = policy.quiet.get(rule.purpose)
    if quiet is not None and channel not in policy.silent:
        found += [Gate(QUIET, partial(calendar.leave_quiet, quiet=quiet, zone=one)) for one in zones]
    country, region = clock.place
    legal = law.hours(policy.law, country, region, rule.purpose, policy.kind(channel)) if country else None
    if legal is not None:
        place = f"{country}-{region}" if region else country
        why = f"outside the hours the law allows {rule.purpose.value} by {channel} in {place}"
        found += [Gate(why, partial(while_open, zone=one, business=legal), rare=True) for one in zones]
    if timing.business_hours:
        found.append(Gate(CLOSED, partial(while_open, zone=case.zone, business=case.business), rare=True))
    elif timing.business_days:
        found.append(business_days(case.zone, case.business))
    elif timing.skip_holidays:
        found.append(Gate(HOLIDAY, partial(_no_holiday, zone=case.zone, business=case.business), rare=True))
    return found


def while_open(moment: datetime, zone: str, business: BusinessCalendar) -> datetime | None:
    """Return *moment* during opening hours, else the next opening; ``None`` if there is none."""
    if calendar.reads_open(moment, zone, business):
        return moment
    try:
        return calendar.next_business(moment, zone, business)
    except ValueError:  # it never opens
        return None


def business_days(zone: str, business: BusinessCalendar) -> Gate:
    """Open all day on the days on which the business opens."""

    def opens(moment: datetime) -> datetime | None:
        return _first_day(moment, zone, lambda day: calendar.business_day(day, business))

    return Gate(CLOSED, opens, rare=True)


def _no_holiday(moment: datetime, zone: str, business: BusinessCalendar) -> datetime | None:
    return _first_day(moment, zone, lambda day: day not in business.holidays)


def _first_day(moment: datetime, zone: str, good: Callable[[date], bool]) -> datetime | None:
    """*moment*, or the start of the next good day."""
    first = calendar.day_of(moment, zone)
    for ahead in range(calendar.HORIZON.days):
        day = first + ahead * calendar.DAY
        if good(day):
            start = moment if not ahead else calendar.local(day, calendar.MIDNIGHT, zone)
            return start if start >= moment else calendar.next_open(moment, (_whole(day),), zone)
    return None


def _whole(day: date) -> Window:
    """A day that had begun and was left again: at 00:01 the clocks went back into the day before."""
    return Window(frozenset({day.weekday()}), calendar.MIDNIGHT, calendar.MIDNIGHT)


def cap_on(limit: Limit) -> Gate | None:
    """The cap on what a customer had, where it may keep one more back."""
    why = limit.reached()
    return Gate(why, limit.room, rare=True) if why else None
