"""The address Twilio reports to about one message: it names the entry, and nobody else can name one.

The name is needed where we never learnt Twilio's own: when the answer to a message was lost.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache

from yarl import URL

ENTRY, PROOF = "entry", "proof"


def signed(address: str, entry: str, key: str) -> str:
    """*address* with the entry's key and a proof (HMAC-SHA256, 128 bits) that *key* made it."""
    query = URL.build(query={ENTRY: entry, PROOF: _proof(entry, key)}).raw_query_string
    return f"{address}{'&' if '?' in address else '?'}{query}"


def entry_of(query: Mapping[str, str], key: str) -> str | None:
    """The entry's key in the *query* of a callback, or ``None`` if *key* did not put it there."""
    entry, proof = query.get(ENTRY, ""), query.get(PROOF, "")
    return entry if entry and hmac.compare_digest(proof.encode(), _proof(entry, key).encode()) else None


def _proof(entry: str, key: str) -> str:
    proof = _keyed(key).copy()
    proof.update(entry.encode(errors="replace"))
    return urlsafe_b64encode(proof.digest()[:16]).decode().rstrip("=")


@lru_cache(maxsize=16)  # to begin it takes longer than the rest
def _keyed(key: str) -> hmac.HMAC:
    return hmac.new(key.encode(), b"sms callback\n", "sha256")
