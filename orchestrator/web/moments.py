"""Moments, lengths and numbers as pages show them, in the company's zone. Pure."""

import re
from collections.abc import Mapping, Sized
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from orchestrator.money import read_money

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(rf"(?<![\w.#:/-])(?:(?:{'|'.join(DAYS)}) )?(\d{{4}}-\d\d-\d\d)(?![\w:/-]|\.\w)")
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def day_text(day: date, today: date) -> str:
    """``Thu 12 Mar``, with the year where it is not this one."""
    text = f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"
    return text if day.year == today.year else f"{text} {day.year}"


def moment(at: datetime | None, zone: ZoneInfo, now: datetime) -> Markup:
    """``Thu 12 Mar 17:30`` as a ``<time>``; only the hour today; – for none."""
    if at is None:
        return Markup("–")
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    hour = f"{local:%H:%M}"
    text = f"today {hour}" if local.date() == today else f"{day_text(local.date(), today)} {hour}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        _machine(at), f"{local:%Y-%m-%d %H:%M:%S} {zone.key}", text
    )


def clock(at: datetime, zone: ZoneInfo) -> Markup:
    """``17:30`` as a ``<time>``."""
    local = at.astimezone(zone)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        _machine(at), f"{local:%Y-%m-%d %H:%M:%S} {zone.key}", f"{local:%H:%M}"
    )


def day(value: date | datetime, zone: ZoneInfo, now: datetime) -> Markup:
    """``Thu 12 Mar`` as a ``<time>``; a moment is the day it is on in the zone."""
    found = value.astimezone(zone).date() if isinstance(value, datetime) else value
    text = day_text(found, now.astimezone(zone).date())
    return Markup('<time datetime="{}">{}</time>').format(found.isoformat(), text)


def ago(at: datetime | None, zone: ZoneInfo, now: datetime) -> Markup:
    """``3 h ago`` or ``in 2 d`` as a ``<time>``, with the moment itself to be read on it; – for none."""
    if at is None:
        return Markup("–")
    apart = at - now
    if abs(apart) < _MINUTE:
        text = "now"
    else:
        text = f"in {span(apart)}" if apart > timedelta() else f"{span(-apart)} ago"
    title = f"{at.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(_machine(at), title, text)


def count(what: int | Sized) -> str:
    """``1,204``: a number, or how many a list holds."""
    return f"{what if isinstance(what, int) else len(what):,}"


def dated(text: str, zone: ZoneInfo, now: datetime) -> str:
    """A reason with days as people read them: ``Thu 12 Mar`` for ``2026-03-12`` and ``Thu 2026-03-12``."""
    today = now.astimezone(zone).date()

    def read(found: re.Match[str]) -> str:
        try:
            return day_text(date.fromisoformat(found[1]), today)
        except ValueError:
            return found[0]

    return _ISO.sub(read, text)


def given(value: Any) -> str:
    """An attribute as people read it: ``yes`` and ``no``, a sum as ``1234.50 EUR``, a list with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(given, value))
    if isinstance(value, Mapping) and (money := read_money(value)) is not None:
        return f"{money[0]} {money[1]}"
    return "–" if value is None else str(value)


def span(of: timedelta) -> str:
    """``35 s``, ``4 min``, ``3 h 20 min``, ``2 d 4 h``: the two largest units, rounded down."""
    of = abs(of)
    days, rest = divmod(of, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes = rest // _MINUTE
    if days:
        return f"{days:,} d {hours} h" if hours and days < 7 else f"{days:,} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{int(of.total_seconds())} s"


def _machine(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
