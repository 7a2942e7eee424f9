"""Addresses of ours that name a message and prove it: ``bounces+<message>.<proof>@example.com`` (VERP).

The name is the UUID of our Message-ID, so nothing in it is personal; the proof is an HMAC over the whole
Message-ID. Both are in base32, for some servers write addresses in small letters.
"""

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from channels.base import Misconfigured

LONGEST = 20  # letters before the @ of an address of ours, so that all of it has 64 (RFC 5321 4.5.3.1.1)
_TOKEN = re.compile(r"\+([a-z2-7]{26})\.([a-z2-7]{16})@", re.IGNORECASE)


class Use(StrEnum):
    """What an address is for; one for another use proves nothing."""

    BOUNCE = "bounce"
    REPLY = "reply"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Signing:
    """Makes and knows such addresses, by *keys*: the first signs, each is accepted.

    *domains* are those of our senders, where our Message-IDs end.
    """

    keys: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    def address(self, mailbox: str, message_id: str, use: Use) -> str:
        """*mailbox* for what comes back about that message; raises :class:`~channels.base.Misconfigured`."""
        local, _, domain = mailbox.rpartition("@")
        if len(local) > LONGEST:
            raise Misconfigured(f"an address that is signed has at most {LONGEST} letters before the @")
        if not self.keys:
            raise Misconfigured("an address cannot be signed without a key")
        name = UUID(message_id.strip("<>").partition("@")[0])
        return f"{local}+{_text(name.bytes)}.{_proof(self.keys[0], message_id, use)}@{domain}"

    def proven(self, address: str, use: Use, others: Iterable[str] = ()) -> str:
        """The Message-ID that *address* proves, or "". *others* are further ones it might be."""
        found = _TOKEN.search(address)
        if found is None:
            return ""
        name = UUID(bytes=b32decode(found[1].upper() + "======"))
        mine = [*(f"<{name}@{domain}>" for domain in self.domains), *others]
        given = found[2].lower().encode()
        for message_id in mine:
            for key in self.keys:
                if hmac.compare_digest(_proof(key, message_id, use).encode(), given):
                    return message_id
        return ""


def _proof(key: str, message_id: str, use: Use) -> str:
    said = f"{use.value}\n{message_id}"
    return _text(hmac.digest(key.encode(), said.encode(errors="replace"), "sha256")[:10])


@runtime_checkable
class ReadsMail(Protocol):
    """A reporter that also reads mail that comes in, and so must know what our addresses prove."""

    signing: Signing


def _text(octets: bytes) -> str:
    return b32encode(octets).decode().rstrip("=").lower()
