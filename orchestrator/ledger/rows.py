"""Between the ledger's rows and the values of :mod:`orchestrator.model`, by hand because it is hot."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement

from orchestrator.ledger.tables import entries, facts
from orchestrator.model import Entry, Fact, Kind, Notification, Promised, Purpose, Status, Step, Tells
from orchestrator.reasons import Code, Reason
from orchestrator.reasons.recognised import foreseen, kept

_KINDS = {kind.value: kind for kind in Kind}
_PURPOSES = {purpose.value: purpose for purpose in Purpose}
STATUSES = {status.value: status for status in Status}


def _plain(value: object) -> object:
    """Say as JSON what orjson does not know; what a condition saw may be of any type."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


def to_json(value: object) -> str:
    """Write *value* as JSON text; moments and days become ISO 8601."""
    return orjson.dumps(value, default=_plain).decode()


def from_json(text: str) -> Any:
    """Read JSON text."""
    return orjson.loads(text)


# ── facts ────────────────────────────────────────────────────────────────────

FACT: tuple[ColumnElement[Any], ...] = (
    facts.c.source,
    facts.c.event_id,
    facts.c.type,
    facts.c.subject,
    facts.c.happened,
    facts.c.heard,
    facts.c.data,
)


def fact(row: Iterable[Any]) -> Fact:
    """Make a fact of the columns :data:`FACT`."""
    source, event_id, fact_type, subject, happened, heard, data = row
    return Fact(source, event_id, fact_type, subject, happened, heard, orjson.loads(data))


# ── entries ──────────────────────────────────────────────────────────────────

ENTRY: tuple[ColumnElement[Any], ...] = (
    entries.c.id,
    entries.c.key,
    entries.c.wanted,
    entries.c.status,
    entries.c.due_at,
    entries.c.expires_at,
    entries.c.not_before,
    entries.c.step,
    entries.c.generation,
    entries.c.attempts,
    entries.c.message_id,
    entries.c.channel,
    entries.c.reason,
    entries.c.reason_code,
    entries.c.reason_about,
    entries.c.by_person,
    entries.c.created_at,
    entries.c.updated_at,
)


def entry(row: Iterable[Any]) -> Entry:
    """Make an entry of the columns :data:`ENTRY`."""
    (
        number, key, wanted, status, due_at, expires_at, not_before, step, generation, attempts, message_id,
        channel, text, code, about, *rest,
    ) = row  # fmt: skip
    return Entry(
        number, key, notification(wanted), STATUSES[status], due_at, expires_at, not_before, step, generation,
        attempts, message_id, channel, kept(code, text, about), *rest,
    )  # fmt: skip


def written(wanted: Notification) -> str:
    """A notification as JSON, and beside the sentence of what made it due the ``cause`` it was made of."""
    cause = to_json({"code": wanted.because.code, **wanted.because.words})
    return f'{to_json(wanted)[:-1]},"cause":{cause}}}'


@lru_cache(maxsize=4096)  # an order is planned again and again over the same entries; 15 MB at most
def notification(text: str) -> Notification:
    """Read what :func:`written` wrote of a notification; equal to it where its values are JSON."""
    wanted = orjson.loads(text)
    return Notification(
        wanted["order"],
        wanted["rule"],
        wanted["occasion"],
        wanted["role"],
        wanted["customer"],
        _KINDS[wanted["kind"]],
        wanted["template"],
        _PURPOSES[wanted["purpose"]],
        datetime.fromisoformat(wanted["due_at"]),
        _moment(wanted["expires_at"]),
        tuple([_step(step) for step in wanted["steps"]]),
        tuple([Tells(t["milestone"], _promised(t["value"])) for t in wanted["tells"]]),
        _because(wanted["because"], wanted.get("cause")),
        wanted["unless"],
        wanted["values"],
        wanted["milestone"],
        wanted["journey"],
        _moment(wanted["trigger_at"]),
        _moment(wanted["ack_by"]),
        wanted["mode"],
        wanted.get("joins", ""),  # entries of older versions leave alone
    )


def _because(text: str, cause: Mapping[str, str] | None) -> Reason:
    if cause is None:  # entries of before schema 0019
        return foreseen(text)
    words = dict(cause)
    return Reason(Code(words.pop("code")), text, words)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _step(step: Mapping[str, Any]) -> Step:
    return Step(
        step["channel"],
        datetime.fromisoformat(step["at"]),
        step["why"],
        _moment(step.get("unless_active")),  # entries of older versions know no such thing
        tuple(step.get("surfaces", ())),
    )


def _promised(value: Mapping[str, str | None]) -> Promised:
    day = value["day"]
    return Promised(
        None if day is None else date.fromisoformat(day), _moment(value["start"]), _moment(value["end"])
    )
