"""Text that runs from right to left, and names that run another way than the text around them (UAX #9).

A name or a telephone number inside a text of the other direction would pull the punctuation beside it to
the wrong side, or turn itself round: ``+49 30 23125 110`` reads ``110 23125 30 49+`` in Arabic. So what is
printed stands between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE. The characters and not ``<bdi>``,
because they hold in a subject, an SMS and a plain text too, and mail programs take away unknown tags.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from orchestrator.plain_text import one_line
from orchestrator.render.source import Is, Piece

ISOLATED = "_isolated"  # a filter that only the compiler writes
FSI, PDI = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset(
    {"ar", "ckb", "dv", "fa", "he", "iw", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"}
)
_SCRIPTS = frozenset({"arab", "hebr", "thaa", "syrc", "nkoo"})
_LEFTWARDS = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_STAND_IN = (("\ue0f0", FSI), ("\ue0f1", PDI))  # private use: they live through one_line and are put back


@lru_cache(maxsize=256)
def leftwards(locale: str) -> bool:
    """Say whether a language is written from right to left: ``ar``, ``he-IL``, ``fa``, ``az-Arab``."""
    language, *rest = locale.lower().replace("_", "-").split("-")
    scripts = [part for part in rest if len(part) == 4 and part.isalpha()]
    if scripts:
        return scripts[0] in _SCRIPTS
    return language in _RIGHT_TO_LEFT


def isolated(text: str, *, within_leftwards: bool) -> str:
    """Return *text* isolated, if anything in it runs another way than the text around it."""
    if not within_leftwards:
        return text if text.isascii() or not _LEFTWARDS.search(text) else _between(text)
    other = any(unicodedata.bidirectional(char) in {"L", "EN", "AN"} for char in text)
    return _between(text) if other else text


def _between(text: str) -> str:
    if "\n" in text or (text.startswith(FSI) and text.endswith(PDI)):  # an isolate ends with its paragraph
        return text
    return f"{FSI}{text}{PDI}"


def line(text: str, limit: int) -> str:
    """Return a subject or title on one line (:func:`orchestrator.plain_text.one_line`) with its isolates.

    Values from outside have lost theirs before; those that are left are ours.
    """
    if FSI not in text:
        return one_line(text, limit)
    for stand_in, mark in _STAND_IN:
        text = text.replace(stand_in, "").replace(mark, stand_in)
    text = one_line(text, limit)
    for stand_in, mark in _STAND_IN:
        text = text.replace(stand_in, mark)
    return text + PDI * max(0, text.count(FSI) - text.count(PDI))


def between_tags(pieces: Sequence[Piece]) -> list[Piece]:
    """Let every expression of a document that stands between tags, and not inside one, print isolated."""
    inside = False
    found: list[Piece] = []
    for piece in pieces:
        if piece.kind is Is.TEXT:
            opens, closes = piece.text.rfind("<"), piece.text.rfind(">")
            inside = opens > closes if opens != closes else inside
        elif piece.kind is Is.EXPRESSION and not inside and piece.text.startswith("{{"):
            found.append(replace(piece, text=f"{{{{ ({piece.text[2:-2]}) | {ISOLATED} }}}}"))
            continue
        found.append(piece)
    return found
