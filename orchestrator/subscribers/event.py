"""A fact as it is told: the CloudEvent that it came as, or that it would be. Pure."""

from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import blake2b

import orjson

from orchestrator.model import Fact


def is_wanted(kind: str, types: Collection[str]) -> bool:
    """Whether somebody wants facts of this type: one of *types* is it, or ``something.*`` with it inside."""
    return any(kind == one or (one.endswith(".*") and kind.startswith(one[:-1])) for one in types)


def identity(fact: Fact) -> str:
    """The ``webhook-id`` of a fact: the same every time it is told."""
    name = f"{fact.source}\n{fact.id}".encode(errors="replace")
    return f"evt_{blake2b(name, digest_size=16).hexdigest()}"


def document(fact: Fact) -> str:
    """The fact as a CloudEvent 1.0 in JSON, in the form that ``POST /events`` takes."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": fact.id,
            "source": fact.source,
            "type": fact.type,
            "subject": fact.subject,
            "time": _written(fact.happened),
            "recordedtime": _written(fact.heard),
            "datacontenttype": "application/json",
            "data": fact.data,
        }
    ).decode()


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
