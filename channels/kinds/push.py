"""Notifications on devices: the settings of the three services, and what they all can do."""

import json
import re
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from channels import notice
from channels.base import Channel
from channels.plugin import Kind
from channels.settings import ChannelSettings, Length, Texts, elsewhere, refused

_TOGETHER = {  # what a service needs all of, its secret first
    "web": ("web_key", "web_contact"),
    "apns": ("apns_key", "apns_key_id", "apns_team", "apns_topic"),
}
_CONTACT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/]+\S*")  # RFC 8292 §2.1


def _is_pem(text: str) -> bool:
    return text.startswith("-----BEGIN ") and "PRIVATE KEY-----" in text


def _is_vapid(text: str) -> bool:
    """Is it PEM, or 32 bytes in base64url?"""
    try:
        return _is_pem(text) or len(urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32
    except ValueError:
        return False


def _is_account(text: str) -> bool:
    """Is it what Google gives out for a service account, all of it?"""
    try:
        told: Any = json.loads(text)
    except ValueError:
        return False
    parts = ("project_id", "client_email", "token_uri", "private_key")
    whole = isinstance(told, dict) and all(isinstance(told.get(part), str) for part in parts)
    return whole and _is_pem(told["private_key"])


_SECRETS = {
    "web_key": (_is_vapid, "docs/how-to/push-to-devices.md says how to make one"),
    "fcm_account": (_is_account, "give the whole JSON file of the service account"),
    "apns_key": (_is_pem, "give what is in the .p8 file, from -----BEGIN on"),
}


class Push(ChannelSettings):
    """Notifications on devices: browsers, Firebase and Apple, each with settings of its own."""

    web_key: SecretStr | None = Field(
        default=None, description="Browsers: our private VAPID key, 32 bytes in base64url or PEM."
    )
    web_contact: str = Field(
        default="", description="Browsers: where a push service reaches us, `mailto:service@example.com`."
    )
    web_services: Texts = Field(
        default=notice.SERVICES,
        description="Browsers: the hosts of push services; no other endpoint is ever called.",
    )
    fcm_account: SecretStr | None = Field(
        default=None, description="Firebase: the service account, the whole JSON that Google gives out."
    )
    fcm_url: str = Field(default="https://fcm.googleapis.com", description="Firebase: where it is called.")
    apns_key: SecretStr | None = Field(
        default=None, description="Apple: the signing key, what is in the .p8 file."
    )
    apns_key_id: str = Field(default="", description="Apple: the key's id, ten letters and digits.")
    apns_team: str = Field(default="", description="Apple: the team's id.")
    apns_topic: str = Field(default="", description="Apple: the app's bundle id.")
    apns_url: str = Field(
        default="https://api.push.apple.com",
        description="Apple: where it is called; apps from Xcode are at `https://api.sandbox.push.apple.com`.",
    )
    timeout: Length = Field(
        default=timedelta(seconds=30), description="How long to wait for a service's answer."
    )

    @field_validator("web_key", "fcm_account", "apns_key")
    @classmethod
    def _can_sign(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Look at the form of a secret alone: the libraries that use it take longer to load than `check`."""
        form, hint = _SECRETS[str(info.field_name)]
        if secret is not None and info.data.get("live") and not form(secret.get_secret_value().strip()):
            raise refused(f"{info.field_name} cannot sign", hint)
        return secret

    @field_validator("web_contact")
    @classmethod
    def _reaches_us(cls, contact: str, info: ValidationInfo) -> str:
        if contact and info.data.get("live") and not _CONTACT.fullmatch(contact):
            raise refused(f"{contact!r} reaches nobody", "write mailto:service@example.com, or https://…")
        return contact

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "Push":
        for secret, *others in _TOGETHER.values():
            names = others if elsewhere(info) else [secret, *others]
            missing = [name for name in names if not getattr(self, name)]
            if missing and len(missing) < len(names):
                raise refused(f"{' and '.join(names)} belong together", f"{missing[0]} is missing")
        if self.live and not (self.web_key or self.fcm_account or self.apns_key or elsewhere(info)):
            hint = "secrets come from the environment: web_key, fcm_account or apns_key"
            raise refused("live push needs at least one service", hint, code="C022")
        for key in ("fcm_url", "apns_url"):
            if not getattr(self, key).startswith("https://"):
                raise refused(f"{key} is no https address", key=key)
        return self


def _make(_name: str, settings: Push) -> Channel:
    from channels.push import PushChannel

    timeout = settings.timeout.total_seconds()
    services: dict[str, Channel] = {}
    if settings.web_key:
        from channels.web_push import WebPushChannel

        services["web"] = WebPushChannel(
            settings.web_key.get_secret_value(), settings.web_contact, settings.web_services, timeout=timeout
        )
    if settings.fcm_account:
        from channels.fcm import FcmChannel

        services["fcm"] = FcmChannel(
            settings.fcm_account.get_secret_value(), url=settings.fcm_url, timeout=timeout
        )
    if settings.apns_key:
        from channels.apns import ApnsChannel

        services["apns"] = ApnsChannel(
            settings.apns_key.get_secret_value(), settings.apns_key_id, settings.apns_team,
            settings.apns_topic, url=settings.apns_url, timeout=timeout,
        )  # fmt: skip
    return PushChannel(services)


KIND = Kind(summary="notifications on devices", settings=Push, abilities=notice.ABILITIES, make=_make)
