"""What a rule says of several orders leaves in one message: which notifications, and which of them now. Pure.

Notifications of one rule to one person carry the same :attr:`Notification.joins`. Each waits `combine` after
its first good moment; the first whose wait is over takes the others along. What was tried once stays
together under its Message-ID, and takes nobody new along.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from orchestrator.journey import Mode, Rule
from orchestrator.model import Customer, Entry, Order, Status
from orchestrator.planning.case import Case
from orchestrator.sending.guard import Send
from orchestrator.timing.send_time import recipient

MOST = 100  # in one message: nobody reads a longer list, and nothing else leaves meanwhile

Going = tuple[Entry, Send]


def joins(rule: Rule, case: Case) -> str:
    """Name what leaves together: rule, role and person; "" for what leaves alone.

    A party is somebody of this customer's. Staff are told apart by their address, of which a hash is kept.
    """
    if rule.combine is None or rule.mode is not Mode.LIVE:
        return ""
    who = recipient(rule.to, case.order, case.customer)
    if isinstance(who, Customer) or rule.to in case.order.parties:
        return f"{rule.id}/{rule.to}/{case.order.customer}"
    address = who.email or who.phone
    return f"{rule.id}/{rule.to}/{sha256(address.lower().encode()).hexdigest()[:16]}" if address else ""


@dataclass(frozen=True, slots=True)
class Company:
    """Who of some *found* entries may go along with what was claimed, and which messages have come apart."""

    along: tuple[Entry, ...]
    apart: frozenset[str]  # Message-IDs under which somebody else still waits


def company(claimed: Sequence[Entry], found: Sequence[Entry], now: datetime) -> Company:
    """Choose from *found*, everything open under the names of what was *claimed*; one of each order."""
    leaders: dict[tuple[str, str], int] = {}
    for entry in claimed:
        if entry.wanted.joins:
            leaders.setdefault(_band(entry), 0)
    taken = {entry.id for entry in claimed}
    orders = {entry.wanted.order for entry in claimed}
    along: list[Entry] = []
    for entry in sorted(found, key=lambda one: (one.due_at, one.id)):
        band = _band(entry)
        free = entry.status is Status.SCHEDULED and entry.wanted.order not in orders
        if free and leaders.get(band, MOST) < MOST and _may_go(entry, now):
            leaders[band] += 1
            orders.add(entry.wanted.order)
            along.append(entry)
    taken |= {entry.id for entry in along}
    left = {entry.message_id for entry in found if entry.id not in taken and entry.message_id}
    return Company(tuple(along), frozenset(left))


def beside(entries: Sequence[Entry]) -> Mapping[int, Collection[str]]:
    """By entry, the keys of the others that may leave in its message."""
    bands: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        if entry.wanted.joins:
            bands.setdefault(_band(entry), set()).add(entry.key)
    return {
        entry.id: bands[_band(entry)] - {entry.key}
        for entry in entries
        if entry.wanted.joins and len(bands[_band(entry)]) > 1
    }


def bundles(
    going: Sequence[Going],
    orders: Mapping[str, Order],
    at: Callable[[Entry], datetime],
) -> tuple[list[list[Going]], list[Entry]]:
    """Sort what may go into messages, and name the entries that have to wait: none of theirs is due.

    One message goes to one address by one channel, says one template, and wears the clothes of one brand.
    """
    found: dict[tuple[str, ...], list[Going]] = {}
    for entry, go in going:
        name: tuple[str, ...] = (str(entry.id),)
        if entry.wanted.joins and go.wanted.joins == entry.wanted.joins:
            brand = orders[go.wanted.order].location.brand
            name = (*_band(entry), go.channel, go.to, go.wanted.template, brand)
        found.setdefault(name, []).append((entry, go))
    made: list[list[Going]] = []
    early: list[Entry] = []
    for bundle in found.values():
        if any(go.wanted.due_at <= at(entry) for entry, go in bundle):
            made.append(bundle)
        else:
            early += [entry for entry, _ in bundle]
    return made, early


def as_one(bundle: Sequence[Going], orders: Mapping[str, Order]) -> Going:
    """The first of a bundle, which says what all of them say."""
    (entry, go), *others = bundle
    if not others:
        return entry, go
    return entry, replace(go, along=tuple((one.wanted, orders[one.wanted.order]) for _, one in others))


def _band(entry: Entry) -> tuple[str, str]:
    """Those that may leave together: tried under the same Message-ID, or not yet."""
    return entry.wanted.joins, entry.message_id


def _may_go(entry: Entry, now: datetime) -> bool:
    """Might one of its steps be used, and is it in no back-off?"""
    steps = entry.wanted.steps[entry.step :]
    return any(step.at <= now for step in steps) and (entry.not_before is None or entry.not_before <= now)
