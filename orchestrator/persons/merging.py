"""One person under several customers' ids: what a merge unites, and what an unmerge parts again. Pure.

==============================  ===================================  ================================
                                while they are one                   after they were parted
==============================  ===================================  ================================
a stop said under either id     counts for both                      one said meanwhile stays for both
a consent said before           only for whom it was said            only for whom it was said
a consent said meanwhile        counts for both                      only for whom it was said
hours chosen before             only those both chose; without a     each one's own
                                common hour, those chosen last
hours chosen meanwhile          the last choice counts for both      each one's own
name, addresses                 those of the customer who stays;     each one's own
                                what is missing is the other's
erased                          either means both                    each one's own
==============================  ===================================  ================================

A word that a merge unites counts as said at the merge, so that no older word outweighs it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from typing import Any

from orchestrator.model import ENGINE, Customer, Fact, Window
from orchestrator.persons.consents import GIVEN, WITHDRAWN
from orchestrator.planning.fold import fold_customer, in_order
from orchestrator.timing.hours import common

MERGED, UNMERGED = "customer.merged", "customer.unmerged"
PREFERENCE = "preference.set"
SHARED = (GIVEN, PREFERENCE)  # what counts for both only as long as they are one
ALWAYS = ("customer.active", "customer.erased", "customer.habit", "customer.told")  # and whenever it was said
_OWN = (
    "name", "given_name", "locale", "time_zone", "country", "region", "email", "phone", "devices", "channels",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tie:
    """Two customers are one person from *since* to *until* (``None``: still)."""

    one: str
    other: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """*other* is the same person from *since* to *until* (``None``: still)."""

    other: str
    since: datetime
    until: datetime | None

    def covers(self, moment: datetime) -> bool:
        """Were they one at that moment?"""
        return self.since <= moment and (self.until is None or moment < self.until)


def fold_person(customer_id: str, facts: Mapping[str, Sequence[Fact]]) -> Customer:
    """Return a customer's state, by their own facts and those of everybody they were ever one with."""
    own = facts.get(customer_id, ())
    spans = spans_of(customer_id, facts)
    if not spans:
        return fold_customer(customer_id, own)
    with_me = [span for span in spans if span.until is None]
    all_facts = [*own, *_said_together(customer_id, spans, facts)]
    for since in sorted({span.since for span in with_me}):
        joined = [span.other for span in with_me if span.since == since]
        all_facts += _united(customer_id, since, joined, facts, all_facts)
    person = fold_customer(customer_id, all_facts)
    for other in sorted(span.other for span in with_me):
        _complete(person, fold_customer(other, facts.get(other, ())))
    return person


def one_with(customer_id: str, facts: Mapping[str, Sequence[Fact]]) -> tuple[str, ...]:
    """Everybody who is the same person now, by id."""
    return tuple(sorted({span.other for span in spans_of(customer_id, facts) if span.until is None}))


def spans_of(customer_id: str, facts: Mapping[str, Sequence[Fact]]) -> list[Span]:
    """When *customer_id* was one with whom, directly or through others."""
    ties = [tie for other, theirs in facts.items() for tie in _ties(other, theirs)]
    if not ties:
        return []
    turns = sorted({tie.since for tie in ties} | {tie.until for tie in ties if tie.until is not None})
    found: dict[str, list[Span]] = {}
    for since, until in zip_longest(turns, turns[1:]):
        for other in _group(customer_id, [tie for tie in ties if _holds(tie, since)]):
            before = found.setdefault(other, [])
            if before and before[-1].until == since:
                before[-1] = replace(before[-1], until=until)
            else:
                before.append(Span(other, since, until))
    return [span for other in sorted(found) for span in found[other]]


def _ties(customer_id: str, facts: Iterable[Fact]) -> Iterator[Tie]:
    into, since = "", None
    for fact in in_order(facts):
        if fact.type not in (MERGED, UNMERGED):
            continue
        if since is not None:
            yield Tie(customer_id, into, since, fact.happened)
        into, since = (str(fact.data["into"]), fact.happened) if fact.type == MERGED else ("", None)
    if since is not None:
        yield Tie(customer_id, into, since, None)


def _holds(tie: Tie, moment: datetime) -> bool:
    return tie.since <= moment and (tie.until is None or moment < tie.until)


def _group(start: str, ties: Sequence[Tie]) -> set[str]:
    """Everybody these ties make one with *start*."""
    group, ask = {start}, {start}
    while ask:
        reached = {tie.other for tie in ties if tie.one in ask}
        reached |= {tie.one for tie in ties if tie.other in ask}
        ask = reached - group
        group |= ask
    return group - {start}


def _said_together(
    customer_id: str, spans: Sequence[Span], facts: Mapping[str, Sequence[Fact]]
) -> Iterator[Fact]:
    """What was said under another id while they were one: every stop, and the rest if they still are."""
    for span in spans:
        for fact in facts.get(span.other, ()):
            still = span.until is None
            together = span.covers(fact.happened) and (
                fact.type == WITHDRAWN or (still and fact.type in SHARED)
            )
            if together or (still and fact.type in ALWAYS):
                yield replace(fact, subject=customer_id)


def _united(
    customer_id: str,
    since: datetime,
    joined: Sequence[str],
    facts: Mapping[str, Sequence[Fact]],
    own: Sequence[Fact],
) -> Iterator[Fact]:
    """What a merge makes of words said before it: every stop counts, and only hours that all chose."""
    hours: list[tuple[datetime, tuple[Window, ...]]] = []
    for who in (customer_id, *joined):
        before = [f for f in (own if who == customer_id else facts.get(who, ())) if f.happened < since]
        person = fold_customer(who, before)
        if person.windows:
            chosen = max(f.happened for f in before if f.type == PREFERENCE and "windows" in f.data)
            hours.append((chosen, person.windows))
        if who == customer_id:
            continue
        for number, ((purpose, channel), word) in enumerate(sorted(person.consents.items())):
            if not word.given:
                data = {"purpose": purpose, "channel": channel, "evidence": word.evidence,
                        "under": f"as customer {who} on {word.at:%Y-%m-%d}"}  # fmt: skip
                yield _as_of(since, customer_id, WITHDRAWN, f"{who}:{number}", data)
    if len(hours) > 1 or (hours and hours[0][1] != fold_customer(customer_id, own).windows):
        last = max(hours, key=lambda pair: pair[0])[1]
        both = common([windows for _, windows in hours]) or last
        yield _as_of(since, customer_id, PREFERENCE, "hours", {"windows": [_written(w) for w in both]})


def _as_of(since: datetime, customer_id: str, kind: str, name: str, data: Mapping[str, Any]) -> Fact:
    return Fact(ENGINE, f"merge:{name}", kind, customer_id, since, since, data)


def _written(window: Window) -> dict[str, Any]:
    return {
        "days": sorted(window.days),
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "channel": window.channel,
    }


def _complete(person: Customer, other: Customer) -> None:
    """Fill what nobody told us under the id that stays with what is known under the other."""
    person.known = person.known or other.known
    person.learning = person.learning and other.learning
    if person.erased:
        return
    for name in _OWN:
        if not getattr(person, name):
            setattr(person, name, getattr(other, name))
    person.tags = tuple(dict.fromkeys((*person.tags, *other.tags)))
    person.attributes = {**other.attributes, **person.attributes}
