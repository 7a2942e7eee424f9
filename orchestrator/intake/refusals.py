"""The events that a file's reader refuses: told as far as anybody reads, counted to the last."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import orjson

from orchestrator.errors import Problem

MOST = 500  # problems; a wrong file has as many as it has lines


class Refusals:
    """Gathers what is wrong with events: the first problems, and how many events are refused in all."""

    def __init__(self) -> None:
        self.events = 0
        self._problems: list[Problem] = []
        self._more = False
        self._timeless = 0  # events of which nothing is wrong but that they have no time

    def add(self, problems: Collection[Problem]) -> None:
        """One more event is refused, for these *problems*.

        That events have no time is said once: where one has none, seldom any has.
        """
        self.events += 1
        timeless = [problem.code for problem in problems] == ["E014"]
        self._timeless += timeless
        if timeless and self._timeless > 1:
            return
        if len(self._problems) < MOST:
            self._problems += problems
        else:
            self._more = True

    def told(self) -> list[Problem]:
        """The problems; the last says how many events are refused where it is not the last there is."""
        found = self._problems
        if others := max(0, self._timeless - 1):
            nor = f"; nor has {others:,} other" if others == 1 else f"; nor have {others:,} others"
            found = [replace(one, message=one.message + nor) if one.code == "E014" else one for one in found]
        if not self._more:
            return found
        *some, last = found
        return [*some, replace(last, hint=f"{self.events:,} events are refused; these are the first")]


def conflict(path: Path | str, line: int, event_id: str, before: int = 0, text: bytes = b"") -> Problem:
    """That an event came before with another body; *before* is the line that it came on, if it is known."""
    source = text.decode(errors="replace").rstrip("\r\n")
    column = source.find(orjson.dumps(event_id).decode()) + 1
    hint = f"it came on line {before}" if before else "the one that came first counts"
    message = f"event {event_id!r} came before with another body"
    return Problem(str(path), line, column, "E203", message, hint=hint, source=source)
