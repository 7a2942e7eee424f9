"""What somebody types into the head of the console: an order's or a customer's id, a name, an address."""

from dataclasses import dataclass

from orchestrator.ledger import OrderRow, Share, Transaction
from orchestrator.ledger.traces import plain_words
from orchestrator.model import Customer
from orchestrator.views.people import customers

MOST = 50  # customers that are shown
LONGEST = 200  # characters that are looked for


@dataclass(frozen=True, slots=True)
class Match:
    """A customer who was found, with those of their orders that the viewer may see."""

    customer: Customer
    orders: tuple[OrderRow, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is under what was asked; ``order`` is its own id, ``more`` says that others match too."""

    order: str
    matches: tuple[Match, ...]
    more: bool


def search(tx: Transaction, asked: str, share: Share, region: str) -> Found:
    """Look for what was *asked*; numbers without a prefix are those of the *region* (ISO 3166)."""
    asked = asked.strip()[:LONGEST]
    if not asked:
        return Found("", (), more=False)
    spelled = list(dict.fromkeys((asked, asked.upper(), asked.lower())))
    orders = tx.orders(spelled)
    order = next((one for one in spelled if one in orders and sees(share, orders[one])), "")
    ids = [one for one in spelled if any(tx.customer_facts([one])[one])]
    ids += tx.people_at(_addresses(asked, region))
    if words := plain_words(asked):
        ids += tx.people_called(words, MOST + 1)
    return Found(order, *_matches(tx, list(dict.fromkeys(ids)), share))


def _matches(tx: Transaction, ids: list[str], share: Share) -> tuple[tuple[Match, ...], bool]:
    """Each person once, who may have been found under several ids."""
    more = len(ids) > MOST
    people = customers(tx, ids[:MOST])
    merged = {person.merged_into for person in people.values() if person.merged_into}
    people |= customers(tx, merged - people.keys())
    orders = tx.orders_of(people)
    rows = tx.orders(order for theirs in orders.values() for order in theirs)
    found: dict[str, Match] = {}
    for one in ids[:MOST]:
        name = people[one].merged_into or one
        if name in found:
            continue
        theirs = dict.fromkeys(order for each in (name, one) for order in orders.get(each, ()))
        seen = tuple(rows[order] for order in theirs if order in rows and sees(share, rows[order]))
        if seen or not (share.locations or share.brands):
            found[name] = Match(people[name], seen)
    return tuple(found.values()), more


def sees(share: Share, row: OrderRow) -> bool:
    """Is it one of the orders that somebody may see?"""
    return (not share.locations or row.location in share.locations) and (
        not share.brands or row.brand in share.brands
    )


def _addresses(asked: str, region: str) -> list[str]:
    """The mailbox or the number that was asked for, as they are kept."""
    if "@" in asked:
        return [asked]
    if sum(letter.isdigit() for letter in asked) < 5 or any(letter.isalpha() for letter in asked):
        return []
    import phonenumbers

    try:
        number = phonenumbers.parse(asked, region or None)
    except phonenumbers.NumberParseException:
        return []
    return [phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)]
