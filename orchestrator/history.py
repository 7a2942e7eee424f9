"""A file of events in the order in which they were heard, for a simulation.

It is read twice, first to check and sort it and then to hear it, so that it need not fit into memory.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from orchestrator.errors import NotFound, Problem, Problems
from orchestrator.intake import Incoming, parse_lines

MOST_PROBLEMS = 500  # nobody reads more, and a wrong file has as many as it has lines


@dataclass(frozen=True, slots=True)
class History:
    """The events of *path*; iterating hears them by ``recordedtime``, else ``time``, else as they stand."""

    path: Path
    first: datetime
    count: int
    _offsets: Sequence[int]  # where each event begins; empty: the file is in order

    def __iter__(self) -> Iterator[Incoming]:
        with self.path.open("rb") as file:
            lines = file if not self._offsets else self._by_offset()
            for outcome in parse_lines(lines, str(self.path), None):
                if isinstance(outcome, list):
                    raise Problems(outcome)  # the file changed since it was read
                yield outcome

    def _by_offset(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for offset in self._offsets:
                file.seek(offset)
                yield file.readline()


def read(path: Path, progress: Callable[[int], None] = lambda _: None) -> History:
    """Check every event of *path*; *progress* is told how many bytes were read.

    Raises :class:`Problems` with all that is wrong with any of them, :class:`NotFound` if there is none.
    """
    begins, heard = array("q"), array("d")
    problems: list[Problem] = []
    refused = 0
    offset = start = 0

    def lines() -> Iterator[bytes]:
        nonlocal offset, start
        with path.open("rb") as file:
            for line in file:
                start, offset = offset, offset + len(line)
                yield line

    for outcome in parse_lines(lines(), str(path), None):
        progress(offset)
        if isinstance(outcome, list):
            refused += 1
            problems += outcome if len(problems) < MOST_PROBLEMS else ()
        else:
            begins.append(start)
            heard.append(outcome.fact.heard.timestamp())
    if problems:
        if len(problems) >= MOST_PROBLEMS:
            problems[-1] = replace(problems[-1], hint=f"{refused:,} events are refused; these are the first")
        raise Problems(problems)
    if not begins:
        raise NotFound(f"there is no event in {path}")
    sorted_already = all(before <= after for before, after in pairwise(heard))
    order = () if sorted_already else sorted(range(len(heard)), key=heard.__getitem__)
    first = datetime.fromtimestamp(min(heard), UTC)
    return History(path, first, len(begins), array("q", [begins[n] for n in order]))
