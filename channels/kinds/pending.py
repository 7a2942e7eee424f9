"""A kind whose messages only go to the outbox in this version."""

from pydantic import Field, model_validator

from channels.base import Channel, Misconfigured
from channels.settings import ChannelSettings, refused


class Pending(ChannelSettings):
    """A channel whose messages only go to the outbox in this version."""

    live: bool = Field(default=False, description="Must be false: not available yet in this version.")

    @model_validator(mode="after")
    def _not_live(self) -> "Pending":
        if self.live:
            hint = "write live = false: messages go to the outbox"
            raise refused("not available yet in this version", hint, code="C020")
        return self


def unavailable(name: str, _settings: Pending) -> Channel:
    """Refuse: settings that are live were refused before."""
    raise Misconfigured(f"{name} cannot be live yet: it goes to the outbox")
