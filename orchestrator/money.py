"""Sums of money as facts carry them. Standard library only."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_WRITTEN = re.compile(
    r"(?P<before>[A-Z]{3}\s+)?(?P<amount>-?\d{1,15}(?:\.\d{1,6})?)(?P<after>\s+[A-Z]{3})?\Z", re.ASCII
)


def read_money(value: Any) -> tuple[Decimal, str] | None:
    """Return amount and currency of ``{"amount": "1234.50", "currency": "EUR"}`` or of ``"1234.50 EUR"``.

    ``None`` for anything else. A number of JSON counts as it was written, not as it is stored.
    """
    if isinstance(value, Mapping):
        amount, currency = value.get("amount"), value.get("currency")
        if isinstance(amount, bool) or not isinstance(amount, int | float | str):
            return None
        value = f"{amount} {currency}"
    match = _WRITTEN.match(value.strip()) if isinstance(value, str) else None
    if match is None or bool(match["before"]) == bool(match["after"]):
        return None
    return Decimal(match["amount"]), (match["before"] or match["after"]).strip()
