"""What a row says × what the table said before → the events that are new.

What was said before is known from the facts themselves: an event's id is ``field/key/value``, so the last one
of a field is what the table last said, and a value that comes back gets ``#2``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from orchestrator.intake.values import moment_text
from orchestrator.model import PRUNED, Fact
from orchestrator.tables.doubles import digest
from orchestrator.tables.rows import PromiseSaid, Said, When

_FIELDS = {  # type → the field of an order or a customer that it speaks about
    "customer.upserted": "customer",
    "order.upserted": "order",
    "promise.made": "promise",
    "milestone.reached": "milestone",
    "milestone.retracted": "milestone",
    "order.cancelled": "cancelled",
}


@dataclass(slots=True)
class Before:
    """What a table said before about one order or customer."""

    times: Counter[str] = field(default_factory=Counter)  # how often each id was given, without its number
    last: dict[str, Fact] = field(default_factory=dict)  # by field, with its milestone
    pruned: bool = False  # the order's history was deleted: what the table says of it is no news

    def says(self, about: str, name: str) -> bool:
        """Was this the last thing said about that field?"""
        fact = self.last.get(about)
        return fact is not None and _unnumbered(fact.id) == name


def before(facts: Iterable[Fact], source: str) -> Before:
    """Gather what *source* said among facts in the order they were accepted."""
    found = Before()
    for fact in facts:
        found.pruned |= fact.type == PRUNED
        about = _FIELDS.get(fact.type) if fact.source == source else None
        if about is not None:
            found.times[_unnumbered(fact.id)] += 1
            found.last[_about(about, fact.data.get("milestone", ""))] = fact
    return found


def _about(kind: str, milestone: str) -> str:
    return f"{kind}/{milestone}" if milestone else kind


def _unnumbered(event_id: str) -> str:
    head, _, tail = event_id.rpartition("/")
    return f"{head}/{tail.partition('#')[0]}"


class News:
    """Makes the events of one table; *source* is where they come from."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.source = f"table:{table}"

    def customer(self, said: Said, known: Before) -> Iterator[dict[str, Any]]:
        """The customer, if they are described differently than the last time, or never were."""
        yield from self._described("customer", said.customer, said.about_customer, said.placed, known)

    def order(self, said: Said, known: Before) -> Iterator[dict[str, Any]]:
        """Everything about the order that was not said before, or that was said otherwise."""
        if known.pruned:
            return
        yield from self._described("order", said.order, said.about_order, said.placed, known)
        for name, promise in said.promises.items():
            yield from self._promised(said, name, promise, known)
        for name, when in said.milestones.items():
            yield from self._happened(said, name, when, known)
        if said.cancelled is not None and "cancelled" not in known.last:
            reason = {"reason": said.cancel_reason} if said.cancel_reason else {}
            name = f"cancelled/{said.order}/{said.cancelled.text or 'yes'}"
            yield self._event("order.cancelled", said.order, name, said.cancelled.moment, reason, known)

    def _described(
        self, kind: str, key: str, about: dict[str, Any], placed: datetime | None, known: Before
    ) -> Iterator[dict[str, Any]]:
        name = f"{kind}/{key}/{described(about).hex()[:16]}"
        if known.says(kind, name):
            return
        last = known.last.get(kind)
        data = about | _emptied(last.data if last else {}, about)
        time = placed if last is None else None  # a change is news of today
        yield self._event(f"{kind}.upserted", key, name, time, data, known)

    def _promised(
        self, said: Said, milestone: str, promise: PromiseSaid, known: Before
    ) -> Iterator[dict[str, Any]]:
        about, name = f"promise/{milestone}", f"promise/{said.order}/{milestone}/{promise.text}"
        if known.says(about, name):
            return
        last = known.last.get(about)
        if last is None:
            time = promise.made or said.placed
        else:  # a revision never came before what it revises
            time = promise.made if promise.made and promise.made > last.happened else None
        data = {"milestone": milestone, **promise.data, "source": self.table}
        yield self._event("promise.made", said.order, name, time, data, known)

    def _happened(
        self, said: Said, milestone: str, when: When | None, known: Before
    ) -> Iterator[dict[str, Any]]:
        about, key = f"milestone/{milestone}", f"{said.order}/{milestone}"
        last = known.last.get(about)
        undone = last is not None and last.type == "milestone.retracted"
        data = {"milestone": milestone}
        if when is not None:
            name = f"reached/{key}/{when.text}"
            if known.says(about, name):
                return
            time = when.moment
            if undone and last is not None and time is not None and time <= last.happened:
                time = None  # said again: it happened after it was taken back, or the fold would not see it
            yield self._event("milestone.reached", said.order, name, time, data, known)
        elif last is not None and not undone:
            gone = _unnumbered(last.id).rpartition("/")[2]
            name = f"retracted/{key}/{gone}"
            yield self._event("milestone.retracted", said.order, name, None, data, known)

    def _event(
        self,
        kind: str,
        subject: str,
        name: str,
        time: datetime | None,
        data: Mapping[str, Any],
        known: Before,
    ) -> dict[str, Any]:
        times = known.times[name]
        event = {
            "specversion": "1.0", "id": name if not times else f"{name}#{times + 1}", "source": self.source,
            "type": kind, "subject": subject,
        }  # fmt: skip
        if time is not None:
            event["time"] = moment_text(time)
        return {**event, "data": data}


def described(about: Mapping[str, Any]) -> bytes:
    """What stands for a description, whatever the order of its fields."""
    return digest(orjson.dumps(about, option=orjson.OPT_SORT_KEYS).decode())


def _emptied(last: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, None]:
    """The fields that the table filled the last time and leaves empty now; null empties them."""
    gone: dict[str, Any] = {name: None for name, value in last.items() if value and name not in now}
    attributes = last.get("attributes") or {}
    missing = [name for name, value in attributes.items() if value not in (None, "")]
    kept = now.get("attributes", {})
    if missing := [name for name in missing if name not in kept]:
        gone["attributes"] = {**kept, **dict.fromkeys(missing)}
    return gone
