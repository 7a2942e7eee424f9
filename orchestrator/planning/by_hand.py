"""What a colleague does about messages: a line of their own in the next, or a call in its place. Pure.

A line goes with the next message about the order that reaches the customer, and with no other. Whoever takes
a message over calls before it is due: once a contact is noted it is not said, and if none is, it goes.
"""

from dataclasses import replace

from orchestrator.model import Kind, Notification, Order, OwnLine, Silence
from orchestrator.planning.case import SAID, Case
from orchestrator.reasons import unsaid

SPOKE = "contact.logged"


def lines_waiting(order: Order) -> tuple[OwnLine, ...]:
    """The lines that no message carried yet, in the order they were written."""
    if not order.lines:
        return ()
    said = [
        outcome
        for outcome in order.outcomes.values()
        if outcome.role == "customer" and outcome.kind == Kind.MESSAGE and outcome.status in SAID
    ]
    return tuple(
        line
        for line in order.lines
        if not any(outcome.at >= line.at and outcome.key != line.beside for outcome in said)
    )


def own_words(order: Order) -> str:
    """What these lines say, each on its own."""
    return "\n".join(line.text for line in lines_waiting(order))


def taken_over(note: Notification, case: Case) -> Notification | Silence:
    """The same, unless the call that somebody took over is noted, or that it was."""
    taken = case.order.taken.get(note.key)
    if taken is None or note.kind is not Kind.MESSAGE or case.order.outcomes.get(note.key) is not None:
        return note
    who = taken.by or "somebody"
    spoke = next((at for at, kind in case.order.contacts if kind == SPOKE and at >= taken.at), None)
    if spoke is not None:
        return Silence(note.rule, unsaid.taken_over(who, case.show(spoke)), note.key, note.values)
    unless = f"{who}, who took it over, notes a call"
    return replace(note, unless=" or ".join(filter(None, (note.unless, unless))))
