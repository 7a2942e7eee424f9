"""Passwords: how they are kept, and which are good enough.

Source: RFC 9106 (Argon2), section 4; NIST SP 800-63B, section 5.1.1.2.
"""

from functools import cached_property
from threading import BoundedSemaphore
from typing import Any, Protocol

LEAST = 12  # characters
MOST = 200  # characters: hashing more is somebody else's work for us
AT_ONCE = 2  # hashes: each takes 64 MiB and a core for a while


class Passwords(Protocol):
    """How a password is kept; blocks for a tenth of a second, on purpose."""

    def kept(self, password: str) -> str:
        """What is kept in its place."""
        ...

    def fits(self, kept: str, password: str) -> bool:
        """Is this the password behind what is kept? It takes as long where nothing is kept ("")."""
        ...


class Argon2:
    """Argon2id with the parameters of RFC 9106 for machines with little memory to spare."""

    def __init__(self) -> None:
        self._turn = BoundedSemaphore(AT_ONCE)

    @cached_property
    def _hasher(self) -> Any:
        from argon2 import PasswordHasher

        return PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        return str(self._hasher.hash("nobody's password"))

    def kept(self, password: str) -> str:
        """Its hash, with the salt and the parameters in it."""
        with self._turn:
            return str(self._hasher.hash(password))

    def fits(self, kept: str, password: str) -> bool:
        """Is this the password behind the hash?"""
        from argon2.exceptions import InvalidHashError, VerificationError

        with self._turn:
            try:
                self._hasher.verify(kept or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return bool(kept)


def weakness(password: str, *known: str) -> str:
    """Say what is wrong with a password somebody chose, or ""; *known* is what others know of them."""
    if len(password) < LEAST:
        return f"at least {LEAST} characters: three or four words that have nothing to do with each other"
    if len(password) > MOST:
        return f"at most {MOST} characters"
    folded = password.casefold()
    if len(set(folded)) < 5:
        return "not the same few characters again and again"
    for word in known:
        for part in (word.casefold(), word.casefold().partition("@")[0]):
            if len(part) > 3 and part in folded:
                return "not your name, your address or the company's name"
    return ""
