"""Whether the delivery contract was kept, from what the providers have and what the ledger says."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.ledger import Ledger
from orchestrator.model import FINAL, Entry, Kind, Status
from tests.chaos.house import MILESTONES
from tests.chaos.providers import Told
from tests.chaos.traffic import Story

MANY = 1_000_000


@dataclass
class Kept:
    """What the ledger says after the run."""

    events: Counter[str] = field(default_factory=Counter)
    entries: list[Entry] = field(default_factory=list)
    doubted: set[int] = field(default_factory=set)  # entries of which a try ended unknown
    delays: list[float] = field(default_factory=list)  # seconds from due to accepted, at the first try
    since_heard: list[float] = field(default_factory=list)  # of those, from when their milestone was heard

    @classmethod
    def read(cls, url: str) -> "Kept":
        kept = cls()
        with Ledger.open(url) as ledger, ledger.read() as tx:
            heard: dict[tuple[str, str], datetime] = {}
            for _, fact in tx.facts_after(0, MANY):
                if fact.source == "/chaos":
                    kept.events[fact.id] += 1
                    if fact.type == "milestone.reached":
                        heard[fact.subject, str(fact.data.get("milestone"))] = fact.heard
            kept.entries = tx.entries_in(set(Status), limit=MANY)
            for entry in kept.entries:
                if entry.attempts > 1 or (entry.attempts and entry.status is Status.UNKNOWN):
                    if any(one.outcome == Status.UNKNOWN for one in tx.attempts(entry.id)):
                        kept.doubted.add(entry.id)
                elif entry.status is Status.ACCEPTED and entry.updated_at is not None:
                    kept.delays.append((entry.updated_at - entry.due_at).total_seconds())
                    since = heard.get((entry.wanted.order, entry.wanted.rule))
                    if since is not None:
                        kept.since_heard.append((entry.updated_at - since).total_seconds())
        return kept


def broken(
    stories: Mapping[str, Story], heard: Sequence[str], told: Sequence[Told], kept: Kept
) -> Iterator[str]:
    """Every breach of the contract, as a sentence."""
    yield from _events(heard, kept)
    messages = [one for one in kept.entries if one.wanted.kind is Kind.MESSAGE]
    yield from _ended(kept.entries)
    yield from _said(messages, told)
    by_order: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        by_order[one.order].append(one)
    entries: dict[str, list[Entry]] = defaultdict(list)
    for entry in messages:
        entries[entry.wanted.order].append(entry)
    for order, story in stories.items():
        doubted = {entry.wanted.rule for entry in entries[order] if entry.id in kept.doubted}
        yield from _order(story, by_order[order], entries[order], doubted)


def _events(heard: Sequence[str], kept: Kept) -> Iterator[str]:
    for name in set(heard) - kept.events.keys():
        yield f"lost: event {name} was answered 2xx and is not in the ledger"
    for name, times in kept.events.items():
        if times > 1:
            yield f"doubled: event {name} is {times} times in the ledger"


def _ended(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.status not in FINAL | {Status.UNKNOWN}:
            yield f"not ended: {entry.key} is {entry.status}: {entry.reason}"
        elif entry.status is not Status.ACCEPTED and not entry.reason:
            yield f"without a reason: {entry.key} is {entry.status}"


def marked(entry: Entry) -> tuple[str, str, str]:
    """What the mark in its message says."""
    (date, *_) = [str(one.value) for one in entry.wanted.tells if entry.wanted.rule == "moved"] or [""]
    return entry.wanted.order, entry.wanted.rule, date


def _said(messages: Sequence[Entry], told: Sequence[Told]) -> Iterator[str]:
    """Accepted means that its provider has it; once, or under one name; and nobody else has it."""
    has: dict[tuple[str, str, str], list[Told]] = defaultdict(list)
    for one in told:
        has[one.order, one.rule, one.date].append(one)
    for entry in messages:
        mark = marked(entry)
        copies = has.pop(mark, [])
        channels = {one.channel for one in copies}
        names = {one.identity for one in copies}
        if entry.status is Status.ACCEPTED and entry.channel not in channels:
            yield f"lost: {entry.key} was accepted by {entry.channel}, which has nothing of it"
        if entry.status in FINAL - {Status.ACCEPTED} and copies:
            yield f"untrue: {entry.key} is {entry.status} ({entry.reason}), and {sorted(channels)} has it"
        if len(channels) > 1:
            yield f"doubled: {entry.key} left by {sorted(channels)}"
        if len(names) > 1:
            yield f"doubled: {entry.key} left {len(names)} times by {sorted(channels)}"
    for mark, copies in has.items():
        yield f"unexplained: {copies[0].channel} has {' '.join(mark)}, of which the ledger knows nothing"


def _order(
    story: Story, told: Sequence[Told], entries: Sequence[Entry], doubted: Collection[str]
) -> Iterator[str]:
    """In order, the latest, and nothing that nobody decided about.

    What we hear no answer about a provider may carry out when it likes, and nobody waits for that.
    """
    first: list[str] = []
    for one in told:
        if one.rule in MILESTONES and one.rule not in first and one.rule not in doubted:
            first.append(one.rule)
    if first != sorted(first, key=MILESTONES.index):
        yield f"out of order: {story.order} heard {first}"
    rules = {entry.wanted.rule for entry in entries}
    if story.reached and story.reached[-1] not in rules:
        yield f"lost: nothing was planned for {story.reached[-1]} of {story.order}"
    moved = [entry for entry in entries if entry.wanted.rule == "moved"]
    dates = [one.date for one in told if one.rule == "moved"]
    if dates != sorted(dates) and "moved" not in doubted:
        yield f"out of order: {story.order} heard of {dates}"
    latest = [entry for entry in moved if marked(entry)[2] == story.dates[-1]] if story.dates else []
    if len(story.dates) > 1 and not latest and "delivered" not in story.reached:
        yield f"lost: nothing was planned about {story.dates[-1]} of {story.order}"
    if any(entry.status is Status.ACCEPTED for entry in latest) and max(dates, default="") != story.dates[-1]:
        yield f"stale: {story.order} heard of {dates} and the newest is {story.dates[-1]}"


def _spread(delays: Sequence[float]) -> dict[str, float]:
    ordered = sorted(delays)
    return {f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 2)
            for share in (50, 99, 100) if ordered}  # fmt: skip


def summary(told: Sequence[Told], kept: Kept) -> dict[str, Any]:
    """The figures of a run."""
    repeats = len(told) - len({(one.order, one.rule, one.date) for one in told})
    by_status = Counter(entry.status.value for entry in kept.entries)
    why = Counter(
        f"{entry.status.value}: {entry.reason[:90]}"
        for entry in kept.entries
        if entry.status not in {Status.ACCEPTED, Status.CANCELLED}
    )
    return {
        "events": len(kept.events),
        "entries": dict(sorted(by_status.items())),
        "messages that providers have": dict(sorted(Counter(one.channel for one in told).items())),
        "copies under the same name": repeats,
        "due to accepted, seconds": _spread(kept.delays),
        "heard to accepted, seconds": _spread(kept.since_heard),
        "ends other than accepted": dict(why.most_common(12)),
    }
