"""Text for reasons and logs, without what names somebody."""

import re

from orchestrator.plain_text import one_line

LONGEST = 300  # characters of a reason
_MAILBOX = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
_NUMBER = re.compile(r"\+\d[\d\s().\-/]{5,}\d|\b\d(?:[\s()\-/]?\d){7,}")


def without_mailboxes(text: str) -> str:
    """Return *text* on one line, with an ellipsis for every mailbox."""
    return one_line(_MAILBOX.sub("…", text), LONGEST)


def without_addresses(text: str, address: str) -> str:
    """Return *text* on one line, without *address*, any mailbox, or what may be a telephone number."""
    if address:
        text = re.sub(re.escape(address), "…", text, flags=re.IGNORECASE)
    return without_mailboxes(_NUMBER.sub("…", text))
