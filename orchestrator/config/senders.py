"""Whom mail comes from, and where what comes back of it goes."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import Field

from channels.inbound.signed import LONGEST
from orchestrator.config.section import Section
from orchestrator.config.values import Mailbox

SHORTEST_KEY = 16  # characters
OWN = ("bounces", "replies")


class SenderOf(Section):
    """Whom mail of one purpose comes from; what is not given is as for every other."""

    email: Mailbox = Field(default="", description="The mailbox in From.")
    name: str = Field(default="", description="The name beside it.")
    reply_to: Mailbox = Field(
        default="", description="Where replies go, even of customers whose order has an owner."
    )
    bounces: Mailbox = Field(default="", description="Where bounces go, signed for each mail.")


class Purposes(Section):
    """A table with one for each purpose."""

    service: SenderOf = Field(default_factory=SenderOf)
    relationship: SenderOf = Field(default_factory=SenderOf)
    marketing: SenderOf = Field(default_factory=SenderOf)
    security: SenderOf = Field(default_factory=SenderOf)


class Sender(Purposes):
    """Whom mail comes from."""

    email: Mailbox = Field(default="beforehand@localhost", description="The mailbox in From.")
    name: str = Field(default="", description="The name beside it; the company's unless given.")
    reply_to: Mailbox = Field(default="", description="Where replies go, if not to the sender.")
    bounces: Mailbox = Field(
        default="",
        description="Where bounces go, if `beforehand receive` or a provider's callback reads them there: "
        "`bounces+…@`, signed for each mail.",
    )
    replies: Mailbox = Field(
        default="",
        description="Where answers go, if they are read so too: `answer+…@`, signed for each mail. Otherwise "
        "they go to the owner of the order, and are not kept here.",
    )


class Unsigned(NamedTuple):
    """A setting by which an address cannot be signed."""

    setting: tuple[str, ...]
    message: str
    hint: str


def unsigned(sender: Sender, brands: Mapping[str, Purposes], keys: tuple[str, ...]) -> Iterator[Unsigned]:
    """Find addresses that cannot be signed with these keys, and keys that anybody could guess."""
    signed: dict[tuple[str, ...], str] = {("sender", name): getattr(sender, name) for name in OWN}
    tables = [(("sender",), sender), *((("brands", key), brand) for key, brand in brands.items())]
    for place, table in tables:
        for purpose in Purposes.model_fields:
            signed[*place, purpose, "bounces"] = getattr(table, purpose).bounces
    for setting, mailbox in signed.items():
        if mailbox and not keys:
            hint = "set BEFOREHAND_SERVER__SIGNING_KEYS_FILE to a file that holds 32 random characters"
            yield Unsigned(setting, f"{setting[-1]} are signed, and there is no key", hint)
        if len(mailbox.partition("@")[0]) > LONGEST:
            hint = f"at most {LONGEST} letters before the @: the rest is for the signature"
            yield Unsigned(setting, f"{mailbox!r} is too long to be signed", hint)
    if any(len(key) < SHORTEST_KEY for key in keys):
        hint = "take 32 random characters: openssl rand -hex 16"
        yield Unsigned(("server", "signing_keys"), "a signing key is too short", hint)
