"""Measurements of what was promised: each beside a floor of the same run (docs/reference/figures.md)."""
