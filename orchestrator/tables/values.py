"""The texts of cells → dates, moments, numbers and flags; every function raises :class:`Wrong` for others."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

from orchestrator.findings import Wrong

_NUMBERS = re.compile(
    r"(\d{1,4})([-./ ])(\d{1,2})\2(\d{1,4})"
    r"(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_TOGETHER = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_SERIAL = re.compile(r"[3-5]\d{4}(?:[.,]\d+)?", re.ASCII)  # 1982 to 2064, as spreadsheets count days
_PLACES = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}  # where year, month and day stand
_GROUPING = " \u00a0\u202f'’"  # beside the other mark
_YEARS = range(1900, 2200)
_SUM = re.compile(r"(?P<before>[A-Z]{3}|[€£$¥])?\s*(?P<amount>[^A-Z€£$¥]*\d)\s*(?P<after>[A-Z]{3}|[€£$¥])?")
_SIGNS = {"€": "EUR", "£": "GBP"}  # a $ or ¥ is the sign of several currencies
_YES = frozenset({"yes", "true", "1", "y", "x", "t", "ja", "oui", "si", "wahr"})
_NO = frozenset({"no", "false", "0", "n", "f", "nein", "non", "falsch"})


@lru_cache(maxsize=16384)  # the rows of a table share their days
def day_or_moment(text: str, order: str, formats: tuple[str, ...]) -> date | datetime:
    """Return the day that a text names, or the moment: naive where it names no offset from UTC.

    *formats* (as ``strptime`` takes them) are tried first, then the *order* ``ymd``, ``dmy`` or ``mdy``.
    A year has four digits; 2016-07-04 is that day in every order.
    """
    if (found := _formatted(text, formats)) is not None:
        return found
    if match := _NUMBERS.fullmatch(text):
        numbers, times = [match[1], match[3], match[4]], match.groups()[4:]
        if len(match[1]) == 4 and match[2] == "-":
            order = "ymd"
    elif order == "ymd" and (match := _TOGETHER.fullmatch(text)):
        numbers, times = [match[1], match[2], match[3]], ()
    else:
        raise _no_date(text)
    year, month, day = (numbers[place] for place in _PLACES[order])
    if len(year) != 4 or len(month) > 2 or len(day) > 2:
        raise Wrong("M108", f"is no date in the order {order}", _other_order(numbers, order))
    try:
        found = date(int(year) if int(year) in _YEARS else 0, int(month), int(day))
        return _moment(found, *times) if times and times[0] else found
    except ValueError:
        exchanged = 12 < int(month) <= 31 and int(day) <= 12
        if int(year) not in _YEARS and int(year):
            raise Wrong("M109", f"is in no year from {_YEARS[0]} to {_YEARS[-1]}") from None
        hint = f"are day and month exchanged? date_order is {order}" if exchanged else ""
        if int(year) == 0:
            hint = f"if {text} means none, add it to `empty:`"
        raise Wrong("M109", "is a date that does not exist", hint) from None


def _formatted(text: str, formats: Sequence[str]) -> date | datetime | None:
    for form in formats:
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 - the row's zone is added by the caller
        except ValueError:
            continue
        if not any(sign in form for sign in ("%H", "%I", "%X", "%c")):
            return found.date()
        return found.astimezone(UTC) if found.tzinfo else found
    return None


def _moment(day: date, hour: str, minute: str, second: str | None, offset: str | None) -> datetime:
    found = datetime(day.year, day.month, day.day, int(hour), int(minute), int(second or 0))  # noqa: DTZ001
    if not offset:
        return found
    return datetime.fromisoformat(f"{found.isoformat()}{offset.replace('Z', '+00:00')}").astimezone(UTC)


def _no_date(text: str) -> Wrong:
    if _SERIAL.fullmatch(text):
        return Wrong("M108", "is no date", "a spreadsheet's count of days? Format the column as a date first")
    return Wrong(
        "M108", "is no date", "write what means no date under `empty:`, other forms as `date_formats:`"
    )


def _other_order(numbers: Sequence[str], order: str) -> str:
    if len(numbers[0]) == 4:
        return "is the date_order ymd?"
    if len(numbers[2]) == 4 and order == "ymd":
        return "is the date_order dmy or mdy?"
    return 'a year has four digits; for two write date_formats: ["%d.%m.%y"]'


def number(text: str, decimal: str) -> int | float:
    """Return a number; the other mark, spaces and apostrophes may group thousands."""
    plain = _plain(text, decimal)
    return float(plain) if "." in plain else int(plain)


def _plain(text: str, decimal: str) -> str:
    """The digits of a number with a point for its decimal mark and no grouping."""
    grouping = "." if decimal == "," else ","
    mark, group = re.escape(decimal), f"[{re.escape(grouping)}{_GROUPING}]"
    pattern = rf"[+-]?(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)(?:{mark}\d+)?"
    if re.fullmatch(pattern, text, re.ASCII) is None:
        raise Wrong("M110", "is no number", f"the decimal mark is {decimal!r}")
    return re.sub(group, "", text).replace(decimal, ".")


def flag(text: str) -> bool:
    """Return whether a text says yes."""
    word = text.lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise Wrong("M111", "is neither yes nor no")


def money(text: str, decimal: str) -> dict[str, str]:
    """Return a sum as facts carry it, with the currency's code or sign before or after the number."""
    match = _SUM.fullmatch(text)
    before, after = (match["before"] or "", match["after"] or "") if match else ("", "")
    if match is None or bool(before) == bool(after):
        raise Wrong(
            "M110", "is no sum of money", "name its currency once: `{value: '{Price} EUR', as: money}`"
        )
    sign = before or after
    currency = _SIGNS.get(sign, sign)
    if len(currency) != 3:
        raise Wrong("M110", f"has {sign!r}, which is no one currency", "write its code, such as USD")
    return {"amount": _plain(match["amount"].strip(), decimal).removeprefix("+"), "currency": currency}
