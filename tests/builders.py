"""Readable facts for tests: only what matters in the test stands in the test."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from orchestrator.intake import Incoming, Place, parse
from orchestrator.model import Fact
from orchestrator.reasons import Code, Reason
from orchestrator.timing.calendar import local

BERLIN = "Europe/Berlin"
_ids = count(1)

NORA = {"name": "Nora Brandt", "email": "nora.brandt@example.com", "phone": "+493023125110"}
PAUL = {"name": "Paul Lindner", "email": "paul.lindner@example.com"}
COMPANY = {
    "name": "Autohaus Lindner",
    "address": "Musterstraße 12, 80331 München",
    "email": "hallo@lindner.example",
    "phone": "+49 30 23125 100",
    "locale": "en",
}
LINDNER = {"id": "munich", "name": "Autohaus Lindner", "time_zone": BERLIN}


def at(wall: str, zone: str = BERLIN) -> datetime:
    """Return the UTC moment when the clocks of *zone* read *wall*, ``2026-03-12 17:30``."""
    moment = datetime.fromisoformat(wall)
    return local(moment.date(), moment.time(), zone)


def why(text: str, code: Code = Code.BY_PERSON) -> Reason:
    """A reason in these words."""
    return Reason(code, text)


def event(
    kind: str,
    subject: str,
    time: datetime | str,
    /,
    *,
    event_id: str = "",
    heard: datetime | str | None = None,
    sender: str = "dealer",
    **data: Any,
) -> dict[str, Any]:
    """Return a CloudEvent; a text for a time is what the clocks in Berlin read."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id or f"event-{next(_ids)}",
        "source": sender,
        "type": kind,
        "subject": subject,
        "time": _written(time),
        "data": data,
    }
    if heard is not None:
        document["recordedtime"] = _written(heard)
    return document


def _written(time: datetime | str) -> str:
    moment = at(time) if isinstance(time, str) else time.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def incoming(document: Mapping[str, Any]) -> Incoming:
    """Return what intake makes of an event that a test takes to be right, heard when it says."""
    outcome = parse(document, None, place=Place("test"))
    assert isinstance(outcome, Incoming), [str(problem) for problem in outcome]
    return outcome


def fact(kind: str, subject: str, time: datetime | str, /, **rest: Any) -> Fact:
    """Return the fact that :func:`event` with the same arguments becomes."""
    return incoming(event(kind, subject, time, **rest)).fact


def car_order(
    order: str = "O-1", *, customer: str = "C-1", time: datetime | str = "2026-03-01 09:00"
) -> dict[str, Any]:
    """Return the order of a new car at Autohaus Lindner, looked after by Nora Brandt."""
    return event(
        "order.upserted", order, time, customer=customer, journey="new-car",
        owner=NORA, manager=PAUL, location=LINDNER, attributes={"model": "Corsa"},
    )  # fmt: skip


def maria(customer: str = "C-1", *, time: datetime | str = "2026-03-01 08:00", **more: Any) -> dict[str, Any]:
    """Return Maria Keller, reachable by mail and phone, with whatever a test says of her."""
    known = {"name": "Maria Keller", "given_name": "Maria", "locale": "de-DE", "time_zone": BERLIN,
             "country": "DE", "email": "maria.keller@example.com", "phone": "+493023125101"}  # fmt: skip
    return event("customer.upserted", customer, time, **known | more)


def promised(order: str, milestone: str, value: str, time: datetime | str, **more: Any) -> dict[str, Any]:
    """Return a promise for a day, ``2026-03-12``, or an instant in Berlin, ``2026-03-12 17:30``."""
    when = {"at": _written(value)} if ":" in value else {"date": value}
    return event("promise.made", order, time, milestone=milestone, **when, **more)


def reached(order: str, milestone: str, time: datetime | str, **more: Any) -> dict[str, Any]:
    """Return that a milestone happened."""
    return event("milestone.reached", order, time, milestone=milestone, **more)
