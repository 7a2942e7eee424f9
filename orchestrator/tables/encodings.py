"""Which encoding a text is in that cannot be read in the one it was said to be in."""

import codecs

LIKELY = ("cp1252", "cp850", "mac-roman")
_USUAL = frozenset("äöüßÄÖÜéèêëàâçîïôùûœæÆøØåÅñáíóúãõÉÈÀÇÑ’‘“”„–—…€°§£«»")


def likely(sample: bytes) -> str:
    """Name the encoding in which *sample*, lines with bytes beyond ASCII, reads most like words."""
    if is_utf8(sample):
        return "utf-8"
    scores = {name: _score(sample, name) for name in LIKELY}
    return max(LIKELY, key=lambda name: scores[name])


def reads_as_words(sample: bytes) -> bool:
    """Say whether lines that could not be read hold usual letters in the encoding they are likely in."""
    return _score(sample, likely(sample)) > 0


def marked(start: bytes) -> str:
    """Name the encoding whose byte order mark a file begins with, other than UTF-8's, or ""."""
    marks = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    found = next((mark for mark in marks if start.startswith(mark)), b"")
    return f"utf-{8 * len(found)}" if found else ""


def is_utf8(line: bytes) -> bool:
    """Say whether bytes are UTF-8; those of other encodings hardly ever are by accident."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _score(sample: bytes, name: str) -> int:
    """How usual the letters beyond ASCII would be; one inside a word in the wrong case is not."""
    text = sample.decode(name, errors="replace")
    score = 0
    for before, letter in zip(" " + text, text, strict=False):
        if letter.isascii():
            continue
        score += 1 if letter in _USUAL else -1
        score -= 2 * (letter.isupper() and before.islower())
    return score
