"""The registry of core event types, and the one function that checks and settles an event's data."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from orchestrator.findings import Wrong, did_you_mean
from orchestrator.intake import schema, values
from orchestrator.intake.reported import REPORTED
from orchestrator.intake.slips import slips
from orchestrator.intake.values import as_written

MIDNIGHT = "00:00"  # from and to: the whole day

_Path = tuple[str | int, ...]


class Finding(NamedTuple):
    """What is wrong with an event, and at which path in it."""

    path: _Path
    code: str
    message: str
    hint: str = ""


# ── rules over more than one field ───────────────────────────────────────────


def _one_promise(data: Mapping[str, Any], _subject: str) -> Iterator[Finding]:
    given = [name for name in ("date", "at", "from", "to") if data.get(name) is not None]
    if given not in (["date"], ["at"], ["from", "to"]):
        named = " and ".join(f"`{name}`" for name in given) or "none of them"
        yield Finding((), "E116", f"needs either `date`, or `at`, or `from` and `to`; here is {named}")
    elif len(given) == 2:
        yield from _ends_after_it_begins((), data)


def _slots(data: Mapping[str, Any], _subject: str) -> Iterator[Finding]:
    slots = data.get("slots")
    for index, slot in enumerate(slots if isinstance(slots, list) else ()):
        yield from _ends_after_it_begins(("slots", index), slot)
    yield from _ends_after_it_begins(("slot",), data.get("slot"))


def _ends_after_it_begins(path: _Path, window: object) -> Iterator[Finding]:
    try:
        if isinstance(window, Mapping) and values.instant(window["to"]) < values.instant(window["from"]):
            yield Finding((*path, "to"), "E117", "is earlier than `from`")
    except (KeyError, TypeError, Wrong):
        return  # already found by the field itself


def _windows(data: Mapping[str, Any], _subject: str) -> Iterator[Finding]:
    for path, window in _each(("windows",), data.get("windows")):
        yield from _opens(path, window)
        if (channel := window.get("channel")) and isinstance(channel, str):
            yield from _channel((*path, "channel"), channel)


def _working_hours(data: Mapping[str, Any], _subject: str) -> Iterator[Finding]:
    parties = data.get("parties")
    people: list[tuple[_Path, object]] = [((role,), data.get(role)) for role in ("owner", "manager")]
    if isinstance(parties, Mapping):
        people += [(("parties", role), known) for role, known in parties.items()]
    for person, known in people:
        hours = known.get("working_hours") if isinstance(known, Mapping) else None
        for path, window in _each((*person, "working_hours"), hours):
            yield from _opens(path, window)
            if window.get("channel"):
                yield Finding(
                    (*path, "channel"), "E123", "names a channel, and hours at work are for all of them"
                )


def _each(path: _Path, windows: object) -> Iterator[tuple[_Path, Mapping[str, Any]]]:
    for index, window in enumerate(windows if isinstance(windows, list) else ()):
        if isinstance(window, Mapping):
            yield (*path, index), window


def _opens(path: _Path, window: Mapping[str, Any]) -> Iterator[Finding]:
    if window.get("from") == window.get("to") not in (None, MIDNIGHT):
        hint = "the whole day is 00:00 to 24:00"
        yield Finding((*path, "to"), "E120", "is the same as `from`: never open", hint)


def _preferences(data: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    yield from _windows(data, subject)
    channels = data.get("channels")
    for index, channel in enumerate(channels if isinstance(channels, list) else ()):
        if isinstance(channel, str):
            yield from _channel(("channels", index), channel)


def _channel(path: _Path, name: str) -> Iterator[Finding]:
    try:
        values.channel(name)
    except Wrong as wrong:
        yield Finding(path, wrong.code, wrong.message, wrong.hint)


def _into_another(data: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    if data.get("into") == subject:
        yield Finding(("into",), "E118", "is the customer itself")


# ── the registry ─────────────────────────────────────────────────────────────

_Empty = Mapping[str, Callable[[], Any]]  # field: what makes its empty value
_EMPTY_CUSTOMER: _Empty = {
    **dict.fromkeys(
        ("name", "given_name", "locale", "time_zone", "country", "region", "email", "phone"), str
    ),
    "devices": list,
    "tags": list,
    "attributes": dict,
}
_EMPTY_ORDER: _Empty = {
    **dict.fromkeys(("customer", "journey"), str),
    **dict.fromkeys(("owner", "manager", "location", "parties", "attributes"), dict),
}


@dataclass(frozen=True)
class CoreType:
    """One type of event that the engine itself understands.

    ``shape`` is its TypedDict, ``rule`` checks what concerns more than one field, ``empty`` says what a
    null stands for where it is more than a field not given.
    """

    shape: Any
    meaning: str
    example: Mapping[str, Any]
    rule: Callable[[Mapping[str, Any], str], Iterator[Finding]] | None = None
    empty: _Empty | None = None

    @cached_property
    def adapter(self) -> TypeAdapter[dict[str, Any]]:
        """The compiled validator, built when the first event of the type comes."""
        return TypeAdapter(self.shape)

    @cached_property
    def fields(self) -> frozenset[str]:
        """The names the type declares."""
        return frozenset(self.shape.__annotations__)


CORE: Mapping[str, CoreType] = {
    "customer.upserted": CoreType(
        schema.CustomerUpserted,
        "Who the customer is and how to reach them. Fields left out stay, null empties one.",
        {
            "name": "Maria Keller",
            "given_name": "Maria",
            "locale": "de-DE",
            "time_zone": "Europe/Berlin",
            "country": "DE",
            "email": "maria.keller@example.com",
            "phone": "030 23125 101",
            "devices": ["fcm:d7Jk2"],
            "tags": ["fleet"],
            "attributes": {"salutation": "Frau"},
        },
        empty=_EMPTY_CUSTOMER,
    ),
    "customer.active": CoreType(
        schema.CustomerActive,
        "The customer used the app, the web site, read a mail or came by.",
        {"surface": "app"},
    ),
    "customer.habit": CoreType(
        schema.CustomerHabit,
        "When the customer usually looks. A message is there shortly before the end of it, unless the "
        "customer chose other hours.",
        {"windows": [{"days": ["mon"], "from": "19:00", "to": "21:00", "channel": "push"}]},
        rule=_windows,
    ),
    "customer.merged": CoreType(
        schema.CustomerMerged, "Two records were one person.", {"into": "C-7"}, rule=_into_another
    ),
    "customer.unmerged": CoreType(
        schema.CustomerUnmerged,
        "They were two persons after all: the customer is one of their own again.",
        {"reason": "father and daughter"},
    ),
    "customer.erased": CoreType(
        schema.WithReason, "The customer asked to be forgotten.", {"reason": "request of 2026-03-01"}
    ),
    "preference.set": CoreType(
        schema.PreferenceSet,
        "How and when the customer wants to hear from us.",
        {
            "channels": ["push", "email"],
            "windows": [{"days": ["mon"], "from": "19:00", "to": "21:00", "channel": "push"}],
            "learning": True,
        },
        rule=_preferences,
    ),
    "consent.given": CoreType(
        schema.Consent,
        "The customer agreed to messages of a purpose on a channel.",
        {
            "purpose": "marketing",
            "channel": "email",
            "evidence": {
                "who": "web shop",
                "how": "double opt-in",
                "wording": "newsletter, version 3",
                "ip": "192.0.2.7",
            },
        },
    ),
    "consent.withdrawn": CoreType(
        schema.Consent,
        "The customer said stop.",
        {"channel": "sms", "evidence": "STOP by SMS"},
    ),
    "order.upserted": CoreType(
        schema.OrderUpserted,
        "What is waited for, by whom, and who looks after it. Fields left out stay, null empties one.",
        {
            "customer": "C-1",
            "journey": "new-car",
            "owner": {"name": "Nora Brandt", "email": "nora.brandt@example.com", "phone": "+49 30 23125 110"},
            "manager": "paul.lindner@example.com",
            "location": {"id": "munich", "name": "Autohaus Lindner", "time_zone": "Europe/Berlin"},
            "parties": {"co_buyer": {"name": "Jonas Weber", "email": "jonas.weber@example.com"}},
            "attributes": {"model": "Corsa", "colour": "blue"},
        },
        empty=_EMPTY_ORDER,
        rule=_working_hours,
    ),
    "order.held": CoreType(
        schema.WithReason, "Nothing is said until the order is released.", {"reason": "dispute"}
    ),
    "order.released": CoreType(schema.WithReason, "The hold is over.", {"reason": "settled"}),
    "order.cancelled": CoreType(schema.WithReason, "Nobody waits any more.", {"reason": "customer withdrew"}),
    "promise.made": CoreType(
        schema.PromiseMade,
        "A milestone was promised: for a day, an instant, or a window.",
        {"milestone": "arrived", "date": "2026-03-12", "source": "factory"},
        rule=_one_promise,
    ),
    "milestone.reached": CoreType(
        schema.MilestoneData, "It happened.", {"milestone": "arrived", "note": "stands in the yard"}
    ),
    "milestone.retracted": CoreType(
        schema.MilestoneData, "It did not happen after all.", {"milestone": "arrived", "note": "another car"}
    ),
    "slot.offered": CoreType(
        schema.SlotOffered,
        "The customer may choose one of these times.",
        {"slots": [{"id": "s1", "from": "2026-03-14T09:00:00+01:00", "to": "2026-03-14T10:00:00+01:00"}]},
        rule=_slots,
    ),
    "slot.chosen": CoreType(schema.SlotChosen, "The customer took this one.", {"slot": "s1"}, rule=_slots),
    "message.replied": CoreType(
        schema.MessageReplied,
        "The customer answered a message.",
        {"channel": "sms", "text": "Please call me after six", "message": "O-1/arrived/1/customer"},
    ),
    "message.line_added": CoreType(
        schema.LineAdded,
        "A colleague wrote a line of their own for the next message to the customer about this order.",
        {"text": "I have kept the blue mats for you.", "by": "Nora Brandt"},
    ),
    "message.taken_over": CoreType(
        schema.TakenOver,
        "A colleague calls in place of a message that waits. Unless a contact is logged before it is due, it "
        "goes.",
        {"message": "O-1/arrival-moved/arrived#1.2026-03-12-2026-03-17/customer", "by": "Nora Brandt"},
    ),
    "message.links_closed": CoreType(
        schema.LinksClosed,
        "The links in a message open no page any more, to whoever has them. Unsubscribing by it still works.",
        {"message": "O-1/arrived/arrived#1/customer", "by": "Nora Brandt", "reason": "forwarded by mistake"},
    ),
    **{
        name: CoreType(schema.MessageReported, meaning, example)
        for name, (meaning, example) in REPORTED.items()
    },
    "message.rescheduled": CoreType(
        schema.MessageRescheduled,
        "Somebody of ours wants a message to leave at another moment; the law and quiet hours still count.",
        {
            "message": "O-1/arrived/arrived#1/customer",
            "at": "2026-03-13T09:00:00+01:00",
            "by": "Nora Brandt",
        },
    ),
    "feedback.given": CoreType(
        schema.FeedbackGiven,
        "How a phase was for the customer.",
        {"phase": "handover", "score": 9, "comment": "Lovely"},
    ),
    "contact.logged": CoreType(
        schema.ContactLogged,
        "Staff and customer spoke.",
        {"direction": "out", "by": "Nora Brandt", "reason": "late car", "note": "knows about the 19th"},
    ),
    "task.acknowledged": CoreType(
        schema.TaskAnswered,
        "Somebody has the task.",
        {"task": "O-1/not-arrived/arrived#1.2026-03-12.r1.task/owner", "by": "Nora Brandt"},
    ),
    "task.done": CoreType(
        schema.TaskAnswered,
        "The task is done.",
        {
            "task": "O-1/not-arrived/arrived#1.2026-03-12.r1.task/owner",
            "by": "Nora Brandt",
            "outcome": "called",
        },
    ),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an event of a core type."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject"],
        "properties": {
            "specversion": {"const": "1.0"},
            **{name: {"type": "string", "minLength": 1} for name in ("id", "source", "type", "subject")},
            **{name: {"type": "string", "format": "date-time"} for name in ("time", "recordedtime")},
            "data": {"type": ["object", "null"]},
        },
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}},
                "then": {"properties": {"data": {"$ref": f"#/$defs/{name}"}}},
            }
            for name in CORE
        ],
        "$defs": {name: _schema(name, core) for name, core in CORE.items()},
    }


def _schema(name: str, core: CoreType) -> dict[str, Any]:
    template = f"#/$defs/{name}/$defs/{{model}}"  # the type's own definitions stay inside it
    return core.adapter.json_schema(ref_template=template) | {"description": core.meaning}


# ── checking ─────────────────────────────────────────────────────────────────


def settle(event_type: str, data: dict[str, Any], subject: str) -> dict[str, Any] | list[Finding]:
    """Return the settled form of an event's data, or everything that is wrong with it.

    Paths begin inside the data. Data of a type that is not in :data:`CORE` is returned as it came.
    """
    core = CORE.get(event_type)
    if core is None:
        return data
    findings: list[Finding] = []
    try:
        settled = core.adapter.validate_python(data)
    except ValidationError as error:
        findings = [_finding(detail, data, core) for detail in error.errors(include_url=False)]
        settled = data
    if core.rule is not None:
        findings.extend(core.rule(settled, subject))
    missing = {finding.path for finding in findings if finding.code == "E101"}
    findings.extend(
        Finding(path, "E119", f"is nearly `{meant}`, which is not there", f"did you mean {meant!r}?")
        for path, meant in slips(data, core.fields)
        if (*path[:-1], meant) not in missing  # it names the misspelt field already
    )
    if findings:
        return findings
    if None in settled.values():
        _fill_nulls(settled, core)
    return settled


def _fill_nulls(data: dict[str, Any], core: CoreType) -> None:
    empty = core.empty or {}
    for name in [name for name in data if data[name] is None and name in core.fields]:
        if name in empty:
            data[name] = empty[name]()
        else:
            del data[name]


_WANTED = {
    "string": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
}
_CAME = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def _finding(detail: Any, data: Mapping[str, Any], core: CoreType) -> Finding:
    path, kind, given = detail["loc"], detail["type"], detail["input"]
    if kind == "value_error" and isinstance(wrong := detail["ctx"]["error"], Wrong):
        return Finding(path, wrong.code, wrong.message, wrong.hint)
    if kind == "missing":
        near = as_written(path[-1], data.keys() - core.fields) if len(path) == 1 else ""
        return Finding(path, "E101", "is missing", near)
    if kind == "literal_error":
        words = detail["ctx"]["expected"].removeprefix("'', ")  # empty is as good as left out
        known = words.replace("'", "").replace(" or ", ", ").split(", ")
        meant = did_you_mean(given, known) if isinstance(given, str) else ""
        return Finding(path, "E103", f"must be {words}", meant)
    if kind in ("string_too_short", "too_short"):
        return Finding(path, "E102", "must not be empty")
    wanted = _WANTED.get(kind.removesuffix("_type"), "of another kind")
    return Finding(path, "E102", f"must be {wanted}, not {_CAME.get(type(given), 'null')}")
