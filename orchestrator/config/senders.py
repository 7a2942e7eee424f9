"""Whom mail comes from, and where what comes back of it goes."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field

from channels.inbound.signed import LONGEST
from orchestrator.config.section import Section
from orchestrator.config.values import Mailbox

SHORTEST_KEY = 16  # characters


class Sender(Section):
    """Whom mail comes from."""

    email: Mailbox = Field(default="beforehand@localhost", description="The mailbox in From.")
    name: str = Field(default="", description="The name beside it; the company's unless given.")
    reply_to: Mailbox = Field(default="", description="Where replies go, if not to the sender.")
    marketing_email: Mailbox = Field(
        default="", description="The mailbox in From of marketing, so that it cannot harm service."
    )

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


def unsigned(sender: Sender, keys: tuple[str, ...]) -> Iterator[Unsigned]:
    """Find addresses that cannot be signed with these keys, and keys that anybody could guess."""
    for name in ("bounces", "replies"):
        mailbox = getattr(sender, name)
        if mailbox and not keys:
            hint = "set BEFOREHAND_SERVER__SIGNING_KEYS_FILE to a file that holds 32 random characters"
            yield Unsigned(("sender", name), f"{name} are signed, and there is no key", hint)
        if len(mailbox.partition("@")[0]) > LONGEST:
            hint = f"at most {LONGEST} letters before the @: the rest is for the signature"
            yield Unsigned(("sender", name), f"{mailbox!r} is too long to be signed", hint)
    if any(len(key) < SHORTEST_KEY for key in keys):
        hint = "take 32 random characters: openssl rand -hex 16"
        yield Unsigned(("server", "signing_keys"), "a signing key is too short", hint)
