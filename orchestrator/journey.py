"""What operations wrote, as values: journeys, rules, triggers, rungs, timing. Standard library only.

:mod:`orchestrator.rules` turns files into these; the planner reads nothing else.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from orchestrator.model import Person, Purpose


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as rules write it: ``15m``, ``6h``, ``2d``, ``1w``, ``3bd``, ``4bh``, ``1d12h``.

    Seconds are elapsed time; days keep the wall clock; business days and hours follow the location's
    calendar. Months are not durations. Parts are added days first, then business days, business
    minutes, seconds.
    """

    days: int = 0
    business_days: int = 0
    business_minutes: int = 0
    seconds: int = 0
    text: str = "0d"

    def __str__(self) -> str:
        return self.text


NOTHING = Duration()


class On(StrEnum):
    """The triggers; each is one function in :mod:`orchestrator.planning.triggers`."""

    REACHED = "reached"
    MISSED = "missed"
    UPCOMING = "upcoming"
    AFTER = "after"
    MOVED = "moved"
    STUCK = "stuck"
    SILENT = "silent"
    RETRACTED = "retracted"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What makes a rule due (docs/reference/triggers.md)."""

    on: On
    milestone: str = ""  # "" for silent and event; "any" for stuck
    by: Duration = NOTHING  # missed, after, moved
    before: Duration = NOTHING  # upcoming
    for_: Duration = NOTHING  # stuck, silent
    settle: Duration = NOTHING  # moved
    direction: str = "either"  # moved: later, sooner, either
    at: time | None = None  # upcoming: local time on that day
    closes: time | None = None  # missed: a day's promise ends at this local time on that very day
    event: str = ""  # event: the type
    before_closing: Duration | None = None  # upcoming: at the latest so long before the location closes


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """Whom to task with what; unacknowledged *within*, it goes to *then*."""

    for_: str
    do: str
    within: Duration | None = None
    then: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """The next thing said when silence goes on.

    Rung 1 has neither *after* nor *every*. ``after`` is counted from rung 1; ``every`` from the rung
    before, again and again, *at_most* times.
    """

    say: str = ""
    task: TaskSpec | None = None
    after: Duration | None = None
    every: Duration | None = None
    at_most: int = 1
    when: "Condition | None" = None  # beside the rule's own


class Verdict(Protocol):
    """A condition's answer: true, false, or unknown (``None``) with why, and the values it saw."""

    @property
    def value(self) -> bool | None: ...  # noqa: D102
    @property
    def why(self) -> str: ...  # noqa: D102
    @property
    def values(self) -> Mapping[str, Any]: ...  # noqa: D102


class Condition(Protocol):
    """A compiled ``when:``; see :mod:`orchestrator.conditions`."""

    @property
    def text(self) -> str:
        """The expression as it was written."""
        ...

    def evaluate(self, variables: Mapping[str, Any]) -> Verdict:
        """Decide over the typed variables of :func:`orchestrator.conditions.variables`."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """When a rule's message leaves, seen from its trigger.

    ``at``: ``preferred`` (the customer's window, else their habit, else the default hours), ``now`` (no
    window but the law's), or a local time. ``within`` counts from the later of happened and heard,
    ``stale_after`` from happened.
    """

    at: str | time = "preferred"
    within: Duration | None = None
    stale_after: Duration | None = None
    business_days: bool = False  # wait for a business day of the location
    hours: tuple[time, time] | None = None  # default hours of this rule, in place of the journey's
    business_hours: bool = False  # wait until the location is open
    skip_holidays: bool = False  # wait until the location's holiday is over; other closed days do not matter
    unless_active: tuple[str, ...] | None = None  # not to who was active meanwhile there; (): anywhere


class Mode(StrEnum):
    """``shadow`` decides and records but sends and tells nothing."""

    LIVE = "live"
    SHADOW = "shadow"
    OFF = "off"


@dataclass(frozen=True)
class Rule:
    """Trigger + condition + what to say or whom to task + timing."""

    id: str
    journey: str
    trigger: Trigger
    rungs: tuple[Rung, ...]  # never empty; a rule without `rungs:` has one
    channels: tuple[str, ...] = ()
    to: str = "customer"
    also_to: tuple[str, ...] = ()  # others who hear the same, each on their own
    purpose: Purpose = Purpose.SERVICE
    timing: Timing = Timing()
    when: Condition | None = None
    tells: tuple[str, ...] = ()
    combine: Duration | None = None  # how long it waits for others of the rule to the same person
    until: str = "accepted"  # how far a message must get: accepted, delivered or opened …
    until_by: tuple[tuple[str, str], ...] = ()  # the same by channel; one that is not named: accepted
    fallback_after: Duration | None = None  # … or else, so long after it was accepted, the next channel
    mode: Mode = Mode.LIVE
    catch_up: bool = False
    title: str = ""
    path: str = ""
    line: int = 0

    @cached_property
    def for_others(self) -> tuple["Rule", ...]:
        """The same rule to each of the others, who are told and never tasked."""
        rungs = tuple(replace(rung, task=None) for rung in self.rungs)
        return tuple(replace(self, to=role, also_to=(), rungs=rungs) for role in self.also_to)

    def aim(self, *channel: str) -> str:
        """How far a message must get by a *channel*, which goes by its name or its kind."""
        if not self.until_by:
            return self.until
        named = dict(self.until_by)
        return next((named[name] for name in channel if name in named), "accepted")

    def rung(self, number: int) -> Rung | None:
        """The rung of that *number* (from 1), ``every`` counted out; ``None`` past the last."""
        for rung in self.rungs:
            if number <= rung.at_most:
                return rung
            number -= rung.at_most
        return None


@dataclass(frozen=True)
class Rider:
    """One line that rides along in the next mail of some rules, once for a customer, and never alone.

    ``line`` is its text by language.
    """

    id: str
    line: Mapping[str, str]
    rules: tuple[str, ...]
    when: Condition | None = None
    purpose: Purpose = Purpose.MARKETING


@dataclass(frozen=True)
class Journey:
    """The declared path of an order: phases with milestones, relative promises, attributes, rules."""

    id: str
    title: str = ""
    phases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    promises: Mapping[str, tuple[str, Duration]] = field(default_factory=dict)  # milestone: (base, offset)
    attributes: Mapping[str, str] = field(default_factory=dict)  # name: text, text?, number, flag, date …
    hours: tuple[time, time] | None = None  # default hours for messages without a customer's window
    closes: str = ""  # the milestone that completes the order; default: the last one
    rules: tuple[Rule, ...] = ()
    riders: tuple[Rider, ...] = ()
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by language
    path: str = ""

    @cached_property
    def milestones(self) -> tuple[str, ...]:
        """Every milestone in the order of the path."""
        return tuple(name for phase in self.phases.values() for name in phase)

    @cached_property
    def events(self) -> frozenset[str]:
        """The types of events that a rule waits for."""
        return frozenset(rule.trigger.event for rule in self.rules if rule.trigger.on is On.EVENT)

    @cached_property
    def by_id(self) -> Mapping[str, "Rule"]:
        """Each rule by its id."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def silent(self) -> tuple["Rule", ...]:
        """The rules about silence."""
        return tuple(rule for rule in self.rules if rule.trigger.on is On.SILENT)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Where on the path each milestone stands."""
        return {name: index for index, name in enumerate(self.milestones)}

    @cached_property
    def last(self) -> str:
        """The milestone that completes the order."""
        return self.closes or (self.milestones[-1] if self.milestones else "")

    def name_of(self, what: str, *locales: str) -> str:
        """What customers call a milestone, or the journey, in the first of these languages; or ""."""
        names = self.names.get(what, {})
        for locale in locales:
            for one in (locale, locale.partition("-")[0]):
                if one in names:
                    return names[one]
        return ""

    @cached_property
    def closes_at(self) -> Mapping[str, time]:
        """When a promise for a day counts as broken on that very day, where a live rule says so."""
        found: dict[str, time] = {}
        for rule in self.rules:
            trigger, mode = rule.trigger, rule.mode
            if trigger.on is On.MISSED and trigger.closes is not None and mode is Mode.LIVE:
                found[trigger.milestone] = min(trigger.closes, found.get(trigger.milestone, trigger.closes))
        return found

    def phase_of(self, milestone: str) -> str:
        """The phase a milestone belongs to, or ""."""
        return next((phase for phase, names in self.phases.items() if milestone in names), "")


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """A location's business: weekly opening hours and the days it is closed.

    ``hours`` maps a weekday (0 Monday) to (opens, closes) in local time; a missing weekday is closed.
    """

    hours: Mapping[int, tuple[time, time]]
    holidays: Container[date] = frozenset()

    def __hash__(self) -> int:
        """The same for equal ones, and soon told: what follows from a calendar is kept under it."""
        return len(self.hours)


WEEKDAYS_9_TO_17 = BusinessCalendar({day: (time(9), time(17)) for day in range(5)})


@dataclass(frozen=True, slots=True)
class LegalHours:
    """When the law lets messages of some purposes reach people of one place, by their own clocks.

    ``place`` is an ISO 3166 code: ``FR``, or ``US-TX`` for a part of a country. No channels: all of them.
    """

    place: str
    purposes: frozenset[Purpose]
    channels: frozenset[str]
    hours: BusinessCalendar
    source: str  # where it can be read
    checked: date


@dataclass(frozen=True, eq=False)
class Law:
    """The hours of the law, the time zones of every country (ISO 3166), and the parts of some.

    Of a country whose parts are not listed every code is taken for one.
    """

    hours: tuple[LegalHours, ...] = ()
    zones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def purposes(self) -> frozenset[Purpose]:
        """The purposes about which it says anything."""
        return frozenset(purpose for one in self.hours for purpose in one.purposes)

    @cached_property
    def country_of(self) -> Mapping[str, str]:
        """The country of each zone."""
        return {zone: country for country, zones in self.zones.items() for zone in zones}


@dataclass(frozen=True, slots=True)
class Cap:
    """How many messages a customer gets at most on one of their days, and in one of their weeks."""

    day: int | None = None
    week: int | None = None


NOBODY = Person()
NO_LAW = Law()
HABIT_LEAD = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the company settled once for every rule: zones, calendars, quiet hours, caps.

    ``quiet`` maps a purpose to the local hours (from, to) in which nothing of it rings, ``caps`` one to
    how often a customer hears it; ``None`` there means all of them together. ``reports`` says by channel
    whether anybody reports that a message was ``delivered`` or ``opened``; of others nothing is waited for.
    """

    time_zone: str = "UTC"
    calendars: Mapping[str, BusinessCalendar] = field(default_factory=dict)
    quiet: Mapping[Purpose, tuple[time, time]] = field(default_factory=dict)
    preference: tuple[str, ...] = ("push", "sms", "email")  # channel order when a rule names none
    manager: Person = NOBODY  # of orders that name none
    law: Law = NO_LAW
    caps: Mapping[Purpose | None, Cap] = field(default_factory=dict)
    habit_lead: timedelta = HABIT_LEAD  # how long before a habit's end a message should be there
    reports: Mapping[str, str] = field(default_factory=dict)  # how far one hears of a channel's messages
    silent: frozenset[str] = frozenset()  # channels that wake nobody: quiet hours are not for them
    kinds: Mapping[str, str] = field(default_factory=dict)  # by channel, where its name is another

    def kind(self, channel: str) -> str:
        """What kind of channel that is: whose addresses it writes to, and whose texts it says."""
        return self.kinds.get(channel, channel)

    def calendar(self, name: str) -> BusinessCalendar:
        """The calendar of that name, the one called ``default``, or Monday to Friday 9 to 17."""
        return self.declared(name) or WEEKDAYS_9_TO_17

    def declared(self, name: str) -> BusinessCalendar | None:
        """The calendar of that name, or the one called ``default``, if the settings have either."""
        return self.calendars.get(name) or self.calendars.get("default")


@dataclass(frozen=True)
class RuleBook:
    """Every journey in force, and since when each rule counts.

    ``number`` tells what is in force in a ledger from what was; none where no ledger holds it.
    """

    journeys: Mapping[str, Journey] = field(default_factory=dict)
    policy: Policy = Policy()
    activated: Mapping[str, Any] = field(default_factory=dict)  # rule id: datetime; absent: always
    number: int | None = None

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id, wherever it stands (ids are unique over all files)."""
        return self._by_id.get(rule_id)

    @cached_property
    def capped(self) -> bool:
        """May one of the caps keep back what any of the rules says?"""
        caps = self.policy.caps
        together = set() if None not in caps else {Purpose.RELATIONSHIP, Purpose.MARKETING}
        rules = (rule for journey in self.journeys.values() for rule in journey.rules)
        return bool(caps) and any(rule.purpose in caps or rule.purpose in together for rule in rules)

    @cached_property
    def combines(self) -> bool:
        """May what is said of one order leave with what is said of another?"""
        return any(rule.combine is not None for journey in self.journeys.values() for rule in journey.rules)

    @cached_property
    def gathers_for_staff(self) -> bool:
        """May one message be about the orders of several customers?"""
        staff = {"owner", "manager"}
        rules = (rule for journey in self.journeys.values() for rule in journey.rules)
        return any(
            rule.combine is not None and not staff.isdisjoint((rule.to, *rule.also_to)) for rule in rules
        )

    @cached_property
    def _by_id(self) -> Mapping[str, Rule]:
        return {rule.id: rule for journey in self.journeys.values() for rule in journey.rules}
