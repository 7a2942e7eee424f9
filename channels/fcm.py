"""Push through Firebase Cloud Messaging, HTTP v1, as a service account (OAuth 2.0, RFC 7523).

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages and …/ErrorCode
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from google.auth import jwt
from google.auth.crypt import RSASigner

from channels import notice
from channels.base import ChannelError, Message, Misconfigured, Receipt, Rejected, Unavailable, Unknown
from channels.http import Answer, refused
from channels.http_client import HttpClient

URL = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ROOM = 4096  # bytes of the whole message
EARLY = timedelta(minutes=5)  # before a token ends, the next one is fetched
_HOUR = timedelta(hours=1)  # the longest Google signs for


class FcmChannel:
    """Sends as the service *account*, the JSON that Firebase gives out for it.

    *url* is where FCM is; where tokens are fetched, the account says itself.
    """

    name = "fcm"
    abilities = notice.ABILITIES

    def __init__(
        self, account: str, *, url: str = URL, timeout: float = 30, tls_context: ssl.SSLContext | None = None
    ) -> None:
        try:
            told = json.loads(account)
            self._signer = RSASigner.from_service_account_info(told)  # type: ignore[no-untyped-call]
            self._email, self._tokens = str(told["client_email"]), str(told["token_uri"])
            self._url = f"{url}/v1/projects/{told['project_id']}/messages:send"
        except (ValueError, TypeError, KeyError) as error:
            raise Misconfigured("fcm: the service account cannot be used", raw=type(error).__name__) from None
        self._client = HttpClient(timeout, tls_context=tls_context)
        self._strangers = notice.Strangers()
        self._token, self._ends = "", datetime.min  # noqa: DTZ901  compared only once there is a token
        self._fetching = asyncio.Lock()

    async def send(self, message: Message) -> Receipt:
        """Hand *message* to FCM; the receipt has the name FCM gives it."""
        body = notice.demand_room(message, _content(message), ROOM)
        token = await self._access(message)
        answer = await self._post(token, body)
        if answer.status_code == 401 and _code(answer) != "THIRD_PARTY_AUTH_ERROR":
            answer = await self._post(await self._access(message, instead_of=token), body)
        if not answer.is_success:
            raise self._error(answer)
        self._strangers.known()
        name = notice.told(answer.content).get("name")
        if not isinstance(name, str) or not name:
            raise Unknown("the answer makes no sense", raw=answer.text[:1000])
        return Receipt(name, {"code": answer.status_code})

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def _post(self, token: str, body: bytes) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        return await self._client.post(self._url, headers, body)

    async def _access(self, message: Message, instead_of: str = "") -> str:
        """A token that is good for a while: the one we have, or a new one, fetched by one for all."""
        now = notice.moment(message)
        async with self._fetching:
            if not self._token or self._token == instead_of or not now < self._ends - EARLY:
                self._token, self._ends = await self._fetch(now)
            return self._token

    async def _fetch(self, now: datetime) -> tuple[str, datetime]:
        iat = int(now.timestamp())
        claims = {
            "iss": self._email, "scope": SCOPE, "aud": self._tokens,
            "iat": iat, "exp": iat + int(_HOUR.total_seconds()),
        }  # fmt: skip
        assertion = jwt.encode(self._signer, claims).decode()  # type: ignore[no-untyped-call]
        form = {"grant_type": GRANT, "assertion": assertion}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = await self._client.post(self._tokens, headers, urlencode(form).encode())
        except Unknown as error:  # no message has left yet
            raise Unavailable("the token server did not answer", raw=error.raw) from None
        told = notice.told(answer.content)
        if 400 <= answer.status_code < 500 and answer.status_code not in {408, 425, 429}:
            raise Misconfigured("fcm: the service account was refused", code=str(told.get("error", "")))
        if not answer.is_success:
            raise refused(answer.status_code, answer.headers, answer.text, doubt=False)
        token, lasts = told.get("access_token"), told.get("expires_in", 3600)
        if not isinstance(token, str) or not token or not isinstance(lasts, int):
            raise Unavailable("the token server's answer makes no sense")
        return token, now + timedelta(seconds=min(max(lasts, 0), 86_400))

    def _error(self, answer: Answer) -> ChannelError:
        """What a refusal means, by FCM's own code: it alone tells a dead token from a wrong request."""
        code, raw = _code(answer), answer.text
        if code == "UNREGISTERED":
            self._strangers.known()
            return Rejected("the app is no longer on this device", suppress=True, code=code, raw=raw)
        if code == "SENDER_ID_MISMATCH" or (code == "INVALID_ARGUMENT" and _blames_token(answer)):
            return self._strangers.unknown("fcm", code, raw)
        return refused(answer.status_code, answer.headers, raw, code=code, doubt=False)


def _content(message: Message) -> bytes:
    device = notice.device(message, "fcm")
    tag, keep, urgent = notice.tag(message), notice.seconds(message), notice.is_urgent(message)
    link = message.link
    content: dict[str, Any] = {
        "token": device.token,
        "notification": {"title": notice.title(message), "body": message.text},
        "data": {"link": link, "message": notice.key(message)},
        "android": {
            "collapse_key": tag,
            "ttl": f"{keep}s",
            "priority": "HIGH" if urgent else "NORMAL",
            "notification": {"tag": tag},
        },
        "apns": {
            "headers": {
                "apns-collapse-id": tag,
                "apns-expiration": str(notice.ends(message)),
                "apns-priority": "10" if urgent else "5",
            },
            "payload": {"aps": {"sound": "default"} if urgent else {}},
        },
        "webpush": {
            "headers": {"TTL": str(keep), "Urgency": "high" if urgent else "low", "Topic": tag},
            "notification": {"tag": tag},
        },
    }
    if link.startswith("https://"):  # FCM refuses the whole message for another
        content["webpush"]["fcm_options"] = {"link": link}
    return json.dumps({"message": content}, ensure_ascii=False).encode(errors="replace")


def _details(answer: Answer) -> list[Mapping[str, Any]]:
    error = notice.told(answer.content).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    return [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []


def _code(answer: Answer) -> str:
    """FCM's own code (``FcmError``), or Google's for all its services, or ""."""
    for detail in _details(answer):
        if str(detail.get("@type", "")).endswith(".FcmError"):
            return str(detail.get("errorCode", ""))
    error = notice.told(answer.content).get("error")
    return str(error.get("status", "")) if isinstance(error, dict) else ""


def _blames_token(answer: Answer) -> bool:
    """Is it the token that is invalid? A ``BadRequest`` about another field is our own mistake."""
    kinds = {str(detail.get("@type", "")).rpartition(".")[2] for detail in _details(answer)}
    blamed = [
        violation.get("field")
        for detail in _details(answer)
        for violation in detail.get("fieldViolations") or ()
        if isinstance(violation, dict)
    ]
    return "message.token" in blamed if "BadRequest" in kinds else "FcmError" in kinds
