"""The value of a promise in an event's data, read and written. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from orchestrator.model import Promised


def promised(data: Mapping[str, Any]) -> Promised:
    """Read ``date``, or ``at``, or ``from`` and ``to`` (as intake accepted them) into a value."""
    if "date" in data:
        return Promised(day=date.fromisoformat(data["date"]))
    if "at" in data:
        return Promised(start=_moment(data["at"]))
    return Promised(start=_moment(data["from"]), end=_moment(data["to"]))


def promised_data(value: Promised) -> dict[str, str]:
    """The inverse of :func:`promised`."""
    if value.day is not None:
        return {"date": value.day.isoformat()}
    assert value.start is not None
    if value.end is None:
        return {"at": value.start.isoformat()}
    return {"from": value.start.isoformat(), "to": value.end.isoformat()}


def promised_text(text: str) -> Promised:
    """Read what ``str`` of a promise's value wrote: a day, an instant, or a window with a ``/`` in it."""
    start, _, end = text.partition("/")
    if "T" not in start:
        return Promised(day=date.fromisoformat(start))
    return Promised(start=_moment(start), end=_moment(end) if end else None)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
