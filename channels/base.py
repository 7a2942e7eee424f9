"""What a channel is: it takes a :class:`Message`, gives a :class:`Receipt`, or raises one of four errors.

::

    ChannelError
    ├── Misconfigured   our settings are wrong: the channel pauses, operations are told
    ├── Unavailable     try again later; may say when
    ├── Rejected        never this recipient again (or never this message); says why
    └── Unknown         the provider may have it; the channel's policy decides

This package imports nothing of the engine.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail; one with a ``cid`` is shown by the HTML (``<img src="cid:…">``)."""

    name: str
    content_type: str  # with its parameters: ``text/calendar; charset=utf-8; method=REQUEST``
    data: bytes
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """Rendered content for one recipient.

    ``to`` is an address of the channel's kind (mailbox, E.164 number, device token). ``id`` is the
    ledger entry's key, ``message_id`` was stored before the first attempt and never changes between
    attempts. ``headers`` are extra email headers; ``text`` is always there. ``at`` is the aware moment
    it is sent, by the sender's clock; channels that write it down refuse a message without one. Only
    mail carries ``attachments``. ``others`` are further addresses of the same recipient: push tries every
    device, and a message one of them took is a message they have. From ``expires_at`` on it is useless.
    Bounces of mail go to ``return_path``, the envelope's sender, or else to the channel's own.
    """

    id: str
    message_id: str
    channel: str
    to: str
    text: str
    to_name: str = ""
    subject: str = ""
    html: str = ""
    title: str = ""  # push
    link: str = ""  # push
    sender: str = ""  # mailbox or sender id
    sender_name: str = ""
    reply_to: str = ""
    return_path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    locale: str = ""
    purpose: str = "service"
    collapse_key: str = ""
    at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    others: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it. ``raw`` keeps what it answered.

    Of several addresses, those in ``dead`` exist no more, each with the reason; ``note`` says what else
    went wrong beside the one that took it.
    """

    provider_id: str
    raw: Mapping[str, Any] = field(default_factory=dict)
    dead: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


class AfterUnknown(StrEnum):
    """What may follow when nobody can say whether the provider has the message."""

    REPEAT = "repeat"  # safe: the provider or the recipient's software recognises the same message
    RECONCILE = "reconcile"  # ask the provider first; never send blindly
    PERSON = "person"  # a person decides


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel can do; using what it lacks is an error at ``check``."""

    receipts: bool = False  # it reports later whether a message was delivered
    opens: bool = False  # … and whether it was opened
    replies: bool = False
    rich: bool = False  # HTML
    attachments: bool = False
    max_length: int | None = None  # characters
    collapses: bool = False  # a newer message with the same collapse key takes the place of an older one
    rings: bool = True  # it may wake somebody, so quiet hours are for it
    after_unknown: AfterUnknown = AfterUnknown.PERSON
    batch: int = 1  # messages in one request
    concurrency: int = 8  # sends in flight at once


class Channel(Protocol):
    """One way to reach somebody."""

    name: str
    abilities: Abilities

    async def send(self, message: Message) -> Receipt:
        """Hand *message* to the provider; raise a :class:`ChannelError` if it did not take it."""
        ...

    async def close(self) -> None:
        """Give back connections; the channel is not used again."""
        ...


@runtime_checkable
class Parted(Protocol):
    """A channel before several services: each has room for so many sends at once, and delays no other."""

    def part(self, message: Message) -> str:
        """Name the services that *message* goes to, without spaces."""
        ...


@runtime_checkable
class Findable(Protocol):
    """A channel whose provider can be asked what it has; ``after_unknown`` is then ``reconcile``."""

    async def find(self, message: Message, since: datetime, others: Collection[str]) -> Receipt | None:
        """Look for *message*, first tried at *since*: its receipt, ``None`` if the provider has it not.

        *others* are the provider's ids of other messages to that address, which may say the same: never it.
        Clocks differ, ours and theirs: what they say is up to a day older may be it, what is older is not.
        A :class:`ChannelError` means that nobody can tell; the message stays unknown.
        """
        ...


class ChannelError(Exception):
    """The root. ``code`` is the provider's own; ``raw`` what it said.

    ``dead`` are those of several addresses that exist no more, each with the reason.
    """

    dead: Mapping[str, str] = MappingProxyType({})

    def __init__(self, reason: str, *, code: str = "", raw: str = "") -> None:
        self.reason = reason
        self.code = code
        self.raw = raw
        super().__init__(reason)


class Misconfigured(ChannelError):
    """Our settings or reputation are wrong; the recipient is not to blame."""


class Unavailable(ChannelError):
    """Not now. The provider has not taken the message. ``retry_after`` is its own word, a floor.

    It holds for everybody whom the channel reaches, and so the channel waits as long, or *for_all* where that
    is shorter; unless it is this *recipient* who cannot be reached now: a telephone that is off.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: timedelta | None = None,
        for_all: timedelta | None = None,
        recipient: bool = False,
        code: str = "",
        raw: str = "",
    ) -> None:
        super().__init__(reason, code=code, raw=raw)
        self.retry_after = retry_after
        self.for_all = None if recipient else for_all or retry_after
        self.recipient = recipient


class Rejected(ChannelError):
    """Never. ``suppress``: the address itself is dead and joins the suppression list.

    ``opted_out``: whoever is reached there told the provider to stop.
    """

    def __init__(
        self,
        reason: str,
        *,
        suppress: bool = False,
        opted_out: bool = False,
        code: str = "",
        raw: str = "",
    ) -> None:
        super().__init__(reason, code=code, raw=raw)
        self.suppress, self.opted_out = suppress, opted_out


class Unknown(ChannelError):
    """The connection broke after the provider may have taken it."""
