"""Posts signed as Standard Webhooks says (https://www.standardwebhooks.com, specification 1.0)."""

import asyncio
import ssl
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport
from standardwebhooks import Webhook

from channels.base import Misconfigured
from channels.http import broken, refused
from channels.public_addresses import Forbidden, Guard, Network

KEPT = 4096  # bytes of an answer that are read; nobody waits for more
_BROKEN = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, TimeoutError, OSError)


class SignedPosts:
    """Posts bodies to *url*, signed with every one of *secrets*, the newest first.

    The host must be on the public internet or in one of the *allowed* networks, and is asked for no longer
    than *timeout* seconds, over at most *concurrency* connections. Redirects are not followed.
    """

    def __init__(
        self,
        url: str,
        secrets: Sequence[str],
        *,
        allowed: Collection[Network] = (),
        timeout: float = 20,
        concurrency: int = 1,
        resolver: AbstractResolver | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._keys = [Webhook(secret) for secret in secrets]
        self._guard = Guard(allowed, resolver)
        self._timeout = timeout
        self._concurrency = concurrency
        self._context = tls_context
        self._client: httpx.AsyncClient | None = None

    async def post(
        self, identity: str, at: datetime, body: str, content_type: str = "application/json"
    ) -> tuple[int, str]:
        """Post *body* under the ``webhook-id`` *identity*; return the status and the beginning of the answer.

        Whoever gets the same id again knows it for the same, so posting again is safe.
        Raises the errors of :mod:`channels.base`; Misconfigured if the receiver wants no more (410).
        """
        headers = {
            "content-type": content_type,
            "webhook-id": identity,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(key.sign(identity, at, body) for key in self._keys),
        }
        try:
            self._guard.check(self._host)
            async with asyncio.timeout(self._timeout), self._stream(headers, body.encode()) as answer:
                text = await _beginning(answer)
        except Forbidden as forbidden:
            raise Misconfigured(str(forbidden), code="private address") from None
        except _BROKEN as error:
            raise broken(error) from None
        if 200 <= answer.status_code < 300:
            return answer.status_code, text
        if answer.status_code == 410:
            raise Misconfigured("the receiver wants no more messages", code="410", raw=text)
        raise refused(answer.status_code, answer.headers, text, doubt=False)

    async def close(self) -> None:
        """Give the connections back."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _stream(self, headers: dict[str, str], body: bytes) -> AbstractAsyncContextManager[httpx.Response]:
        if self._client is None:
            connector = aiohttp.TCPConnector(
                resolver=self._guard,
                use_dns_cache=False,
                ssl=self._context or ssl.create_default_context(),
                limit=self._concurrency,
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
