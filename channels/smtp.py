"""One table: an SMTP answer, and when it came → the error it means (RFC 5321 4.2, 3463, 4954).

The server's words stay in ``raw``: they often quote the recipient's address, which no reason may.
"""

import re
from datetime import timedelta
from enum import StrEnum

from channels.base import ChannelError, Misconfigured, Rejected, Unavailable


class Stage(StrEnum):
    """What the server answered to; the value names it in a reason."""

    SESSION = "session"  # greeting, EHLO, STARTTLS, AUTH
    SENDER = "sender"  # MAIL
    RECIPIENT = "recipient"  # RCPT
    CONTENT = "content"  # DATA and the final dot


PATIENCE = timedelta(minutes=30)  # RFC 5321 4.5.4.1: a retry should not come sooner
SLOW_DOWN = timedelta(minutes=1)  # for all: whoever has many mails waiting must not come back at once
DEAD = frozenset({"5.1.1", "5.1.2", "5.1.10"})  # no such mailbox, no such host, no mail host (RFC 7505)
TOO_LARGE = frozenset({"5.2.3", "5.3.4"})

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_NO_SUCH_USER = re.compile(
    r"(?:user|recipient|mailbox|address|account)\W.{0,40}?(?:unknown|not found|does(?: not|n't) exist)"
    r"|(?:no such|unknown|invalid) (?:user|recipient|mailbox|address|account)",
    re.IGNORECASE | re.DOTALL,
)
_WAIT = re.compile(
    r"\b(?:in|after|for|wait|retry)\b\W{0,3}(\d{1,6}) ?(s|m|h)(?:ec|in|our|r)?[a-z]*\b", re.IGNORECASE
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def error(stage: Stage, code: int, text: str) -> ChannelError:
    """The error that the answer *code* *text* means at that *stage*.

    ::

        4xx                                    Unavailable, in 30 minutes unless the server names a time
        4xx before the recipient, and 421      the same, and others not for a minute unless it names a time
        5xx to the session or the sender       Misconfigured (the sender's 552, 5.2.3, 5.3.4: Rejected)
        530, 535, 5.7.x                        Misconfigured: our login or our reputation
        5.1.1, 5.1.2, 5.1.10                   Rejected, the address is dead
        550 to the recipient, "user unknown"   Rejected, the address is dead
        any other 5xx                          Rejected, this message
        no answer a server may give            Unavailable, and others not for a minute
    """
    found = _ENHANCED.match(text)
    enhanced = found[1] if found else ""
    answer = f"{code} {enhanced}".strip()
    reason = f"the server refused the {stage} ({answer})"
    if 400 <= code < 500:
        theirs = code != 421 and stage in {Stage.RECIPIENT, Stage.CONTENT}
        said = _said(text)
        return Unavailable(
            reason, retry_after=said or PATIENCE, for_all=said or SLOW_DOWN, recipient=theirs,
            code=answer, raw=f"{code} {text}",
        )  # fmt: skip
    if not 500 <= code < 600:
        reason = f"the server's answer to the {stage} makes no sense"
        return Unavailable(reason, retry_after=PATIENCE, for_all=SLOW_DOWN, code=answer, raw=f"{code} {text}")
    too_large = code == 552 or enhanced in TOO_LARGE
    ours = stage is Stage.SESSION or (stage is Stage.SENDER and not too_large)
    if ours or code in {530, 535} or enhanced.startswith("5.7."):
        return Misconfigured(reason, code=answer, raw=f"{code} {text}")
    nobody = stage is Stage.RECIPIENT and code == 550 and not enhanced and _NO_SUCH_USER.search(text)
    return Rejected(reason, suppress=enhanced in DEAD or bool(nobody), code=answer, raw=f"{code} {text}")


def _said(text: str) -> timedelta | None:
    """What the server says ("try again in 300 seconds"), at most a day."""
    said = _WAIT.search(text)
    if said is None:
        return None
    return min(timedelta(**{_UNITS[said[2].lower()]: int(said[1])}), timedelta(days=1))
