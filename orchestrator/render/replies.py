"""What a text may say of an answer that came: every line of it, and which message it answers. Pure."""

from typing import Any

from orchestrator.journey import Journey
from orchestrator.model import Fact, Order
from orchestrator.plain_text import lines
from orchestrator.planning.answering import REPLIED

LONGEST = 10_000  # characters; whoever writes more has attached a book


def words(fact: Fact, order: Order, journey: Journey) -> dict[str, Any]:
    """The whole ``text`` of an answer, and what was ``said`` before; nothing for any other event."""
    if fact.type != REPLIED:
        return {}
    outcome = order.outcomes.get(str(fact.data.get("message") or ""))
    rule = next((one for one in journey.rules if outcome is not None and one.id == outcome.rule), None)
    said = (rule.title or rule.id) if rule is not None else ""
    return {"text": lines(str(fact.data.get("text") or ""), LONGEST), "said": said}
