"""A file of events in the order in which they were heard, for a simulation.

It is read twice, first to sort it and then to hear it, so that it need not fit into memory.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import orjson

from orchestrator.errors import NotFound, Problem, Problems
from orchestrator.intake import BOM, Incoming, parse_lines
from orchestrator.intake import values as event_values

MOST_PROBLEMS = 500  # nobody reads more, and a wrong file has as many as it has lines


@dataclass(frozen=True, slots=True)
class History:
    """The events of *path*; iterating hears them by ``recordedtime``, else ``time``, else as they stand."""

    path: Path
    first: datetime
    count: int
    _offsets: Sequence[int]  # where each event begins; empty: the file is in order

    def __iter__(self) -> Iterator[Incoming]:
        """Give each event; at a wrong one raise :class:`Problems` with all that is wrong in the file."""
        with self.path.open("rb") as file:
            lines = file if not self._offsets else self._by_offset()
            for outcome in parse_lines(lines, str(self.path), None):
                if isinstance(outcome, list):
                    raise Problems(problems_of(self.path) or outcome)
                yield outcome

    def _by_offset(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for offset in self._offsets:
                file.seek(offset)
                yield file.readline()


def read(path: Path, progress: Callable[[int], None] = lambda _: None) -> History:
    """Find out in which order the events of *path* were heard; *progress* is told how many bytes were read.

    Raises :class:`Problems` with all that is wrong with any of them if one has no time that can be read,
    :class:`NotFound` if there is no event.
    """
    begins, heard = array("q"), array("d")
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not line.isspace():
                begins.append(offset)
                heard.append(_heard(line, path))
            offset += len(line)
            progress(offset)
    if not begins:
        raise NotFound(f"there is no event in {path}")
    sorted_already = all(before <= after for before, after in pairwise(heard))
    order = () if sorted_already else sorted(range(len(heard)), key=heard.__getitem__)
    first = datetime.fromtimestamp(min(heard), UTC)
    return History(path, first, len(begins), array("q", [begins[n] for n in order]))


def _heard(line: bytes, path: Path) -> float:
    """When an event was heard, read with no more care than sorting needs."""
    try:
        document = orjson.loads(line.removeprefix(BOM))
        return event_values.instant(document.get("recordedtime") or document["time"]).timestamp()
    except (ValueError, LookupError, AttributeError, TypeError, event_values.Wrong):
        found = problems_of(path)
        if not found:
            raise
        raise Problems(found) from None


def problems_of(path: Path) -> list[Problem]:
    """Everything that is wrong with any event of *path*, as far as anybody would read."""
    problems: list[Problem] = []
    refused = 0
    with path.open("rb") as file:
        for outcome in parse_lines(file, str(path), None):
            if isinstance(outcome, list):
                refused += 1
                problems += outcome if len(problems) < MOST_PROBLEMS else ()
    if len(problems) >= MOST_PROBLEMS:
        problems[-1] = replace(problems[-1], hint=f"{refused:,} events are refused; these are the first")
    return problems
