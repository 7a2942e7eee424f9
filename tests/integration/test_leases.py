"""A send may take longer than the lease: the worker that has it keeps it, and nobody else takes it."""

import asyncio
from datetime import timedelta
from pathlib import Path

from channels.base import Message
from orchestrator.model import Status
from tests.integration.dealership import Dealership, Scripted, arrived, customer, order, run

ALSO_ON_POSTGRES = True

LEASE = timedelta(seconds=0.1)
SLOW = timedelta(minutes=10)  # what a mail server may take to confirm, far beyond the lease
LOOKS = 1000  # until the test gives up


def test_a_send_that_outlasts_its_lease_is_kept_by_its_worker_and_swept_by_nobody(tmp_path: Path) -> None:
    async def confirmed_late(_message: Message) -> str:
        house.clock.advance(SLOW)
        for _ in range(LOOKS):
            if await asyncio.to_thread(lease_runs_still):
                break
            await asyncio.sleep(LEASE.total_seconds() / 10)
        swept.append(await asyncio.to_thread(sweep))
        return "taken"

    def lease_runs_still() -> bool:
        with house.ledger.read() as tx:
            until = tx.next_lease()
        return until is not None and until > house.clock.now()

    def sweep() -> int:
        with house.ledger.transaction() as tx:
            return len(tx.sweep(house.clock.now()))

    swept: list[int] = []
    channel = Scripted("email", confirmed_late)
    house = Dealership(tmp_path, {"email": channel}, lease=LEASE, live=True)
    try:
        house.hear(customer(), order(), arrived())
        run(house.dispatcher.one_batch())

        assert swept == [0]
        assert house.entry().status is Status.ACCEPTED
        assert len(channel.sent) == 1
    finally:
        house.close()
