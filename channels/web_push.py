"""Push to browsers: RFC 8030 to the browser's own push service, encrypted (RFC 8291), signed (RFC 8292).

What is encrypted is a declarative push message: a browser that knows these shows it by itself, in others
the site's service worker reads ``notification`` from it. Endpoints come from outside, so only push services
on the list are called.
"""

import json
import ssl
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, VapidException  # type: ignore[import-untyped]

from channels import devices, notice
from channels.base import Message, Misconfigured, Receipt, Rejected
from channels.http import refused
from channels.http_client import HttpClient

ROOM = 3993  # RFC 8291 4: one record of 4096 bytes, less its head, its tag and the padding's delimiter
VALID = timedelta(hours=12)  # RFC 8292 2: at most 24 hours


class WebPushChannel:
    """Sends to the browsers that subscribed with the public half of *key*.

    *key* is the private one, 32 bytes in base64url or PEM; *contact* is a ``mailto:`` or ``https:`` address
    at which a push service reaches us. *services* are the hosts an endpoint may have, ``*.`` for any below.
    """

    name = "web_push"
    abilities = notice.ABILITIES

    def __init__(
        self,
        key: str,
        contact: str,
        services: tuple[str, ...] = notice.SERVICES,
        *,
        timeout: float = 30,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        try:
            pem = key.strip().startswith("-----BEGIN")
            self._vapid = Vapid02.from_pem(key.strip().encode()) if pem else Vapid02.from_string(key.strip())
            self._vapid.sign({"sub": contact, "aud": "https://push.example.com", "exp": 1})
        except (ValueError, TypeError, VapidException) as error:
            raise Misconfigured("web push: the key or the contact cannot be used", raw=str(error)) from None
        self._contact = contact
        self._services = services
        self._signed: dict[str, tuple[float, str]] = {}  # origin → until when, header
        self._client = HttpClient(timeout, tls_context=tls_context)

    async def send(self, message: Message) -> Receipt:
        """Hand *message* to the push service of the browser; the receipt has the service's name for it."""
        device = notice.device(message, "web")
        origin = self._origin(device.token)
        body = encrypted(device, notice.demand_room(message, _content(message), ROOM))
        headers = {
            "Authorization": self._authorization(origin, message),
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(notice.seconds(message)),
            "Urgency": "high" if notice.is_urgent(message) else "low",
            "Topic": notice.tag(message),
        }
        answer = await self._client.post(device.token, headers, body)
        if answer.is_success:
            return Receipt(answer.headers.get("Location") or message.message_id, {"code": answer.status_code})
        if answer.status_code in {404, 410}:
            reason, code = "the browser has no such subscription any more", str(answer.status_code)
            raise Rejected(reason, suppress=True, code=code, raw=answer.text)
        slowed = answer.status_code == 429  # by one of many services
        raise refused(answer.status_code, answer.headers, answer.text, doubt=False, recipient=slowed)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    def _origin(self, endpoint: str) -> str:
        """The origin of *endpoint*, if it is a push service's (the SSRF guard: nothing else is called)."""
        parts = urlsplit(endpoint)
        host = (parts.hostname or "") if parts.port in {None, 443} else f"{parts.hostname}:{parts.port}"
        if parts.username is not None or not any(_covers(one, host) for one in self._services):
            raise Rejected("the endpoint is not of a push service we know", code="unknown service")
        return f"https://{host}"

    def _authorization(self, origin: str, message: Message) -> str:
        """Sign who we are for that service, once for many messages."""
        now = notice.moment(message)
        until, header = self._signed.get(origin, (0.0, ""))
        if not now.timestamp() < until <= (now + VALID).timestamp():
            claims = {"sub": self._contact, "aud": origin, "exp": int((now + VALID).timestamp())}
            header = self._vapid.sign(claims)["Authorization"]
            until = (now + VALID - timedelta(hours=1)).timestamp()
            if len(self._signed) > 1000:  # a service may have many hosts
                self._signed.clear()
            self._signed[origin] = until, header
        return header


def encrypted(device: devices.Device, content: bytes, *, key: Any = None, salt: bytes | None = None) -> bytes:
    """*content* for the eyes of one browser (RFC 8291), under a new *key* and *salt* unless given."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    try:
        body: bytes = http_ece.encrypt(
            content, salt=salt, private_key=own, dh=device.p256dh, auth_secret=device.auth
        )
    except ValueError:  # 65 bytes that are no point of the curve
        raise Rejected("the browser's key is no key", code="no key") from None
    return body


def _content(message: Message) -> bytes:
    """A declarative push message (Push API, W3C): its members are those of the Notifications API."""
    shown = {
        "title": notice.title(message),
        "body": message.text,
        "navigate": message.link,
        "lang": message.locale[:35],
        "tag": notice.tag(message),
        "data": {"message": notice.key(message)},
    }
    return json.dumps({"web_push": 8030, "notification": shown}, ensure_ascii=False).encode(errors="replace")


def _covers(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
