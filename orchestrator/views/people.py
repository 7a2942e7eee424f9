"""How customers are called, for lists that name them."""

from collections.abc import Iterable

from orchestrator.ledger import Transaction
from orchestrator.model import Customer
from orchestrator.persons.merging import fold_person
from orchestrator.planning.fold import fold_customer


def customers(tx: Transaction, ids: Iterable[str]) -> dict[str, Customer]:
    """Fold these customers, each with everybody they are one with; one that cannot be is only an id."""
    asked = sorted({one for one in ids if one})
    kin = tx.kin(asked)
    facts = tx.customer_facts(sorted({*asked, *(other for one in asked for other in kin.get(one, ()))}))
    found = {}
    for one in asked:
        try:
            if one in kin:
                found[one] = fold_person(one, {other: facts[other] for other in kin[one]})
            else:
                found[one] = fold_customer(one, facts[one])
        except Exception:  # noqa: BLE001  whatever it is, the others have names
            found[one] = Customer(one)
    return found


def named(customer: Customer) -> str:
    """How to call them: their name, or else their id."""
    return customer.name or customer.given_name or customer.id
