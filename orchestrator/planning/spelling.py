"""Names in an order's facts that its journey does not know: slips of whoever sends the events. Pure."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from orchestrator.conditions.fields import read_as
from orchestrator.findings import nearest, slip
from orchestrator.journey import Journey, Policy
from orchestrator.model import Customer, Fact, Kind, Order, OrderStatus
from orchestrator.planning.answering import KEPT
from orchestrator.planning.case import complete

NEAR = 0.8  # so alike to a core type, an event's type is a slip; any other is the company's own
LIKE = 0.6  # so alike, a milestone's name is worth asking about
RETRACTED = "milestone.retracted"
MOST = 5  # slips of one order that are named; the rest is counted
KINDS = ("email", "sms", "push", "inbox")  # of channels, whether or not a rule uses them
WHAT = {int: "a number", float: "a number", bool: "true or false"}  # the value itself is nobody's to read
WRITTEN = {
    "number": "; did you mean 3 or 3.5, without quotes?",
    "flag": "; did you mean true or false, without quotes?",
    "date": "; did you mean a day such as '2026-03-12'?",
    "money": "; did you mean a sum such as '1234.50 EUR'?",
    "list": "; did you mean a list such as ['one', 'two']?",
}


def slips(order: Order, journey: Journey, core: frozenset[str]) -> str:
    """Say what in an order's facts names nothing there is, or "".

    Milestones that are not on its path, events that are *core* types misspelt, answers to tasks that nobody
    was given, and attributes that are nearly the declared ones, missing, or no such values. What its
    sender put right, and what nobody waits for any more, is no slip.
    """
    if order.status is OrderStatus.CANCELLED or complete(order, journey):
        return ""
    found = [*_milestones(order, journey), *_types(order, journey.events, core), *_tasks(order)]
    return _named([*found, *_attributes(order, journey)])


def no_channels(customer: Customer, journey: Journey, policy: Policy) -> str:
    """Say which channels the customer wants that there are none of, or ""."""
    wanted = [*customer.channels, *(window.channel for window in customer.windows if window.channel)]
    if not wanted:
        return ""
    kinds = policy.kinds
    named = {*KINDS, *policy.preference, *kinds, *kinds.values(), *policy.reports, *policy.silent}
    known = named.union(*(rule.channels for rule in journey.rules))
    missing = dict.fromkeys(name for name in wanted if name not in known)
    return "; ".join(
        f"customer wants {name!r}, and no channel is called so{_did(nearest(name, known))}"
        for name in missing
    )


def no_calendar(order: Order, policy: Policy) -> str:
    """Say that the order's place names a calendar that is nearly one of the settings, or "".

    Any other name is nobody's, and ``default`` is everybody else's.
    """
    name = order.location.calendar
    if not name or name in policy.calendars:
        return ""
    meant = _calendar(name, frozenset(policy.calendars) - {"default"})
    return f"location keeps calendar {name!r}, and none is called so{_did(meant)}" if meant else ""


def slips_of_types(order: Order, core: frozenset[str]) -> str:
    """Say which events of an order whose journey is not known are *core* types misspelt, or ""."""
    return _named([*_types(order, frozenset(), core)])


def _named(found: list[str]) -> str:
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return "; ".join([*found[:MOST], *more])


def _milestones(order: Order, journey: Journey) -> Iterator[str]:
    known = journey.milestones
    for name in order.milestones:
        if name in known:
            continue
        meant = nearest(name, known, LIKE)
        said = [fact for fact in order.events if fact.data.get("milestone") == name]
        if said and (said[-1].type == RETRACTED or _put_right(order, said[-1], meant)):
            continue
        mend = f"did you mean {meant!r}? Send that, or" if meant else "send"
        end = "" if meant else ", if it was a slip"
        yield f"milestone {name!r} is not on the path of {journey.id}; {mend} {RETRACTED} of {name!r}{end}"


def _put_right(order: Order, wrong: Fact, meant: str) -> bool:
    """Did the same sender say the same of the milestone that was *meant*, and that later?"""
    same = (fact for fact in order.events if (fact.source, fact.type) == (wrong.source, wrong.type))
    return any(
        fact.data.get("milestone") == meant and (fact.heard, fact.happened) >= (wrong.heard, wrong.happened)
        for fact in same
    )


def _types(order: Order, expected: frozenset[str], core: frozenset[str]) -> Iterator[str]:
    foreign = {f.type: f for f in order.events if f.type not in core and f.type not in KEPT}
    own = expected - core
    for name, last in foreign.items():
        if name in expected or not (meant := _core_type(name, core) or slip(name, own)):
            continue
        later = [fact for fact in order.events if (fact.source, fact.type) == (last.source, meant)]
        if not any((fact.heard, fact.happened) >= (last.heard, last.happened) for fact in later):
            yield f"no rule waits for events of type {name!r}; did you mean {meant!r}?"


def _tasks(order: Order) -> Iterator[str]:
    """An answer counts as soon as its task is given; until then it may as well be a slip."""
    if order.answers:
        given = {key: outcome for key, outcome in order.outcomes.items() if outcome.kind == Kind.TASK}
        for key in (key for key in order.answers if key not in given):
            meant = nearest(key, given, NEAR)
            if meant not in order.answers:
                yield f"nobody was given the task {key!r} that was answered{_did(meant)}"


def _attributes(order: Order, journey: Journey) -> Iterator[str]:
    """Attributes that are nearly a declared one or missing, and values of another kind."""
    declared = journey.attributes
    missing = [name for name in declared if order.attributes.get(name) is None]
    meant = {name: slip(name, missing) for name in order.attributes if name not in declared}
    for name in filter(meant.get, meant):
        yield f"attribute {name!r} is not declared by {journey.id}{_did(meant[name])}"
    for name, kind in declared.items():
        plain = kind.removesuffix("?")
        if name not in missing:
            if wrong := _wrong(order.attributes[name], plain):
                yield f"attribute {name!r} is {wrong[0]}, and {journey.id} declares a {plain}{wrong[1]}"
        elif kind == plain and name not in meant.values():
            yield f"attribute {name!r} is missing, and {journey.id} declares it without '?'"


def _wrong(value: Any, kind: str) -> tuple[str, str] | None:
    """What a value is that cannot be read as *kind*, and how it is written."""
    if not kind or read_as(kind, value) is not None:
        return None
    what = WHAT.get(type(value)) or ("a text" if isinstance(value, str) else "a list or an object")
    if kind == "date" and isinstance(value, str):
        what = "no date"
    elif kind == "money" and what not in WHAT.values():
        what = "no sum"
    return what, WRITTEN.get(kind, "")


@lru_cache(maxsize=1024)
def _core_type(name: str, core: frozenset[str]) -> str:
    return nearest(name, core, NEAR)


@lru_cache(maxsize=1024)
def _calendar(name: str, known: frozenset[str]) -> str:
    return nearest(name, known, NEAR)


def _did(meant: str) -> str:
    """Return ``; did you mean 'x'?``, or "" if nothing was."""
    return f"; did you mean {meant!r}?" if meant else ""
