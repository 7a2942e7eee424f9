"""What others take from a worker that is cut off, or gone, and what they leave to it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest

from orchestrator.ledger import Ledger
from orchestrator.ledger.workers import named
from orchestrator.model import Status
from orchestrator.sending import deaths
from orchestrator.sending.records import STALE
from tests.contracts.transport import Provider, cars, statuses
from tests.integration import dealership
from tests.integration.dealership import Dealership, run
from tests.postgres import database

ELSEWHERE = f"{uuid4()}@another-boot/1/1/1"
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def shared(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with database(postgres) as url:
        monkeypatch.setattr(dealership, "KEPT_IN", lambda _: url)
        yield url


def test_a_worker_that_is_cut_off_while_it_sends_keeps_what_it_began_and_sends_nothing_else(
    shared: str, houses: Callable[..., Dealership], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are gone and its process lives: what it writes after that is refused, or is right."""
    monkeypatch.setattr(deaths, "PATIENCE", 0)
    provider = Provider(one_at_a_time=True)
    house = houses({"email": provider}, live=True)
    other = houses({"email": provider}, live=True, clock=house.clock)
    names = cars(house, 12)
    seen: list[dict[Status, int]] = []

    def cut_off() -> None:
        provider.meanwhile = lambda: None
        with psycopg.connect(shared, autocommit=True) as connection:
            connection.execute(CUT)
        run(other.dispatcher.sweep())
        seen.append(dict(statuses(house, names)))
        other.drain()

    def elsewhere() -> None:
        thread = threading.Thread(target=cut_off)
        thread.start()
        thread.join()

    provider.meanwhile = elsewhere
    house.drain()
    assert seen == [{Status.SENDING: 1, Status.SCHEDULED: 11}]
    assert statuses(house, names) == {Status.ACCEPTED: 12}
    assert provider.often() == {1}
    assert house.dispatcher.counts[STALE] > 0


def test_whoever_lost_its_sign_shows_it_again_before_it_takes_anything(shared: str) -> None:
    worker = named()
    with Ledger.open(shared) as ledger, Ledger.open(shared) as other:
        ledger.show(worker)
        with other.read() as tx:
            assert tx.showing({worker, ELSEWHERE}) == {worker}
        with psycopg.connect(shared, autocommit=True) as connection:
            connection.execute(CUT)
        ledger.show(worker)
        with other.read() as tx:
            assert tx.showing({worker}) == {worker}
        ledger.close()
        asyncio.run(_gone(other, worker))


async def _gone(ledger: Ledger, worker: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with ledger.read() as tx:
                if not tx.showing({worker}):
                    return
            await asyncio.sleep(0.02)


def test_silence_for_a_moment_is_no_death(shared: str, houses: Callable[..., Dealership]) -> None:
    house = houses()
    names = cars(house, 3)
    with house.ledger.transaction() as tx:
        assert len(tx.claim(house.clock.now(), 3, ELSEWHERE, dealership.LEASE)) == 3
    run(house.dispatcher.sweep())
    assert statuses(house, names) == {Status.DISPATCHED: 3}


def test_on_a_file_the_daemon_takes_all_that_daemons_before_it_held_wherever_they_ran(
    houses: Callable[..., Dealership],
) -> None:
    house = houses()
    names = cars(house, 3)
    with house.ledger.transaction() as tx:
        assert len(tx.claim(house.clock.now(), 3, ELSEWHERE, dealership.LEASE)) == 3
    run(house.dispatcher.sweep())
    assert statuses(house, names) == {Status.DISPATCHED: 3}  # without the lock nobody knows
    with house.ledger.daemon_lock():
        run(house.dispatcher.sweep())
    assert statuses(house, names) == {Status.SCHEDULED: 3}
