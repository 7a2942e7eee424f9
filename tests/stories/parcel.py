"""A parcel for Maria Keller, and what its carrier reports about it."""

from collections.abc import Mapping
from typing import Any

from tests.builders import LINDNER, NORA, PAUL, at, event
from tests.stories.telling import MARIA


def maria_ordered(
    promised: str | Mapping[str, str], *, on: str = "2026-03-09 10:00", **customer: Any
) -> list[dict[str, Any]]:
    """Maria Keller ordered a parcel for that day (or that window); the confirmation is to tell her."""
    day = {"date": promised} if isinstance(promised, str) else promised
    return [
        event("customer.upserted", "maria", on, **{**MARIA, **customer}),
        event(
            "order.upserted", "P-7", on, customer="maria", journey="parcel", owner=NORA, manager=PAUL,
            location={**LINDNER, "calendar": "munich"},
            attributes={"contents": "a roof box", "carrier": "Kurier Nord", "tracking_number": "KN-7"},
        ),
        event("promise.made", "P-7", on, milestone="delivered", told=False, **day),
        event("milestone.reached", "P-7", on, milestone="ordered"),
    ]  # fmt: skip


def parcel(kind: str, time: str, /, **data: Any) -> dict[str, Any]:
    """Something happens to Maria's parcel."""
    return event(kind, "P-7", time, **data)


def batch(time: str, /, *events: tuple[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the carrier reports in one batch: all of it happened at that time."""
    return [event(kind, "P-7", time, **data) for kind, data in events]


def window(day: str, start: int, end: int) -> dict[str, str]:
    """A promise between two hours of a day, by the clocks in Berlin."""
    return {"from": at(f"{day} {start:02}:00").isoformat(), "to": at(f"{day} {end:02}:00").isoformat()}
