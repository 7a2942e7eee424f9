"""CloudEvents over HTTP: headers and body → documents for intake. Pure.

Source: CloudEvents HTTP Protocol Binding 1.0.2, sections 3.1 (binary), 3.2 (structured), 3.3 (batch).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from orchestrator.intake import strict_json

_LONE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)

Headers = Iterable[tuple[bytes, bytes]]  # names in lower case, as ASGI gives them


class Mode(StrEnum):
    """How a request carries events."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Sent:
    """The events of one request, not yet checked."""

    mode: Mode
    documents: list[Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request; ``header`` or ``pointer`` (RFC 6901, in the body) says where."""

    code: str
    detail: str
    hint: str = ""
    header: str = ""
    pointer: str = ""
    index: int | None = None  # of the event in a batch
    line: int = 0  # of the body; 0 when unknown
    column: int = 0


class Unreadable(Exception):
    """A request whose events cannot even be looked at."""

    def __init__(self, status: HTTPStatus, faults: Iterable[Fault]) -> None:
        self.status = status
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.detail for fault in self.faults))


def read(headers: Headers, body: bytes) -> Sent:
    """Return the events of a request as documents; raise :class:`Unreadable`."""
    headers = list(headers)
    plain = {name: value.decode("latin-1") for name, value in headers}
    if plain.get(b"content-encoding", "identity").lower() != "identity":
        raise _unsupported("content-encoding", "compressed bodies are not understood", "send it as it is")
    content_type = plain.get(b"content-type", "")
    media, _, parameters = (part.strip().lower() for part in content_type.partition(";"))
    if "charset=" in parameters and not re.search(r'charset="?utf-?8"?(;|\s|$)', parameters):
        raise _unsupported("content-type", "the text must be UTF-8", "leave the charset out")
    if media.startswith("application/cloudevents-batch"):  # before the other: one begins with the other
        _only_json(media, "application/cloudevents-batch+json")
        events = _decoded(body, strict_json.MAX_DEPTH + 1)
        if not isinstance(events, list):
            raise Unreadable(HTTPStatus.BAD_REQUEST, [Fault("E005", "a batch is a list of events")])
        return Sent(Mode.BATCH, events)
    if media.startswith("application/cloudevents"):
        _only_json(media, "application/cloudevents+json")
        return Sent(Mode.STRUCTURED, [_decoded(body, strict_json.MAX_DEPTH)])
    is_json = media == "application/json" or media.endswith("+json")
    if not is_json and not any(name.startswith(b"ce-") for name in plain):
        said = f"{media} is" if media else "a request without a content type is"
        raise _unsupported("content-type", f"{said} no CloudEvent")
    document = _attributes(headers)
    if body:
        if not is_json:
            raise _unsupported(
                "content-type", "the data of an event is JSON", "send Content-Type: application/json"
            )
        document["data"] = _decoded(body, strict_json.MAX_DEPTH)
    return Sent(Mode.BINARY, [document])


def _only_json(media: str, wanted: str) -> None:
    if media != wanted:
        raise _unsupported("content-type", f"of the CloudEvents formats only {wanted} is understood")


WAYS = (
    "send one event as application/cloudevents+json, a list of them as application/cloudevents-batch+json, "
    "or the data as application/json with ce-* headers"
)


def _unsupported(header: str, detail: str, hint: str = WAYS) -> Unreadable:
    return Unreadable(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, [Fault("E200", detail, hint, header)])


def _decoded(body: bytes, max_depth: int) -> Any:
    try:
        return strict_json.decode(body, max_depth)
    except strict_json.Refused as refused:
        text = body.decode(errors="replace")
        faults = [_not_strict(each, text) for each in (refused, *refused.further)]
        raise Unreadable(HTTPStatus.BAD_REQUEST, faults) from None


def _not_strict(refused: strict_json.Refused, text: str) -> Fault:
    line = column = 0
    if refused.offset is not None:
        before = text[: refused.offset]
        line, column = before.count("\n") + 1, refused.offset - before.rfind("\n")
    pointer = strict_json.pointer(refused.path)
    return Fault(refused.code, f"the body {refused.message}", pointer=pointer, line=line, column=column)


# ── binary mode ──────────────────────────────────────────────────────────────


def _attributes(headers: Headers) -> dict[str, Any]:
    """Read the ``ce-*`` headers (section 3.1.3)."""
    document: dict[str, Any] = {}
    faults: list[Fault] = []
    for raw_name, raw in headers:
        if not raw_name.startswith(b"ce-"):
            continue
        header = raw_name.decode("latin-1")
        name = header.removeprefix("ce-")
        if name == "datacontenttype":
            faults.append(Fault("E202", "is forbidden: send Content-Type", header=header))
        elif name == "data":
            faults.append(Fault("E016", "is no attribute: data is the body", header=header))
        elif name in document:
            faults.append(Fault("E201", "comes twice", header=header))
        else:
            try:
                document[name] = _value(raw)
            except ValueError as error:
                document[name] = ""
                faults.append(Fault("E201", str(error), header=header))
    if faults:
        raise Unreadable(HTTPStatus.BAD_REQUEST, faults)
    if not document:
        hint = "send Content-Type: application/cloudevents+json if the body is the whole event"
        fault = Fault("E010", "there is no CloudEvent: neither ce-* headers nor its content type", hint)
        raise Unreadable(HTTPStatus.BAD_REQUEST, [fault])
    return document


def _value(raw: bytes) -> str:
    """Unquote, then percent-decode once (section 3.1.3.2); raise ``ValueError`` saying what is wrong."""
    if raw.startswith(b'"'):
        if len(raw) < 2 or not raw.endswith(b'"'):
            raise ValueError("has an opening quotation mark only")
        raw = _ESCAPED.sub(rb"\1", raw[1:-1])
    if _LONE_PERCENT.search(raw):
        raise ValueError("has a % that is not followed by two hexadecimal digits")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 after percent-decoding") from None


def plain(fault: Fault) -> Mapping[str, Any]:
    """Return a fault as JSON, without what is not known."""
    known = {
        name: getattr(fault, name)
        for name in ("code", "detail", "hint", "header", "pointer", "line", "column")
    }
    return {name: value for name, value in known.items() if value} | (
        {} if fault.index is None else {"index": fault.index}
    )
