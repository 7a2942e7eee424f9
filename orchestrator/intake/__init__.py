"""Events → facts: CloudEvents 1.0 as JSON, checked to the last field before anything is believed.

An event is accepted whole or refused with everything that is wrong with it
(:mod:`orchestrator.intake.codes`). What its data may hold, and the settled form in which a fact keeps it,
stands in :mod:`orchestrator.intake.schema`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from orchestrator.errors import Problem
from orchestrator.findings import Wrong, did_you_mean, nearest, one_edit_apart
from orchestrator.intake import foreign, strict_json
from orchestrator.intake.lines import MAX_EVENT
from orchestrator.intake.types import Finding, settle
from orchestrator.intake.values import CLOSE, as_written, instant
from orchestrator.model import ENGINE, Fact

FUTURE_TOLERANCE = timedelta(
    minutes=5
)  # clocks differ by seconds; a wrong offset from UTC by an hour or more
MAX_ATTRIBUTE = 512  # characters
BOM = b"\xef\xbb\xbf"

_OPTIONAL = ("time", "recordedtime", "datacontenttype")  # who misspells another is told that it is missing
SHORT, ALIKE = 8, 0.9  # in a name longer than that two letters may be wrong: `recordtime`
_ENVELOPE = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "recordedtime", "data", "datacontenttype"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event was found: a file and its line (from 1), or the name of a request."""

    path: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event that may be believed, not yet written down.

    ``digest`` (SHA-256) is that of what the event says, so that the same ``source`` and ``id`` with another
    digest is a conflict; the order of keys, the zone a time is written in and ``recordedtime`` play no part.
    ``extensions`` are the event's further attributes, as texts.
    """

    fact: Fact
    digest: bytes
    extensions: Mapping[str, Any]


def parse(
    document: Mapping[str, Any],
    arrived: datetime | None,
    *,
    place: Place,
    future_tolerance: timedelta = FUTURE_TOLERANCE,
) -> Incoming | list[Problem]:
    """Return what an event says, or every problem with it.

    *document* is a CloudEvent as strict JSON gives it (:func:`.strict_json.decode`). It was heard at its
    ``recordedtime``, else *arrived*; in a replay *arrived* is ``None``, and what has no
    ``recordedtime`` was heard when it happened.
    """
    outcome = _read(document, arrived, future_tolerance)
    return outcome if isinstance(outcome, Incoming) else [_problem(finding, place) for finding in outcome]


def parse_lines(
    lines: Iterable[bytes],
    path: str,
    arrived: datetime | None,
    *,
    future_tolerance: timedelta = FUTURE_TOLERANCE,
) -> Iterator[Incoming | list[Problem]]:
    """Yield what each line of JSON lines says, or its problems with their line and column; see :func:`parse`.

    Blank lines say nothing. Lines are read one at a time, however many there are. One document that is
    written over several lines is one problem, and ends the reading; so is a file without any event.
    """
    begun = False
    first: tuple[int, bytes] | None = None
    held: list[list[Problem]] = []  # of the lines before the first that may be an event
    for number, raw in enumerate(lines, 1):
        line = raw.removeprefix(BOM) if number == 1 else raw
        if not line or line.isspace():
            continue
        place = Place(path, number)
        if not begun and _goes_on(line):
            yield [_over_lines(line, place)]
            return
        begun = begun or foreign.may_be_event(line)
        if begun and held:
            yield from held
            held = []
        try:
            outcome = _read(_decode_line(line), arrived, future_tolerance)
        except strict_json.Refused as refused:
            problems = [_unreadable(each, line, place) for each in (refused, *refused.further)]
            if begun:
                yield problems
                continue
            first = first or (number, line)
            held.append(problems)
            if len(held) == foreign.HEAD:
                break
        else:
            yield (
                outcome
                if isinstance(outcome, Incoming)
                else [_problem(found, place, line) for found in outcome]
            )
    if first is not None and (len(held) > 1 or (held and foreign.packed(first[1]))):
        yield [foreign.no_events(path, *first, len(held))]
    else:
        yield from held


def _decode_line(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_EVENT:
        raise strict_json.Refused("E004", f"is larger than {MAX_EVENT:,} bytes")
    document = strict_json.decode(line)
    if isinstance(document, list):
        raise strict_json.Refused("E005", "is a list: write each event on a line of its own", 0)
    if not isinstance(document, dict):
        raise strict_json.Refused("E005", "is no event: an event is a JSON object", 0)
    return document


def _goes_on(line: bytes) -> bool:
    """Whether the first line of a file is plainly the beginning of a document that others go on with."""
    text = line.strip()
    ends = line.endswith(b"\n") and text.endswith((b"{", b"[", b","))
    if not ends or not text.startswith((b"{", b"[")):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    return False


def _over_lines(line: bytes, place: Place) -> Problem:
    each = ".[]" if line.strip().startswith(b"[") else "."
    hint = f"write one event per line: jq -c '{each}' {'FILE' if place.path == '-' else place.path}"
    message = "this is one JSON document over several lines"
    return Problem(place.path, place.line, 1, "E006", message, hint, _text(line))


# ── one event ───────────────────────────────────────────────────────────────────


def _read(
    document: Mapping[str, Any], arrived: datetime | None, tolerance: timedelta
) -> Incoming | list[Finding]:
    found: list[Finding] = []
    event_id = _attribute(document, "id", found)
    source = _attribute(document, "source", found)
    event_type = _attribute(document, "type", found)
    subject = _attribute(document, "subject", found)
    if document.get("specversion") != "1.0":
        _wrong_version(document, found)
    if source == ENGINE:
        found.append(Finding(("source",), "E017", f"{ENGINE!r} is the engine's own source"))
    elif event_type.startswith("notification."):
        found.append(Finding(("type",), "E017", f"only the engine says {event_type!r}"))

    time = _moment(document, "time", found)
    recorded = _moment(document, "recordedtime", found)
    heard = recorded or arrived or time
    if heard is None:
        if not found:
            hint = 'write when it happened: "time": "2026-03-12T17:30:00+01:00"; only live events need none'
            found.append(Finding((), "E014", "has neither `time` nor `recordedtime`", hint))
    else:
        if time is not None and time > heard + tolerance:
            found.append(
                _too_early("time", time, "it was heard" if recorded is None else "it was recorded", heard)
            )
        if recorded is not None and arrived is not None and recorded > arrived + tolerance:
            found.append(_too_early("recordedtime", recorded, "it arrived", arrived))

    extensions: dict[str, Any] = {}
    if not document.keys() <= _ENVELOPE or "datacontenttype" in document:
        extensions = _extensions(document, found)

    raw = document.get("data")
    data: Any = {} if raw is None else raw
    if not isinstance(data, dict):
        found.append(Finding(("data",), "E100", "must be an object"))
    else:
        settled = settle(event_type, data, subject)
        if isinstance(settled, dict):
            data = settled
        else:
            found.extend(Finding(("data", *path), *rest) for path, *rest in settled)

    if found or heard is None:
        return found
    said = [source, event_id, event_type, subject, time, raw, extensions]
    digest = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()
    return Incoming(
        Fact(source, event_id, event_type, subject, time or heard, heard, data), digest, extensions
    )


# ── the envelope ─────────────────────────────────────────────────────────────


def _attribute(document: Mapping[str, Any], name: str, found: list[Finding]) -> str:
    value = document.get(name)
    if (
        type(value) is str
        and 0 < len(value) <= MAX_ATTRIBUTE
        and value.isprintable()
        and value == value.strip()
    ):
        return value
    if value is None:
        code = "E013" if name == "subject" else "E010"
        found.append(Finding((name,), code, "is missing", as_written(name, document.keys() - _ENVELOPE)))
    else:
        rule = f"must be a printable text of 1 to {MAX_ATTRIBUTE} characters without space around it"
        found.append(Finding((name,), "E011", rule))
    return ""


def _wrong_version(document: Mapping[str, Any], found: list[Finding]) -> None:
    if document.get("specversion") is None:
        hint = as_written("specversion", document.keys() - _ENVELOPE) or 'send "specversion": "1.0"'
        found.append(Finding(("specversion",), "E010", "is missing", hint))
    else:
        found.append(Finding(("specversion",), "E012", 'must be the text "1.0"'))


def _moment(document: Mapping[str, Any], name: str, found: list[Finding]) -> datetime | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        found.append(Finding((name,), "E104", "must be a text with a date and time"))
        return None
    try:
        return instant(value)
    except Wrong as wrong:
        found.append(Finding((name,), wrong.code, wrong.message, wrong.hint))
        return None


def _too_early(name: str, moment: datetime, what: str, then: datetime) -> Finding:
    ahead = timedelta(seconds=round((moment - then).total_seconds()))
    said = _length(ahead)
    hint = "is the sender's clock or its offset from UTC wrong? What will happen is a promise.made"
    return Finding((name,), "E015", f"is {said} later than when {what} ({then:%Y-%m-%d %H:%M:%S}Z)", hint)


def _length(length: timedelta) -> str:
    """A length as people say it, in its largest unit: ``26 hours``, ``1,135 days``."""
    for size, unit in (
        (timedelta(days=2), "days"),
        (timedelta(hours=2), "hours"),
        (timedelta(minutes=2), "minutes"),
    ):
        if length >= size:
            return f"{length // (size / 2):,} {unit}"
    seconds = length // timedelta(seconds=1)
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _extensions(document: Mapping[str, Any], found: list[Finding]) -> dict[str, Any]:
    """Collect the attributes beside the core ones, as the texts that every encoding of an event shares."""
    extensions: dict[str, Any] = {}
    content = document.get("datacontenttype")
    if content is not None and not _is_json(content):
        found.append(Finding(("datacontenttype",), "E016", "must be JSON"))
    for name, value in document.items():
        if name in _ENVELOPE or value is None:
            continue
        if name == "data_base64":
            hint = "send the object itself in `data`"
            found.append(Finding((name,), "E016", "is binary data, and the data of an event is JSON", hint))
        elif not (name.isascii() and name.isalnum() and name == name.lower()):
            near = did_you_mean(name.lower().replace("_", ""), sorted(_ENVELOPE), CLOSE)
            found.append(
                Finding((name,), "E016", "is no attribute: only lower-case letters and digits", near)
            )
        elif meant := _meant(name, document):
            message = f"is nearly `{meant}`, which is not there"
            found.append(Finding((name,), "E016", message, f"did you mean {meant!r}?"))
        elif isinstance(value, str | bool | int):
            extensions[name] = value if isinstance(value, str) else str(value).lower()
        else:
            hint = "did you mean 'data'?" if isinstance(value, dict) and "data" not in document else ""
            found.append(Finding((name,), "E016", "must be a text, a whole number, or true or false", hint))
    return extensions


def _meant(name: str, document: Mapping[str, Any]) -> str:
    """Return the optional attribute that was meant by *name*, which without it would be an extension."""
    return next((known for known in _OPTIONAL if known not in document and _nearly(name, known)), "")


@lru_cache(maxsize=4096)
def _nearly(name: str, known: str) -> bool:
    return one_edit_apart(name, known) or (len(known) > SHORT and nearest(name, [known], ALIKE) == known)


def _is_json(content_type: object) -> bool:
    if not isinstance(content_type, str):
        return False
    media = content_type.partition(";")[0].strip().lower()
    return media.endswith(("/json", "+json"))


# ── problems and their places ────────────────────────────────────────────────


def _problem(finding: Finding, place: Place, line: bytes | None = None) -> Problem:
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in finding.path).lstrip(".")
    text = "" if line is None else _text(line)
    return Problem(
        path=place.path,
        line=place.line,
        column=strict_json.column(text, finding.path) if text else 0,
        code=finding.code,
        message=f"{name or 'the event'} {finding.message}",
        hint=finding.hint,
        source=text,
        pointer=strict_json.pointer(finding.path),
    )


def _unreadable(refused: strict_json.Refused, line: bytes, place: Place) -> Problem:
    return Problem(
        path=place.path,
        line=place.line,
        column=0 if refused.offset is None else refused.offset + 1,
        code=refused.code,
        message=f"the line {refused.message}",
        source=_text(line) if len(line) <= MAX_EVENT else "",
        pointer=strict_json.pointer(refused.path),
    )


def _text(line: bytes) -> str:
    return line[:MAX_EVENT].decode(errors="replace").rstrip("\r\n")
