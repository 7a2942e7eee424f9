"""Mail: settings and abilities."""

from datetime import timedelta

from pydantic import Field, SecretStr, model_validator

from channels.base import Abilities, AfterUnknown, Channel
from channels.plugin import Kind
from channels.settings import ChannelSettings, Length, Port, refused


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
    connections: int = Field(default=8, ge=1, le=100, description="Connections kept open at once.")

    @model_validator(mode="after")
    def _consistent(self) -> "Email":
        if self.tls and self.starttls:
            raise refused(
                "tls and starttls exclude each other", "with tls = true, write starttls = false", code="C021"
            )
        if self.live and not self.host:
            raise refused(
                "a live e-mail channel needs its server", 'write host = "smtp.example.com"', code="C022"
            )
        if (self.password is None) != (not self.username):
            raise refused("username and password belong together", "give both or neither", code="C023")
        return self


def _make(_name: str, settings: Email) -> Channel:
    from channels.email import EmailChannel

    return EmailChannel(
        settings.host,
        settings.port,
        "implicit" if settings.tls else "starttls" if settings.starttls else "none",
        settings.username,
        settings.password.get_secret_value() if settings.password else "",
        connections=settings.connections,
        final=settings.timeout.total_seconds(),
    )


KIND = Kind(
    summary="mail through an SMTP server",
    settings=Email,
    abilities=Abilities(rich=True, attachments=True, replies=True, after_unknown=AfterUnknown.REPEAT),
    make=_make,
)
