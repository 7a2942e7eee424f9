"""What the law says for one recipient: at which hours, by which clocks, in which place. Pure.

What is not known is taken at its strictest: of a country's regions the hours that all of them allow, of its
time zones the moments that are allowed in each.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache

from orchestrator.journey import BusinessCalendar, Law
from orchestrator.model import Customer, Person, Purpose

MIDNIGHT = time()  # closing then is closing at the end of the day

UNHEARD = "their own time zone is not known"
NO_ZONE = "their own time zone is none that we know"
LONGEST_CODE = 3  # of a subdivision in ISO 3166-2; anything longer is a name, which we do not know


@dataclass(frozen=True, slots=True)
class _AnyOf:
    """The days that are in one of several."""

    several: tuple[Container[date], ...]

    def __contains__(self, day: object) -> bool:
        return any(day in one for one in self.several)


def place_of(who: Customer | Person, zone: str, law: Law) -> tuple[str, str]:
    """The country and the region, or "", of somebody whose clocks are taken to be those of *zone*.

    A region that is no part of the country is not known: `FLA` is not taken for a state without a law.
    """
    country = who.country if isinstance(who, Customer) else ""
    if not country:
        return law.country_of.get(zone, ""), ""
    assert isinstance(who, Customer)
    region = who.region.upper().removeprefix(f"{country}-")
    parts = law.parts.get(country)
    known = region in parts if parts else region.isalnum() and len(region) <= LONGEST_CODE
    return country, region if known else ""


def clocks(zone: str, country: str, law: Law) -> tuple[str, ...]:
    """The zones that somebody whose own is not known may live in."""
    return law.zones.get(country) or (zone,)


@lru_cache(maxsize=1024)
def hours(law: Law, country: str, region: str, purpose: Purpose, channel: str) -> BusinessCalendar | None:
    """The hours the law allows there, ``None`` where it says nothing; a region that is not known is all."""
    found = list(_applying(law, country, region, purpose, channel))
    if not found:
        return None
    return BusinessCalendar(_common(found), _AnyOf(tuple(one.holidays for one in found)))


def _applying(
    law: Law, country: str, region: str, purpose: Purpose, channel: str
) -> Iterator[BusinessCalendar]:
    for legal in law.hours:
        its_country, _, its_region = legal.place.partition("-")
        here = its_country == country and (not its_region or its_region == region or not region)
        if here and purpose in legal.purposes and (not legal.channels or channel in legal.channels):
            yield legal.hours


def _at_the_end(closing: time) -> tuple[bool, time]:
    """Orders closing times: midnight is the end of the day."""
    return closing == MIDNIGHT, closing


def _common(calendars: Sequence[BusinessCalendar]) -> dict[int, tuple[time, time]]:
    """The hours of each weekday that are in all of them."""
    common = {}
    for weekday in range(7):
        spans = [calendar.hours.get(weekday) for calendar in calendars]
        known = [span for span in spans if span is not None]
        if len(known) == len(spans):
            start, end = max(span[0] for span in known), min((span[1] for span in known), key=_at_the_end)
            if start < end or end == MIDNIGHT:
                common[weekday] = (start, end)
    return common
