"""The inbox: messages that a customer finds on the company's own page or in its app, when they look there.

Nothing leaves: an item is kept where the page reads it. Whoever keeps it is given by the wiring.
"""

import re
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from channels.base import Message, Misconfigured, Receipt, Rejected
from channels.kinds.inbox import ABILITIES
from channels.mime import well_formed
from channels.notice import moment, title

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
_HARMFUL = frozenset({"javascript", "data", "vbscript", "blob", "file"})  # what a page must not follow


@dataclass(frozen=True, slots=True)
class Item:
    """One message as a page shows it; ``name`` is the same for every copy of it.

    ``customer`` is whom it is to, ``key`` its ledger entry's. A newer item ``about`` the same takes its
    place ("" stands alone). From ``expires_at`` on it is past.
    """

    name: str
    customer: str
    key: str
    about: str
    title: str
    text: str
    link: str
    locale: str
    at: datetime
    expires_at: datetime | None


class Feed(Protocol):
    """Keeps items for pages to read."""

    async def keep(self, item: Item) -> None:
        """Return once *item* is kept for good, once however often it comes; else raise a ChannelError."""
        ...


class InboxChannel:
    """Puts messages into *feed*; kept is accepted."""

    name = "inbox"
    abilities = ABILITIES

    def __init__(self, feed: Feed | None = None) -> None:
        self.feed = feed

    async def send(self, message: Message) -> Receipt:
        """Keep *message* for the customer whose id it is ``to``."""
        if self.feed is None:
            raise Misconfigured("nothing keeps what is put into this inbox")
        if len(message.text) > (ABILITIES.max_length or 0):
            raise Rejected("the text is too long for the inbox", code="too long")
        if (scheme := _SCHEME.match(message.link)) and scheme[1].lower() in _HARMFUL:
            raise Rejected(f"a link of the kind {scheme[1]}: would run in the page", code="link")
        item = Item(
            name_of(message.message_id),
            message.to,
            message.id,
            message.collapse_key,
            _plain(title(message)),
            _plain(message.text),
            _plain(message.link),
            _plain(message.locale),
            moment(message),
            message.expires_at,
        )
        await self.feed.keep(item)
        return Receipt(provider_id=item.name)

    async def close(self) -> None:
        """Nothing to give back: the feed is its maker's."""


def name_of(message_id: str) -> str:
    """Name an item: 26 letters and digits, the same for every copy, that tell nothing about anybody."""
    digest = blake2b(message_id.encode(errors="replace"), digest_size=16).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def _plain(text: str) -> str:
    """What every database keeps and JSON carries: whole characters, and no NUL."""
    return well_formed(text).replace("\0", "")
