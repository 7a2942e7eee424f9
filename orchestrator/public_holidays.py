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
        return (
            bool(self.country)
            and isinstance(day, date)
            and day in _year(self.country, self.subdivision, day.year)
        )


@lru_cache(maxsize=1024)
def _year(country: str, subdivision: str, year: int) -> frozenset[date]:
    from holidays import country_holidays

    return frozenset(country_holidays(country, subdiv=subdivision or None, years=year, expand=False))


def is_place(country: str, subdivision: str) -> tuple[str, str] | None:
    """Return what is wrong with a country or its subdivision, and what there is; ``None`` if nothing is."""
    from holidays import list_supported_countries

    known = list_supported_countries()
    if country not in known:
        return f"no public holidays are known for the country {country!r}", "write a code such as DE, AT, US"
    if subdivision and subdivision not in known[country]:
        return (
            f"{country} has no subdivision {subdivision!r}",
            f"there is {', '.join(sorted(known[country]))}",
        )
    return None
