"""Colours that can be read: how much two differ, and the nearest that does enough (WCAG 2.2, 1.4.3). Pure."""

import math

TEXT = 4.5  # the least contrast of text with what is behind it
_STEPS = 40


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, ``#rrggbb``: from 1 (the same) to 21 (black and white)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, behind: str, least: float = TEXT) -> str:
    """*colour*, or the nearest towards black or white that can be read on *behind*."""
    away = text_on(behind)
    for step in range(_STEPS + 1):
        found = _mixed(away, colour, step / _STEPS)
        if contrast(found, behind) >= least:
            return found
    return away


def text_on(colour: str) -> str:
    """White or black: whichever is read better on *colour*; it can always be read."""
    return max(("#ffffff", "#000000"), key=lambda text: contrast(text, colour))


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one * share + rest * (1 - share)):02x}" for one, rest in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(value / 255) for value in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else math.pow((value + 0.055) / 1.055, 2.4)
