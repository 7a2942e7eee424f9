"""How a channel does: what follows from its answers, and when it is left alone. Pure.

::

                    FAILURES in a row, or the provider says when
            well ────────────────────────────────────────────────▶ shut until then
             ▲                                                           │
             │  an answer                                                ▼
             └────────────────────────────── tried: one message, the others wait
                                               │                         ▲
                                               └── another failure ──────┘  shut for longer

Nobody has to do anything about a channel that is shut. One that is paused, by operations or because our
settings are wrong, waits for a person instead (``beforehand resume``); that is the guard's business.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from channels.base import ChannelError, Misconfigured, Receipt, Unavailable, Unknown
from orchestrator.ledger.values import Health
from orchestrator.private import without_addresses
from orchestrator.reasons import Code, Reason
from orchestrator.reasons.sending import left_alone
from orchestrator.sending.guard import Shut

FAILURES = 5  # in a row: no longer bad luck of single messages
SHUT = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 600, 900))
PROBE = timedelta(minutes=1)  # for an answer to the message that tries; then another one may
ASKED = "its provider asks to wait"
SILENT = "it answers nobody"

Answer = Receipt | ChannelError


def after(known: Health | None, channel: str, answers: Iterable[Answer], now: datetime) -> Health | None:
    """What is known of *channel* after these *answers*, in whatever order they came; ``None``: well.

    An answer about a recipient or about one message says that the channel works. Misconfigured says nothing
    here: it pauses the channel.
    """
    found = list(answers)
    slowed = [one for one in found if isinstance(one, ChannelError) and is_slowed(one)]
    failed = [
        one for one in found if isinstance(one, ChannelError) and _is_failure(one) and one not in slowed
    ]
    works = any(
        not isinstance(one, Misconfigured) and one not in slowed and one not in failed for one in found
    )
    if works and not (known is not None and known.asked and _is_shut(known, now)):
        known = None
    if slowed:
        return _asked(known, channel, slowed, now)
    if failed and not works:
        return _failed(known, channel, failed, now)
    return known


def silent(known: Health | None, channel: str, now: datetime) -> Health:
    """What is known of *channel* once it owes answers and gives none."""
    since = known.since if known is not None else now
    failures, trips = (known.failures, known.trips) if known is not None else (0, 0)
    return _tripped(Health(channel, failures, trips, since, reason=SILENT), now)


def is_slowed(answer: ChannelError) -> bool:
    """Did the provider say when the channel may go on, whoever the recipient is (429 with Retry-After)?"""
    return isinstance(answer, Unavailable) and answer.for_all is not None


def shut(known: Health | None, now: datetime) -> Shut | None:
    """Why nothing is handed to the channel *now*, and until when; ``None`` if it takes messages, or one."""
    if known is None:
        return None
    until = known.until if _is_shut(known, now) else known.probe_until
    if until is None or until <= now:
        return None
    return Shut(why(known), until, known.since)


def is_tried(known: Health | None) -> bool:
    """Is the next message the one that tries whether the channel works again?"""
    return known is not None and known.until is not None


def tried(known: Health, now: datetime) -> Health:
    """What is known once a message has left to try the channel."""
    return replace(known, probe_until=now + PROBE)


def why(known: Health) -> Reason:
    """What is wrong with the channel, for the reason of what waits."""
    return left_alone(known.channel, known.reason)


def is_why(reason: Reason, known: Health) -> bool:
    """Does what gives that *reason* wait for this channel, whatever it had failed with by then?"""
    return reason.code is Code.CHANNEL_ALONE and reason.about == known.channel


def _is_failure(answer: ChannelError) -> bool:
    return isinstance(answer, Unknown) or (isinstance(answer, Unavailable) and not answer.recipient)


def _is_shut(known: Health, now: datetime) -> bool:
    return known.until is not None and known.until > now


def _asked(known: Health | None, channel: str, slowed: list[ChannelError], now: datetime) -> Health:
    """Wait as long as the provider says; when that does not help, at least as long as after failures."""
    floor = max(error.for_all for error in slowed if isinstance(error, Unavailable) and error.for_all)
    again = known is not None and known.asked and not _is_shut(known, now)
    trips = known.trips if known is not None else 0
    wait = max(floor, SHUT[min(trips, len(SHUT)) - 1]) if again else floor
    until = now + wait
    if known is not None and known.until is not None:
        until = max(until, known.until)
    return Health(
        channel,
        known.failures if known is not None else 0,
        max(1, trips + again),
        known.since if known is not None else now,
        until,
        asked=True,
        reason=f"{ASKED} ({slowed[-1].code})" if slowed[-1].code else ASKED,
        code=slowed[-1].code,
    )


def _failed(known: Health | None, channel: str, failed: list[ChannelError], now: datetime) -> Health:
    before = known or Health(channel, 0, 0, now)
    last, count = failed[-1], before.failures + len(failed)
    row = "a failure" if count == 1 else f"{count:,} failures in a row, the last"
    reason = f"{row}: {without_addresses(last.reason, '')}"
    after_these = replace(before, failures=count, reason=reason, code=last.code)
    if _is_shut(before, now):  # what was under way when it was shut
        return replace(after_these, reason=before.reason) if before.asked else after_these
    was_tried = is_tried(before)
    return _tripped(after_these, now) if was_tried or after_these.failures >= FAILURES else after_these


def _tripped(known: Health, now: datetime) -> Health:
    wait = SHUT[min(known.trips, len(SHUT) - 1)]
    return replace(known, trips=known.trips + 1, until=now + wait, probe_until=None, asked=False)
