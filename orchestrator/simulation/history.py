"""A file of events in the order in which they were heard, for a simulation.

It is read twice, first to sort it and then to hear it, so that it need not fit into memory.
"""

import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from orchestrator.errors import NotFound, Problem, Problems
from orchestrator.intake import BOM, Incoming, parse_lines
from orchestrator.intake import values as event_values
from orchestrator.intake.lines import lines
from orchestrator.intake.refusals import Refusals, conflict
from orchestrator.model import Scope, scope_of
from orchestrator.persons.merging import MERGED
from orchestrator.timing.calendar import valid_zone


@dataclass(frozen=True, slots=True)
class History:
    """The events of *path*; iterating hears them by ``recordedtime``, else ``time``, else as they stand.

    ``last`` is the last hearing, ``furthest`` the last moment that any of the events speaks of (a promise
    may lie far ahead), ``customer_of`` whose each announced order is, ``zone_of`` the time zone of its
    place where it has one, ``same_as`` the one customer who stands for all that were ever one person.
    """

    path: Path
    first: datetime
    last: datetime
    furthest: datetime
    count: int
    customer_of: Mapping[str, str]
    zone_of: Mapping[str, str]
    same_as: Mapping[str, str]
    _offsets: Sequence[int]  # where each event begins; empty: the file is in order

    def __iter__(self) -> Iterator[Incoming]:
        """Give each event; at a wrong one raise :class:`Problems` with all that is wrong in the file."""
        return self._understood(self._lines())

    def only(self, ours: Callable[[str], bool]) -> Iterator[Incoming]:
        """Give the events about customers, and those about the orders that *ours* says."""
        return self._understood(line for line in self._lines() if _is_about(line, ours))

    def _understood(self, lines: Iterable[bytes]) -> Iterator[Incoming]:
        for outcome in parse_lines(lines, str(self.path), None):
            if isinstance(outcome, list):
                raise Problems(problems_of(self.path) or outcome)
            yield outcome

    def _lines(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            if not self._offsets:
                yield from (line for _, _, line in _events(file))
            for offset in self._offsets:
                file.seek(offset)
                yield file.readline()


def _is_about(line: bytes, ours: Callable[[str], bool]) -> bool:
    document = orjson.loads(line)
    about = scope_of(str(document.get("type")))
    return about is Scope.CUSTOMER or ours(str(document.get("subject")))


def read(path: Path, progress: Callable[[int], None] = lambda _: None) -> History:
    """Find out in which order the events of *path* were heard; *progress* is told how many bytes were read.

    Raises :class:`Problems` with all that is wrong with any of them if one has no time that can be read,
    :class:`NotFound` if there is no event.
    """
    begins, heard = array("q"), array("d")
    customer_of: dict[str, str] = {}
    zone_of: dict[str, str] = {}
    ties: list[tuple[str, str]] = []
    furthest = ""
    with path.open("rb") as file:
        for _, offset, line in _events(file):
            document, moment = _glance(line, path)
            begins.append(offset)
            heard.append(moment)
            kind = document.get("type")
            if kind == "order.upserted":
                _note_order(document, customer_of, zone_of, ties)
            elif kind == MERGED:
                _note_merge(document, ties)
            elif kind == "promise.made":
                furthest = max(furthest, _promised_until(document))
            progress(offset + len(line))
    if not begins:
        raise NotFound(f"there is no event in {path}")
    sorted_already = all(before <= after for before, after in pairwise(heard))
    order = () if sorted_already else sorted(range(len(heard)), key=heard.__getitem__)
    last = datetime.fromtimestamp(max(heard), UTC)
    return History(
        path=path,
        first=datetime.fromtimestamp(min(heard), UTC),
        last=last,
        furthest=max(last, _end_of_day(furthest) or last),
        count=len(begins),
        customer_of=customer_of,
        zone_of=zone_of,
        same_as=_groups(ties),
        _offsets=array("q", [begins[n] for n in order]),
    )


def _events(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Each line that holds an event: its number, the offset at which the event begins, and its text.

    The mark that a file may begin with (U+FEFF) belongs to none of them.
    """
    offset = 0
    for number, line in enumerate(lines(file), 1):
        event = line.removeprefix(BOM) if number == 1 else line
        if event and not event.isspace():
            yield number, offset + len(line) - len(event), event
        offset += len(line)


def _glance(line: bytes, path: Path) -> tuple[dict[str, Any], float]:
    """An event and when it was heard, read with no more care than sorting needs."""
    try:
        document = orjson.loads(line)
        moment = event_values.instant(document.get("recordedtime") or document["time"])
        return document, moment.timestamp()
    except (ValueError, LookupError, AttributeError, TypeError):
        found = problems_of(path)
        if not found:
            raise
        raise Problems(found) from None


def _note_order(
    document: Mapping[str, Any],
    customer_of: dict[str, str],
    zone_of: dict[str, str],
    ties: list[tuple[str, str]],
) -> None:
    """Whose the order is and where; an order that changes hands ties the two customers it was of."""
    data, order = document.get("data"), str(document.get("subject"))
    if not isinstance(data, dict):
        return
    customer = data.get("customer")
    if isinstance(customer, str) and (before := customer_of.setdefault(order, customer)) != customer:
        ties.append((before, customer))
    location = data.get("location")
    zone = location.get("time_zone") if isinstance(location, dict) else None
    if isinstance(zone, str) and valid_zone(zone):
        zone_of[order] = sys.intern(zone)


def _note_merge(document: Mapping[str, Any], ties: list[tuple[str, str]]) -> None:
    data = document.get("data")
    if isinstance(data, dict) and isinstance(data.get("into"), str):
        ties.append((str(document.get("subject")), data["into"]))


def _groups(ties: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For everybody whom these tie to others, the one who stands for all of them."""
    stands: dict[str, str] = {}

    def found(one: str) -> str:
        while (other := stands.setdefault(one, one)) != one:
            stands[one] = stands[other]  # halves the way for whoever asks next
            one = other
        return one

    for one, other in ties:
        stands[found(one)] = found(other)
    return {one: found(one) for one in stands}


def _promised_until(document: Mapping[str, Any]) -> str:
    """The last day a promise speaks of, ``2026-03-12``, or ""."""
    data = document.get("data")
    value = (data.get("to") or data.get("at") or data.get("date")) if isinstance(data, dict) else None
    return value[:10] if isinstance(value, str) and value[:4].isdigit() else ""


def _end_of_day(day: str) -> datetime | None:
    try:
        return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=2)
    except (ValueError, OverflowError):
        return None


def problems_of(path: Path) -> list[Problem]:
    """Everything that is wrong with any event of *path*, as far as anybody would read."""
    refused = Refusals()
    with path.open("rb") as file:
        for outcome in parse_lines(lines(file), str(path), None):
            if isinstance(outcome, list):
                refused.add(outcome)
    return refused.told()


def conflicts(path: Path, ids: Collection[str]) -> list[Problem]:
    """Where in *path* events of these ids come again with another body, as far as anybody would read."""
    refused = Refusals()
    first: dict[tuple[str, str], tuple[bytes, int]] = {}
    with path.open("rb") as file:
        for number, _, line in _events(file):
            name = str(orjson.loads(line).get("id"))
            if name not in ids:
                continue
            for event in parse_lines([line], str(path), None):
                if isinstance(event, list):
                    continue
                digest, before = first.setdefault((event.fact.source, event.fact.id), (event.digest, number))
                if digest != event.digest:
                    refused.add([conflict(path, number, name, before, line)])
    return refused.told()
