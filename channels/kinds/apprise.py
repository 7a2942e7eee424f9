"""Chat and the long tail, for staff: settings and abilities."""

from datetime import timedelta
from importlib.util import find_spec

from pydantic import Field, SecretStr, model_validator

from channels.base import Abilities, Channel
from channels.plugin import Kind
from channels.settings import ChannelSettings, Length, refused


class Chat(ChannelSettings):
    """Messages to one room or account of a chat, through Apprise: for staff, who see when one is missing."""

    needed = ("url",)

    url: SecretStr | None = Field(
        default=None, description="Where to, as https://appriseit.com/services writes it; it holds a token."
    )
    timeout: Length = Field(default=timedelta(seconds=30), description="How long to wait for an answer.")

    @model_validator(mode="after")
    def _installed(self) -> "Chat":
        if self.live and find_spec("apprise") is None:
            raise refused(
                "Apprise is not installed", "pip install 'beforehand[chat]', or live = false", key="live"
            )
        return self


def _make(name: str, settings: Chat) -> Channel:
    from channels.apprise import AppriseChannel

    url = settings.url.get_secret_value() if settings.url else ""
    return AppriseChannel(name, url, timeout=settings.timeout.total_seconds())


KIND = Kind(
    summary="a chat or another service, for staff",
    settings=Chat,
    abilities=Abilities(concurrency=2),  # each has a thread of its own, which a service that hangs keeps
    make=_make,
)
