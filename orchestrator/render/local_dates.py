"""Days and times as people of a locale write them: ``Thursday, 12 March``, ``17:30``.

Babel is imported at the first date; formats and texts are kept, since a morning's messages share them.
"""

import re
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

SHORT = 5  # letters of a day's name that stand above a column on a telephone
_YEAR = re.compile(r",?\s*(?:'[^']*')?\s*y+\s*(?:'[^']*'\.?)?$")


@lru_cache(maxsize=256)
def babel_locale(locale: str) -> str:
    """A locale that Babel has, from the most exact to English.

    English without a country is read as British: the day before the month, twenty-four hours.
    """
    from babel import Locale, UnknownLocaleError

    wanted = locale.replace("-", "_")
    for name in (wanted, wanted.partition("_")[0]):
        try:
            found = str(Locale.parse(name))
        except (UnknownLocaleError, ValueError, TypeError):
            continue
        return "en_GB" if found == "en" else found
    return "en_GB"


@lru_cache(maxsize=256)
def _pattern(locale: str, length: str) -> str:
    from babel.dates import get_date_format

    name = babel_locale(locale)
    pattern: str = get_date_format("long" if length == "day_month" else "full", locale=name).pattern
    if length == "full":
        return pattern
    return _YEAR.sub("", pattern)


@lru_cache(maxsize=8192)
def day_text(day: date, locale: str) -> str:
    """``Thursday, 12 March``, ``Donnerstag, 12. März``: weekday, day and month."""
    return _format(day, _pattern(locale, "day"), locale)


@lru_cache(maxsize=8192)
def day_and_month(day: date, locale: str) -> str:
    """``12 March``, ``12. März``."""
    return _format(day, _pattern(locale, "day_month"), locale)


@lru_cache(maxsize=8192)
def full_day_text(day: date, locale: str) -> str:
    """``Thursday, 12 March 2026``: with the year."""
    return _format(day, _pattern(locale, "full"), locale)


@lru_cache(maxsize=8192)
def weekday_text(day: date, locale: str) -> str:
    """``Thursday``, ``Donnerstag``."""
    return _format(day, "EEEE", locale)


@lru_cache(maxsize=64)
def weekday_names(locale: str) -> tuple[tuple[str, str], ...]:
    """The days of the week from Monday on, each short and in full: ``Mon``, ``Monday``.

    A language that shortens none of them, such as Arabic, has a letter for each.
    """
    from babel.dates import get_day_names

    names = (get_day_names(width, locale=babel_locale(locale)) for width in ("abbreviated", "wide", "narrow"))
    short, full, letter = names
    if max(map(len, short.values())) > SHORT:
        short = letter
    return tuple((short[day], full[day]) for day in range(7))


@lru_cache(maxsize=8192)
def time_text(at: time, locale: str) -> str:
    """``17:30``, ``5:30 PM``: hours and minutes."""
    from babel.dates import format_time

    text: str = format_time(at, "short", locale=babel_locale(locale))
    return text.replace("\u202f", " ")


@lru_cache(maxsize=1024)
def zone_text(day: date, at: time, zone: str, locale: str) -> str:
    """``CET``, ``MEZ``: what people of a locale call the time of a zone then, in short."""
    from babel.dates import get_timezone_name

    then = datetime.combine(day, at, ZoneInfo(zone))
    text: str = get_timezone_name(then, width="short", locale=babel_locale(locale))
    return text


def _format(day: date, pattern: str, locale: str) -> str:
    from babel.dates import format_date

    text: str = format_date(day, pattern, locale=babel_locale(locale))
    return text
