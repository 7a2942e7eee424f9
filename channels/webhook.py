"""Signed messages to a program of one's own (https://www.standardwebhooks.com, specification 1.0).

A copy of a message has the same ``webhook-id``, by which a receiver knows it: it is safe to send again.
"""

import asyncio
import json
import ssl
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC
from hashlib import blake2b
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport
from standardwebhooks import Webhook

from channels.base import Message, Misconfigured, Receipt
from channels.http import broken, refused
from channels.kinds.webhook import KIND
from channels.public_addresses import Forbidden, Guard, Network

CONTENT = (
    "id", "to", "to_name", "subject", "title", "text", "html", "link", "locale", "purpose", "collapse_key",
)  # fmt: skip
KEPT = 4096  # bytes of an answer that are read; nobody waits for more
_BROKEN = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, TimeoutError, OSError)


class WebhookChannel:
    """Posts each message to *url*, signed with every one of *secrets*, the newest first.

    The host must be on the public internet or in one of the *allowed* networks, and is asked for no longer
    than *timeout* seconds. Redirects are not followed.
    """

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
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._keys = [Webhook(secret) for secret in secrets]
        self._guard = Guard(allowed, resolver)
        self._timeout = timeout
        self._context = tls_context
        self._client: httpx.AsyncClient | None = None

    async def send(self, message: Message) -> Receipt:
        """Post *message*; the receipt has its ``webhook-id``. ``ValueError`` without ``message.at``."""
        identity, headers, body = self._signed(message)
        try:
            self._guard.check(self._host)
            async with asyncio.timeout(self._timeout), self._stream(headers, body) as answer:
                text = await _beginning(answer)
        except Forbidden as forbidden:
            raise Misconfigured(str(forbidden), code="private address") from None
        except _BROKEN as error:
            raise broken(error) from None
        if 200 <= answer.status_code < 300:
            return Receipt(identity, {"status": answer.status_code, "answer": text})
        if answer.status_code == 410:
            raise Misconfigured("the receiver wants no more messages", code="410", raw=text)
        # Without doubt: the same id again is the same message.
        raise refused(answer.status_code, answer.headers, text, doubt=False)

    async def close(self) -> None:
        """Give the connections back."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _signed(self, message: Message) -> tuple[str, dict[str, str], bytes]:
        """The message's id, the headers that sign it, and its body."""
        if message.at is None:
            raise ValueError("a signature is of a moment: Message.at is missing")
        at = message.at.astimezone(UTC).replace(microsecond=0)
        identity = f"msg_{blake2b(message.message_id.encode(errors='replace'), digest_size=16).hexdigest()}"
        data = {name: getattr(message, name) for name in CONTENT}
        body = json.dumps({"type": "message", "timestamp": at.isoformat(), "data": data})
        signatures = " ".join(key.sign(identity, at, body) for key in self._keys)
        headers = {
            "content-type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signatures,
        }
        return identity, headers, body.encode()

    def _stream(self, headers: dict[str, str], body: bytes) -> AbstractAsyncContextManager[httpx.Response]:
        if self._client is None:
            connector = aiohttp.TCPConnector(
                resolver=self._guard,
                use_dns_cache=False,
                ssl=self._context or ssl.create_default_context(),
                limit=self.abilities.concurrency,
            )
            session = aiohttp.ClientSession(connector=connector)
            self._client = httpx.AsyncClient(
                transport=AiohttpTransport(client=session), timeout=self._timeout, trust_env=False
            )
        return self._client.stream("POST", self._url, headers=headers, content=body)


async def _beginning(answer: httpx.Response) -> str:
    """The first few kB of what was answered."""
    read = b""
    async for part in answer.aiter_bytes():
        read += part
        if len(read) >= KEPT:
            break
    return read[:KEPT].decode(errors="replace")
