"""The orders one message speaks of, where a rule combines, and the readers who get the same news. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.model import Notification, first_occasion
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


def same_news(key: str | None, notification: Notification) -> bool:
    """Was that said by the very message that this reader gets as well, or got by another channel?"""
    if not key:
        return False
    said, _, role = key.rpartition("/")
    mine, _, reader = notification.key.rpartition("/")
    return (role != reader or said != mine) and first_occasion(said) == first_occasion(mine)
