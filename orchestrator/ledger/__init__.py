"""The ledger: facts, orders, and the durable record of every notification (tables, verbs, migrations).

Importing it costs half a second (SQLModel): do so inside the command that needs it.
"""

from orchestrator.ledger.asof import AsOf
from orchestrator.ledger.early import EarlyReport
from orchestrator.ledger.handing import HANDED_OVER, Handed
from orchestrator.ledger.ledger import Ledger, Transaction
from orchestrator.ledger.messages import Found
from orchestrator.ledger.overview import OrderList
from orchestrator.ledger.values import (
    Activation,
    Appended,
    Asked,
    Attempt,
    Backlog,
    Begin,
    Carries,
    Changed,
    Counted,
    Daemon,
    Departure,
    Failing,
    Finish,
    Health,
    Heard,
    InboxItem,
    OrderRow,
    Pause,
    Place,
    RuleSet,
    RuleSetState,
    Share,
    Stops,
    Subscriber,
    Suppression,
)
from orchestrator.ledger.writer import Writer

__all__ = [
    "HANDED_OVER",
    "Activation",
    "Appended",
    "AsOf",
    "Asked",
    "Attempt",
    "Backlog",
    "Begin",
    "Carries",
    "Changed",
    "Counted",
    "Daemon",
    "Departure",
    "EarlyReport",
    "Failing",
    "Finish",
    "Found",
    "Handed",
    "Health",
    "Heard",
    "InboxItem",
    "Ledger",
    "OrderList",
    "OrderRow",
    "Pause",
    "Place",
    "RuleSet",
    "RuleSetState",
    "Share",
    "Stops",
    "Subscriber",
    "Suppression",
    "Transaction",
    "Writer",
]
