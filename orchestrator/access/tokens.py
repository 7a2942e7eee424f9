"""Secrets that we give away once and keep only the hash of: sessions, one-time links, API keys.

They have 256 bits of chance, so a fast hash keeps them (OWASP ASVS 4.0.3, 2.9.1 asks for no slow one).
"""

import hashlib
import secrets

KEY_MARK = "bfh"  # so that scanners of repositories know a key when they see one


def new_token() -> str:
    """Make 256 bits of chance, for a cookie or an address."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_key() -> tuple[str, str]:
    """Make an API key, and give its prefix, which may be shown, and the whole of it, which is shown once."""
    prefix = secrets.token_hex(5)
    return prefix, f"{KEY_MARK}_{prefix}_{secrets.token_urlsafe(32)}"


def prefix_of(key: str) -> str:
    """The prefix of what looks like an API key, or ""."""
    mark, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    return prefix if mark == KEY_MARK and secret and len(key) < 100 else ""
