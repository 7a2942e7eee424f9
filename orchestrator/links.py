"""Links that name a message and prove that we made them: a salt for each use, keys that can be changed.

What stands in a link is readable, so it is our Message-ID alone: nothing personal, and no number to count up.
"""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer


class Use(StrEnum):
    """What a link is for, which is also where it leads; one for another use proves nothing."""

    UNSUBSCRIBE = "unsubscribe"


class BadLink(Exception):
    """We did not make this link, or not for this."""


class Links:
    """Makes and knows links below *public_url*, by *keys*: the first signs, each is accepted."""

    def __init__(self, public_url: str, keys: Sequence[str]) -> None:
        self._url, self._keys = public_url.rstrip("/"), [*reversed(keys)]  # the library signs with the last

    def address(self, use: Use, message_id: str) -> str:
        """The link for *use* about that message."""
        return f"{self._url}/{use}/{self._signer(use).dumps(message_id.strip('<>'))}"

    def message_id(self, use: Use, token: str) -> str:
        """The Message-ID that the last part of a link proves; raises :class:`BadLink`."""
        try:
            named = self._signer(use).loads(token)
        except BadData:
            raise BadLink from None
        return f"<{named}>"

    def _signer(self, use: Use) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._keys,
            salt=f"beforehand {use}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
