"""Public holidays of a place, through the ``holidays`` library, which is imported at the first question."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """The days a business is closed: the public holidays of its place, in any year, and days of its own.

    No country means days of its own only.
    """

    country: str = ""
    subdivision: str = ""
    own: tuple[date, ...] = ()

    def __contains__(self, day: object) -> bool:
        if day in self.own:
            return True
        if not self.country or not isinstance(day, date):
            return False
        return day in _year(self.country, self.subdivision, day.year)


@lru_cache(maxsize=1024)
def _year(country: str, subdivision: str, year: int) -> frozenset[date]:
    from holidays import country_holidays

    return frozenset(country_holidays(country, subdiv=subdivision or None, years=year, expand=False))


def fault(country: str, subdivision: str) -> tuple[str, str] | None:
    """Return what is wrong with a place and what to write instead; ``None`` if its holidays are known."""
    from holidays import country_holidays

    try:
        known = country_holidays(country)  # imports one country; a list of all would import all
    except NotImplementedError:
        return f"no public holidays are known for the country {country!r}", "write a code such as DE, AT, US"
    parts = {*known.subdivisions, *known.subdivisions_aliases}
    if subdivision and subdivision not in parts:
        there = f"there is {', '.join(sorted(parts))}" if parts else "leave the subdivision out"
        return f"{country} has no subdivision {subdivision!r}", there
    return None
