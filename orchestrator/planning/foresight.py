"""What makes something due, said before it happened: the same reasons, turned towards the future. Pure.

A reason is written once, as it will stand under what was said; until then it must not read as if it were so.
"""

from datetime import datetime

from orchestrator.model import Notification
from orchestrator.reasons.due import AHEAD


def because(note: Notification, now: datetime) -> str:
    """Why it is, or will be, due, as one says it at *now*.

    Of a promise whose deadline is over a later rung is still to come, and the reason reads as what is so
    already.
    """
    reason = note.because
    ahead = AHEAD.get(reason.code)
    if ahead is None or not reason.words or note.trigger_at is None or note.trigger_at <= now:
        return reason
    deadline = reason.words.get("deadline")
    if deadline and datetime.fromisoformat(deadline) <= now:
        return reason
    more = reason.words.get("more")
    foreseen = ahead.format_map(reason.words)
    return f"{foreseen}; {more}" if more else foreseen
