"""Links that name a message and prove that we made them: a salt for each use, keys that can be changed.

What stands in a link is readable, so it is our Message-ID alone: nothing personal, and no number to count up.
A link to a page also says the last day on which it opens.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer


class Use(StrEnum):
    """What a link is for, which is also where it leads; one for another use proves nothing."""

    UNSUBSCRIBE = "unsubscribe"
    ORDER = "order"
    PREFERENCES = "preferences"
    REPLY = "reply"
    TASK = "task"


LASTS: Mapping[Use, timedelta] = {
    Use.ORDER: timedelta(days=90),
    Use.PREFERENCES: timedelta(days=90),
    Use.REPLY: timedelta(days=90),
    Use.TASK: timedelta(days=30),
}
"""How long a link to a page opens it. One that stops mail opens as long as the mail is kept (RFC 8058)."""

_WRITTEN = re.compile(r"[\w-]+(?:\.[\w-]+)+", re.ASCII)  # a mail program may add what follows
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadLink(Exception):
    """We did not make this link, or not for this."""


class ExpiredLink(BadLink):
    """We made this link for this, and its time is over."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The message that a link to a page stood in, and its last day, counted from 1970."""

    message_id: str
    until: int


class Links:
    """Makes and knows links below *public_url*, by *keys*: the first signs, each is accepted."""

    def __init__(self, public_url: str, keys: Sequence[str]) -> None:
        self._url, self._keys = public_url.rstrip("/"), [*reversed(keys)]  # the library signs with the last

    def address(self, use: Use, message_id: str) -> str:
        """The link for *use* about that message."""
        return f"{self._url}/{use}/{self._signer(use).dumps(message_id.strip('<>'))}"

    def message_id(self, use: Use, token: str) -> str:
        """The Message-ID that the last part of a link proves; raises :class:`BadLink`."""
        named = self._proven(use, token)
        if not isinstance(named, str):
            raise BadLink
        return f"<{named}>"

    def page(self, use: Use, message_id: str, now: datetime) -> str:
        """The link to a page about that message; it is the same all day, and lasts as :data:`LASTS` says."""
        return f"{self._url}/{use}/{self.token(use, message_id, now)}"

    def token(self, use: Use, message_id: str, now: datetime) -> str:
        """The last part of the link to a page."""
        return self.token_until(use, Proof(message_id, (now + LASTS[use] - _EPOCH).days))

    def token_until(self, use: Use, proof: Proof) -> str:
        """The last part of the link from one page to another, which opens no longer than the first did."""
        return f"{self._signer(use).dumps([proof.message_id.strip('<>'), proof.until])}"

    def behind(self, use: Use, token: str, now: datetime) -> Proof:
        """What a link to a page proves; raises :class:`ExpiredLink`, :class:`BadLink`."""
        written = _WRITTEN.match(token)
        match self._proven(use, written[0] if written is not None else ""):
            case [str() as named, int() as until]:
                if (now - _EPOCH).days > until:
                    raise ExpiredLink
                return Proof(f"<{named}>", until)
            case _:
                raise BadLink

    def _proven(self, use: Use, token: str) -> object:
        try:
            return self._signer(use).loads(token)
        except BadData:
            raise BadLink from None

    def _signer(self, use: Use) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._keys,
            salt=f"beforehand {use}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
