"""Facts → the state of an order or a customer: a pure fold in the order things happened.

Any arrival order of the same facts gives the same state: they are sorted by when they happened, then
heard, then by what kind of fact they are, then by source and id.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from typing import Any

from channels.reports import Became
from orchestrator.model import (
    ENGINE,
    Answer,
    Consent,
    Customer,
    Fact,
    Hold,
    Location,
    Order,
    OrderStatus,
    OwnLine,
    Person,
    Promise,
    Purpose,
    TakenOver,
    Telling,
    Window,
    Wish,
)
from orchestrator.planning.delivery import milestone_of, outcome, reported
from orchestrator.planning.promises import promised

_RANK = {  # facts of one instant: who it is, then what was promised, then what happened, then what was undone
    "customer.upserted": 0,
    "order.upserted": 0,
    "promise.made": 1,
    "consent.withdrawn": 3,
    "milestone.reached": 3,
    "milestone.retracted": 4,
    "order.held": 5,
    "order.released": 6,
    "order.cancelled": 7,
}


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Sort facts into the order they happened, whatever order they arrived in."""
    return sorted(facts, key=lambda f: (f.happened, f.heard, _RANK.get(f.type, 2), f.source, f.id))


def fold_order(order_id: str, facts: Iterable[Fact]) -> Order:
    """Return the state that an order's facts amount to."""
    order = Order(order_id)
    for fact in in_order(facts):
        follow(order, fact)
    return order


def follow(order: Order, fact: Fact) -> None:
    """Fold one more fact into an order: one that happened after all that is in it."""
    if order.heard is None or fact.heard > order.heard:
        order.heard = fact.heard
    step = _ORDER.get(fact.type)
    if step is not None:
        step(order, fact, fact.data)
    elif fact.source == ENGINE and fact.type.startswith("notification."):
        outcome(order, fact, fact.data)
    if fact.source != ENGINE:
        order.events.append(fact)


def fold_customer(customer_id: str, facts: Iterable[Fact]) -> Customer:
    """Return the state that a customer's facts amount to."""
    customer = Customer(customer_id)
    for fact in in_order(facts):
        step = _CUSTOMER.get(fact.type)
        if step is not None:
            step(customer, fact, fact.data)
    return customer


# ── what each fact does to an order ──────────────────────────────────────────

_ORDER_FIELDS = {"customer", "journey", "owner", "manager", "location", "parties", "attributes"}


def _upserted(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    order.known = True
    if order.since is None:
        order.since = fact.happened
    order.customer = data.get("customer", order.customer)
    order.journey = data.get("journey", order.journey)
    if "owner" in data:
        order.owner = _person(data["owner"])
    if "manager" in data:
        order.manager = _person(data["manager"])
    for role, person in (data.get("parties") or {}).items():
        order.parties[role] = _person(person)
    if "location" in data:
        order.location = _location(data["location"])
    for name, value in data.items():
        if name not in _ORDER_FIELDS:
            order.attributes[name] = value
    order.attributes.update(data.get("attributes") or {})


def _person(value: Mapping[str, Any] | str | None) -> Person:
    if value is None:
        return Person()
    if isinstance(value, str):
        return Person(email=value) if "@" in value else Person(name=value)
    said = value.get
    return Person(
        said("name") or "",
        said("email") or "",
        said("phone") or "",
        said("locale") or "",
        said("time_zone") or "",
        tuple(said("channels") or ()),
        tuple(said("refuses") or ()),
        _windows(said("working_hours")),
    )


def _location(value: Mapping[str, Any] | str | None) -> Location:
    if value is None:
        return Location()
    if isinstance(value, str):
        return Location(id=value)
    names = ("id", "name", "time_zone", "calendar", "brand", "phone", "email")
    return Location(**{name: value.get(name) or "" for name in names})


def _promise(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    milestone = milestone_of(order, data["milestone"])
    value = promised(data)
    last = milestone.promise
    told = data.get("told")
    if last is None or last.value != value:
        if told is None:
            told = last is None
        milestone.promises.append(
            Promise(
                milestone=milestone.name,
                version=len(milestone.promises) + 1,
                value=value,
                made=fact.happened,
                heard=fact.heard,
                told=told,
                source=data.get("source") or "",
                reason=data.get("reason") or "",
            )
        )
    if told:
        milestone.tellings.append(Telling(value, fact.happened))


def _reached(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    milestone = milestone_of(order, data["milestone"])
    if milestone.reached is None:
        milestone.reached, milestone.heard = fact.happened, fact.heard
        milestone.note = data.get("note") or ""
    elif milestone.heard is not None and fact.heard < milestone.heard:
        milestone.heard = fact.heard  # another system had told us before: the news is as old as that


def _retracted(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    milestone = milestone_of(order, data["milestone"])
    if milestone.reached is None:
        return
    milestone.episode += 1
    milestone.reached = milestone.heard = None
    milestone.retracted, milestone.retracted_heard = fact.happened, fact.heard
    milestone.note = data.get("note") or ""


def _held(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    if order.status is OrderStatus.OPEN:
        order.status = OrderStatus.HELD
        order.holds.append(Hold(fact.happened, None, data.get("reason") or ""))


def _released(order: Order, fact: Fact, _data: Mapping[str, Any]) -> None:
    if order.status is OrderStatus.HELD:
        order.status = OrderStatus.OPEN
        last = order.holds[-1]
        order.holds[-1] = Hold(last.since, fact.happened, last.reason)


def _cancelled(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    if order.cancelled is None:
        order.status = OrderStatus.CANCELLED
        order.cancelled, order.cancel_reason = fact.happened, data.get("reason") or ""


def _contact(order: Order, fact: Fact, _data: Mapping[str, Any]) -> None:
    order.contacts.append((fact.happened, fact.type))


def _answered(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    task = data["task"]
    done = fact.type == "task.done" or (task in order.answers and order.answers[task].done)
    order.answers[task] = Answer(task, data.get("by") or "", fact.happened, done, data.get("outcome") or "")


def _rescheduled(order: Order, _fact: Fact, data: Mapping[str, Any]) -> None:
    order.wishes[data["message"]] = Wish(datetime.fromisoformat(data["at"]), data.get("by") or "")


def _line_added(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    text = str(data.get("text") or "")
    if text:  # of whoever was erased none is left
        line = OwnLine(text, data.get("by") or "", fact.happened, data.get("beside") or "")
        order.lines.append(line)


def _taken_over(order: Order, fact: Fact, data: Mapping[str, Any]) -> None:
    order.taken[data["message"]] = TakenOver(data.get("by") or "", fact.happened)


_Step = Callable[[Order, Fact, Mapping[str, Any]], None]
_ORDER: Mapping[str, _Step] = {
    "order.upserted": _upserted,
    "promise.made": _promise,
    "milestone.reached": _reached,
    "milestone.retracted": _retracted,
    "order.held": _held,
    "order.released": _released,
    "order.cancelled": _cancelled,
    "contact.logged": _contact,
    "message.replied": _contact,
    "message.rescheduled": _rescheduled,
    "message.line_added": _line_added,
    "message.taken_over": _taken_over,
    "task.acknowledged": _answered,
    "task.done": _answered,
    **{f"message.{became}": reported for became in Became},
}


# ── what each fact does to a customer ────────────────────────────────────────

_TEXTS = ("name", "given_name", "locale", "time_zone", "country", "region", "email", "phone")
_CUSTOMER_FIELDS = {*_TEXTS, "devices", "tags", "attributes"}


def _customer_upserted(customer: Customer, _fact: Fact, data: Mapping[str, Any]) -> None:
    customer.known = True
    if customer.erased:  # a nightly import goes on sending what it knows
        return
    for name in _TEXTS:
        if name in data and not (name == "locale" and customer.language):
            setattr(customer, name, data[name] or "")
    if "devices" in data:
        customer.devices = tuple(data["devices"] or ())
    if "tags" in data:
        customer.tags = tuple(data["tags"] or ())
    for name, value in data.items():
        if name not in _CUSTOMER_FIELDS:
            customer.attributes[name] = value
    customer.attributes.update(data.get("attributes") or {})


def _active(customer: Customer, fact: Fact, data: Mapping[str, Any]) -> None:
    customer.active[data.get("surface") or ""] = fact.happened


def _line_told(customer: Customer, fact: Fact, data: Mapping[str, Any]) -> None:
    if fact.source == ENGINE:
        customer.told.setdefault(data["line"], fact.happened)


def _merged(customer: Customer, _fact: Fact, data: Mapping[str, Any]) -> None:
    customer.merged_into = data["into"]


def _erased(customer: Customer, _fact: Fact, _data: Mapping[str, Any]) -> None:
    customer.erased = True
    customer.name = customer.given_name = customer.email = customer.phone = ""
    customer.devices = customer.tags = ()
    customer.habits = ()
    customer.attributes = {}


def _preference(customer: Customer, _fact: Fact, data: Mapping[str, Any]) -> None:
    if "channels" in data:
        customer.channels = tuple(data["channels"] or ())
    if "windows" in data:
        customer.windows = _windows(data["windows"])
    if "topics" in data:
        customer.topics = tuple(data["topics"] or ())
    if data.get("language"):
        customer.language = customer.locale = data["language"]
    if "learning" in data:
        customer.learning = bool(data["learning"])


def _habit(customer: Customer, _fact: Fact, data: Mapping[str, Any]) -> None:
    customer.habits = _windows(data["windows"])


def _windows(written: Iterable[Mapping[str, Any]] | None) -> tuple[Window, ...]:
    return tuple(
        Window(
            frozenset(window["days"]),
            time.fromisoformat(window["from"]),
            time.fromisoformat(window["to"]),
            window.get("channel") or "",
        )
        for window in written or ()
    )


def _unmerged(customer: Customer, _fact: Fact, _data: Mapping[str, Any]) -> None:
    customer.merged_into = ""


def _consent(customer: Customer, fact: Fact, data: Mapping[str, Any]) -> None:
    purpose, channel = data.get("purpose") or "", data.get("channel") or ""
    under = data.get("under", "") if fact.source == ENGINE else ""
    given = fact.type == "consent.given"
    word = Consent(given, fact.happened, evidence_text(data.get("evidence")), under)
    customer.consents[purpose, channel] = word
    if not given and not purpose:  # START lifts what STOP said, but marketing needs a yes of its own
        customer.consents[Purpose.MARKETING.value, channel] = word


def evidence_text(evidence: Any) -> str:
    """Evidence as one text: ``how: form; place: Munich``."""
    if isinstance(evidence, Mapping):
        return "; ".join(f"{name}: {value}" for name, value in evidence.items())
    return str(evidence or "")


_CustomerStep = Callable[[Customer, Fact, Mapping[str, Any]], None]
_CUSTOMER: Mapping[str, _CustomerStep] = {
    "customer.upserted": _customer_upserted,
    "customer.active": _active,
    "customer.habit": _habit,
    "customer.told": _line_told,
    "customer.merged": _merged,
    "customer.unmerged": _unmerged,
    "customer.erased": _erased,
    "preference.set": _preference,
    "consent.given": _consent,
    "consent.withdrawn": _consent,
}
