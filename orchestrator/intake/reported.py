"""What providers report of a message, as core types of events: what each means, with an example."""

from collections.abc import Mapping
from typing import Any

from channels.reports import Became

_SMS = {"message": "O-1/arrived/arrived#1/customer", "channel": "sms", "provider": "twilio"}
_MAIL = {**_SMS, "channel": "email", "provider": "sendgrid"}
_PUSH = {**_SMS, "channel": "push", "provider": "our app"}

_WORDS: Mapping[Became, tuple[str, Mapping[str, Any]]] = {
    Became.ACCEPTED: (
        "The provider has a message after all: one of which nobody could say whether it left was said.",
        _SMS,
    ),
    Became.DEFERRED: (
        "The provider could not deliver a message yet, and tries again by itself.",
        {**_MAIL, "code": "4.2.2", "reason": "mailbox full"},
    ),
    Became.DELIVERED: ("A message arrived at the mailbox, telephone or device.", _SMS),
    Became.MACHINE_OPEN: (
        "A proxy or scanner fetched a message: it arrived, and nobody has read it.",
        _MAIL,
    ),
    Became.OPENED: (
        "Somebody opened a message. An app opened by a push says so itself, and is believed at once.",
        _PUSH,
    ),
    Became.CLICKED: ("Somebody followed a link in a message.", _MAIL),
    Became.FAILED: (
        "The provider took a message and gave it up; the address is not to blame. What it told was not told.",
        {**_SMS, "code": "30008", "reason": "unknown error"},
    ),
    Became.BOUNCED: (
        "A message came back. What it told was not told.",
        {**_MAIL, "code": "5.1.1", "reason": "no such mailbox"},
    ),
    Became.COMPLAINED: ("The recipient called a message spam.", _MAIL),
    Became.UNSUBSCRIBED: ("The recipient unsubscribed by a message.", _MAIL),
}

REPORTED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    f"message.{became}": words for became, words in _WORDS.items()
}
