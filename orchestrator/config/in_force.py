"""Which settings come into force with the rules, and which a daemon reads when it starts."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from orchestrator.config import quiet_hours, rows
from orchestrator.config.settings import Settings
from orchestrator.journey import Policy

PLANNING = ("company.time_zone", "staff.", "quiet_hours.", "caps.", "habits.", "calendars.")
NONE = "none"
_LAW = "quiet_hours.law"
_ELSEWHERE = (*PLANNING, "ledger.", "rules.", "limits.")  # followed, or asked by each command for itself


def planning(settings: Settings) -> str:
    """Return the settings that planning depends on as one text, the same for the same settings.

    A company's own file of legal hours is in it with what it says.
    """
    named = {
        row.name: row.value
        for row in rows(settings)
        if row.name.startswith(PLANNING) and (row.value != NONE or row.name.startswith("quiet_hours."))
    }
    file = settings.quiet_hours.law
    named[_LAW] = NONE if file is None else file.read_text(encoding="utf-8")
    return orjson.dumps(named, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()


def policy(text: str) -> Policy:
    """Return what :func:`planning` wrote down as what the company settled."""
    named: dict[str, str] = orjson.loads(text)
    law = named.pop(_LAW)
    tables: dict[str, Any] = {}
    for name, value in named.items():
        section, _, rest = name.partition(".")
        part, _, key = rest.rpartition(".")  # a calendar's name may have dots of its own
        table = tables.setdefault(section, {})
        (table.setdefault(part, {}) if part else table)[key] = value
    settled = Settings.model_validate(tables).policy()
    return settled if law == NONE else replace(settled, law=quiet_hours.read(law))


def at_start(settings: Settings) -> str:
    """Return what a daemon keeps of the settings that it reads only when it starts, as digests by name.

    What the environment says has none: another process has another one.
    """
    return orjson.dumps(_digests(settings)).decode()


def older(then: str, settings: Settings) -> list[str]:
    """Name the sections of *settings* that differ from those a daemon started with (:func:`at_start`)."""
    was: dict[str, str] = orjson.loads(then)
    now = _digests(settings)
    changed = {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}
    return sorted({_section(name) for name in changed if "" not in {was.get(name), now.get(name)}})


def _digests(settings: Settings) -> Mapping[str, str]:
    return {
        row.name: "" if row.origin.startswith("environment ") else _digest(row.value)
        for row in rows(settings)
        if not row.name.startswith(_ELSEWHERE)
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _section(name: str) -> str:
    """``channels.email`` of ``channels.email.port``, and ``server`` of ``server.port``."""
    return name.rpartition(".")[0]
