"""Which of two files that declare the same journey is the copy. Pure."""

import re
from collections.abc import Mapping
from pathlib import PurePath

_JOURNEY = re.compile(r"^journey: *[\"']?([\w.-]+)", re.MULTILINE)


def copies_of_named(sources: Mapping[str, str]) -> set[str]:
    """The files of a journey that another file is named after: those are the ones to be wrong about it."""
    says = {path: found[1] for path, text in sources.items() if (found := _JOURNEY.search(text))}
    named = {name for path, name in says.items() if PurePath(path).stem == name}
    return {path for path, name in says.items() if name in named and PurePath(path).stem != name}
