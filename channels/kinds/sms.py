"""Text messages: settings and abilities."""

import re
from datetime import timedelta

from pydantic import Field, SecretStr, model_validator

from channels.base import Abilities, AfterUnknown, Channel
from channels.plugin import Kind
from channels.settings import ChannelSettings, Length, refused

_URL = re.compile(r"https?://[^\s/?#_]+(/\S*)?")
_HERE = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/\S*)?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_SIDS = {"account": "AC", "messaging_service": "MG"}


class Sms(ChannelSettings):
    """Text messages through Twilio."""

    needed = ("account", "token")

    account: str = Field(default="", description="The account's SID, `AC…`.")
    token: SecretStr | None = Field(default=None, description="The account's auth token.")
    sender: str = Field(
        default="", description="The number or sender id that texts come from, unless a service chooses one."
    )
    messaging_service: str = Field(
        default="", description="The SID of the messaging service that chooses the sender, `MG…`."
    )
    country: str = Field(
        default="", description="ISO 3166 code of the country that numbers without one belong to: `DE`."
    )
    callback_url: str = Field(
        default="",
        description="Our public address to which Twilio reports what became of a text; `/callbacks/sms` "
        "below `server.public_url` unless given.",
    )
    url: str = Field(default="https://api.twilio.com", description="Where Twilio is called.")
    timeout: Length = Field(
        default=timedelta(seconds=30), description="How long to wait for Twilio's answer."
    )
    connections: int = Field(default=16, ge=1, le=100, description="Requests under way at once.")

    @model_validator(mode="after")
    def _consistent(self) -> "Sms":
        if self.live and not (self.sender or self.messaging_service):
            hint = 'write sender = "+12025550100", or messaging_service = "MG…"'
            raise refused("a live SMS channel needs its sender", hint, code="C022")
        if self.country and not (_COUNTRY.fullmatch(self.country) and self._has_numbers()):
            raise refused(f"{self.country!r} is not a country", "write a code such as DE", key="country")
        for key, begins in _SIDS.items():
            if (value := getattr(self, key)) and not re.fullmatch(f"{begins}[0-9a-fA-F]{{32}}", value):
                hint = f"it begins with {begins}, and 32 hexadecimal digits follow"
                raise refused(f"{value!r} is no SID of that kind", hint, key=key)
        if self.url.startswith("http:") and not _HERE.fullmatch(self.url):
            raise refused("the token would go to Twilio unencrypted", "write https://…", key="url")
        for key in ("url", "callback_url"):
            if (value := getattr(self, key)) and not _URL.fullmatch(value):
                raise refused(f"{value!r} is no address", "write https://example.com/…, without _", key=key)
        return self

    def _has_numbers(self) -> bool:
        """Is it a country of telephone numbers? Asked only where it matters: the table is large."""
        if not self.live:
            return True
        import phonenumbers

        return phonenumbers.country_code_for_region(self.country) > 0


def _make(_name: str, settings: Sms) -> Channel:
    from channels.sms import SmsChannel

    return SmsChannel(
        settings.account,
        settings.token.get_secret_value() if settings.token else "",
        sender=settings.sender,
        service=settings.messaging_service,
        country=settings.country,
        callback=settings.callback_url,
        url=settings.url,
        connections=settings.connections,
        answer=settings.timeout.total_seconds(),
    )


KIND = Kind(
    summary="text messages through Twilio",
    settings=Sms,
    abilities=Abilities(
        receipts=True,
        replies=True,
        max_length=1600,
        after_unknown=AfterUnknown.RECONCILE,
        concurrency=16,
    ),
    make=_make,
)
