"""What templates ask of channels that these cannot do, or of channels that nobody set up.

It is refused where it is written, never silently dropped.
"""

import re
from collections.abc import Iterator, Mapping

from channels.base import Abilities
from orchestrator.errors import Problem
from orchestrator.findings import did_you_mean
from orchestrator.render import LAYOUTS, Renderer
from orchestrator.render import source as template_source
from orchestrator.render.check import at
from orchestrator.render.source import Is, SourceError

_STATEMENT = re.compile(r"\{%\s*(?P<word>\w+)")
MAIL = "email"
FILES = frozenset({"Attach", "Calendar"})  # headers that put a file beside the text
_BLOCKS = frozenset({"if", "for", "macro", "call", "filter", "with", "block"})


def beyond(renderer: Renderer, channels: Mapping[str, Abilities]) -> Iterator[Problem]:
    """Yield a problem for each file that no channel, or not its own, could show, and for each text too long.

    A text is as long as what stands in it; what is filled in comes on top.
    """
    for path, source in renderer.files.items():
        place = template_source.split_path(path)
        channel, _, form = place[1].rpartition(".") if place is not None else ("", "", "")
        can = channels.get(channel)
        if can is None:
            if place is not None and channel and _is_said(renderer, place[0], place[1]):
                hint = (
                    did_you_mean(channel, channels)
                    or f"set it up below [channels.{channel}], or remove the file"
                )
                yield at(renderer, path, 1, "T047", f"there is no channel called {channel!r}", hint)
            continue
        if form == "html" and not can.rich:
            yield at(renderer, path, 1, "T046", f"{channel} shows no HTML", f"write it in {channel}.txt")
        heads, body = template_source.headers(source) if form == "txt" else ((), "")
        for head in heads:
            if head.name in FILES and channel == MAIL and not can.attachments:  # others have no such header
                why = f"{channel} takes no files along"
                yield at(renderer, path, head.line, "T046", why, f"remove `{head.name}:`", head.name)
        if form == "txt" and can.max_length is not None:
            shortest = _always(renderer, path, body, place[2] if place else "")
            if shortest > can.max_length:
                why = f"{channel} takes {can.max_length:,} characters, and this is {shortest:,} at the least"
                yield at(renderer, path, 1, "T046", why, "say it shorter")


def _is_said(renderer: Renderer, folder: str, stem: str) -> bool:
    """Whether a file is one of a template's, and neither a layout nor made to be attached."""
    if not template_source.NAME.fullmatch(folder) or folder == LAYOUTS:
        return False
    attached = (name for path in renderer.files if ".txt" in path for name in renderer.attached(path))
    return f"{folder}/{stem}" not in attached


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
