"""Fields that are nearly ones we know: kept as they came they would be lost without a word.

A field nobody knows is an attribute of whoever sends it, and welcome. One that is a slip of a known field
(:func:`orchestrator.findings.slip`) which is not there itself was meant to be that field.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from orchestrator.findings import slip
from orchestrator.intake import schema

Path = tuple[str | int, ...]

_INSIDE: Mapping[str, Any] = {  # fields that hold objects of a known shape, or lists of them
    "owner": schema.PersonFields,
    "manager": schema.PersonFields,
    "location": schema.LocationFields,
    "windows": schema.WindowFields,
    "working_hours": schema.WindowFields,
    "slots": schema.SlotFields,
    "slot": schema.SlotFields,
}
_ROLES = "parties"  # its own keys are names that somebody chose


def slips(data: Mapping[str, Any], known: frozenset[str]) -> Iterator[tuple[Path, str]]:
    """Yield the path of each field that is nearly a *known* one, and the field that was meant."""
    if not data.keys() <= known:
        for name in data:
            meant = _meant(name, known)
            if meant and meant not in data:
                yield (name,), meant
    for name, value in data.items():
        if name == _ROLES and isinstance(value, dict):
            for role, person in value.items():
                yield from _within((name, role), person, schema.PersonFields)
        elif name in known and name in _INSIDE:
            yield from _within((name,), value, _INSIDE[name])


def _within(path: Path, value: object, shape: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _within((*path, index), item, shape)
    elif isinstance(value, dict):
        for inner, meant in slips(value, _fields(shape)):
            yield (*path, *inner), meant


@lru_cache(maxsize=16)
def _fields(shape: Any) -> frozenset[str]:
    return frozenset(shape.__annotations__)


@lru_cache(maxsize=4096)  # a sender's events carry the same further fields again and again
def _meant(name: str, known: frozenset[str]) -> str:
    return slip(name, sorted(known))
