"""Who was merged with whom, whose payload was erased, and the rows in which a person stands."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, exists, or_, select, text
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.tables import erasures, facts, merges, names, orders, places
from orchestrator.ledger.traces import name_words
from orchestrator.ledger.values import Heard
from orchestrator.ledger.verbs import Verbs, batches

MERGED, ORDERED, INTRODUCED = "customer.merged", "order.upserted", "customer.upserted"

_TIE = insert(merges).on_conflict_do_nothing(index_elements=["customer", "into"])
_PLACE = insert(places).on_conflict_do_nothing(index_elements=["place", "customer"])
_NAME = insert(names).on_conflict_do_nothing(index_elements=["word", "customer"])
_TIES = select(merges.c.customer, merges.c.into).where(
    or_(
        merges.c.customer.in_(bindparam("ids", expanding=True)),
        merges.c.into.in_(bindparam("others", expanding=True)),
    )
)
_ANY_TIE = select(merges.c.customer).limit(1)
_ERASE = insert(erasures).on_conflict_do_nothing(index_elements=["customer"])
_ANY = select(erasures.c.customer).limit(1)
_ERASED = select(erasures.c.customer).where(erasures.c.customer.in_(bindparam("ids", expanding=True)))
_ASKED = (
    select(facts.c.subject)
    .distinct()
    .where(text("type = 'customer.erased'"), ~exists().where(erasures.c.customer == facts.c.subject))
    .order_by(facts.c.subject)
)
_GONE = select(erasures.c.customer)
_JOINED = (
    select(merges.c.customer, merges.c.into)
    .where(merges.c.customer.in_(_GONE) != merges.c.into.in_(_GONE))
    .order_by(merges.c.customer, merges.c.into)
)
_ORDERS_OF_ERASED = (
    select(orders.c.id)
    .join(erasures, erasures.c.customer == orders.c.customer)
    .where(orders.c.id.in_(bindparam("ids", expanding=True)))
)


class Persons(Verbs):
    """The verbs about customers as persons."""

    def kin(self, customer_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Give for each customer who was ever merged everybody they were ever one with, themselves included.

        It follows merges of merges; whoever was never merged is left out.
        """
        if self._value(_ANY_TIE) is None:
            return {}
        near: dict[str, set[str]] = {}
        seen: set[str] = set()
        ask = set(customer_ids)
        while ask:
            seen |= ask
            for batch in batches(sorted(ask)):
                for one, other in self._rows(_TIES, {"ids": batch, "others": batch}):
                    near.setdefault(one, {one}).add(other)
                    near.setdefault(other, {other}).add(one)
            ask = near.keys() - seen
        return _groups(near)

    def tied(self, heard: Sequence[Heard]) -> None:
        """Note the merges among new facts, so that either customer finds the other."""
        pairs = {
            (item.fact.subject, str(item.fact.data["into"])) for item in heard if item.fact.type == MERGED
        }
        if pairs:
            self._run(_TIE, [{"customer": one, "into": other} for one, other in sorted(pairs)])

    def placed(self, heard: Sequence[Heard]) -> None:
        """Note where the customers among new facts are reached, for whoever writes from there."""
        found = {
            (place.lower(), item.fact.subject)
            for item in heard
            if item.fact.type == INTRODUCED
            for place in (item.fact.data.get("phone"), item.fact.data.get("email"))
            if place
        }
        if found:
            self._run(_PLACE, [{"place": place, "customer": customer} for place, customer in sorted(found)])

    def named(self, heard: Sequence[Heard]) -> None:
        """Note the names of the customers among new facts, for whoever looks for one."""
        found = {
            (word, item.fact.subject)
            for item in heard
            if item.fact.type == INTRODUCED
            for word in name_words(item.fact.data)
        }
        if found:
            self._run(_NAME, [{"word": word, "customer": customer} for word, customer in sorted(found)])

    def note_erased(self, customer_ids: Iterable[str], at: datetime) -> None:
        """Have what comes later about these customers kept without payload."""
        rows = [{"customer": customer, "at": at} for customer in sorted(customer_ids)]
        if rows:
            self._run(_ERASE, rows)

    def erased(self, customer_ids: Iterable[str]) -> set[str]:
        """Name those of these customers whose payload was erased."""
        if self._value(_ANY) is None:
            return set()
        return {row[0] for batch in batches(customer_ids) for row in self._rows(_ERASED, {"ids": batch})}

    def asked_to_be_erased(self) -> list[str]:
        """Name the customers of whom a fact says that they are erased, and whose payload is still here."""
        return [row[0] for row in self._rows(_ASKED)]

    def joined_with_erased(self) -> list[tuple[str, str]]:
        """Give the merges of somebody whose payload was erased with somebody whose payload is still here."""
        return [(one, into) for one, into in self._rows(_JOINED, {})]

    def about_erased(self, heard: Sequence[Heard]) -> set[str]:
        """Name the subjects among these facts that are erased customers, or orders of one."""
        if self._value(_ANY) is None:
            return set()
        subjects = {item.fact.subject for item in heard}
        buyers: dict[str, str] = {
            item.fact.subject: str(item.fact.data.get("customer", ""))
            for item in heard
            if item.fact.type == ORDERED
        }
        found = self.erased(subjects | set(buyers.values()))
        theirs = {
            row[0] for batch in batches(subjects) for row in self._rows(_ORDERS_OF_ERASED, {"ids": batch})
        }
        return (found & subjects) | theirs | {order for order, buyer in buyers.items() if buyer in found}


def _groups(near: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for start in near:
        if start in found:
            continue
        group, ask = {start}, {start}
        while ask:
            ask = set().union(*(near[one] for one in ask)) - group
            group |= ask
        found.update(dict.fromkeys(group, frozenset(group)))
    return found
