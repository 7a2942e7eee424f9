"""Signed messages to a program of one's own (https://www.standardwebhooks.com, specification 1.0).

A copy of a message has the same ``webhook-id``, by which a receiver knows it: it is safe to send again.
"""

import json
import ssl
from collections.abc import Collection, Sequence
from datetime import UTC
from hashlib import blake2b

from aiohttp.abc import AbstractResolver

from channels.base import Message, Receipt
from channels.kinds.webhook import KIND
from channels.public_addresses import Network
from channels.signed_posts import SignedPosts

CONTENT = (
    "id", "to", "to_name", "subject", "title", "text", "html", "link", "locale", "purpose", "collapse_key",
)  # fmt: skip


class WebhookChannel:
    """Posts each message to *url*; see :class:`~channels.signed_posts.SignedPosts` for the rest."""

    abilities = KIND.abilities

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Sequence[str],
        *,
        allowed: Collection[Network] = (),
        timeout: float = 20,
        resolver: AbstractResolver | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self._posts = SignedPosts(
            url,
            secrets,
            allowed=allowed,
            timeout=timeout,
            concurrency=self.abilities.concurrency,
            resolver=resolver,
            tls_context=tls_context,
        )

    async def send(self, message: Message) -> Receipt:
        """Post *message*; the receipt has its ``webhook-id``. ``ValueError`` without ``message.at``."""
        if message.at is None:
            raise ValueError("a signature is of a moment: Message.at is missing")
        at = message.at.astimezone(UTC).replace(microsecond=0)
        identity = f"msg_{blake2b(message.message_id.encode(errors='replace'), digest_size=16).hexdigest()}"
        data = {name: getattr(message, name) for name in CONTENT}
        body = json.dumps({"type": "message", "timestamp": at.isoformat(), "data": data})
        status, text = await self._posts.post(identity, at, body)
        return Receipt(identity, {"status": status, "answer": text})

    async def close(self) -> None:
        """Give the connections back."""
        await self._posts.close()
