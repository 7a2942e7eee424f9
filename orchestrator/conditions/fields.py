"""The typed fields a condition may use, and how each is read from an order. Pure; no expression library.

A field without a value is missing: the condition that needs it is unknown and its rule does not fire.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.journey import Journey, On
from orchestrator.model import Customer, Fact, Kind, Order, Status, first_occasion
from orchestrator.money import read_money
from orchestrator.timing import calendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ATTRIBUTE = "order.attributes."
HAS = "order.has."


@dataclass(frozen=True, slots=True)
class Scene:
    """What the fields are read from."""

    order: Order
    customer: Customer | None
    journey: Journey
    now: datetime
    milestone: str
    late_by: timedelta | None
    event: Fact | None
    zone: str

    @property
    def local(self) -> datetime:
        """Now, on the clocks where the order is looked after."""
        return self.now.astimezone(ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Field:
    """One name: its type in the expression language, what it is, and how it is read."""

    type: str
    meaning: str
    read: Callable[[Scene], Any]


def _of_customer(read: Callable[[Customer], Any]) -> Callable[[Scene], Any]:
    return lambda scene: None if scene.customer is None else read(scene.customer)


def _phase(scene: Scene) -> str:
    position = scene.journey.position
    happened = [
        m.name for m in scene.order.milestones.values() if m.reached is not None and m.name in position
    ]
    if happened:
        return scene.journey.phase_of(max(happened, key=position.__getitem__))
    return next(iter(scene.journey.phases), "")


def _reached(scene: Scene) -> bool | None:
    if not scene.milestone:
        return None
    state = scene.order.milestones.get(scene.milestone)
    return state is not None and state.reached is not None


def _episode(scene: Scene) -> int | None:
    if not scene.milestone:
        return None
    state = scene.order.milestones.get(scene.milestone)
    return state.episode if state else 1


def _promise(name: str) -> Callable[[Scene], Any]:
    def read(scene: Scene) -> Any:
        state = scene.order.milestones.get(scene.milestone)
        return getattr(state.promise, name) if state and state.promise else None

    return read


def _told(scene: Scene) -> bool | None:
    state = scene.order.milestones.get(scene.milestone)
    if state is None or state.promise is None:
        return None
    return state.told is not None and state.told.value == state.promise.value


def _expected(scene: Scene) -> list[str]:
    moment = scene.order.cancelled or scene.now
    return [
        milestone.name
        for milestone in scene.order.milestones.values()
        if milestone.reached is None
        and milestone.told is not None
        and calendar.ends(milestone.told.value, scene.zone) > moment
    ]


def _waited(scene: Scene) -> timedelta | None:
    return None if scene.order.since is None else scene.now - scene.order.since


def _apologies(scene: Scene) -> int:
    about = {
        r.id
        for r in scene.journey.rules
        if r.trigger.on is On.MISSED and r.trigger.milestone == scene.milestone
    }
    said = {
        (outcome.rule, first_occasion(outcome.occasion), outcome.role)
        for outcome in scene.order.outcomes.values()
        if outcome.rule in about and outcome.kind == Kind.MESSAGE and outcome.status == Status.ACCEPTED
    }
    return len(said)


def _happened(scene: Scene) -> list[str]:
    return [m.name for m in scene.order.milestones.values() if m.reached is not None]


def _taken_back(scene: Scene) -> list[str]:
    milestones = scene.order.milestones.values()
    return [m.name for m in milestones if m.reached is None and m.retracted is not None]


def _counts(order: Order) -> dict[str, int]:
    return dict(Counter(fact.type for fact in order.events))


def _so_many(scene: Scene) -> int | None:
    """The event's number among those of its type, by when they happened."""
    this = scene.event
    if this is None:
        return None
    same = [fact for fact in scene.order.events if fact.type == this.type]
    return sum(
        (fact.happened, fact.source, fact.id) <= (this.happened, this.source, this.id) for fact in same
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in values.items() if value is not None}


FIELDS: Mapping[str, Field] = {
    "order.id": Field("string", "the order's id", lambda s: s.order.id),
    "order.journey": Field("string", "the journey it follows", lambda s: s.order.journey),
    "order.phase": Field("string", "the phase of the last milestone that happened", _phase),
    "order.status": Field("string", "open, held or cancelled", lambda s: str(s.order.status)),
    "order.customer": Field("string", "the customer's id", lambda s: s.order.customer),
    "order.expected": Field(
        "list<string>",
        "milestones whose day the customer was told, still to come or so when it was cancelled",
        _expected,
    ),
    "order.owner.name": Field("string", "who looks after it", lambda s: s.order.owner.name),
    "order.reached": Field("list<string>", "the milestones that happened", _happened),
    "order.retracted": Field(
        "list<string>", "the milestones that were taken back and have not happened since", _taken_back
    ),
    "order.events": Field(
        "map<string, int>", "how often an event of each type came", lambda s: _counts(s.order)
    ),
    "order.location.id": Field("string", "where it is looked after", lambda s: s.order.location.id),
    "order.location.name": Field("string", "that place's name", lambda s: s.order.location.name),
    "order.location.time_zone": Field("string", "its IANA zone", lambda s: s.order.location.time_zone),
    "order.location.brand": Field("string", "its brand", lambda s: s.order.location.brand),
    "customer.locale": Field("string", "the language they read: de-DE", _of_customer(lambda c: c.locale)),
    "customer.country": Field("string", "country code", _of_customer(lambda c: c.country)),
    "customer.region": Field("string", "state or region", _of_customer(lambda c: c.region)),
    "customer.tags": Field(
        "list<string>", "their tags", _of_customer(lambda c: [str(tag) for tag in c.tags])
    ),
    "customer.attributes": Field(
        "map<string, dyn>", "anything else known about them", _of_customer(lambda c: _given(c.attributes))
    ),
    "customer.has_email": Field("bool", "an address is known", _of_customer(lambda c: bool(c.email))),
    "customer.has_phone": Field("bool", "a number is known", _of_customer(lambda c: bool(c.phone))),
    "customer.has_push": Field("bool", "a device is registered", _of_customer(lambda c: bool(c.devices))),
    "customer.surfaces": Field(
        "list<string>", "where they were active: app, web, email", _of_customer(lambda c: sorted(c.active))
    ),
    "milestone.name": Field("string", "the rule's milestone", lambda s: s.milestone),
    "milestone.reached": Field("bool", "it happened", _reached),
    "milestone.episode": Field("int", "1, and one more after each retraction", _episode),
    "promise.version": Field("int", "how often it was promised anew", _promise("version")),
    "promise.told": Field("bool", "the customer knows the newest version", _told),
    "promise.source": Field("string", "who promised", _promise("source")),
    "promise.reason": Field("string", "why it moved", _promise("reason")),
    "late_by": Field("duration", "how far the deadline is past", lambda s: s.late_by),
    "waited": Field("duration", "since the order's first fact", _waited),
    "event.type": Field("string", "the event that triggered the rule", lambda s: s.event and s.event.type),
    "event.count": Field("int", "how many of that type came until then, with it", _so_many),
    "event.data": Field("map<string, dyn>", "what it said", lambda s: s.event and _given(s.event.data)),
    "now": Field("timestamp", "the moment of the decision", lambda s: s.now),
    "weekday": Field("string", "monday … sunday, where the order is", lambda s: WEEKDAYS[s.local.weekday()]),
    "hour": Field("int", "0 … 23, where the order is", lambda s: s.local.hour),
    "apologies": Field("int", "accepted messages of `missed` rules for this milestone", _apologies),
}

ATTRIBUTE_TYPES: Mapping[str, str] = {
    "text": "string",
    "number": "double",
    "money": "double",  # its amount
    "flag": "bool",
    "date": "timestamp",
    "list": "list<string>",
}


def declared(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return every name a condition of this journey may use, with its type."""
    names = {name: field.type for name, field in FIELDS.items()}
    for name, kind in attributes.items():
        names[ATTRIBUTE + name] = ATTRIBUTE_TYPES.get(kind.removesuffix("?"), "dyn")
        names[HAS + name] = "bool"
    return names


def _attribute(scene: Scene, name: str) -> Any:
    """An attribute as its declared type; a value of another type counts as missing."""
    value = scene.order.attributes.get(name)
    found = read_as(scene.journey.attributes.get(name, "").removesuffix("?"), value)
    if isinstance(found, date):  # a day is the instant at which it begins where the order is looked after
        return datetime.combine(found, time(), ZoneInfo(scene.zone))
    return found


def read_as(kind: str, value: Any) -> Any:
    """A *value* as the *kind* of attribute that a journey declares; ``None`` if it is no such value."""
    if kind == "number":
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "money":
        found = read_money(value)
        return float(found[0]) if found is not None else None
    if kind == "list":
        return [str(item) for item in value] if isinstance(value, list | tuple) else None
    if kind == "date":
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except (TypeError, ValueError):
            return None
    return value if isinstance(value, bool if kind == "flag" else str) else None


class Variables(Mapping[str, Any]):
    """The fields of one scene by name, each read when it is asked for."""

    __slots__ = ("_scene",)

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __getitem__(self, name: str) -> Any:
        if name.startswith(ATTRIBUTE):
            value = _attribute(self._scene, name.removeprefix(ATTRIBUTE))
        elif name.startswith(HAS):
            return _attribute(self._scene, name.removeprefix(HAS)) is not None
        else:
            value = FIELDS[name].read(self._scene)
        if value is None or value == "":
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in declared(self._scene.journey.attributes) if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
