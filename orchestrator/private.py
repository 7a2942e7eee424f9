"""Text for reasons and logs, without what names somebody."""

import re

from orchestrator.plain_text import one_line

LONGEST = 300  # characters of a reason
SHORTEST = 3  # characters of a name that is looked for: shorter ones are words, too
_MAILBOX = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
_INTERNATIONAL = re.compile(r"\+\d[\d\s().\-/]{5,}\d")
_NUMBER = re.compile(r"\+\d[\d\s().\-/]{5,}\d|\b\d(?:[\s()\-/]?\d){7,}")


def without_mailboxes(text: str) -> str:
    """Return *text* on one line, with an ellipsis for every mailbox."""
    return one_line(_MAILBOX.sub("…", text), LONGEST)


def without_addresses(text: str, address: str, name: str = "") -> str:
    """Return *text* on one line, without *address*, any mailbox, or what may be a telephone number.

    Without the words of *name* and the part before an @ as well: providers quote those alone, too.
    """
    words = [word for word in re.split(r"\W+", name) if len(word) >= SHORTEST]
    local = address.partition("@")[0] if "@" in address else ""
    for secret in filter(None, (address, local if len(local) >= SHORTEST else "")):
        text = re.sub(re.escape(secret), "…", text, flags=re.IGNORECASE)
    for word in words:
        text = re.sub(rf"\b{re.escape(word)}\b", "…", text, flags=re.IGNORECASE)
    return without_mailboxes(_NUMBER.sub("…", text))


def discreet(text: str) -> str:
    """Return *text* for a log: with an ellipsis for every mailbox and international telephone number."""
    return _INTERNATIONAL.sub("…", _MAILBOX.sub("…", text))
