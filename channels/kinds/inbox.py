"""The feed on the company's own page or in its app: settings and abilities."""

import re
from datetime import timedelta

from pydantic import Field, SecretStr, model_validator

from channels.base import Abilities, AfterUnknown, Channel
from channels.plugin import Kind
from channels.settings import ChannelSettings, Length, Texts, refused

NAME = "inbox"
SHORTEST = 32  # characters of a key: 32 hexadecimal digits are 16 random bytes
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?")

ABILITIES = Abilities(
    receipts=True,  # by being read: what was read was delivered
    opens=True,
    max_length=10_000,
    collapses=True,
    rings=False,
    after_unknown=AfterUnknown.REPEAT,  # a copy is the same item
    concurrency=32,
)


class Inbox(ChannelSettings):
    """Messages that customers find on the company's own page or in its app, read as JSON."""

    needed = ("key",)

    key: SecretStr | None = Field(
        default=None,
        description="What signs the tokens by which a page reads a customer's inbox: 32 characters or more.",
    )
    previous_key: SecretStr | None = Field(
        default=None, description="The key before it: while both are set, tokens of either are good."
    )
    token_age: Length = Field(
        default=timedelta(hours=24), description="How long a token may be good at most."
    )
    origins: Texts = Field(
        default=(),
        description="Pages elsewhere that may read it from a browser (CORS): `https://my.example.com`.",
    )
    keep: Length = Field(default=timedelta(days=365), description="How long messages stay there.")

    @model_validator(mode="after")
    def _can_be_used(self) -> "Inbox":
        for name in ("key", "previous_key"):
            key = getattr(self, name)
            if key is not None and len(key.get_secret_value()) < SHORTEST:
                hint = f"write {SHORTEST} characters or more: openssl rand -hex 32"
                raise refused("the key is too short to sign with", hint, key=name)
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                hint = 'write "https://my.example.com", without a path'
                raise refused(f"{origin!r} is no origin", hint, key="origins")
        if self.kind:
            raise refused("there is one inbox, and it is called inbox", "write [channels.inbox]", key="kind")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys whose tokens are good, the newest first."""
        return tuple(one.get_secret_value() for one in (self.key, self.previous_key) if one is not None)


def _make(_name: str, _settings: Inbox) -> Channel:
    from channels.inbox import InboxChannel

    return InboxChannel()


KIND = Kind(
    summary="messages found on a page or in an app of one's own",
    settings=Inbox,
    abilities=ABILITIES,
    make=_make,
)
