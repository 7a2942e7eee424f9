"""What the settings of a channel are made of: one pydantic model for each kind, checked with all the others.

A model of one's own subclasses :class:`ChannelSettings`, gives every field a default and a description, marks
secrets as ``SecretStr | None``, and names in ``needed`` what a live channel cannot do without.
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from channels.rates import Limits, Rate

CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,30}")
"""What a channel may be called."""

ELSEWHERE = "secrets_elsewhere"
"""In the context of a validation: the secrets are another process's, and this one sends nothing."""

_LENGTH = re.compile(r"\s*(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?\s*")


def refused(message: str, hint: str = "", *, key: str = "", code: str = "C032") -> PydanticCustomError:
    """Make the error of settings that cannot be: what is wrong, what to write, and at which *key* if at one.

    A validator raises it; ``beforehand check`` and every other command show it at the line of the file.
    """
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint, "key": key})


def _length(value: Any) -> Any:
    """From what a person writes, ``30s``, ``2m``, ``24h`` or ``1h30m``, to a length of time."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise refused(f"{value!r} is not a length of time", "write a text: 30s, 2m, 24h", code="C010")
    found = _LENGTH.fullmatch(value)
    if found is None or not any(found.groups()):
        raise refused(f"{value!r} is not a length of time", "write 30s, 2m or 24h", code="C010")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    if days > 36_500:
        raise refused(f"{value!r} is longer than a hundred years", "write 30s, 2m or 24h", code="C010")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _rate(value: Any) -> Any:
    """From what a person writes, ``10/s`` or ``600/m``, to a rate."""
    if isinstance(value, Rate):
        return value
    try:
        return Rate.read(value if isinstance(value, str) else "")
    except ValueError:
        raise refused(f"{value!r} is no rate", 'write "10/s", "600/m" or "5000/h"', code="C040") from None


def _items(value: Any) -> Any:
    """From the environment a list is a text with commas."""
    if not isinstance(value, str):
        return value
    return tuple(item.strip() for item in value.split(",") if item.strip())


Length = Annotated[timedelta, BeforeValidator(_length), Field(gt=timedelta())]
PerTime = Annotated[Rate, BeforeValidator(_rate)]
Port = Annotated[int, Field(ge=1, le=65535)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_items)]


class ChannelSettings(BaseModel):
    """A table ``[channels.NAME]``: nothing unknown in it, and nothing changes once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
    needed: ClassVar[tuple[str, ...]] = ()  # names of settings without which it cannot be live

    live: bool = Field(default=False, description="Send for real; otherwise messages go to the outbox.")
    kind: str = Field(default="", description="Which kind of channel it is; its own name unless given.")
    reported: Literal["", "delivered", "opened"] = Field(
        default="",
        description="How far its messages are reported where the provider does not say so: `delivered` or "
        "`opened`, by our own app (`message.opened`), or because the provider tracks opens.",
    )

    rate: PerTime | None = Field(
        default=None,
        description="How many messages the provider takes, `10/s`, `600/m`; as fast as it can unless given.",
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        description="How many of them may leave at once; what accrues in a tenth of a second unless given.",
    )
    sender_rate: PerTime | None = Field(
        default=None, description="The same for each sender, where a provider counts mailboxes or numbers."
    )

    rate_of: str = Field(
        default="",
        description="The channel whose rates this one shares, because both leave by one account.",
    )

    @property
    def limits(self) -> Limits:
        """What it may send."""
        if self.rate_of:
            return Limits(shares=self.rate_of)
        whole = replace(self.rate, burst=self.burst or 0) if self.rate is not None else None
        return Limits(whole, self.sender_rate)

    @model_validator(mode="after")
    def _bursts_within_a_rate(self) -> "ChannelSettings":
        if self.burst is not None and self.rate is None:
            raise refused("a burst needs its rate", 'write rate = "10/s"', key="burst")
        if self.rate_of and (self.rate or self.sender_rate):
            hint = "remove `rate_of`, or the rates"
            raise refused("it shares the rates of another channel and has its own", hint, key="rate_of")
        return self

    @model_validator(mode="after")
    def _has_what_it_needs(self, info: ValidationInfo) -> "ChannelSettings":
        known_elsewhere = type(self).secrets() if elsewhere(info) else frozenset()
        missing = [name for name in self.needed if not getattr(self, name) and name not in known_elsewhere]
        if self.live and missing:
            secrets = type(self).secrets().intersection(missing)
            hint = "secrets come from the environment" if secrets == {*missing} else f"write {missing[0]} = …"
            raise refused(f"a live channel of this kind needs {' and '.join(missing)}", hint, code="C022")
        return self

    @classmethod
    def secrets(cls) -> frozenset[str]:
        """The names of the settings that are secrets."""
        return frozenset(name for name, info in cls.model_fields.items() if is_secret(info.annotation))


class ReporterSettings(BaseModel):
    """A table ``[callbacks.NAME]``: what reads a provider's callbacks at ``/callbacks/NAME``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
    needed: ClassVar[tuple[str, ...]] = ()  # names of settings without which nothing can be read

    kind: str = Field(default="", description="Which kind of reporter it is; its own name unless given.")
    channel: str = Field(
        default="email", description="The channel whose messages the provider says something about."
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self, info: ValidationInfo) -> "ReporterSettings":
        missing = [name for name in self.needed if not getattr(self, name)]
        secret = any(is_secret(type(self).model_fields[name].annotation) for name in missing)
        if missing and not (secret and elsewhere(info)):
            hint = "secrets come from the environment" if secret else f"write {missing[0]} = …"
            raise refused(f"without {' and '.join(missing)} no callback can be believed", hint, code="C022")
        return self


def elsewhere(info: ValidationInfo) -> bool:
    """Say whether secrets that are missing are another process's: this one sends nothing."""
    return bool(info.context and info.context.get(ELSEWHERE))


def is_secret(annotation: Any) -> bool:
    """Is a setting of this type a secret?"""
    return annotation in (SecretStr, SecretStr | None)
