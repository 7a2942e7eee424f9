"""Other systems are told what happens here: facts as CloudEvents, in signed posts (Standard Webhooks).

What happened is a fact already, so nothing is kept for anybody beside the place up to which they were told.
Each is told in the order of the facts, at least once and under the same ``webhook-id`` every time; while one
does not answer, what follows waits in the ledger.
"""

from orchestrator.subscribers.event import document, identity, is_wanted
from orchestrator.subscribers.patience import taken, waited
from orchestrator.subscribers.telling import Listener, Telling

__all__ = ["Listener", "Telling", "document", "identity", "is_wanted", "taken", "waited"]
