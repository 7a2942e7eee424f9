"""What one tap of whoever looks after an order is: events like any other, with who did it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from orchestrator.intake import Incoming
from orchestrator.intake.values import OWN_LINE
from orchestrator.model import Entry, Order, Status
from orchestrator.plain_text import one_line
from orchestrator.planning.promises import promised_data
from orchestrator.views.owner import Job, OwnerView
from orchestrator.web.customer.saying import digest, event

FARTHEST = timedelta(days=3 * 365)  # a day later than that is a slip of the finger
CALLS = frozenset({"call the customer", "reach the customer", "answer the customer"})
NOTE = 500  # characters


@dataclass(frozen=True, slots=True)
class Tap:
    """Who tapped, when, on which page (an id that makes a second tap the same), and from which source."""

    by: str
    at: datetime
    page: str
    source: str


class Unclear(Exception):
    """What was sent is no answer the page offers; the text is a word of the page."""


def events(
    tap: Tap, sent: Mapping[str, str], view: OwnerView, order: Order, entries: list[Entry]
) -> list[Incoming]:
    """The events that the pressed button stands for. Raises :class:`Unclear`."""
    made = _DOES.get(sent.get("do", ""))
    if made is None:
        raise Unclear("unclear")
    return [
        event(f"{tap.page}/{digest(kind, about, repr(sorted(data.items())))}", kind, order.id, tap.at, data,
              source=tap.source)
        for kind, about, data in made(tap, sent, view, order, entries)
    ]  # fmt: skip


Made = Iterator[tuple[str, str, dict[str, Any]]]


def _happened(
    tap: Tap, sent: Mapping[str, str], view: OwnerView, order: Order, _entries: list[Entry]
) -> Made:
    name = _same(sent, "milestone", view.milestone)
    state = order.milestones.get(name)
    yield "milestone.reached", str(state.episode if state else 1), {"milestone": name, "by": tap.by}
    yield from _done(tap, (job for job in view.jobs if job.do not in CALLS), "it happened")


def _new_date(
    tap: Tap, sent: Mapping[str, str], view: OwnerView, order: Order, _entries: list[Entry]
) -> Made:
    name = _same(sent, "milestone", view.milestone)
    try:
        day = date.fromisoformat(sent.get("date", ""))
    except ValueError:
        raise Unclear("no_date") from None
    if not view.today <= day <= view.today + FARTHEST:
        raise Unclear("no_date")
    state = order.milestones.get(name)
    data: dict[str, Any] = {"milestone": name, "date": day.isoformat(), "told": False, "source": tap.by}
    yield "promise.made", str(len(state.promises) if state else 0), data
    yield from _done(tap, (job for job in view.jobs if job.do not in CALLS), "new date")


def _have(tap: Tap, sent: Mapping[str, str], view: OwnerView, _order: Order, _entries: list[Entry]) -> Made:
    yield "task.acknowledged", "", {"task": _job(sent, view).key, "by": tap.by}


def _finished(
    tap: Tap, sent: Mapping[str, str], view: OwnerView, _order: Order, _entries: list[Entry]
) -> Made:
    yield from _done(tap, [_job(sent, view)], "")


def _called(tap: Tap, sent: Mapping[str, str], view: OwnerView, _order: Order, entries: list[Entry]) -> Made:
    """They spoke. What a message that was taken over would have told is told now."""
    note = one_line(sent.get("note", ""), NOTE)
    data: dict[str, Any] = {"direction": "out", "by": tap.by} | ({"note": note} if note else {})
    yield "contact.logged", f"{tap.at:%Y-%m-%dT%H}", data
    taken = view.next if view.next is not None and view.next.taken_by else None
    wanted = next((one.wanted for one in entries if taken is not None and one.key == taken.key), None)
    for tells in wanted.tells if wanted is not None else ():
        told = {"milestone": tells.milestone, "told": True, "source": tap.by, **promised_data(tells.value)}
        yield "promise.made", f"told {tap.at:%Y-%m-%dT%H}", told
    yield from _done(tap, (job for job in view.jobs if job.do in CALLS), "spoke with the customer")


def _line(tap: Tap, sent: Mapping[str, str], _view: OwnerView, _order: Order, entries: list[Entry]) -> Made:
    text = one_line(sent.get("text", ""), OWN_LINE + 1)
    if not text or len(text) > OWN_LINE:
        raise Unclear("no_line")
    leaving = next(
        (one.key for one in entries if one.status is Status.SENDING and one.wanted.role == "customer"), ""
    )
    beside = {"beside": leaving} if leaving else {}
    yield "message.line_added", f"{tap.at:%Y-%m-%dT%H}", {"text": text, "by": tap.by, **beside}


def _take(tap: Tap, sent: Mapping[str, str], view: OwnerView, _order: Order, _entries: list[Entry]) -> Made:
    key = _same(sent, "message", view.next.key if view.next is not None else "")
    yield "message.taken_over", f"{tap.at:%Y-%m-%d}", {"message": key, "by": tap.by}


_DOES = {
    "happened": _happened,
    "date": _new_date,
    "have": _have,
    "done": _finished,
    "called": _called,
    "line": _line,
    "take": _take,
}


def _done(tap: Tap, jobs: Iterator[Job] | list[Job], outcome: str) -> Made:
    for job in jobs:
        yield "task.done", "", {"task": job.key, "by": tap.by} | ({"outcome": outcome} if outcome else {})


def _same(sent: Mapping[str, str], name: str, offered: str) -> str:
    """What the page offered, if it is still that: meanwhile another may have come."""
    if not offered or sent.get(name) != offered:
        raise Unclear("unclear")
    return offered


def _job(sent: Mapping[str, str], view: OwnerView) -> Job:
    for job in view.jobs:
        if job.key == sent.get("task"):
            return job
    raise Unclear("unclear")
