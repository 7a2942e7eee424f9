"""Public holidays of a place, through the ``holidays`` library, which is imported at the first question."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from orchestrator.findings import did_you_mean


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
    return frozenset(_country(country)(subdiv=subdivision or None, years=year, expand=False))


def fault(country: str, subdivision: str) -> tuple[str, str, str] | None:
    """Return which of the two is wrong, why, and what to write instead; ``None`` if they are known."""
    if _plainly_known(country, subdivision):
        return None
    try:
        known = _country(country)
    except LookupError:
        why = f"no public holidays are known for the country {country!r}"
        return "country", why, f"write a code such as {_code(country) or 'DE, AT, US'}"
    parts = sorted({*known.subdivisions, *known.subdivisions_aliases})
    if subdivision and subdivision not in parts:
        there = f"there is {', '.join(parts)}" if parts else "leave the subdivision out"
        hint = did_you_mean(subdivision, parts) or there
        return "subdivision", f"{country} has no subdivision {subdivision!r}", hint
    return None


def _plainly_known(country: str, subdivision: str) -> bool:
    """Whether the library's files name both, read as text; importing it takes 40 ms, only to hear that.

    ``False`` only means that the library itself has to be asked.
    """
    spec = find_spec("holidays") if country.isalpha() and '"' not in subdivision else None
    folder = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    try:
        registry = (folder / "registry.py").read_text(encoding="utf-8")
        line = re.search(rf'^    "(\w+)": \("\w+",[^)\n]* "{re.escape(country)}"[,)]', registry, re.MULTILINE)
        source = (folder / "countries" / f"{line[1]}.py").read_text(encoding="utf-8") if line else ""
    except OSError:
        return False
    parts = re.search(r"^    subdivisions = \((\n.*?)^    \)", source, re.MULTILINE | re.DOTALL)
    return bool(source) and (
        not subdivision or (parts is not None and f'\n        "{subdivision}",' in parts[1])
    )


def _code(written: str) -> str:
    """The code of a country that was written as a name or in small letters; else ""."""
    from holidays.registry import COUNTRIES

    meant = re.sub(r"\W", "", written).lower()
    return next((names[1] for names in COUNTRIES.values() if meant in map(str.lower, names)), "")


@cache
def _country(code: str) -> Any:
    """The library's class for a country; raises ``LookupError`` for a code it does not know.

    Its file is read alone: the package around it imports 250 countries, which takes 80 ms and 8 MB.
    """
    import holidays
    from holidays.registry import COUNTRIES

    file, kind = next(((file, names[0]) for file, names in COUNTRIES.items() if code in names[1:]), ("", ""))
    path = Path(holidays.__file__).parent / "countries" / f"{file}.py"
    spec = spec_from_file_location(f"holidays.countries.{file}", path) if file else None
    if spec is None or spec.loader is None:
        raise LookupError(code)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, kind)
