"""How somebody's names and addresses may stand in a text: in any case, a number with any gaps. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

E164 = re.compile(r"\+(\d{7,15})")
SHORTEST = 7  # digits of a national number that are looked for without their prefix
GAPS = " ()./-\u00a0\u2010\u2011\u2012\u2013\u2014"  # what people write between digits
_GAP = rf"[\s{re.escape(GAPS)}]*"


@lru_cache(maxsize=64)
def pattern(secrets: frozenset[str]) -> re.Pattern[str]:
    """What finds each of *secrets* in a text; nothing if there is none."""
    parts = [_written(secret) for secret in sorted(secrets, key=len, reverse=True) if secret.strip()]
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def _written(secret: str) -> str:
    if E164.fullmatch(secret) is None:
        return r"\s+".join(map(re.escape, secret.split()))
    country, national = digits_of(secret)
    prefix = rf"(?:(?:\+|00)?{_GAP}{_GAP.join(country)}{_GAP}(?:0{_GAP})?|0{_GAP})"
    optional = "?" if len(national) >= SHORTEST else ""
    return rf"(?<!\d)\(?{prefix}{optional}{_GAP.join(national)}(?!\d)"


@lru_cache(maxsize=64)
def digits_of(phone: str) -> tuple[str, str]:
    """The country's code and the national digits of a number in E.164."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return phone[1:3], phone[3:]
    return str(parsed.country_code), phonenumbers.national_significant_number(parsed)


def runs(secret: str) -> list[str]:
    """The parts of a text that stand in JSON as they are, in small letters: all of them are where it is."""
    return re.findall(r"[\x21\x23-\x5b\x5d-\x7e]+", secret.lower())


def without(value: Any, secrets: Iterable[str]) -> Any:
    """*value* with "" for every text or number that is one of *secrets*, and "…" for each inside a text."""
    wanted = frozenset(secrets)
    return _without(value, pattern(wanted)) if wanted else value


def _without(value: Any, found: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return "" if found.fullmatch(value.strip()) else found.sub("…", value)
    if type(value) is int:
        return "" if found.fullmatch(str(value)) else value
    if isinstance(value, Mapping):
        return {key: _without(inner, found) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without(inner, found) for inner in value]
    return value


def places(value: Any, secrets: frozenset[str], path: str = "") -> Iterator[str]:
    """Where in *value* one of *secrets* stands, as ``parties.pays.name``, without saying it."""
    found = pattern(secrets)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = str(key)
            here = ".".join(filter(None, (path, found.sub("…", name))))
            if found.search(name):
                yield here
            yield from places(inner, secrets, here)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from places(inner, secrets, f"{path}[{index}]")
    elif (isinstance(value, str) or type(value) is int) and found.search(str(value)):
        yield path


def has_word(value: Any, word: str) -> bool:
    """Does *word* stand by itself in one of the texts of *value*?"""
    return _has(value, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE))


def _has(value: Any, found: re.Pattern[str]) -> bool:
    if isinstance(value, Mapping):
        return any(_has(inner, found) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_has(inner, found) for inner in value)
    return isinstance(value, str) and found.search(value) is not None


NAMES = ("name", "given_name")
MOST_WORDS = 12  # of one name; no name is longer, and a text that is should not fill an index
LONGEST = 60  # characters of a word that are kept


def name_words(said: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of the names in a customer's data, as :func:`plain_words` has them, each once."""
    names = (said.get(key) for key in NAMES)
    found = (word for name in names if isinstance(name, str) for word in plain_words(name))
    return tuple(dict.fromkeys(found))[:MOST_WORDS]


def plain_words(text: str) -> list[str]:
    """The words of a text in small letters and without accents, so that *Müller* and *muller* are alike."""
    bare = text[:1000].casefold()
    if not bare.isascii():  # most names have no accents, and to look for them takes most of the time
        apart = unicodedata.normalize("NFKD", text[:1000]).casefold()
        bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return [word[:LONGEST] for word in re.findall(r"\w+", bare)]
