"""The ledger's facts as they were known at a moment: what was heard later is not there yet."""

from collections.abc import Iterable
from datetime import datetime

from orchestrator.ledger.ledger import Transaction
from orchestrator.model import Fact, Scope


class AsOf(Transaction):
    """The verbs of an open transaction, on the facts that were heard up to a moment."""

    def __init__(self, tx: Transaction, moment: datetime) -> None:
        super().__init__(tx._connection, tx._database)  # noqa: SLF001 - the same transaction, of the same package
        self._moment = moment

    def _facts(self, scope: Scope, ids: Iterable[str]) -> dict[str, list[Fact]]:
        found = super()._facts(scope, ids)
        return {name: [one for one in facts if one.heard <= self._moment] for name, facts in found.items()}
