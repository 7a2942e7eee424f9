"""One click on a link of a mail is a withdrawal, at once, however often (RFC 8058)."""

from datetime import datetime

from channels.reports import Became, Report
from orchestrator import callbacks
from orchestrator.callbacks.events import Caller
from orchestrator.engine import Engine
from orchestrator.ledger import Transaction
from orchestrator.model import Customer
from orchestrator.persons.merging import fold_person

CALLER = Caller("one-click", "email")


def withdraw(engine: Engine, tx: Transaction, message_id: str, now: datetime) -> bool:
    """Withdraw the consent under which that mail was sent; False if we know no such mail.

    A second click changes nothing, but one after a new consent is a withdrawal again.
    """
    entries = tx.entries_by_message_id([message_id])
    told = {(entry.wanted.customer, entry.wanted.purpose) for entry in entries}
    for customer, purpose in told:
        last = _person(tx, customer).consents.get((purpose.value, CALLER.channel))
        if last is None or last.given:
            name = f"{message_id.strip('<>')}/{now.timestamp():.6f}"
            report = Report(name, Became.UNSUBSCRIBED, now, message_id=message_id)
            callbacks.take(engine, tx, CALLER, [report], now)
            break
    return bool(entries)


def locale_of(tx: Transaction, message_id: str) -> str:
    """The language of whoever got that mail, or "" if nobody knows."""
    for entry in tx.entries_by_message_id([message_id]):
        return _person(tx, entry.wanted.customer).locale
    return ""


def _person(tx: Transaction, customer: str) -> Customer:
    """A customer as they are now, by all that was said under any id of theirs."""
    group = tx.kin([customer]).get(customer, frozenset({customer}))
    return fold_person(customer, tx.customer_facts(sorted(group)))
