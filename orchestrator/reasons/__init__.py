"""Why: reasons as values. Each has a code, what it was made of, and the sentence that people read.

A sentence is written in one place (:mod:`.due`, :mod:`.unsaid`, :mod:`.sending`) and read by people; programs
ask for the code. Standard library only.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Self

from orchestrator.reasons.codes import MISADDRESSED, OF_CHANNELS, UNREACHABLE, Code

__all__ = ["MISADDRESSED", "NOTHING", "OF_CHANNELS", "UNREACHABLE", "Code", "Reason", "all_of"]

_NO_WORDS: Mapping[str, str] = MappingProxyType({})


class Reason(str):
    """A sentence that knows its ``code`` and, where somebody asks for them, the ``words`` it was made of.

    Two are equal if they say the same: what is planned again is no change because it is better known why.
    """

    __slots__ = ("code", "words")

    code: Code
    words: Mapping[str, str]

    def __new__(cls, code: Code, text: str, words: Mapping[str, str] = _NO_WORDS) -> Self:
        """Make the reason of that code that reads so."""
        one = str.__new__(cls, text)
        one.code = code
        one.words = words
        return one

    def __reduce__(self) -> Any:  # so that it can be copied
        """Return what it is made of."""
        return Reason, (self.code, str(self), dict(self.words))

    @property
    def about(self) -> str:
        """What it names or quotes, if that is kept: a channel, a rule, another reason."""
        return self.words.get("about", "")

    def also(self, more: str) -> "Reason":
        """The same reason, with *more* about it."""
        if not more:
            return self
        before = self.words.get("more")
        return Reason(
            self.code, f"{self}; {more}", {**self.words, "more": f"{before}; {more}" if before else more}
        )

    def by(self, what: str) -> "Reason":
        """The same reason, beginning with what it is about: a channel, a moment."""
        return Reason(self.code, f"{what}: {self}", self.words)

    def washed(self, wash: Callable[[str], str]) -> "Reason":
        """The same reason, its sentence without what must not be kept."""
        text = wash(self)
        return self if text == self else Reason(self.code, text, {k: wash(v) for k, v in self.words.items()})


NOTHING = Reason(Code.NONE, "")


def all_of(found: Iterable[Reason]) -> Reason:
    """Several reasons as one sentence; its code is the first by which nobody was reached, else the first."""
    whole = [one for one in found if one]
    if len(whole) < 2:
        return whole[0] if whole else NOTHING
    leads = next((one for one in whole if one.code in UNREACHABLE), whole[0])
    return Reason(leads.code, "; ".join(whole), leads.words)
