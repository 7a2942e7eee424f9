"""Names in an order's facts that its journey does not know: slips of whoever sends the events. Pure."""

from collections.abc import Collection, Iterator
from functools import lru_cache

from orchestrator.findings import did_you_mean
from orchestrator.journey import Journey, On
from orchestrator.model import Kind, Order

NEAR = 0.8  # so alike to a core type, an event's type is a slip; any other is the company's own


def slips(order: Order, journey: Journey, core: frozenset[str]) -> str:
    """Say what in an order's facts names nothing there is, or "".

    Milestones that are not on its path, events that are *core* types misspelt, and answers to tasks that
    nobody was given.
    """
    return "; ".join([*_milestones(order, journey), *_types(order, journey, core), *_tasks(order)])


def _milestones(order: Order, journey: Journey) -> Iterator[str]:
    known = journey.milestones
    for name in order.milestones:
        if name not in known:
            yield f"milestone {name!r} is not on the path of {journey.id}{_meant(name, known, 0.6)}"


def _types(order: Order, journey: Journey, core: frozenset[str]) -> Iterator[str]:
    foreign = [name for name in dict.fromkeys([fact.type for fact in order.events]) if name not in core]
    if not foreign:
        return
    expected = {rule.trigger.event for rule in journey.rules if rule.trigger.on is On.EVENT}
    for name in foreign:
        if name not in expected and (meant := _core_type(name, core)):
            yield f"no rule waits for events of type {name!r}{meant}"


def _tasks(order: Order) -> Iterator[str]:
    """An answer counts as soon as its task is given; until then it may as well be a slip."""
    if order.answers:
        given = [key for key, outcome in order.outcomes.items() if outcome.kind == Kind.TASK]
        for key in order.answers:
            if key not in given:
                yield f"nobody was given the task {key!r} that was answered{_meant(key, given, NEAR)}"


@lru_cache(maxsize=1024)
def _core_type(name: str, core: frozenset[str]) -> str:
    return _meant(name, core, NEAR)


def _meant(name: str, names: Collection[str], near: float) -> str:
    meant = did_you_mean(name, names, near)
    return f"; {meant}" if meant else ""
