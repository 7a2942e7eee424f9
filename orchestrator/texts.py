"""Which template says what a rule names: the journey's own, else the one that every journey shares. Pure."""

from collections.abc import Container

SHARED = "shared"  # the folder of what belongs to no journey
TASK = f"{SHARED}/task"  # said for a task that has no template of its own


def said_by(name: str, there: Container[str]) -> str:
    """The template among those *there* that says *name* (``new-car/arrived``), or "" if none does."""
    shared = f"{SHARED}/{name.partition('/')[2]}"
    return next((one for one in (name, shared) if one in there), "")
