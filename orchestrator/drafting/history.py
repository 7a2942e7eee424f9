"""The latest history of a ledger as a file of events, to be heard again under other rules."""

from datetime import datetime
from pathlib import Path

import orjson

from orchestrator.ledger import Transaction
from orchestrator.ledger.moments import EPOCH
from orchestrator.model import ENGINE, Fact


def latest(tx: Transaction, file: Path, orders: int) -> int:
    """Write what is known of the *orders* with the latest news, and of their customers; say how many.

    What the engine itself did is left out, for it is what a simulation makes.
    """
    names = tx.heard_of_since(EPOCH, orders)
    facts = [fact for theirs in tx.order_facts(names).values() for fact in theirs]
    customers = {str(fact.data["customer"]) for fact in facts if fact.data.get("customer")}
    customers |= tx.kin(customers).keys()
    facts += [fact for theirs in tx.customer_facts(sorted(customers)).values() for fact in theirs]
    ours = sorted((fact for fact in facts if fact.source != ENGINE), key=lambda fact: fact.heard)
    with file.open("wb") as out:
        out.writelines(map(_line, ours))
    return len(names) if ours else 0


def _line(fact: Fact) -> bytes:
    event = {
        "specversion": "1.0",
        "id": fact.id,
        "source": fact.source,
        "type": fact.type,
        "subject": fact.subject,
        "time": _text(fact.happened),
        "recordedtime": _text(fact.heard),
        "data": fact.data,
    }
    return orjson.dumps(event) + b"\n"


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
