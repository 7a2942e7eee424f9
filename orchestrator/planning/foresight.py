"""What makes something due, said before it happened: the same reasons, turned towards the future. Pure.

A reason is written once, as it will stand under what was said; until then it must not read as if it were so.
"""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from orchestrator.model import Notification

_AHEAD = (
    (r"(.+) had not acknowledged (.+) by (.+)", r"if \1 does not acknowledge \2 by \3"),
    (r"(\S+) took it on (.+), and nothing says it was (\S+) within (\S+)",
     r"if nothing says within \4 that it was \3; \1 took it on \2"),
    (r"(\S+) was promised for (.+) and had not happened by (.+)",
     r"if \1, promised for \2, has not happened by \3"),
    (r"nothing happened for (\S+), since (.+)", r"if nothing happens for \1 since \2"),
    (r"(.+), then nothing for (\S+)", r"\1; if then nothing comes for \2"),
    (r"(\S+) have passed since (.+)", r"\1 will have passed since \2"),
    (r"(\S+) happened on (.+)", r"\1 is recorded for \2"),
)  # fmt: skip
_HOUR = re.compile(r" had not happened by \w+ (\d{4}-\d\d-\d\d \d\d:\d\d)\Z")
_TURNED = tuple((re.compile(past, re.DOTALL), future) for past, future in _AHEAD)


def because(note: Notification, now: datetime, zone: str = "") -> str:
    """Why it is, or will be, due, as one says it at *now*; *zone* is that of the clocks the reason names.

    Of a promise whose hour is over a later rung is still to come, and where the zone is known the reason
    reads as what is so already.
    """
    if note.trigger_at is None or note.trigger_at <= now or (zone and _is_over(note.because, now, zone)):
        return note.because
    for past, future in _TURNED:
        if (found := past.fullmatch(note.because)) is not None:
            return found.expand(future)
    return note.because


def _is_over(reason: str, now: datetime, zone: str) -> bool:
    found = _HOUR.search(reason)
    return found is not None and datetime.fromisoformat(found[1]).replace(tzinfo=ZoneInfo(zone)) <= now
