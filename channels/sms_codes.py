"""One table: Twilio's own code → the error it means (twilio.com/docs/api/errors).

They come with the refusal of a message, and with the report of one that was taken and not delivered. A code
that is not here says no more than its HTTP status.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from channels import http
from channels.base import ChannelError, Misconfigured, Rejected, Unavailable

QUEUE = timedelta(minutes=30)  # a sender's queue is hours long when it is full
WINDOW = timedelta(hours=1)  # the day's limit is over a rolling 24 hours: some room comes back each hour

_DEAD: Mapping[int, str] = {
    21211: "no such number",
    21214: "the number cannot be reached",
    21217: "no such number",
    21265: "a short code cannot be written to",
    21614: "not a mobile number",
    21635: "a landline",
    30004: "the number or its carrier blocks us",
    30005: "the number is unknown or no longer in use",
    30006: "a landline, or a carrier that nobody reaches",
}
_OPTED_OUT: Mapping[int, str] = {21610: "the customer opted out with STOP"}
_THIS_MESSAGE: Mapping[int, str] = {
    21266: "the number is the sender's own",
    21602: "a text without words",
    21605: "the text is too long",
    21612: "no route from our sender to the number",
    21617: "the text is too long",
    21619: "a text without words",
    30019: "the carrier finds it too large",
    30036: "it waited too long in the queue",
}
_OURS: Mapping[int, str] = {
    10001: "the account is not active",
    20003: "the account or its token is wrong",
    20005: "the account is not active",
    20404: "the account or the messaging service does not exist",
    21212: "the sender is no number",
    21408: "the account may not send to that country",
    21603: "no sender is set",
    21606: "the sender cannot send there",
    21608: "a trial account sends to verified numbers only",
    21609: "the callback address cannot be called",
    21659: "the sender is not a number of Twilio's",
    21660: "the sender belongs to another account",
    21661: "the sender cannot send texts",
    21701: "the messaging service does not exist",
    21703: "the messaging service has no senders",
    21705: "the messaging service is not valid",
    30002: "the account is suspended",
    30007: "carriers filter our texts as spam",
    30032: "the toll-free number is not verified",
    30034: "the sender is not registered (A2P 10DLC)",
}
_NOT_NOW: Mapping[int, tuple[str, timedelta | None]] = {
    14107: ("the sender is at its rate", None),
    20429: ("too many requests at once", None),
    21611: ("the sender's queue is full", QUEUE),
    30001: ("the sender's queue is full", QUEUE),
    30003: ("the phone is off or out of reach", QUEUE),
    30008: ("the carrier gives no reason", QUEUE),
    30022: ("over the carrier's rate for our campaign", None),
    60728: ("over the account's limit for an hour", WINDOW),
    63038: ("over the account's limit for a day", WINDOW),
}

_THEIRS = frozenset({30003, 30008})  # of these, what says nothing about anybody else

CODES = frozenset({*_DEAD, *_OPTED_OUT, *_THIS_MESSAGE, *_OURS, *_NOT_NOW})
"""Every code that says more than its HTTP status."""


def meaning(code: int, *, raw: str = "", wait: timedelta | None = None) -> ChannelError | None:
    """The error *code* means, or ``None`` if the table has no such code; *wait* is Twilio's own word."""
    kinds: tuple[tuple[Mapping[int, str], Callable[..., ChannelError]], ...] = (
        (_DEAD, lambda reason, **more: Rejected(reason, suppress=True, **more)),
        (_OPTED_OUT, lambda reason, **more: Rejected(reason, opted_out=True, **more)),
        (_THIS_MESSAGE, Rejected),
        (_OURS, Misconfigured),
    )
    for table, error in kinds:
        if code in table:
            return error(table[code], code=str(code), raw=raw)
    if code in _NOT_NOW:
        reason, floor = _NOT_NOW[code]
        return Unavailable(
            reason, retry_after=wait or floor, recipient=code in _THEIRS, code=str(code), raw=raw
        )
    return None


def error(status: int, headers: Mapping[str, str], text: str) -> ChannelError:
    """The error of an answer that is no success; a 5xx is in doubt whatever its code says."""
    raw, code = text[:2000], _code(text)
    known = meaning(code, raw=raw, wait=http.retry_after(headers)) if status < 500 else None
    return known or http.refused(status, headers, raw, code=str(code or ""))


def _code(text: str) -> int:
    try:
        said: Any = json.loads(text)
    except ValueError:
        return 0
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, int) else 0
