"""The orders one message speaks of, for templates of rules that `combine`. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.render.words import OneOrder


def one(words: Mapping[str, Any]) -> OneOrder:
    """What a message about this order alone would say of it."""
    order = words["order"]
    return OneOrder(
        order.id,
        order.attributes,
        **{name: words[name] for name in ("milestone", "promise", "told", "happened", "reason", "event")},
    )


def orders(contexts: Iterable[Mapping[str, Any]]) -> tuple[OneOrder, ...]:
    """One for each of these contexts."""
    return tuple(map(one, contexts))
