"""Which encoding a text is in that cannot be read in the one it was said to be in."""

LIKELY = ("cp1252", "cp850", "mac-roman")
_USUAL = frozenset("äöüßÄÖÜéèêëàâçîïôùûœæÆøØåÅñáíóúãõÉÈÀÇÑ’‘“”„–—…€°§£«»")


def likely(sample: bytes) -> str:
    """Name the encoding in which *sample*, lines with bytes beyond ASCII, reads most like words."""
    if is_utf8(sample):
        return "utf-8"
    scores = {name: _score(sample, name) for name in LIKELY}
    return max(LIKELY, key=lambda name: scores[name])


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
