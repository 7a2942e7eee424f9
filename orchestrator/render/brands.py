"""Whose clothes a message goes in: the brand of the order's location, or the company itself. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from orchestrator.plain_text import one_line
from orchestrator.render.words import Brand

LOGO = "logo@brand"  # the Content-ID of the picture


def brand_of(location_brand: str, company: Mapping[str, Any]) -> Brand:
    """The brand that a location names by its key in the settings or by its name; else the company's own.

    A brand nobody set up is a name and nothing more.
    """
    brands: Mapping[str, Brand] = company.get("brands") or {}
    wanted = one_line(location_brand)
    found = brands.get(wanted) or next((one for one in brands.values() if one.name == wanted), None)
    if found is not None:
        return found
    return _plain(
        wanted or one_line(str(company.get("name") or "")), one_line(str(company.get("address") or ""))
    )


@lru_cache(maxsize=256)
def _plain(name: str, address: str) -> Brand:
    return Brand(name, address)


def coloured(accent: str, dark: str = "") -> dict[str, str]:
    """The four colours of a brand from one or two: ``#rrggbb``, as the settings have checked."""
    dark = dark or _mixed(accent, "#ffffff", 0.45)
    return {
        "accent": accent,
        "accent_dark": dark,
        "tint": _mixed(accent, "#ffffff", 0.07),
        "tint_dark": _mixed(dark, "#1a222b", 0.12),
    }


def _mixed(colour: str, other: str, share: float) -> str:
    """*share* of one colour in another."""
    pairs = ((int(colour[n : n + 2], 16), int(other[n : n + 2], 16)) for n in (1, 3, 5))
    return "#" + "".join(f"{round(one * share + rest * (1 - share)):02x}" for one, rest in pairs)


def constants(brand: Brand, leftwards: bool) -> Mapping[str, str]:
    """What is the same in every mail of a brand and a direction, and so stands in its layout as it is."""
    start, end = ("right", "left") if leftwards else ("left", "right")
    return {
        "brand.accent": brand.accent,
        "brand.accent_dark": brand.accent_dark,
        "brand.tint": brand.tint,
        "brand.tint_dark": brand.tint_dark,
        "brand.logo": brand.logo,
        "dir": "rtl" if leftwards else "ltr",
        "start": start,
        "end": end,
    }
