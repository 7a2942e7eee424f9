"""Posts signed as Standard Webhooks says (https://www.standardwebhooks.com, specification 1.0)."""

import asyncio
import ssl
from collections.abc import Collection, Sequence
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from standardwebhooks import Webhook

from channels.base import Misconfigured
from channels.http import broken, refused
from channels.public_addresses import Forbidden, Guard, Network

KEPT = 4096  # bytes of an answer that are read; nobody waits for more
_BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


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
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, identity: str, at: datetime, body: str, content_type: str = "application/json"
    ) -> tuple[int, str]:
        """Post *body* under the ``webhook-id`` *identity*; return the status and the beginning of the answer.

        Whoever gets the same id again knows it for the same, so posting again is safe.
        Raises the errors of :mod:`channels.base`; Misconfigured if the receiver wants no more (410).
        """
        headers = {
            "accept-encoding": "identity",  # so that a short answer unfolds to no long one
            "content-type": content_type,
            "webhook-id": identity,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(key.sign(identity, at, body) for key in self._keys),
        }
        if self._session is None:
            self._session = self._opened()
        try:
            self._guard.check(self._host)
            async with (
                asyncio.timeout(self._timeout),
                self._session.post(
                    self._url, headers=headers, data=body.encode(), allow_redirects=False
                ) as answer,
            ):
                text = await _beginning(answer)
        except Forbidden as forbidden:
            raise Misconfigured(str(forbidden), code="private address") from None
        except _BROKEN as error:
            raise broken(error) from None
        if 200 <= answer.status < 300:
            return answer.status, text
        if answer.status == 410:
            raise Misconfigured("the receiver wants no more messages", code="410", raw=text)
        raise refused(answer.status, answer.headers, text, doubt=False)

    async def close(self) -> None:
        """Give the connections back."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        each = self._timeout
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._guard,
                use_dns_cache=False,
                ssl=self._context or ssl.create_default_context(),
                limit=self._concurrency,
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=each, sock_connect=each, sock_read=each),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    """The first few kB of what was answered."""
    read = b""
    async for part in answer.content.iter_any():
        read += part
        if len(read) >= KEPT:
            break
    return read[:KEPT].decode(errors="replace")
