"""What the forms that let a channel or a rule stand still, or go on, do."""

from collections.abc import Mapping
from datetime import datetime

from orchestrator.access.audit import By
from orchestrator.access.roles import Viewer
from orchestrator.ledger import Stops, Transaction
from orchestrator.sending.standing_still import go_on, stand_still

LONGEST = 300  # characters of why


def pause_or_resume(
    tx: Transaction, viewer: Viewer, kind: Stops, name: str, form: Mapping[str, str], now: datetime
) -> str:
    """Do what the form asks, and say what became of it."""
    by = By.viewer(viewer)
    if form.get("do") == "resume":
        count = go_on(tx, by, kind, name, now)
        return f"{name} was not paused" if count is None else f"{name} goes on; {count:,} waited for it"
    why = form.get("reason", "").strip()[:LONGEST] or "by hand"
    new = stand_still(tx, by, kind, name, f"{why} ({viewer.name})", now)
    return f"{name} stands still" if new else f"{name} was paused already"
