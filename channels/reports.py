"""What comes back from a provider: delivery reports and replies, out of callbacks proven to be its own.

::

    Callback ──Reporting.read──▶ Report, Reply …      or Forged (403), Unreadable (400): nothing changes

The words for what became of a message are django-anymail's, as far as they say something to a customer's
company.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class Became(StrEnum):
    """What became of a message, as its provider tells later; each is the event ``message.<word>``."""

    ACCEPTED = "accepted"  # the provider has it after all
    DEFERRED = "deferred"  # it tries again by itself: no failure
    DELIVERED = "delivered"
    MACHINE_OPEN = "machine_open"  # a proxy or scanner fetched it: nobody has read it
    OPENED = "opened"
    CLICKED = "clicked"
    FAILED = "failed"  # the provider gave it up; the address is not to blame
    BOUNCED = "bounced"  # it came back
    COMPLAINED = "complained"  # the recipient called it spam
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one message for one recipient.

    ``id`` is the same however often the provider repeats it. ``at`` is when it happened by the provider's
    clock, ``None`` if it does not say. The message is named by our own ``key`` where the callback proves it,
    else by the ``provider_id`` of its receipt or by its ``message_id``. With ``dead`` the address ``to``
    exists no more, or else the one the message went to; if ``unproven``, it counts only if that is ``to``.
    With ``ours`` the fault is our account's or sender's, and every message would fare so.
    What was done ``by_hand`` no scanner did, however soon it came. ``proof`` is what proves the callback,
    where that covers none of what it says, with a hash of that: the same may prove nothing else.
    ``code`` and ``reason`` are the provider's own, ``raw`` is what it said.
    """

    id: str
    became: Became
    at: datetime | None = None
    key: str = ""
    provider_id: str = ""
    message_id: str = ""
    to: str = ""
    dead: bool = False
    unproven: bool = False
    ours: bool = False
    by_hand: bool = False
    code: str = ""
    reason: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    proof: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wrote to us.

    ``sender`` is their address, ``to`` ours. ``answers`` are the Message-IDs it refers to, the newest first;
    ``key`` is our entry's where the address it came to proves it. What is ``automatic`` (RFC 3834) is never
    answered and never read as a wish. ``wish`` is what the provider itself took it for and acted on: "stop",
    "start" or "help". ``proof`` is as in a report.
    """

    id: str
    sender: str
    text: str
    to: str = ""
    subject: str = ""
    at: datetime | None = None
    key: str = ""
    answers: tuple[str, ...] = ()
    automatic: bool = False
    wish: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    proof: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """An HTTP request from a provider. ``url`` is the public address as configured, with the query it had.

    Names of ``headers`` are in lower case; ``query`` has the last value of a name that comes twice.
    """

    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@runtime_checkable
class Reporting(Protocol):
    """Reads callbacks: a channel whose provider calls back, or what reads a provider's beside a channel."""

    async def read(self, callback: Callback, now: datetime) -> Sequence[Report | Reply]:
        """Return what a callback says; raises :class:`Forged` or :class:`Unreadable`.

        Signatures are judged at *now*. Where that takes asking somebody who is away, raises
        :class:`~channels.base.Unavailable`: the provider shall call again. An empty list is an answer: it
        said nothing we use.
        """
        ...


@runtime_checkable
class Answering(Protocol):
    """Reads callbacks of a provider that passes on what they are answered with."""

    def answer(self, words: Sequence[str]) -> tuple[str, bytes]:
        """Return the content type and the body that say *words* to whoever wrote, or nothing without any."""
        ...


class Refused(Exception):
    """The root of why a callback changes nothing; ``reason`` may be told to whoever sent it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Forged(Refused):
    """Nothing proves that the provider sent it, or it is too old: 403."""


class Unreadable(Refused):
    """It is the provider's, as far as we can tell, and cannot be read: 400."""
