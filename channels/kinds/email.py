"""Mail: settings and abilities."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, ValidationInfo, model_validator

from channels.base import Abilities, AfterUnknown, Channel, Misconfigured
from channels.plugin import Kind
from channels.settings import ChannelSettings, Length, Port, elsewhere, refused

if TYPE_CHECKING:
    from channels.dkim import Signer

MARKS: Mapping[str, tuple[str, ...]] = {
    "": (),
    "postmark": ("X-PM-KeepID: true", "X-PM-Metadata-message: {message_id}"),
}
"""A provider → the lines that make it name our message in what it reports, and keep its Message-ID."""


class Email(ChannelSettings):
    """Mail through an SMTP server."""

    host: str = Field(default="", description="The SMTP server.")
    port: Port = Field(default=587, description="Its port.")
    starttls: bool = Field(
        default=True, description="Encrypt after connecting (port 587); refuses to send otherwise."
    )
    tls: bool = Field(
        default=False, description="Encrypt from the first byte (port 465); then `starttls = false`."
    )
    username: str = Field(default="", description="Whom to log in as; no login unless given.")
    password: SecretStr | None = Field(default=None, description="The password of that user.")
    timeout: Length = Field(
        default=timedelta(minutes=10),
        description="How long to wait for an answer; a shorter wait after the final dot makes duplicates.",
    )
    provider: Literal["", "postmark"] = Field(
        default="",
        description="Who is behind the server, if it must be told to keep our Message-ID: `postmark`.",
    )
    dkim_selector: str = Field(
        default="", description="Where DNS shows the public key: `SELECTOR._domainkey.example.com`."
    )
    dkim_domain: str = Field(
        default="", description="The domain that signs; that of the mailbox in From unless given."
    )
    dkim_key: SecretStr | None = Field(
        default=None, description="The private key that signs every mail, RSA or Ed25519, in PEM."
    )
    connections: int = Field(default=8, ge=1, le=100, description="Connections kept open at once.")

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "Email":
        if self.tls and self.starttls:
            raise refused(
                "tls and starttls exclude each other", "with tls = true, write starttls = false", code="C021"
            )
        if self.live and not self.host:
            raise refused(
                "a live e-mail channel needs its server", 'write host = "smtp.example.com"', code="C022"
            )
        if (self.password is None) != (not self.username) and not (elsewhere(info) and self.username):
            raise refused("username and password belong together", "give both or neither", code="C023")
        if (self.dkim_key is None) != (not self.dkim_selector) and not (
            elsewhere(info) and self.dkim_selector
        ):
            raise refused(
                "dkim_selector and dkim_key belong together",
                "the key comes from the environment",
                code="C023",
            )
        try:
            _signer(self)
        except Misconfigured as wrong:
            raise refused(wrong.reason, "make one: openssl genrsa 2048", key="dkim_selector") from None
        return self


def _signer(settings: Email) -> "Signer | None":
    if settings.dkim_key is None:
        return None
    from channels.dkim import Signer

    return Signer(settings.dkim_selector, settings.dkim_key.get_secret_value(), settings.dkim_domain)


def _make(_name: str, settings: Email) -> Channel:
    from channels.email import EmailChannel

    return EmailChannel(
        settings.host,
        settings.port,
        "implicit" if settings.tls else "starttls" if settings.starttls else "none",
        settings.username,
        settings.password.get_secret_value() if settings.password else "",
        connections=settings.connections,
        dkim=_signer(settings),
        marks=MARKS[settings.provider],
        final=settings.timeout.total_seconds(),
    )


KIND = Kind(
    summary="mail through an SMTP server",
    settings=Email,
    abilities=Abilities(rich=True, attachments=True, replies=True, after_unknown=AfterUnknown.REPEAT),
    make=_make,
)
