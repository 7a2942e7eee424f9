"""The hours of the law, from the file that comes with us or a company's own, and every country's zones."""

import tomllib
from collections.abc import Mapping
from datetime import date, time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from orchestrator.config.public_holidays import PublicHolidays
from orchestrator.findings import Wrong, did_you_mean
from orchestrator.journey import BusinessCalendar, Law, LegalHours
from orchestrator.literals import parse_hours
from orchestrator.model import Purpose

OURS = files("orchestrator.config.quiet_hours") / "law.toml"
DAYS: Mapping[str, tuple[int, ...]] = {
    "daily": tuple(range(7)),
    "weekdays": tuple(range(5)),
    "weekend": (5, 6),
    **{day: (number,) for number, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
}  # the closer word comes later, and wins
_OTHERS = ("place", "parts", "purposes", "channels", "public_holidays", "source", "checked")


class Unreadable(ValueError):
    """A file of legal hours that says nothing clear; the text says where and what is wrong."""


@cache
def law(file: Path | None = None) -> Law:
    """Return the hours of *file*, or of the one that comes with us; raises :class:`Unreadable`."""
    try:
        text = OURS.read_text(encoding="utf-8") if file is None else file.read_text(encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not TOML in UTF-8: {error}") from None
    return read(text)


def read(text: str) -> Law:
    """Return the hours that *text* says; raises :class:`Unreadable`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"it is not TOML in UTF-8: {error}") from None
    hours = tuple(_hours(place, table) for place, table in tables.items())
    parts = {place: _parts(place, table) for place, table in tables.items() if "parts" in table}
    for one in hours:
        country, _, region = one.place.partition("-")
        if region and country in parts and region not in parts[country]:
            raise Unreadable(f"[{one.place}]: {country} has no part {region!r}; add it to `parts`")
    return Law(hours, _zones(), parts)


@cache
def _zones() -> Mapping[str, tuple[str, ...]]:
    """The zones of every country, as the IANA database lists them."""
    found: dict[str, tuple[str, ...]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found


def _hours(place: str, table: Any) -> LegalHours:
    country = place.partition("-")[0]
    if not isinstance(table, Mapping):
        raise Unreadable(f"{place!r} is no table: write [US-TX], and its hours below")
    if country not in _zones():
        raise Unreadable(f"[{place}]: no country has the ISO 3166 code {country!r}")
    for key in table:
        if key not in DAYS and key not in _OTHERS:
            raise Unreadable(f"[{place}]: no key called {key!r}; {did_you_mean(key, [*DAYS, *_OTHERS])}")
    return LegalHours(
        place=place,
        purposes=frozenset(_purpose(place, word) for word in _texts(place, table, "purposes")),
        channels=frozenset(_texts(place, table, "channels") if "channels" in table else ()),
        hours=BusinessCalendar(_week(place, table), _holidays(country, table)),
        source=_value(place, table, "source", str),
        checked=_value(place, table, "checked", date),
    )


def _parts(place: str, table: Mapping[str, Any]) -> frozenset[str]:
    if "-" in place:
        raise Unreadable(f"[{place}]: only a country has parts")
    return frozenset(part.upper() for part in _texts(place, table, "parts"))


def _week(place: str, table: Mapping[str, Any]) -> dict[int, tuple[time, time]]:
    week: dict[int, tuple[time, time]] = {}
    for word, days in DAYS.items():
        if word in table:
            try:
                hours = parse_hours(_value(place, table, word, str))
            except Wrong as wrong:
                raise Unreadable(f"[{place}] {word}: {wrong.message}; {wrong.hint}") from None
            week |= dict.fromkeys(days, hours)
    if not week:
        raise Unreadable(
            f'[{place}] never allows anything: give at least one day its hours, mon = "09:00-18:00"'
        )
    return week


def _holidays(country: str, table: Mapping[str, Any]) -> PublicHolidays:
    if not table.get("public_holidays", False):
        return PublicHolidays()
    return PublicHolidays(country)


def _purpose(place: str, word: str) -> Purpose:
    if word not in tuple(Purpose):
        raise Unreadable(f"[{place}]: no purpose called {word!r}; {did_you_mean(word, list(Purpose))}")
    return Purpose(word)


def _texts(place: str, table: Mapping[str, Any], key: str) -> list[str]:
    value = _value(place, table, key, list)
    if not all(isinstance(item, str) for item in value):
        raise Unreadable(f"[{place}]: {key} must be a list of texts")
    return list(value)


def _value(place: str, table: Mapping[str, Any], key: str, kind: type) -> Any:
    if not isinstance(table.get(key), kind):
        what = {str: "a text", list: "a list of texts", date: "a date such as 2026-11-22"}[kind]
        raise Unreadable(f"[{place}]: {key} must be {what}")
    return table[key]
