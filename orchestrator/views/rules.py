"""Rules as people read them: journeys drawn as phases, each rule with what it watches for, in words. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time

from orchestrator.journey import NOTHING, Duration, Journey, Mode, On, Rule, RuleBook


@dataclass(frozen=True, slots=True)
class RuleCard:
    """One rule at a glance."""

    id: str
    title: str
    watches: str
    on: str
    says: tuple[str, ...]
    tasks: tuple[str, ...]
    to: tuple[str, ...]
    channels: tuple[str, ...]
    mode: str
    paused: str


@dataclass(frozen=True, slots=True)
class MilestoneView:
    """A milestone, what it is promised by, and the rules that watch it."""

    name: str
    promised: str
    closes: bool
    rules: tuple[RuleCard, ...]


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A phase with its milestones, in the order of the path."""

    name: str
    milestones: tuple[MilestoneView, ...]


@dataclass(frozen=True, slots=True)
class JourneyView:
    """A journey as it is drawn; ``always`` are the rules that watch no milestone of their own."""

    id: str
    title: str
    path: str
    phases: tuple[PhaseView, ...]
    always: tuple[RuleCard, ...]
    count: int


def journeys(book: RuleBook, paused: Mapping[str, str]) -> tuple[JourneyView, ...]:
    """Return every journey in force; *paused* says why rules stand still."""
    return tuple(_journey(journey, paused) for _, journey in sorted(book.journeys.items()))


def _journey(journey: Journey, paused: Mapping[str, str]) -> JourneyView:
    cards = {rule.id: card(rule, paused.get(rule.id, "")) for rule in journey.rules}
    by_milestone: dict[str, list[RuleCard]] = {}
    for rule in journey.rules:
        by_milestone.setdefault(rule.trigger.milestone, []).append(cards[rule.id])
    phases = tuple(
        PhaseView(
            name,
            tuple(
                MilestoneView(
                    one,
                    _promised(journey.promises.get(one)),
                    one == journey.last,
                    tuple(by_milestone.get(one, ())),
                )
                for one in milestones
            ),
        )
        for name, milestones in journey.phases.items()
    )
    rest = (found for name, found in by_milestone.items() if name not in journey.position)
    always = tuple(one for found in rest for one in found)
    return JourneyView(journey.id, journey.title, journey.path, phases, always, len(journey.rules))


def _promised(relative: tuple[str, Duration] | None) -> str:
    return "" if relative is None else f"{relative[0]} + {relative[1]}"


def card(rule: Rule, paused: str = "") -> RuleCard:
    """Return one rule at a glance; *paused* says why it stands still."""
    return RuleCard(
        rule.id,
        rule.title,
        watches(rule),
        rule.trigger.on.value,
        tuple(dict.fromkeys(rung.say for rung in rule.rungs if rung.say)),
        tuple(dict.fromkeys(f"{rung.task.do} ({rung.task.for_})" for rung in rule.rungs if rung.task)),
        (rule.to, *rule.also_to) if any(rung.say for rung in rule.rungs) else (),
        rule.channels,
        "" if rule.mode is Mode.LIVE else rule.mode.value,
        paused,
    )


def watches(rule: Rule) -> str:
    """What makes a rule due, in words."""
    on = rule.trigger
    day, name = _days(on.by), on.milestone.replace("_", " ")
    match on.on:
        case On.REACHED:
            return f"when {name} happens"
        case On.MISSED if on.closes is not None:
            return f"when {name} has not happened by {_clock(on.closes)} on the promised day"
        case On.MISSED:
            return f"when {name} has not happened {day + ' after' if day else 'by'} its promise"
        case On.UPCOMING:
            before = _days(on.before)
            hour = f", at {_clock(on.at)}" if on.at else ""
            if on.before_closing is not None:
                hour += f", and no later than {_days(on.before_closing)} before closing"
            return (
                f"{before} before {name} is due{hour}"
                if before
                else (f"on the day {name} is promised for{hour}")
            )
        case On.AFTER:
            return f"{day} after {name}"
        case On.MOVED:
            far = f" by {day} or more" if day else ""
            way = "" if on.direction == "either" else f", {on.direction}"
            return f"when {name} is promised for another time{far}{way}"
        case On.STUCK:
            since = "the last milestone" if on.milestone == "any" else name
            return f"when nothing happens for {_days(on.for_)} after {since}"
        case On.SILENT:
            return f"when nobody has said anything for {_days(on.for_)}"
        case On.RETRACTED:
            return f"when {name} is taken back"
        case On.EVENT:
            return f"when {on.event} is heard"


_UNITS = {"bd": "business day", "bh": "business hour", "w": "week", "d": "day", "h": "hour", "m": "minute"}


def _days(length: Duration) -> str:
    """``3 business days`` of ``3bd``; what is of several parts stays as it is written."""
    if length == NOTHING or not length.text.strip("0dhmsbw"):
        return ""
    for unit, name in _UNITS.items():
        number = length.text.removesuffix(unit)
        if number.isdigit() and number != length.text:
            return f"{number} {name}{'' if number == '1' else 's'}"
    return length.text


def _clock(at: time) -> str:
    return f"{at:%H:%M}"


def source_of(rule: Rule, journeys_: Iterable[Journey], text: str) -> str:
    """The lines of a file that hold this rule."""
    lines = text.splitlines()
    later = [
        other.line
        for journey in journeys_
        for other in journey.rules
        if other.path == rule.path and other.line > rule.line
    ]
    end = min(later, default=len(lines) + 1)
    found = lines[rule.line - 1 : end - 1]
    while found and (not found[-1].strip() or found[-1].lstrip().startswith("#")):
        found.pop()
    margin = min((len(line) - len(line.lstrip()) for line in found if line.strip()), default=0)
    return "\n".join(line[margin:] for line in found)
