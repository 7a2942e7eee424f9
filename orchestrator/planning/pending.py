"""News that waits to be said: while there is some, no rule about silence says that there is none. Pure."""

from collections.abc import Container, Iterable, Iterator

from orchestrator.journey import Journey, On
from orchestrator.model import Kind, Notification, Purpose, Silence
from orchestrator.planning.case import Case
from orchestrator.reasons.unsaid import news_first as gives_way

HAPPENED = frozenset({On.REACHED, On.MOVED, On.RETRACTED, On.EVENT})  # due only because something did


def asks_others(journey: Journey, only: Container[str]) -> bool:
    """Is one of these rules about silence, so that it depends on what every other rule wants?"""
    return any(rule.id in only for rule in journey.silent)


def news_first(want: Iterable[Notification], case: Case) -> Iterator[Notification | Silence]:
    """Each of *want*, or why it is silent: a message about silence gives way to news that waits to be sent.

    Hours the customer chose may keep news back for days; what is due only after the news stays planned. News
    that ends unsaid keeps nothing back any more: the plan that follows its outcome wants the other again.
    """
    notes = list(want)
    rules = case.journey.by_id
    waiting: list[Notification] | None = None
    for note in notes:
        about_silence = rules[note.rule].trigger.on is On.SILENT
        if not about_silence or note.kind is not Kind.MESSAGE or note.key in case.order.outcomes:
            yield note
            continue
        if waiting is None:
            waiting = [other for other in notes if _is_news(other, rules[other.rule].trigger.on, case)]
        first = next(
            (n for n in waiting if n.role == note.role and note.due_at <= max(case.now, n.due_at)), None
        )
        if first is None:
            yield note
        else:
            yield Silence(note.rule, gives_way(first.rule, case.show(first.due_at)), note.key, note.values)


def _is_news(note: Notification, on: On, case: Case) -> bool:
    """Is it something that happened, of which the recipient is to hear and has not heard?"""
    if note.kind is not Kind.MESSAGE or on is On.SILENT or note.purpose is not Purpose.SERVICE:
        return False
    if note.key in case.order.outcomes or note.mode != "live":
        return False
    if not note.steps and case.customer.known:  # nothing can carry it
        return False
    if note.expires_at is not None and note.expires_at <= case.now:
        return False
    past = note.trigger_at is not None and note.trigger_at <= case.now
    return past or on in HAPPENED
