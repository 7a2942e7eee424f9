"""What a problem's code means, as a value, and what somebody may have meant by a word nobody knows. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

LIKE = 0.6  # how alike two words must be, as difflib measures it, to be worth asking about
SHOWN = 12  # of the words there are; nobody reads more


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem: what it is called, what it means, and how to mend it."""

    title: str
    explanation: str
    mend: str


class Wrong(ValueError):
    """A value that is refused: the code, what is wrong with it, and what would be right."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code = code
        self.message = message
        self.hint = hint
        super().__init__(message)


# ── did you mean …? ──────────────────────────────────────────────────────────


def nearest(word: str, known: Iterable[str], like: float = LIKE) -> str:
    """Return the word among *known* that is most alike, in its own case or in any, or ""."""
    from difflib import get_close_matches  # 5 ms, and most input has nothing to ask about

    words = list(dict.fromkeys(known))
    folded = {known.casefold(): known for known in reversed(words)}
    if word not in words and word.casefold() in folded:
        return folded[word.casefold()]
    if close := get_close_matches(word, words, 1, like):
        return close[0]
    close = get_close_matches(word.casefold(), folded, 1, like)
    return folded[close[0]] if close else ""


def did_you_mean(word: str, known: Iterable[str], like: float = LIKE) -> str:
    """Return ``did you mean 'x'?`` for the nearest of the *known* words, or ""."""
    near = nearest(word, known, like)
    return f"did you mean {near!r}?" if near else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?``, or what there is when nothing is near: of many the most alike."""
    unordered = isinstance(known, set | frozenset)  # which Python lists otherwise each time
    words = list(dict.fromkeys(map(str, sorted(known, key=str) if unordered else known)))
    if near := did_you_mean(word, words):
        return near
    shown = words if len(words) <= SHOWN else [*sorted(_most_alike(word, words)), "…"]
    return f"there is: {', '.join(shown)}" if shown else ""


def _most_alike(word: str, words: list[str]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(word, words, SHOWN, 0.0)


def slip(word: str, known: Collection[str]) -> str:
    """Return the *known* word of which this is a slip of the finger, or "".

    A slip is the same word in another case or with other separators, or one edit away from it: a letter
    too many, too few, exchanged, or two in the wrong order. It is no slip when the words may both be meant:
    when a digit makes the difference (``phone2``), in words of one or two letters, when a letter is exchanged
    in a word shorter than six or at its beginning (``node`` and ``note``, ``season`` and ``reason``), or when
    one shorter than five begins otherwise (``old`` and ``told``).
    """
    return "" if word in known else next((name for name in known if _is_slip(_plain(word), _plain(name))), "")


def _plain(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "")


def _is_slip(word: str, known: str) -> bool:
    if len(known) < 3 or [*filter(str.isdigit, word)] != [*filter(str.isdigit, known)]:
        return word == known
    if not one_edit_apart(word, known):
        return word == known
    if len(known) < 5 and word[:1] != known[:1]:
        return False
    exchanged = len(word) == len(known) and sorted(word) != sorted(known)
    return not exchanged or (len(known) >= 6 and word[0] == known[0])


def one_edit_apart(one: str, other: str) -> bool:
    """Say whether one letter too many, too few or exchanged, or two swapped neighbours, tell them apart."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rest, its_rest = one[start:], other[start:]
    return (
        rest[1:] == its_rest[1:]
        or rest[1:] == its_rest
        or rest == its_rest[1:]
        or (rest[:2] == its_rest[1::-1] and rest[2:] == its_rest[2:])
    )
