"""What the pages for people say in each language: ``pages/<language>.toml``, read once.

Every language has the same keys.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestrator.render.bidi import isolated, leftwards

FOLDER = Path(__file__).parent / "pages"
FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class PageWords:
    """The words of one language; ``locale`` is the reader's own where it is of that language."""

    language: str
    locale: str
    said: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """What the page says, ``tracker.late``, with its blanks filled in; raises KeyError for any other."""
        leftwards_here = leftwards(self.language)
        filled = {name: isolated(str(one), within_leftwards=leftwards_here) for name, one in values.items()}
        return self.said[key].format(**filled)

    @property
    def comma(self) -> str:
        """What stands between two things said one after the other."""
        return "، " if self.language in ("ar", "fa", "ur") else ", "

    @property
    def direction(self) -> str:
        """``rtl`` where the language runs from right to left, else ``ltr``."""
        return "rtl" if leftwards(self.language) else "ltr"


def languages() -> Mapping[str, str]:
    """The languages the pages are written in, each by its own name."""
    return {language: _read(language)["name"] for language in _known()}


def words(*locales: str) -> PageWords:
    """The words of the first of these languages in which the pages are written, else of English."""
    for locale in locales:
        language = locale.replace("_", "-").partition("-")[0].lower()
        if language in _known():
            return PageWords(language, locale, _read(language))
    return PageWords(FALLBACK, FALLBACK, _read(FALLBACK))


@cache
def _known() -> frozenset[str]:
    return frozenset(file.stem for file in FOLDER.glob("*.toml"))


@cache
def _read(language: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8")).items():
        if isinstance(value, dict):
            found |= {f"{name}.{key}": said for key, said in value.items()}
        else:
            found[name] = value
    return found
