"""What templates ask of a channel that it cannot do: refused where it is written, never silently dropped."""

import re
from collections.abc import Iterator, Mapping

from channels.base import Abilities
from orchestrator.errors import Problem
from orchestrator.render import Renderer
from orchestrator.render import source as template_source
from orchestrator.render.check import at
from orchestrator.render.source import Is, SourceError

_STATEMENT = re.compile(r"\{%\s*(?P<word>\w+)")
_BLOCKS = frozenset({"if", "for", "macro", "call", "filter", "with", "block"})


def beyond(renderer: Renderer, channels: Mapping[str, Abilities]) -> Iterator[Problem]:
    """Yield a problem for each file that its channel could not show, and for each text too long for it.

    A text is as long as what stands in it; what is filled in comes on top.
    """
    for path, source in renderer.files.items():
        place = template_source.split_path(path)
        channel, _, form = place[1].rpartition(".") if place is not None else ("", "", "")
        can = channels.get(channel)
        if can is None:
            continue
        if form == "html" and not can.rich:
            yield at(renderer, path, 1, "T046", f"{channel} shows no HTML", f"write it in {channel}.txt")
        if form == "txt" and can.max_length is not None:
            shortest = _always(renderer, path, template_source.headers(source)[1], place[2] if place else "")
            if shortest > can.max_length:
                why = f"{channel} takes {can.max_length:,} characters, and this is {shortest:,} at the least"
                yield at(renderer, path, 1, "T046", why, "say it shorter")


def _always(renderer: Renderer, path: str, body: str, locale: str) -> int:
    """How many characters of a text are always said: nothing filled in, nothing that is said sometimes."""
    length = depth = 0
    try:
        pieces = renderer.pieces(body, path, locale)
    except SourceError:  # that is told already
        return 0
    for piece in pieces:
        if piece.kind is Is.TEXT and not depth:
            length += len(" ".join(piece.text.split()))
        elif piece.kind is Is.STATEMENT and (named := _STATEMENT.match(piece.text)):
            word = named["word"]
            depth += 1 if word in _BLOCKS else -1 if word.removeprefix("end") in _BLOCKS else 0
    return length
