"""Sums of money as people of a locale write them: ``1.234,50 €``, ``€1,234.50``.

Babel is imported at the first sum; texts are kept, since a morning's messages share them.
"""

from decimal import Decimal
from functools import lru_cache

from orchestrator.render.local_dates import babel_locale


@lru_cache(maxsize=4096)
def money_text(amount: Decimal, currency: str, locale: str) -> str:
    """``€1,234.50``, ``1.234,50 €``: with the currency's own number of decimals."""
    from babel.numbers import format_currency

    text: str = format_currency(amount, currency, locale=babel_locale(locale))
    return text.replace("\u202f", "\u00a0")
