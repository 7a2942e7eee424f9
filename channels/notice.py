"""What every push service is told about a message, in the terms that they share. Standard library only."""

import json
from base64 import urlsafe_b64encode
from collections import deque
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from channels import devices
from channels.base import Abilities, AfterUnknown, ChannelError, Message, Misconfigured, Rejected

ABILITIES = Abilities(
    max_length=500,  # in any script, with a title and a link they fit into the 4096 bytes of all three
    collapses=True,
    after_unknown=AfterUnknown.REPEAT,  # under the same tag the second takes the place of the first
    concurrency=32,
)

SERVICES = (  # where browsers' endpoints are
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
USUAL, LONGEST = timedelta(days=1), timedelta(days=28)  # how long a service keeps a message; FCM's most
_TITLE = 120  # characters
_KEY = 300  # bytes


def any_device(message: Message) -> devices.Device:
    """The device that *message* goes to; raises :class:`~channels.base.Rejected` for what is none."""
    try:
        return devices.parse(message.to)
    except ValueError as wrong:
        raise Rejected(str(wrong), code="no device") from None


def device(message: Message, kind: str) -> devices.Device:
    """The device that *message* goes to, which must be of that *kind*."""
    found = any_device(message)
    if found.kind != kind:
        raise Rejected(f"the device is not one of {kind}", code="no device")
    return found


def moment(message: Message) -> datetime:
    """When *message* is sent: keys are signed for it, and services told how long to keep it."""
    if message.at is None:
        raise Misconfigured("push needs the moment at which a message is sent")
    return message.at


def seconds(message: Message) -> int:
    """How long *message* stays useful to a device that is off; 0 is now or never."""
    keep = USUAL if message.expires_at is None else message.expires_at - moment(message)
    return int(min(max(keep, timedelta()), LONGEST).total_seconds())


def ends(message: Message) -> int:
    """When it stops being useful, in seconds since 1970; 0 is now or never."""
    keep = seconds(message)
    return int(moment(message).timestamp()) + keep if keep else 0


def tag(message: Message) -> str:
    """Name what a newer message replaces: 32 characters of base64url, that tell nothing about anybody."""
    about = message.collapse_key or message.message_id
    return urlsafe_b64encode(blake2b(about.encode(errors="replace"), digest_size=24).digest()).decode()


def key(message: Message) -> str:
    """What an app names the message by when somebody opened it; "" for one that leaves the text no room."""
    return message.id if len(message.id.encode(errors="replace")) <= _KEY else ""


def title(message: Message) -> str:
    """The line above the text, on one line and short enough to leave the text its room."""
    line = " ".join((message.title or message.sender_name).split())
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


def is_urgent(message: Message) -> bool:
    """May it wake the device? What somebody waits for may, advertising may not."""
    return message.purpose in {"security", "service"}


def demand_room(message: Message, payload: bytes, most: int) -> bytes:
    """Return *payload*; one that no service would take is refused, for cut it would say something else."""
    if len(message.text) > (ABILITIES.max_length or 0) or len(payload) > most:
        raise Rejected("the text is too long for a push message", code="too long")
    return payload


def told(body: bytes) -> dict[str, Any]:
    """The JSON object that a service answered, or nothing if it was none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


class Strangers:
    """Tells a token that died from settings that fit no token: a wrong environment, project or app.

    A service that does not know a token says the same in both cases. So a token is called dead only while
    few of the last answers were of that kind, and when many are, operations are told and nothing is struck
    off.
    """

    KEPT, ENOUGH, FEW, MANY = 200, 20, 0.1, 0.25

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=self.KEPT)

    def known(self) -> None:
        """Note that the service knew a token."""
        self._last.append(False)

    def unknown(self, service: str, code: str, raw: str) -> ChannelError:
        """Note that it did not, and say what that means."""
        self._last.append(True)
        share = sum(self._last) / len(self._last)
        if len(self._last) >= self.ENOUGH and share >= self.MANY:
            why = f"{service} does not know {share:.0%} of the devices: is it the right app and environment?"
            return Misconfigured(why, code=code, raw=raw)
        dead = len(self._last) >= self.ENOUGH and share < self.FEW
        return Rejected(f"{service} does not know this device ({code})", suppress=dead, code=code, raw=raw)
