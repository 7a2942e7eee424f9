"""The API keys as the ledger knows them."""

from orchestrator.access import keys
from orchestrator.ledger.access_values import ApiKey
from orchestrator.web.desk import Desk


class LedgerKeys:
    """The keys of the ledger; when one was last used is known to the minute."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def find(self, given: str) -> ApiKey | None:
        """The key that this is, if it is good."""
        found = await self._desk.read(lambda tx: keys.find(tx, given))
        now = self._desk.now()
        if found is not None and (found.used_at is None or found.used_at + keys.TOUCH <= now):
            number = found.id
            await self._desk.write(lambda tx: tx.use_api_key(number, now))
        return found
