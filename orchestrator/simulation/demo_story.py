"""The car story of `beforehand demo`: one dealership, three customers, one promise missed, moved and kept.

Only events, as a company's systems would send them; what follows from them the engine decides.
"""

from collections.abc import Mapping
from typing import Any

START = "2026-03-02T08:00:00+01:00"
END = "2026-04-02T20:00:00+02:00"
ORDER = "BX-100"  # the one that is told at the end

_NORA = {"name": "Nora Brandt", "email": "nora.brandt@example.com", "phone": "+493023125110"}
_PAUL = {"name": "Paul Lindner", "email": "paul.lindner@example.com"}
_LINDNER = {"id": "munich", "name": "Autohaus Lindner", "time_zone": "Europe/Berlin", "calendar": "munich"}

Row = tuple[str, str, str, Mapping[str, Any]]

STORY: tuple[Row, ...] = (
    (
        "2026-03-02T09:40:00+01:00",
        "customer.upserted",
        "maria",
        {
            "name": "Maria Keller",
            "given_name": "Maria",
            "locale": "en",
            "time_zone": "Europe/Berlin",
            "email": "maria.keller@example.com",
            "phone": "+493023125123",
        },
    ),
    (
        "2026-03-02T09:45:00+01:00",
        "order.upserted",
        "BX-100",
        {
            "customer": "maria",
            "journey": "new-car",
            "owner": _NORA,
            "manager": _PAUL,
            "location": _LINDNER,
            "attributes": {"model": "Aria Touring", "colour": "blue"},
        },
    ),
    ("2026-03-02T09:45:00+01:00", "promise.made", "BX-100", {"milestone": "arrived", "date": "2026-03-12"}),
    (
        "2026-03-02T11:00:00+01:00",
        "customer.upserted",
        "jonas",
        {
            "name": "Jonas Weber",
            "given_name": "Jonas",
            "locale": "de",
            "time_zone": "Europe/Berlin",
            "email": "jonas.weber@example.com",
        },
    ),
    (
        "2026-03-02T11:05:00+01:00",
        "order.upserted",
        "BX-101",
        {
            "customer": "jonas",
            "journey": "new-car",
            "owner": _NORA,
            "manager": _PAUL,
            "location": _LINDNER,
            "attributes": {"model": "Aria Kombi", "colour": "weiß"},
        },
    ),
    ("2026-03-02T11:05:00+01:00", "promise.made", "BX-101", {"milestone": "arrived", "date": "2026-03-18"}),
    (
        "2026-03-03T15:00:00+01:00",
        "customer.upserted",
        "aylin",
        {
            "name": "Aylin Demir",
            "given_name": "Aylin",
            "locale": "en",
            "time_zone": "Europe/Berlin",
            "email": "aylin.demir@example.com",
            "devices": ["demo-device-of-aylin"],
        },
    ),
    (
        "2026-03-03T15:10:00+01:00",
        "order.upserted",
        "BX-102",
        {
            "customer": "aylin",
            "journey": "new-car",
            "owner": _NORA,
            "manager": _PAUL,
            "location": _LINDNER,
            "attributes": {"model": "Aria Mini", "colour": "red"},
        },
    ),
    ("2026-03-03T15:10:00+01:00", "promise.made", "BX-102", {"milestone": "arrived", "date": "2026-03-10"}),
    # Aylin's car keeps its day. Jonas's moves three times in one afternoon.
    ("2026-03-09T13:00:00+01:00", "promise.made", "BX-101", {"milestone": "arrived", "date": "2026-03-25"}),
    ("2026-03-09T14:10:00+01:00", "promise.made", "BX-101", {"milestone": "arrived", "date": "2026-03-16"}),
    ("2026-03-09T14:40:00+01:00", "promise.made", "BX-101", {"milestone": "arrived", "date": "2026-03-20"}),
    ("2026-03-10T11:20:00+01:00", "milestone.reached", "BX-102", {"milestone": "arrived"}),
    # Maria's day passes in silence; the next morning Nora has a new date.
    (
        "2026-03-12T18:05:00+01:00",
        "task.acknowledged",
        "BX-100",
        {"task": "BX-100/not-arrived/arrived#1.2026-03-12.r1.task/owner", "by": "Nora Brandt"},
    ),
    (
        "2026-03-13T09:15:00+01:00",
        "promise.made",
        "BX-100",
        {"milestone": "arrived", "date": "2026-03-17", "reason": "the carrier lost a day at the border"},
    ),
    ("2026-03-13T10:00:00+01:00", "milestone.reached", "BX-102", {"milestone": "prepared"}),
    ("2026-03-14T10:30:00+01:00", "milestone.reached", "BX-102", {"milestone": "collected"}),
    ("2026-03-17T10:50:00+01:00", "milestone.reached", "BX-100", {"milestone": "arrived"}),
    ("2026-03-19T16:30:00+01:00", "milestone.reached", "BX-101", {"milestone": "arrived"}),
    ("2026-03-20T11:15:00+01:00", "milestone.reached", "BX-100", {"milestone": "prepared"}),
    ("2026-03-21T10:00:00+01:00", "milestone.reached", "BX-100", {"milestone": "collected"}),
    ("2026-03-23T12:00:00+01:00", "milestone.reached", "BX-101", {"milestone": "prepared"}),
    ("2026-03-25T17:00:00+01:00", "milestone.reached", "BX-101", {"milestone": "collected"}),
)


def events() -> list[dict[str, Any]]:
    """The story as CloudEvents, in the order they happened."""
    return [
        {
            "specversion": "1.0",
            "id": f"demo-{number}",
            "source": "autohaus-lindner",
            "type": kind,
            "subject": subject,
            "time": time,
            "data": dict(data),
        }
        for number, (time, kind, subject, data) in enumerate(STORY, 1)
    ]
