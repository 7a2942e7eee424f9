"""What the program writes about itself to stderr: ids only, whatever a library or an error would say."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType

from orchestrator.cli import output
from orchestrator.errors import BeforehandError
from orchestrator.private import discreet

OURS = ("orchestrator", "channels")
IDS = "callback|channel|entry|order|report|rule|subscriber"  # what lines name things by
_PLACE = re.compile(r"%[-+]?[sdr]")
_MEASURED = re.compile(rf"(?: (?:at|by|in))? {_PLACE.pattern}(?: s\b)?")  # goes with its preposition and unit
_NAMED = re.compile(rf"\b({IDS}) %[sd]")
_BEFORE = re.compile(rf"\b({IDS}) $")
_REASON = re.compile(r": %s$")
LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def to_stderr(level: str, form: str) -> None:
    """Log from *level* on, as lines for people or, with *form* json, for programs.

    What else is said on stderr follows the form, and no level: a daemon's start, and the error it ends with.
    Libraries are heard from warnings on: below that they tell what they were given.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else Lines(LINE))
    chosen = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=max(chosen, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(chosen)
    threading.excepthook = _thread_failed
    output.told_by(_tell if form == "json" else None)


def _tell(level: str, event: str, words: str) -> None:
    at = logging.Formatter().formatTime(logging.makeLogRecord({}))
    line = {"at": at, "level": level, "event": event, "logger": "beforehand", "message": words}
    print(output.dumped(line), file=sys.stderr, flush=True)


class Lines(logging.Formatter):
    """Lines without addresses; an error is told by its type and where it happened, never in its own words."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and after it where an error happened."""
        plain = logging.makeLogRecord(record.__dict__ | {"msg": discreet(record.getMessage()), "args": ()})
        plain.exc_text = where(record.exc_info[1]) if record.exc_info and record.exc_info[1] else None
        plain.exc_info = None
        return super().format(plain)


class JsonLines(logging.Formatter):
    """One object a line, for programs: what happened in words that stay the same, about what, and why."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": self.formatTime(record),
            "level": record.levelname.lower(),
            "event": event(record),
            "logger": record.name,
            "message": discreet(record.getMessage()),
            **about(record),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = where(record.exc_info[1])
        return output.dumped(line)


def event(record: logging.LogRecord) -> str:
    """What happened, without whom it happened to: the same words each time; of a library, only whose it is.

    They are those of the message in the code, without what differs.
    """
    if not _is_ours(record):
        return record.name.partition(".")[0]
    words = _REASON.sub("", str(record.msg))
    return " ".join(
        _PLACE.sub("", _MEASURED.sub("", _NAMED.sub(r"\1", words))).replace(":", " ").split()
    ).strip(" ,;")


def about(record: logging.LogRecord) -> dict[str, str | int]:
    """The ids that a line of ours names (``channel %s``, ``entry %d``), and the reason at its end."""
    if not _is_ours(record) or not isinstance(record.args, tuple):
        return {}
    found: dict[str, str | int] = {}
    places = list(_PLACE.finditer(str(record.msg)))
    for place, value in zip(places, record.args, strict=False):
        before = str(record.msg)[: place.start()]
        said = value if isinstance(value, int) else discreet(str(value))
        named = _BEFORE.search(before)
        if named is not None:
            found.setdefault(named[1], said)
        elif place is places[-1] and before.endswith(": ") and place.end() == len(str(record.msg)):
            found["reason"] = said
    return found


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OURS


def where(error: BaseException) -> str:
    """Say of an error and those that led to it what they are and where they happened.

    Their own words are left out, but for our own errors: they may quote a customer's data.
    """
    return "\nwhich led to:\n".join(_one(link) for link in reversed(list(_chain(error))))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _one(error: BaseException) -> str:
    frames = "".join(
        f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n'
        for frame in traceback.extract_tb(error.__traceback__)
    )
    words = f": {discreet(str(error))}" if isinstance(error, BeforehandError) else ""
    return f"{frames}{type(error).__qualname__}{words}"


def nobody_foresaw(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell an error that nothing caught, as :data:`sys.excepthook` is asked to."""
    if not issubclass(kind, Exception):
        sys.__excepthook__(kind, error, trace)
        return
    print(f"an error that nobody foresaw; please report it:\n{where(error)}", file=sys.stderr)


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        nobody_foresaw(failed.exc_type, failed.exc_value, failed.exc_traceback)
