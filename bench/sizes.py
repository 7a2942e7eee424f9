"""How large everything is: ``python -m bench --scale 0.1`` measures a tenth of it, for a busy machine."""

_scale = 1.0


def scale(to: float) -> None:
    """Measure that much of everything from here on."""
    global _scale  # noqa: PLW0603  one for the whole run
    _scale = to


def scaled(number: int, least: int = 1) -> int:
    """So many, at that scale."""
    return max(least, round(number * _scale))
