"""The three push services, each a real server on loopback: what they check and answer, and whom they reach.

Paths, headers, keys and bodies are read as strictly as the services do, and answered in their words; each has
a clock of its own, for what they are told is signed for a time.
"""

import base64
import json
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import http_ece
import trustme
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from channels.contract import MESSAGE, Seen
from channels.contract.http_server import (
    CUT_AFTER,
    SLOW,
    Answer,
    Connection,
    HttpServer,
    Request,
)

assert MESSAGE.at is not None
NOON: datetime = MESSAGE.at  # what the clocks of the services show, unless a test moves them
ROOM = 4096


@dataclass(frozen=True)
class Certificates:
    """A certificate for this machine, and who trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext

    @classmethod
    def made(cls, *protocols: str) -> "Certificates":
        authority = trustme.CA()
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("127.0.0.1").configure_cert(server)
        authority.configure_trust(client)
        if protocols:
            server.set_alpn_protocols(list(protocols))
        return cls(server, client)


class Service(HttpServer):
    """A push service as the contract speaks to it."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.shown: list[Seen] = []  # on the device, in order
        self.notices: list[dict[str, Any]] = []  # and all that was said of each
        self.now = NOON
        super().__init__(tls=tls)

    def replying(self, answer: Any) -> None:
        self.answering(self.said(answer))

    def said(self, answer: str) -> Answer | str:
        """The answer that a contract's words stand for."""
        raise NotImplementedError

    def slow(self) -> None:
        self.answering(SLOW)

    def cutting_off(self) -> None:
        self.answering(CUT_AFTER)

    def seen(self) -> list[Seen]:
        return list(self.shown)


def unpadded(text: str) -> bytes:
    assert "=" not in text, "base64url in JWS has no padding"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token: str, key: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWS whose signature holds, or ``InvalidSignature``."""
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    raw = unpadded(signature)
    header = json.loads(unpadded(head))
    if isinstance(key, rsa.RSAPublicKey):
        if header["alg"] != "RS256":
            raise InvalidSignature
        key.verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        if header["alg"] != "ES256" or len(raw) != 64:
            raise InvalidSignature
        pair = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
    return header, json.loads(unpadded(body))


def pem(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


# ── browsers (RFC 8030, 8188, 8291, 8292) ────────────────────────────────────


class Browsers(Service):
    """A push service and a browser behind it, which decrypts what it gets."""

    def __init__(self) -> None:
        certificates = Certificates.made()
        self.trusting = certificates.client
        self.vapid = ec.generate_private_key(ec.SECP256R1())
        self.own = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"sixteen octets !"
        self.gone = False
        super().__init__(tls=certificates.server)

    @property
    def vapid_key(self) -> str:
        return base64url(self.vapid.private_numbers().private_value.to_bytes(32, "big"))

    def device(self, path: str = "/send/maria") -> str:
        return f"web:{self.url}{path} {base64url(point(self.own.public_key()))} {base64url(self.auth)}"

    def said(self, answer: str) -> Answer | str:
        status = answer.partition(" ")[0]
        return Answer(int(status), b"no") if status.isdigit() else answer

    def answer(self, request: Request) -> Answer:
        headers = request.headers
        if request.method != "POST" or not request.path.startswith("/send/"):
            return Answer(404)
        if self.gone:
            return Answer(410)
        if refusal := self._stranger(headers.get("authorization", "")):
            return Answer(403, refusal.encode())
        if not re.fullmatch(r"\d{1,10}", headers.get("ttl", "")):
            return Answer(400, b"TTL")
        if headers.get("urgency", "normal") not in {"very-low", "low", "normal", "high"}:
            return Answer(400, b"Urgency")
        topic = headers.get("topic", "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", topic):
            return Answer(400, b"Topic")
        if headers.get("content-encoding") != "aes128gcm":
            return Answer(415)
        if len(request.body) > ROOM:
            return Answer(413)
        try:
            plain = http_ece.decrypt(request.body, private_key=self.own, auth_secret=self.auth)
        except http_ece.ECEException as error:
            return Answer(400, error.message.encode())
        declared = json.loads(plain)
        assert declared["web_push"] == 8030
        shown = declared["notification"]
        assert shown["tag"] == topic
        assert shown["title"]
        self.notices.append({**shown, "headers": headers})
        self.shown.append(Seen(self.device(request.path), topic, shown["body"]))
        return Answer(201, b"", {"Location": f"{self.url}/message/{len(self.shown)}"})

    def _stranger(self, authorization: str) -> str:
        found = re.fullmatch(r"vapid t=([^,]+),\s?k=(.+)", authorization)
        if found is None or unpadded(found[2]) != point(self.vapid.public_key()):
            return "not the key this browser subscribed with"
        try:
            _, claims = claims_of(found[1], self.vapid.public_key())
        except InvalidSignature:
            return "signature"
        ends = datetime.fromtimestamp(claims["exp"], UTC)
        if not self.now < ends <= self.now + timedelta(hours=24):
            return "exp"
        if claims["aud"] != self.url or not re.match("mailto:|https:", claims["sub"]):
            return "aud or sub"
        return ""


# ── Firebase ─────────────────────────────────────────────────────────────────


class TokenServer(HttpServer):
    """Google's OAuth 2.0 server: a signed assertion in (RFC 7523), an access token out."""

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        self.key = key
        self.now = NOON
        self.given: list[str] = []
        super().__init__()

    def answer(self, request: Request) -> Answer:
        form = request.form
        if (
            request.path != "/token"
            or form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer"
        ):
            return Answer.of(400, {"error": "unsupported_grant_type"})
        try:
            header, claims = claims_of(form["assertion"], self.key)
        except (InvalidSignature, KeyError):
            return Answer.of(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        begins, ends = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
        good = (
            header["kid"] == "key-1"
            and claims["iss"] == "push@lindner.iam.example.com"
            and claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
            and claims["aud"] == f"{self.url}/token"
            and abs(begins - self.now) < timedelta(minutes=10)
            and timedelta() < ends - begins <= timedelta(hours=1)
        )
        if not good:
            return Answer.of(400, {"error": "invalid_grant", "error_description": "Invalid JWT"})
        self.given.append(f"ya29.{len(self.given) + 1}")
        return Answer.of(200, {"access_token": self.given[-1], "expires_in": 3599, "token_type": "Bearer"})


FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


@cache
def _key() -> rsa.RSAPrivateKey:
    """The key of the account, which takes 0.1 s to make."""
    return rsa.generate_private_key(65537, 2048)


def fcm_refusal(status: int, name: str, *, code: str = "", field: str = "", wait: str = "") -> Answer:
    """An error as FCM writes it."""
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": FCM_ERROR, "errorCode": code})
    if field:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": "no"}]})
    error = {"code": status, "message": "no", "status": name, "details": details}
    return Answer.of(status, {"error": error}, {"Retry-After": wait} if wait else {})


class Firebase(Service):
    """FCM's HTTP v1, the token server beside it, and the devices behind it."""

    answers = {  # noqa: RUF012
        "404 UNREGISTERED": fcm_refusal(404, "NOT_FOUND", code="UNREGISTERED"),
        "400 INVALID_ARGUMENT token": fcm_refusal(
            400, "INVALID_ARGUMENT", code="INVALID_ARGUMENT", field="message.token"
        ),
        "400 INVALID_ARGUMENT": fcm_refusal(400, "INVALID_ARGUMENT", code="INVALID_ARGUMENT"),
        "400 BadRequest": fcm_refusal(
            400, "INVALID_ARGUMENT", code="INVALID_ARGUMENT", field="message.android.ttl"
        ),
        "403 SENDER_ID_MISMATCH": fcm_refusal(403, "PERMISSION_DENIED", code="SENDER_ID_MISMATCH"),
        "403 PERMISSION_DENIED": fcm_refusal(403, "PERMISSION_DENIED"),
        "401 UNAUTHENTICATED": fcm_refusal(401, "UNAUTHENTICATED"),
        "401 THIRD_PARTY_AUTH_ERROR": fcm_refusal(401, "UNAUTHENTICATED", code="THIRD_PARTY_AUTH_ERROR"),
        "404 NOT_FOUND": fcm_refusal(404, "NOT_FOUND"),
        "429 QUOTA_EXCEEDED": fcm_refusal(429, "RESOURCE_EXHAUSTED", code="QUOTA_EXCEEDED", wait="60"),
        "500 INTERNAL": fcm_refusal(500, "INTERNAL", code="INTERNAL"),
        "503 UNAVAILABLE": fcm_refusal(503, "UNAVAILABLE", code="UNAVAILABLE", wait="30"),
        "502 <html>": Answer(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
        "200 <html>": Answer(200, b"<html>Welcome</html>"),
        "200 []": Answer.of(200, []),
    }

    def __init__(self, key: rsa.RSAPrivateKey | None = None) -> None:
        self.key = key or _key()
        self.tokens = TokenServer(self.key.public_key())
        self.strangers: set[str] = set()
        super().__init__()

    @property
    def account(self) -> str:
        return json.dumps({
            "type": "service_account",
            "project_id": "lindner",
            "private_key_id": "key-1",
            "private_key": pem(self.key),
            "client_email": "push@lindner.iam.example.com",
            "token_uri": f"{self.tokens.url}/token",
        })  # fmt: skip

    def close(self) -> None:
        self.tokens.close()
        super().close()

    def said(self, answer: str) -> Answer | str:
        return self.answers.get(answer, answer)

    def answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/v1/projects/lindner/messages:send"):
            return fcm_refusal(404, "NOT_FOUND")
        if not self.tokens.given or request.headers.get("authorization") != f"Bearer {self.tokens.given[-1]}":
            return fcm_refusal(401, "UNAUTHENTICATED")
        if len(request.body) > ROOM:
            return fcm_refusal(400, "INVALID_ARGUMENT", field="message")
        message = json.loads(request.body)["message"]
        if refusal := self._wrong(message):
            return fcm_refusal(400, "INVALID_ARGUMENT", code="INVALID_ARGUMENT", field=refusal)
        if message["token"] in self.strangers:
            return self.answers["400 INVALID_ARGUMENT token"]
        self.notices.append(message)
        tag = message["android"]["notification"]["tag"]
        self.shown.append(Seen(f"fcm:{message['token']}", tag, message["notification"]["body"]))
        return Answer.of(200, {"name": f"projects/lindner/messages/{len(self.shown)}"})

    def _wrong(self, message: dict[str, Any]) -> str:
        """The first field that FCM would not take, or ""."""
        if message.keys() - {"token", "notification", "data", "android", "apns", "webpush"}:
            return "message"
        if not all(isinstance(value, str) for value in message["data"].values()):
            return "message.data"
        android = message["android"]
        if not re.fullmatch(r"\d+s", android["ttl"]) or int(android["ttl"][:-1]) > 28 * 86_400:
            return "message.android.ttl"
        if android["priority"] not in {"HIGH", "NORMAL"} or not isinstance(android["collapse_key"], str):
            return "message.android"
        if len(message["apns"]["headers"]["apns-collapse-id"].encode()) > 64:
            return "message.apns"
        link = message["webpush"].get("fcm_options", {}).get("link", "https://")
        return "" if link.startswith("https://") else "message.webpush.fcm_options.link"


# ── Apple ────────────────────────────────────────────────────────────────────


class Http2Connection(Connection):
    """HTTP/2 on one connection: requests beside each other, each on its stream."""

    def __init__(self, server: HttpServer) -> None:
        super().__init__(server)
        self.speaking = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.begun: dict[int, tuple[dict[str, str], bytearray]] = {}
        self.streams: dict[int, int] = {}  # id of a request → its stream

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.speaking.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self.speaking.receive_data(data):
            if isinstance(event, RequestReceived):
                self.begun[event.stream_id] = (dict(event.headers), bytearray())  # type: ignore[arg-type]
            elif isinstance(event, DataReceived):
                self.begun[event.stream_id][1].extend(event.data)
                self.speaking.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                headers, body = self.begun.pop(event.stream_id)
                request = Request(headers[":method"], headers[":path"], {}, headers, bytes(body), self.number)
                self.streams[id(request)] = event.stream_id
                self.obey(request)
        self._flush()

    def say(self, request: Request, answer: Answer) -> None:
        self._head(request, answer)
        self.speaking.send_data(self.streams.pop(id(request)), answer.body, end_stream=True)
        self._flush()

    def begin_to_say(self, request: Request, answer: Answer) -> None:
        self._head(request, answer)
        self._flush()

    def _head(self, request: Request, answer: Answer) -> None:
        headers = [(name.lower(), value) for name, value in answer.headers.items()]
        stream = self.streams[id(request)]
        self.speaking.send_headers(stream, [(":status", str(answer.status)), *headers])

    def _flush(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.speaking.data_to_send())


class Apple(Service):
    """APNs and the telephones behind it."""

    statuses = {  # noqa: RUF012  reason → status, from Apple's table
        "BadCollapseId": 400, "BadDeviceToken": 400, "BadExpirationDate": 400, "BadMessageId": 400,
        "BadPriority": 400, "BadTopic": 400, "DeviceTokenNotForTopic": 400, "InvalidPushType": 400,
        "MissingTopic": 400, "PayloadEmpty": 400, "TopicDisallowed": 400, "ExpiredProviderToken": 403,
        "Forbidden": 403, "InvalidProviderToken": 403, "MissingProviderToken": 403, "BadPath": 404,
        "MethodNotAllowed": 405, "ExpiredToken": 410, "Unregistered": 410, "PayloadTooLarge": 413,
        "TooManyProviderTokenUpdates": 429, "TooManyRequests": 429, "InternalServerError": 500,
        "ServiceUnavailable": 503, "Shutdown": 503,
    }  # fmt: skip

    def __init__(self) -> None:
        certificates = Certificates.made("h2")
        self.trusting = certificates.client
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.signed: list[datetime] = []  # the times for which tokens were signed
        self.gone: dict[str, datetime] = {}  # token → when the app went
        self.strangers: set[str] = set()
        super().__init__(tls=certificates.server)

    @property
    def pem(self) -> str:
        return pem(self.key)

    def connection(self) -> Connection:
        return Http2Connection(self)

    def said(self, answer: str) -> Answer | str:
        if answer == "503 <html>":
            return Answer(503, b"<html>busy</html>")
        return self.refusal(answer) if answer in self.statuses else answer

    def refusal(self, reason: str, **more: Any) -> Answer:
        return Answer.of(self.statuses[reason], {"reason": reason, **more})

    def answer(self, request: Request) -> Answer:
        headers = request.headers
        path = re.fullmatch(r"/3/device/([0-9a-fA-F]+)", request.path)
        if request.method != "POST" or path is None:
            return self.refusal("BadPath" if path is None else "MethodNotAllowed")
        token = path[1]
        if reason := self._stranger(headers.get("authorization", "")) or self._wrong(request):
            return self.refusal(reason)
        if token in self.strangers:
            return self.refusal("BadDeviceToken")
        if token in self.gone:
            return self.refusal("Unregistered", timestamp=int(self.gone[token].timestamp() * 1000))
        payload = json.loads(request.body)
        self.notices.append({**payload, "headers": headers})
        text = payload["aps"]["alert"]["body"]
        self.shown.append(Seen(f"apns:{token}", headers["apns-collapse-id"], text))
        return Answer(200, b"", {"apns-id": headers["apns-id"]})

    def _stranger(self, authorization: str) -> str:
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer":
            return "MissingProviderToken"
        try:
            header, claims = claims_of(token, self.key.public_key())
        except InvalidSignature:
            return "InvalidProviderToken"
        if header["kid"] != "KEY1234567" or claims["iss"] != "TEAM123456":
            return "InvalidProviderToken"
        signed = datetime.fromtimestamp(claims["iat"], UTC)
        if not timedelta() <= self.now - signed < timedelta(hours=1):
            return "ExpiredProviderToken"
        if not self.signed or self.signed[-1] != signed:
            if self.signed and signed - self.signed[-1] < timedelta(minutes=20):
                return "TooManyProviderTokenUpdates"
            self.signed.append(signed)
        return ""

    def _wrong(self, request: Request) -> str:
        headers = request.headers
        if headers.get("apns-topic") != "com.example.lindner":
            return "BadTopic" if "apns-topic" in headers else "MissingTopic"
        if headers.get("apns-push-type") != "alert":
            return "InvalidPushType"
        if headers.get("apns-priority", "10") not in {"10", "5", "1"}:
            return "BadPriority"
        if not re.fullmatch(r"\d{1,12}", headers.get("apns-expiration", "0")):
            return "BadExpirationDate"
        if len(headers.get("apns-collapse-id", "").encode()) > 64:
            return "BadCollapseId"
        if str(UUID(headers["apns-id"])) != headers["apns-id"]:
            return "BadMessageId"
        if len(request.body) > ROOM:
            return "PayloadTooLarge"
        return "" if request.body else "PayloadEmpty"
