"""Text that came from outside, made safe to stand on one line. Standard library only."""

import re

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Invisible marks that reorder or hide text: a name must not turn the rest of a subject round.
_REORDER = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def one_line(text: str, limit: int = 200) -> str:
    """Return *text* on one line of at most *limit* characters.

    Line breaks of every kind (CR, LF, VT, FF, U+0085, U+2028, U+2029), tabs and other controls become one
    space, marks that reorder text go, lone surrogates become U+FFFD; a cut is shown by an ellipsis.
    """
    if text.isprintable() and "  " not in text and len(text) <= limit:  # nearly always
        return text.strip()
    if not text.isascii():
        text = _REORDER.sub("", text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _BREAKS.sub(" ", text).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def lines(text: str, limit: int) -> str:
    """Return *text* of at most *limit* characters with its lines, each as :func:`one_line` makes it.

    Of several empty lines one stays.
    """
    found = "\n".join(one_line(line, limit) for line in re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", text))
    found = re.sub(r"\n{3,}", "\n\n", found).strip("\n")
    return found if len(found) <= limit else found[: limit - 1].rstrip() + "…"
