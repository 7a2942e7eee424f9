"""How a customer wants to hear from us, as a form shows it, and what a filled-in form changes. Pure.

The form knows whole bands of hours for all channels. What a customer chose elsewhere and more finely (an
hour, a channel) is listed beside it and kept until they untick it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from orchestrator.journey import Journey, Policy
from orchestrator.model import STAFF, Customer, Purpose, Window
from orchestrator.persons.consents import GIVEN, WITHDRAWN, refused
from orchestrator.persons.merging import PREFERENCE
from orchestrator.timing.send_time import addresses

KINDS = ("email", "sms", "push", "inbox")
ANY, NEVER = "any", "never"
RANKS = ("first", "second", "third")
BANDS = tuple(range(6, 22, 2))  # the hours at which the bands of the form begin
BAND = 2  # hours
OPTIONAL = (Purpose.RELATIONSHIP, Purpose.MARKETING)  # what the contract does not need

Cell = tuple[int, int]  # a day of the week, 0 Monday, and the hour at which a band begins


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the form shows: by kind of channel its rank, the bands ticked, what was chosen more finely."""

    ways: Mapping[str, str]
    cells: frozenset[Cell]
    others: tuple[Window, ...]
    topics: tuple[str, ...]
    wanted: frozenset[Purpose]
    language: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What a customer sent: the same, with the names of the finer windows and the topics they keep."""

    ways: Mapping[str, str]
    cells: frozenset[Cell]
    keep: frozenset[str]
    topics: frozenset[str]
    wanted: frozenset[Purpose]
    language: str


@dataclass(frozen=True, slots=True)
class Change:
    """An event of the customer that a choice amounts to: its type and data, without evidence."""

    type: str
    data: Mapping[str, Any]


def preferences(customer: Customer, journeys: Iterable[Journey], policy: Policy) -> Preferences:
    """What the customer chose so far."""
    used = _kinds(journeys, policy)
    shown = [kind for kind in KINDS if kind in used and addresses(kind, customer)]
    listed = [name for name in customer.channels if name in shown]
    ways = {kind: _rank(customer, kind, listed) for kind in shown}
    return Preferences(
        ways=ways,
        cells=frozenset(cell for window in customer.windows for cell in _cells(window) or ()),
        others=tuple(window for window in customer.windows if _cells(window) is None),
        topics=customer.topics,
        wanted=frozenset(
            purpose for purpose in OPTIONAL if any(not refused(customer, purpose, kind) for kind in ways)
        ),
        language=customer.locale.partition("-")[0],
    )


def name_of(window: Window) -> str:
    """A window as a form names it."""
    days = "".join(map(str, sorted(window.days)))
    return f"{days}|{window.start:%H:%M}|{window.end:%H:%M}|{window.channel}"


def changes(customer: Customer, shown: Preferences, chosen: Choice) -> Iterator[Change]:
    """The events that make the customer's preferences what was chosen; none for what stays the same."""
    data: dict[str, Any] = {}
    channels = _channels(customer, shown, chosen)
    if channels != customer.channels:
        data["channels"] = list(channels)
    kept = [window for window in shown.others if name_of(window) in chosen.keep]
    if chosen.cells != shown.cells or len(kept) < len(shown.others):
        data["windows"] = [*map(_written, (*windows(chosen.cells), *kept))]
    if topics := [topic for topic in shown.topics if topic not in chosen.topics]:
        data["topics"] = [topic for topic in shown.topics if topic not in topics]
    if chosen.language and chosen.language != shown.language:
        data["language"] = chosen.language
    if data:
        yield Change(PREFERENCE, data)
    for kind, rank in shown.ways.items():
        picked = chosen.ways.get(kind, rank)
        if (picked == NEVER) != (rank == NEVER):
            yield Change(WITHDRAWN if picked == NEVER else GIVEN, {"channel": kind})
    yield from _purposes(shown, chosen)


def _purposes(shown: Preferences, chosen: Choice) -> Iterator[Change]:
    for purpose in OPTIONAL:
        if (purpose in chosen.wanted) is (purpose in shown.wanted):
            continue
        if purpose not in chosen.wanted:
            yield Change(WITHDRAWN, {"purpose": purpose.value})
            continue
        for kind in shown.ways:
            if chosen.ways.get(kind) != NEVER:
                yield Change(GIVEN, {"purpose": purpose.value, "channel": kind})


def windows(cells: Collection[Cell]) -> list[Window]:
    """The bands ticked as windows: bands that follow each other are one, days with the same hours too."""
    days: dict[tuple[int, int], set[int]] = {}
    for day in range(7):
        start = None
        for hour in (*BANDS, BANDS[-1] + BAND):
            ticked = (day, hour) in cells
            if ticked and start is None:
                start = hour
            elif not ticked and start is not None:
                days.setdefault((start, hour), set()).add(day)
                start = None
    return [Window(frozenset(on), time(start), time(end)) for (start, end), on in sorted(days.items())]


def _cells(window: Window) -> list[Cell] | None:
    """The bands that make a window, or ``None`` if no bands do."""
    start, end = window.start.hour, window.end.hour
    whole = not (window.start.minute or window.end.minute or window.channel)
    on_bands = start in BANDS and end - BAND in BANDS and start < end
    if not (whole and on_bands):
        return None
    return [(day, hour) for day in window.days for hour in range(start, end, BAND)]


def _written(window: Window) -> dict[str, Any]:
    return {
        "days": sorted(window.days),
        "from": f"{window.start:%H:%M}",
        "to": f"{window.end:%H:%M}",
        "channel": window.channel,
    }


def _kinds(journeys: Iterable[Journey], policy: Policy) -> set[str]:
    """The kinds of channels by which any of these journeys speaks to customers."""
    speaking = (rule for one in journeys for rule in one.rules if any(rung.say for rung in rule.rungs))
    names = {name for rule in speaking if rule.to not in STAFF for name in rule.channels or policy.preference}
    return {policy.kind(name) for name in names}


def _rank(customer: Customer, kind: str, listed: Sequence[str]) -> str:
    if refused(customer, Purpose.SERVICE, kind):
        return NEVER
    return dict(zip(listed, RANKS, strict=False)).get(kind, ANY)


def _channels(customer: Customer, shown: Preferences, chosen: Choice) -> tuple[str, ...]:
    """The channels in the order chosen; those the form does not show stay behind them."""
    ranks = {kind: RANKS.index(rank) for kind, rank in chosen.ways.items() if rank in RANKS}
    listed: Sequence[str] = sorted(ranks, key=lambda kind: ranks[kind])
    return (*listed, *(name for name in customer.channels if name not in shown.ways and name not in listed))
