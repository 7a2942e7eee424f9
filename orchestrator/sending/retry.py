"""When to try again. Pure: the jitter comes from the entry, so a plan of retries can be repeated."""

from datetime import datetime, timedelta
from zlib import crc32

WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 7200, 21600, 43200)
)  # FACTS: 30 s, 2 m, 10 m, 30 m, 2 h, 6 h, 12 h
JITTER = 0.2  # ± this share, so that a thousand failures do not come back together


def next_try(
    attempt: int, key: str, now: datetime, floor: timedelta | None, expires_at: datetime | None
) -> datetime | None:
    """Return when to try after the *attempt*-th failure (from 1), or ``None`` when it is not worth it.

    *floor* is the provider's own word (``Retry-After``): never sooner. A try at or after *expires_at*
    would be useless.
    """
    if attempt > len(WAITS):
        return None
    share = crc32(f"{key}#{attempt}".encode()) / 0xFFFFFFFF  # 0 … 1
    wait = WAITS[attempt - 1] * (1 - JITTER + 2 * JITTER * share)
    moment = now + max(wait, floor or timedelta())
    return moment if expires_at is None or moment < expires_at else None
