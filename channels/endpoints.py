"""The settings of a program of one's own that is told things, signed as Standard Webhooks says."""

from base64 import b64decode
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, model_validator

from channels.settings import Length, Texts, refused

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a secret (Standard Webhooks, "Signature scheme")


class Endpoint(BaseModel):
    """A program of one's own that is told things, signed as Standard Webhooks says."""

    url: str = Field(default="", description="Where it is posted to, `https://…`.")
    secret: SecretStr | None = Field(
        default=None, description="What signs it: `whsec_` and 24 to 64 random bytes in base64."
    )
    previous_secret: SecretStr | None = Field(
        default=None, description="The secret before it: while both are set, both sign, and either verifies."
    )
    allow: Texts = Field(
        default=(),
        description="Networks that are not public and may be reached all the same, such as `10.1.0.0/16`.",
    )
    timeout: Length = Field(default=timedelta(seconds=20), description="How long to wait for an answer.")

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        for key in ("secret", "previous_secret"):
            secret = getattr(self, key)
            if secret is not None and not _strong(secret.get_secret_value()):
                hint = f"write {PREFIX} and {SHORTEST} to {LONGEST} random bytes in base64"
                raise refused("the secret cannot sign", hint, key=key)
        for network in self.allow:
            try:
                ip_network(network)
            except ValueError:
                raise refused(f"{network!r} is no network", 'write "10.1.0.0/16"', key="allow") from None
        if self.url:
            self._check_url()
        return self

    def signers(self) -> list[str]:
        """What signs, the newest first."""
        return [one.get_secret_value() for one in (self.secret, self.previous_secret) if one]

    def networks(self) -> list[IPv4Network | IPv6Network]:
        """Which networks may be reached beside the public internet."""
        return [ip_network(one) for one in self.allow]

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            host = parts.hostname if parts.port != 0 else None
        except ValueError:
            host = None
        if not host or parts.scheme not in {"https", "http"}:
            raise refused("the url leads nowhere", 'write "https://example.com/hooks"', key="url")
        if parts.username is not None or parts.password is not None:
            raise refused("a url must not carry a login", "what we send is signed instead", key="url")
        if parts.scheme == "http" and not self.allow:
            hint = "write https://; http is for networks of your own, which `allow` names"
            raise refused("customers' names would travel unencrypted", hint, key="url")


def _strong(secret: str) -> bool:
    """Is it a secret as Standard Webhooks writes one?"""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        return False
    return SHORTEST <= len(key) <= LONGEST
