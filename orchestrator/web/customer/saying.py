"""What somebody says on a page becomes an event like any other, heard by the same intake."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.callbacks.events import incoming
from orchestrator.intake import Incoming
from orchestrator.intake.types import settle

SOURCE = "page"


def event(
    name: str, kind: str, subject: str, at: datetime, data: Mapping[str, Any], *, source: str = SOURCE
) -> Incoming:
    """The event that was said at that moment; a page makes none that intake would refuse."""
    settled = settle(kind, {key: value for key, value in data.items() if value is not None}, subject)
    assert isinstance(settled, dict), [(one.path, one.message) for one in settled]
    return incoming(source, name, kind, subject, at, at, settled)


def digest(*said: str) -> str:
    """A short name for what was said: the same again is the same."""
    return hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:16]
