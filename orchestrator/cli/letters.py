"""Letters that a terminal's encoding lacks: written another way, so that no command ends over one."""

import codecs
import sys
from io import TextIOWrapper
from typing import TextIO

HANDLER = "beforehand.plain"
PLAIN = {  # the signs that commands draw with, and those of texts
    "–": "-", "—": "-", "─": "-", "…": "...", "→": ">", "•": "*", "×": "x", "✓": "+", "✗": "x",
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u202f": " ", "€": "EUR",
}  # fmt: skip


def whatever_the_encoding() -> None:
    """Let this process print any text; what the encoding of stdout or stderr lacks, in signs it has."""
    codecs.register_error(HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not has_all(stream):
            stream.reconfigure(errors=HANDLER)


def has_all(stream: TextIO) -> bool:
    """Say whether every letter can be written there."""
    return codecs.lookup(stream.encoding or "utf-8").name.startswith("utf-")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(letter, "?") for letter in lacking), error.end
