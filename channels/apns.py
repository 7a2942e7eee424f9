"""Push through Apple's servers: HTTP/2, with a token that a key of ours signs.

https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns and
…/handling-notification-responses-from-apns
"""

import json
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from google.auth import jwt
from google.auth.crypt import EsSigner

from channels import devices, notice
from channels.base import ChannelError, Message, Misconfigured, Receipt, Rejected
from channels.http import Answer, refused
from channels.http_client import HttpClient

PRODUCTION, SANDBOX = "https://api.push.apple.com", "https://api.sandbox.push.apple.com"
ROOM = 4096  # bytes of the payload
RENEWED = timedelta(minutes=50)  # a token is refused after an hour, and renewals within 20 minutes are too

_STRANGERS = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic"})
_GONE = frozenset({"Unregistered", "ExpiredToken"})
_OURS = frozenset({
    "BadTopic", "MissingTopic", "TopicDisallowed", "InvalidPushType", "BadCertificate", "BadPath",
    "BadCertificateEnvironment", "BadEnvironmentKeyIdInToken", "UnrelatedKeyIdInToken", "Forbidden",
    "ExpiredProviderToken", "InvalidProviderToken", "MissingProviderToken",
})  # fmt: skip


class ApnsChannel:
    """Sends to the app *topic* (its bundle id) as the *team* whose *key* (the .p8 file) has the id *key_id*.

    *url* is Apple's for apps from the App Store, or :data:`SANDBOX` for those from Xcode.
    """

    name = "apns"
    abilities = notice.ABILITIES

    def __init__(
        self,
        key: str,
        key_id: str,
        team: str,
        topic: str,
        *,
        url: str = PRODUCTION,
        timeout: float = 30,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        try:
            self._signer = EsSigner.from_string(key, key_id)
        except (ValueError, TypeError) as error:
            raise Misconfigured("apns: the key cannot be used", raw=type(error).__name__) from None
        self._team, self._topic, self._url = team, topic, url
        self._client = HttpClient(timeout, http2=True, tls_context=tls_context)
        self._strangers = notice.Strangers()
        self._token, self._signed_at = "", datetime.min.replace(tzinfo=UTC)

    async def send(self, message: Message) -> Receipt:
        """Hand *message* to Apple; the receipt has the ``apns-id``."""
        device = notice.device(message, "apns")
        body = notice.demand_room(message, _content(message), ROOM)
        token = self._provider_token(message)
        answer = await self._post(device, token, body, message)
        if notice.told(answer.content).get("reason") == "ExpiredProviderToken":
            answer = await self._post(device, self._provider_token(message, instead_of=token), body, message)
        if answer.status_code == 200:
            self._strangers.known()
            return Receipt(answer.headers.get("apns-id") or _id(message), {"code": 200})
        raise self._error(answer, device)

    async def close(self) -> None:
        """Give the connection back."""
        await self._client.close()

    async def _post(self, device: devices.Device, token: str, body: bytes, message: Message) -> Answer:
        headers = {
            "authorization": f"bearer {token}",
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-id": _id(message),
            "apns-collapse-id": notice.tag(message),
            "apns-expiration": str(notice.ends(message)),
            "apns-priority": "10" if notice.is_urgent(message) else "5",
            "content-type": "application/json",
        }
        return await self._client.post(f"{self._url}/3/device/{device.token}", headers, body)

    def _provider_token(self, message: Message, instead_of: str = "") -> str:
        """The token we send under, signed anew within the hour, or at once if Apple calls it expired."""
        now = notice.moment(message)
        if abs(now - self._signed_at) >= RENEWED or self._token == instead_of:  # two may come crosswise
            claims = {"iss": self._team, "iat": int(now.timestamp())}
            self._token, self._signed_at = jwt.encode(self._signer, claims).decode(), now  # type: ignore[no-untyped-call]
        return self._token

    def _error(self, answer: Answer, device: devices.Device) -> ChannelError:
        """What a refusal means, by the reason that Apple gives."""
        told, raw = notice.told(answer.content), answer.text
        code = str(told.get("reason", ""))
        if answer.status_code == 410 or code in _GONE:
            self._strangers.known()
            gone = _is_newer(told.get("timestamp"), device.registered)
            return Rejected("the app is no longer on this device", suppress=gone, code=code, raw=raw)
        if code in _STRANGERS:
            return self._strangers.unknown("apns", code, raw)
        if code in _OURS:
            return Misconfigured(f"apns refused our key or topic ({code})", code=code, raw=raw)
        return refused(
            answer.status_code,
            answer.headers,
            raw,
            code=code,
            doubt=False,
            recipient=code == "TooManyRequests",
        )


def _content(message: Message) -> bytes:
    aps: dict[str, Any] = {"alert": {"title": notice.title(message), "body": message.text}}
    if notice.is_urgent(message):
        aps["sound"] = "default"
    content = {"aps": aps, "link": message.link, "message": notice.key(message)}
    return json.dumps(content, ensure_ascii=False).encode(errors="replace")


def _id(message: Message) -> str:
    """The same ``apns-id`` in every attempt."""
    return str(uuid5(NAMESPACE_URL, message.message_id.encode(errors="replace").decode()))


def _is_newer(milliseconds: Any, registered: datetime | None) -> bool:
    """Did the token die after the app registered it? Without both times, it did."""
    if registered is None or not isinstance(milliseconds, int):
        return True
    return milliseconds > registered.timestamp() * 1000
