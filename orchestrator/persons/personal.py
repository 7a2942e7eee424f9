"""Everything that is kept about one person: found by their ids, their orders and the addresses they had."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import NotFound
from orchestrator.ledger import Transaction
from orchestrator.model import Customer, Entry, Fact, may_be_either
from orchestrator.persons.merging import fold_person, one_with

TELLING = 5  # characters: a shorter text is found everywhere, and names nobody
SHORTEST_NAME = 3  # characters of a last name that is looked for
_ADDRESSES = {"email": "email", "phone": "sms"}  # field of a customer → channel


@dataclass(frozen=True, slots=True)
class Person:
    """Who was asked about, and what is kept about them.

    ``ids`` are all the customers who are one person now, ``facts`` theirs. ``addresses`` are (channel,
    address), of any time; ``secrets`` every text that tells who they are.
    """

    ids: tuple[str, ...]
    state: Customer
    facts: Mapping[str, Sequence[Fact]]
    orders: Mapping[str, Sequence[Fact]]
    entries: Mapping[str, Sequence[Entry]]
    addresses: frozenset[tuple[str, str]]
    secrets: frozenset[str]

    def all_entries(self) -> Iterator[Entry]:
        """Every entry of their orders."""
        for entries in self.entries.values():
            yield from entries

    def all_facts(self) -> Iterator[Fact]:
        """Every fact about them and their orders."""
        for facts in (*self.facts.values(), *self.orders.values()):
            yield from facts


def find(tx: Transaction, customer: str) -> Person:
    """Gather what is kept about a customer, under every id that is the same person now.

    Raises :class:`NotFound` if nothing is.
    """
    group = tx.kin([customer]).get(customer, frozenset({customer}))
    ever = tx.customer_facts(sorted(group))
    ids = tuple(sorted({customer, *one_with(customer, ever)}))
    names = sorted(order for theirs in tx.orders_of(ids).values() for order in theirs)
    facts = {one: [*ever[one], *theirs] for one, theirs in _loose(tx, ids).items()}
    if not names and not any(facts.values()):
        raise NotFound(f"no customer is called {customer!r}")
    addresses = frozenset(_addresses(facts.values()))
    return Person(
        ids,
        fold_person(customer, ever),
        facts,
        tx.order_facts(names),
        tx.entries_of(names),
        addresses,
        frozenset(_secrets(facts.values(), addresses)),
    )


def _loose(tx: Transaction, ids: Sequence[str]) -> dict[str, list[Fact]]:
    """What was heard under a customer's id in a company's own words, before anybody said whose id it is."""
    return {
        one: []
        if any(fact.type == "order.upserted" for fact in filed)
        else [fact for fact in filed if may_be_either(fact.type)]
        for one, filed in tx.order_facts(ids).items()
    }


def still_kept(tx: Transaction) -> list[tuple[str, str]]:
    """Name who is one person now with somebody erased, and is kept all the same, and with whom.

    A merge alone erases nothing: whoever merged two customers by mistake can part them again.
    """
    pairs = tx.joined_with_erased()
    groups = set(tx.kin(customer for pair in pairs for customer in pair).values())
    found: list[tuple[str, str]] = []
    for group in groups:
        gone, facts = tx.erased(group), tx.customer_facts(sorted(group))
        for customer in sorted(group - gone):
            found += [(customer, other) for other in one_with(customer, facts) if other in gone][:1]
    return sorted(found)


def _addresses(facts: Iterable[Iterable[Fact]]) -> Iterator[tuple[str, str]]:
    for data in _descriptions(facts):
        yield from ((channel, data[field]) for field, channel in _ADDRESSES.items() if data.get(field))
        yield from (("push", device) for device in data.get("devices") or ())


def _secrets(facts: Iterable[Iterable[Fact]], addresses: Collection[tuple[str, str]]) -> Iterator[str]:
    for data in _descriptions(facts):
        name = data.get("name") or ""
        if " " in name.strip() and len(name) >= TELLING:
            yield name
    yield from (to for _, to in addresses if len(to) >= TELLING)


def last_names(facts: Iterable[Iterable[Fact]]) -> frozenset[str]:
    """The last word of each name they had: others are called so as well, so it tells nobody who they are."""
    words = ((data.get("name") or "").split() for data in _descriptions(facts))
    return frozenset(name[-1] for name in words if len(name) > 1 and len(name[-1]) >= SHORTEST_NAME)


def secrets_of(facts: Iterable[Fact]) -> frozenset[str]:
    """Every text in these facts about one customer that tells who they are."""
    theirs = [list(facts)]
    return frozenset(_secrets(theirs, frozenset(_addresses(theirs))))


def _descriptions(facts: Iterable[Iterable[Fact]]) -> Iterator[Mapping[str, Any]]:
    for theirs in facts:
        yield from (fact.data for fact in theirs if fact.type == "customer.upserted")
